// SPDX-License-Identifier: GPL-2.0-or-later
// Time inside the product: UTC, whole microseconds since 1970-01-01 (no leap seconds, as POSIX).
#pragma once

#include "policy/base/error.hpp"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace sekisho {

struct Time {
    std::int64_t microseconds = 0;

    [[nodiscard]] static constexpr Time from_seconds(std::int64_t seconds) noexcept { return {seconds * 1'000'000}; }

    [[nodiscard]] constexpr std::int64_t seconds() const noexcept {
        return microseconds / 1'000'000 - (microseconds % 1'000'000 < 0 ? 1 : 0);
    }

    friend constexpr auto operator<=>(Time, Time) = default;
};

/// RFC 3339 in UTC with microseconds: "2026-11-23T04:05:06.000007Z".
[[nodiscard]] std::string rfc3339_utc(Time time);
/// RFC 3339 shown with an offset: "2026-11-23T13:05:06.000007+09:00".
[[nodiscard]] std::string rfc3339_offset(Time time, int offset_minutes);
/// RFC 3339 date-time with 'Z' or an offset; years 1970 to 9999.
[[nodiscard]] Result<Time> parse_rfc3339(std::string_view text);

/// A calendar day "2027-03-31"; checks month lengths and leap years; years 1970 to 9999.
struct Date {
    int year = 1970;
    int month = 1;
    int day = 1;
    static Result<Date> parse(std::string_view text);
    [[nodiscard]] std::string text() const;
    /// 00:00 of this day, `offset_minutes` east of UTC.
    [[nodiscard]] Time begin(int offset_minutes) const noexcept;
    /// 00:00 of the following day: the first moment at which something valid "until this day" has expired.
    [[nodiscard]] Time end(int offset_minutes) const noexcept;
    friend auto operator<=>(const Date&, const Date&) = default;
};

/// What the product knows of the time. `now` never runs behind the image's build time or the last recorded time (the
/// keeper of the clock sees to that). With `synchronised` false, whatever could have expired counts as expired.
struct ClockReading {
    Time now;
    bool synchronised = false;

    [[nodiscard]] bool has_passed(Time moment) const noexcept { return !synchronised || now >= moment; }
};

} // namespace sekisho
