// SPDX-License-Identifier: GPL-2.0-or-later
// Who promises support for an image, and until when. The dates are OpenEoX Core 1.0 (OASIS, committee specification
// draft 01 of 2026) with names as there; what Core leaves to others (for whom the dates hold, who stands for them, and
// since when there are security fixes only) stands beside it. The file's form is described in REFERENCE.md.
#pragma once

#include "policy/base/error.hpp"
#include "policy/base/time.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::lifecycle {

/// What a record may give as `$schema`: the form has kept its members since it moved.
inline constexpr std::array<std::string_view, 2> kCoreSchemas{
    "https://docs.oasis-open.org/openeox/v1.0/schema/core.json",
    "https://docs.oasis-open.org/openeox/eox-core/v1.0/schema/core.json"};

/// A moment as a record gives it.
struct Moment {
    std::string text;         ///< as given
    std::optional<Time> time; ///< nothing: "tba", to be announced

    /// RFC 3339 with a zone, capital T and Z, no leap second; or "tba". The error has no place: the caller knows the
    /// member.
    static Result<Moment> parse(std::string_view text);

    friend bool operator==(const Moment&, const Moment&) = default;
};

/// OpenEoX Core 1.0: one object, nothing else in it.
struct Core {
    std::string schema; ///< "$schema"
    std::optional<Moment> general_availability;
    std::optional<Moment> end_of_sales;
    Moment end_of_security_support;
    Moment end_of_life;
    Moment last_updated; ///< never "tba"
    friend bool operator==(const Core&, const Core&) = default;
};

struct SupportRecord {
    std::string promised_by;                   ///< who stands for it
    std::string source;                        ///< where the promise can be read: URL or document
    std::string product;                       ///< name that it holds for
    std::string version;                       ///< line that it holds for: "X.Y" or "X.Y.Z"
    std::optional<Moment> end_of_full_support; ///< from here on security fixes only; never "tba"
    Core core;
    friend bool operator==(const SupportRecord&, const SupportRecord&) = default;
};

/// Nothing that a person could read: empty, or white space of any script.
[[nodiscard]] bool is_blank(std::string_view text) noexcept;

/// "X.Y" or "X.Y.Z", decimal without leading zeros.
[[nodiscard]] bool is_version_line(std::string_view line) noexcept;

/// Whether the version X.Y.Z belongs to the line: "0.1" holds for 0.1.0 and 0.1.12, not for 0.10.0; "0.1.2" for itself.
[[nodiscard]] bool is_of_line(std::string_view version, std::string_view line) noexcept;

/// What a record must hold beyond the form of its members: somebody promises it, the source, product and line are
/// named, no date is later than the end of life, none is before the general availability, and full support ends no
/// later than the security fixes. Dates that are "tba" are left out of the comparisons (OpenEoX Core, mandatory tests
/// 7.1.1 and 7.1.3). The error's place is the member, as "core.end_of_life".
[[nodiscard]] Result<void> check(const SupportRecord& record);

} // namespace sekisho::lifecycle
