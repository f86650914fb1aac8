// SPDX-License-Identifier: GPL-2.0-or-later
// The tables and JSON documents of `show version`, `show lifecycle` and `show components`.
#pragma once

#include "firmware/services/identity.hpp"
#include "policy/base/table.hpp"
#include "policy/lifecycle/component.hpp"
#include "policy/lifecycle/status.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::services {

/// For programs (times in UTC), or for people (times where the clinic is).
struct ReportForm {
    bool is_json = false;
    int offset_minutes = 0;
};

[[nodiscard]] Facts version_facts(const Identity& identity, std::string_view kernel_release,
                                  const lifecycle::Status& status, const lifecycle::RecordOrCause& record,
                                  ReportForm form);

/// In JSON the object of OpenEoX Core is there as the record gives it, under "core"; null without a record.
[[nodiscard]] std::string lifecycle_report(const lifecycle::Status& status, const lifecycle::RecordOrCause& record,
                                           ReportForm form);

[[nodiscard]] Table component_table(const std::vector<lifecycle::Component>& components);

} // namespace sekisho::services
