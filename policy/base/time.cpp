// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/time.hpp"

#include "policy/base/text.hpp"

#include <optional>

namespace sekisho {

namespace {

constexpr std::int64_t kMicrosecondsPerSecond = 1'000'000;
constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr std::int64_t kDaysPer400Years = 146'097;
constexpr int kFirstYear = 1970;

[[nodiscard]] constexpr std::int64_t floor_divide(std::int64_t value, std::int64_t by) noexcept {
    return value / by - (value % by < 0 ? 1 : 0);
}

[[nodiscard]] constexpr bool is_leap(int year) noexcept {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

[[nodiscard]] constexpr int days_in_month(int year, int month) noexcept {
    if (month == 2) {
        return is_leap(year) ? 29 : 28;
    }
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/// Days before the month in a year that begins on 1 March, so that the leap day is its last; month 0 is March. Five
/// months have 153 days.
[[nodiscard]] constexpr std::int64_t days_before_month(std::int64_t march_month) noexcept {
    return (153 * march_month + 2) / 5;
}

/// Days from 0000-03-01 to 1970-01-01 in the proleptic Gregorian calendar.
constexpr std::int64_t kDaysBeforeEpoch = 719'468;

[[nodiscard]] constexpr std::int64_t days_since_epoch(int year, int month, int day) noexcept {
    const std::int64_t march_year = month > 2 ? year : year - 1;
    const std::int64_t march_month = month > 2 ? month - 3 : month + 9;
    const std::int64_t leap_days =
        floor_divide(march_year, 4) - floor_divide(march_year, 100) + floor_divide(march_year, 400);
    return march_year * 365 + leap_days + days_before_month(march_month) + day - 1 - kDaysBeforeEpoch;
}

struct Civil {
    std::int64_t year;
    int month;
    int day;
};

[[nodiscard]] constexpr Civil civil_from_days(std::int64_t days) noexcept {
    days += kDaysBeforeEpoch;
    const std::int64_t cycle = floor_divide(days, kDaysPer400Years);
    const std::int64_t day_of_cycle = days - cycle * kDaysPer400Years;
    // take the leap days that have passed out of the count; each of the last terms is one day at the end of its period
    const std::int64_t year_of_cycle =
        (day_of_cycle - day_of_cycle / 1'460 + day_of_cycle / 36'524 - day_of_cycle / 146'096) / 365;
    const std::int64_t day_of_year = day_of_cycle - (year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100);
    const std::int64_t march_month = (5 * day_of_year + 2) / 153;
    const int day = static_cast<int>(day_of_year - days_before_month(march_month)) + 1;
    const int month = static_cast<int>(march_month < 10 ? march_month + 3 : march_month - 9);
    return {cycle * 400 + year_of_cycle + (month <= 2 ? 1 : 0), month, day};
}

static_assert(days_since_epoch(1970, 1, 1) == 0);
static_assert(days_since_epoch(2000, 2, 29) == 11'016);
static_assert(civil_from_days(11'016).month == 2 && civil_from_days(11'016).day == 29);

[[nodiscard]] std::string padded(std::int64_t value, std::size_t digits) {
    const std::string text = text::to_text(static_cast<std::uint64_t>(value));
    return text.size() < digits ? std::string(digits - text.size(), '0') + text : text;
}

[[nodiscard]] std::string date_text(std::int64_t year, int month, int day) {
    return text::concat(year < 0 ? "-" : "", padded(year < 0 ? -year : year, 4), "-", padded(month, 2), "-",
                        padded(day, 2));
}

/// The microseconds that are behind Time::seconds().
[[nodiscard]] std::int64_t microseconds_of_second(Time time) noexcept {
    const std::int64_t rest = time.microseconds % kMicrosecondsPerSecond;
    return rest < 0 ? rest + kMicrosecondsPerSecond : rest;
}

/// Date and time of day without a zone.
[[nodiscard]] std::string local_text(std::int64_t seconds, std::int64_t microseconds) {
    const std::int64_t days = floor_divide(seconds, kSecondsPerDay);
    const std::int64_t second_of_day = seconds - days * kSecondsPerDay;
    const Civil civil = civil_from_days(days);
    return text::concat(date_text(civil.year, civil.month, civil.day), "T", padded(second_of_day / 3600, 2), ":",
                        padded(second_of_day / 60 % 60, 2), ":", padded(second_of_day % 60, 2), ".",
                        padded(microseconds, 6));
}

/// Takes fields of fixed width from the front of a text; once one is missing, nothing more is taken.
class FieldReader {
public:
    explicit FieldReader(std::string_view text) : m_rest(text) {}

    [[nodiscard]] int number(std::size_t digits) noexcept {
        const std::optional<std::uint64_t> value =
            m_rest.size() < digits ? std::nullopt : text::parse_unsigned(m_rest.substr(0, digits));
        if (!value) {
            m_good = false;
        }
        if (!m_good) {
            return 0;
        }
        m_rest.remove_prefix(digits);
        return static_cast<int>(*value);
    }

    /// One of `choices`; which one.
    char letter(std::string_view choices) noexcept {
        if (!m_good || m_rest.empty() || choices.find(m_rest.front()) == std::string_view::npos) {
            m_good = false;
            return '\0';
        }
        const char found = m_rest.front();
        m_rest.remove_prefix(1);
        return found;
    }

    /// ".digits", if it is there, in microseconds; finer digits are cut off.
    [[nodiscard]] std::int64_t fraction() noexcept {
        if (!m_good || !m_rest.starts_with('.')) {
            return 0;
        }
        m_rest.remove_prefix(1);
        std::int64_t value = 0;
        std::int64_t unit = kMicrosecondsPerSecond / 10;
        std::size_t digits = 0;
        while (digits < m_rest.size() && m_rest[digits] >= '0' && m_rest[digits] <= '9') {
            value += unit * (m_rest[digits] - '0');
            unit /= 10;
            ++digits;
        }
        m_rest.remove_prefix(digits);
        m_good = digits > 0;
        return value;
    }

    [[nodiscard]] bool at_end() const noexcept { return m_good && m_rest.empty(); }

private:
    std::string_view m_rest;
    bool m_good = true;
};

[[nodiscard]] bool is_date(const Date& date) noexcept {
    return date.year >= kFirstYear && date.month >= 1 && date.month <= 12 && date.day >= 1 &&
           date.day <= days_in_month(date.year, date.month);
}

[[nodiscard]] Date read_date(FieldReader& reader) noexcept {
    Date date;
    date.year = reader.number(4);
    reader.letter("-");
    date.month = reader.number(2);
    reader.letter("-");
    date.day = reader.number(2);
    return date;
}

[[nodiscard]] std::unexpected<Error> refuse(std::string_view text, std::string_view cause) {
    return std::unexpected(
        Error(Domain::time, text::concat("'", text::escape_for_terminal(text.substr(0, 40)), "'"), std::string(cause)));
}

} // namespace

std::string rfc3339_utc(Time time) {
    return local_text(time.seconds(), microseconds_of_second(time)) + "Z";
}

std::string rfc3339_offset(Time time, int offset_minutes) {
    const int size = offset_minutes < 0 ? -offset_minutes : offset_minutes;
    return text::concat(local_text(time.seconds() + offset_minutes * 60, microseconds_of_second(time)),
                        offset_minutes < 0 ? "-" : "+", padded(size / 60, 2), ":", padded(size % 60, 2));
}

Result<Time> parse_rfc3339(std::string_view text) {
    FieldReader reader(text);
    const Date date = read_date(reader);
    reader.letter("Tt");
    const int hour = reader.number(2);
    reader.letter(":");
    const int minute = reader.number(2);
    reader.letter(":");
    const int second = reader.number(2);
    const std::int64_t fraction = reader.fraction();
    int offset = 0;
    const char zone = reader.letter("Zz+-");
    bool zone_good = true;
    if (zone == '+' || zone == '-') {
        const int offset_hour = reader.number(2);
        reader.letter(":");
        const int offset_minute = reader.number(2);
        zone_good = offset_hour < 24 && offset_minute < 60;
        offset = (zone == '-' ? -1 : 1) * (offset_hour * 60 + offset_minute);
    }
    if (!reader.at_end()) {
        return refuse(text, "is not a time like 2027-03-31T09:00:00+09:00");
    }
    if (!is_date(date) || hour > 23 || minute > 59 || second > 59 || !zone_good) {
        return refuse(text, "names a day or time that does not exist");
    }
    const std::int64_t local =
        days_since_epoch(date.year, date.month, date.day) * kSecondsPerDay + hour * 3600 + minute * 60 + second;
    return Time{(local - offset * 60) * kMicrosecondsPerSecond + fraction};
}

Result<Date> Date::parse(std::string_view text) {
    FieldReader reader(text);
    const Date date = read_date(reader);
    if (!reader.at_end()) {
        return refuse(text, "is not a date like 2027-03-31");
    }
    if (!is_date(date)) {
        return refuse(text, "is not a day of the calendar between 1970 and 9999");
    }
    return date;
}

std::string Date::text() const {
    return date_text(year, month, day);
}

Time Date::begin(int offset_minutes) const noexcept {
    return Time::from_seconds(days_since_epoch(year, month, day) * kSecondsPerDay - offset_minutes * 60);
}

Time Date::end(int offset_minutes) const noexcept {
    return Time::from_seconds(begin(offset_minutes).seconds() + kSecondsPerDay);
}

} // namespace sekisho
