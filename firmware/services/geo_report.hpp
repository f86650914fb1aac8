// SPDX-License-Identifier: GPL-2.0-or-later
// What people see of countries: the database in force, what the lists stand for, and what the rules in force say to an
// address.
#pragma once

#include "firmware/ports/control.hpp"
#include "firmware/services/command_table.hpp"
#include "firmware/services/countries.hpp"
#include "firmware/services/country_import.hpp"
#include "firmware/services/policy_service.hpp"
#include "policy/base/table.hpp"

namespace sekisho::services {

class GeoReport {
public:
    /// References must outlive it.
    GeoReport(Countries& countries, PolicyService& policy, CountryImport& import, Timekeeper& timekeeper)
        : m_countries(countries), m_policy(policy), m_import(import), m_timekeeper(timekeeper) {}

    [[nodiscard]] ports::ControlResponse show(const Invocation& invocation);
    [[nodiscard]] ports::ControlResponse look_up(const Invocation& invocation);

    struct LookUp {
        Facts facts;
        Table services; ///< what each says to a connection from the address on the WAN
    };

    [[nodiscard]] LookUp about(const IpAddress& address);

private:
    Countries& m_countries;
    PolicyService& m_policy;
    CountryImport& m_import;
    Timekeeper& m_timekeeper;
};

} // namespace sekisho::services
