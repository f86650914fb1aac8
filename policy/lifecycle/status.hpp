// SPDX-License-Identifier: GPL-2.0-or-later
// What may be said of the support of an image, at a moment and with a clock that are handed in. Whatever can't be shown
// is `unknown`; nothing is supported by default.
#pragma once

#include "policy/lifecycle/support_record.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::lifecycle {

enum class SupportStatus : std::uint8_t {
    supported,     ///< full support is promised, and the clock shows that it has not ended
    security_only, ///< full support has ended, security fixes are promised
    ended,         ///< no security fixes are promised any more
    unknown,
};

/// How near the end is: from these many times 24 hours before the end of security support on.
enum class Warning : std::uint8_t {
    none,
    within_365_days,
    within_180_days,
    within_90_days,
    within_30_days,
    ended,
    unknown,
};

/// Why a status is what it is; the code is for programs and the log.
enum class Reason : std::uint8_t {
    full_support,
    security_fixes_only,
    security_support_ended,
    life_ended, ///< the end of security support is "tba", the end of life has passed
    no_record,
    record_unusable, ///< unreadable, or at odds with itself
    nobody_promises,
    other_product,
    other_version,
    clock_unsynchronised,
    clock_behind,            ///< behind a time that was recorded before
    before_last_update,      ///< of the record: the clock or the record is wrong
    not_available_yet,       ///< general availability lies ahead
    availability_not_stated, ///< "tba"
    security_end_not_stated, ///< "tba"
    life_end_not_stated,     ///< "tba"
};

[[nodiscard]] std::string_view name_of(SupportStatus status) noexcept; ///< "security-only"
[[nodiscard]] std::string_view name_of(Warning warning) noexcept;      ///< "within-90-days"
[[nodiscard]] std::string_view name_of(Reason reason) noexcept;        ///< "no-record"

/// 0 supported, 3 security-only, 4 ended, 5 unknown: 1 and 2 say that a command failed.
[[nodiscard]] int exit_status_of(SupportStatus status) noexcept;

/// The same sentence twice.
struct Sentence {
    std::string english;
    std::string japanese;
    friend bool operator==(const Sentence&, const Sentence&) = default;
};

/// The record; nothing where the image has none; an error where it has one that can't be used.
using RecordOrCause = Result<std::optional<SupportRecord>>;

/// What the image says that it is.
struct Product {
    std::string name;
    std::string version; ///< X.Y.Z
};

struct Circumstances {
    ClockReading clock;
    bool clock_is_behind = false; ///< behind the recorded time: nobody vouches for the reading
    int offset_minutes = 0;       ///< east of UTC, for the dates in sentences
};

struct Status {
    SupportStatus status = SupportStatus::unknown;
    Reason reason = Reason::no_record;
    Warning warning = Warning::unknown;
    /// Whole days until security support ends; 0 where it has ended, nothing where the status is unknown.
    std::optional<std::int64_t> days_left;
    /// When the status will be another one if the clock goes on; nothing where time alone changes nothing.
    std::optional<Time> changes_at;
    Sentence why;
};

[[nodiscard]] Status judge(const RecordOrCause& record, const Product& product, const Circumstances& circumstances);

} // namespace sekisho::lifecycle
