// SPDX-License-Identifier: GPL-2.0-or-later
// What the configuration says of one address: names of lists for people, joined by commas, each with a word where the
// reason is not the plain one.
#pragma once

#include "policy/base/address.hpp"
#include "policy/base/country.hpp"
#include "policy/base/time.hpp"
#include "policy/model/model.hpp"

#include <optional>
#include <string>

namespace sekisho::services {

[[nodiscard]] std::string address_lists_of(const model::Model& model, const IpAddress& address,
                                           const ClockReading& clock);
[[nodiscard]] std::string geo_lists_of(const model::Model& model, const IpAddress& address,
                                       const std::optional<CountryCode>& country, const ClockReading& clock);

} // namespace sekisho::services
