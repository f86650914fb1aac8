// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/lifecycle/support_record.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace sekisho::lifecycle {

namespace {

constexpr std::size_t kDateLength = 10; // "2033-03-31"
constexpr Time kEarliest{std::numeric_limits<std::int64_t>::min()};
constexpr Time kLatest{std::numeric_limits<std::int64_t>::max()};

Error member_error(std::string_view member, std::string cause) {
    return Error(Domain::lifecycle, std::string(member), std::move(cause));
}

bool is_white(char32_t code) noexcept {
    return code <= 0x20 || code == 0x85 || code == 0xa0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200f) ||
           code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x2060 || code == 0x3000 ||
           code == 0xfeff;
}

bool is_number(std::string_view part) noexcept {
    return text::parse_unsigned(part).has_value() && (part.size() == 1 || part.front() != '0');
}

/// The dates of a record with their names; what is absent or "tba" is left out.
std::vector<std::pair<std::string_view, Time>> dates_of(const SupportRecord& record) {
    std::vector<std::pair<std::string_view, Time>> dates;
    const auto add = [&dates](std::string_view name, const std::optional<Moment>& moment) {
        if (moment && moment->time) {
            dates.emplace_back(name, *moment->time);
        }
    };
    add("core.general_availability", record.core.general_availability);
    add("core.end_of_sales", record.core.end_of_sales);
    add("end_of_full_support", record.end_of_full_support);
    add("core.end_of_security_support", record.core.end_of_security_support);
    add("core.end_of_life", record.core.end_of_life);
    return dates;
}

Result<void> check_dates(const SupportRecord& record) {
    const Core& core = record.core;
    const Time first = core.general_availability ? core.general_availability->time.value_or(kEarliest) : kEarliest;
    const Time last = core.end_of_life.time.value_or(kLatest);
    for (const auto& [name, time] : dates_of(record)) {
        if (time > last) {
            return std::unexpected(member_error(name, "is later than core.end_of_life"));
        }
        if (time < first) {
            return std::unexpected(member_error(name, "is earlier than core.general_availability"));
        }
    }
    const std::optional<Time>& fixes = core.end_of_security_support.time;
    if (record.end_of_full_support && fixes && record.end_of_full_support->time > fixes) {
        return std::unexpected(member_error("end_of_full_support", "is later than core.end_of_security_support"));
    }
    return {};
}

} // namespace

Result<Moment> Moment::parse(std::string_view text) {
    if (text == "tba") {
        return Moment{std::string(text), std::nullopt};
    }
    const auto time = parse_rfc3339(text);
    if (!time) {
        return std::unexpected(member_error("", text::concat(time.error().place(), " ", time.error().cause())));
    }
    if (text[kDateLength] != 'T' || text.ends_with('z')) {
        return std::unexpected(member_error("", text::concat("'", text, "' needs a capital T and Z")));
    }
    return Moment{std::string(text), *time};
}

bool is_blank(std::string_view text) noexcept {
    while (!text.empty()) {
        const text::Character character = text::first_character(text);
        if (!is_white(character.code)) {
            return false;
        }
        text.remove_prefix(character.length);
    }
    return true;
}

bool is_version_line(std::string_view line) noexcept {
    const auto parts = text::split(line, '.');
    return (parts.size() == 2 || parts.size() == 3) && std::ranges::all_of(parts, is_number);
}

bool is_of_line(std::string_view version, std::string_view line) noexcept {
    if (!is_version_line(line) || !is_version_line(version) || std::ranges::count(version, '.') != 2) {
        return false;
    }
    return version == line || (version.starts_with(line) && version[line.size()] == '.');
}

Result<void> check(const SupportRecord& record) {
    const std::array<std::pair<std::string_view, std::string_view>, 3> texts{
        {{"promised_by", record.promised_by}, {"source", record.source}, {"product", record.product}}};
    for (const auto& [name, value] : texts) {
        if (is_blank(value)) {
            return std::unexpected(member_error(name, "is blank"));
        }
    }
    if (!is_version_line(record.version)) {
        return std::unexpected(
            member_error("version", text::concat("'", text::escape_for_terminal(record.version.substr(0, 40)),
                                                 "' is no version like 1.2 or 1.2.3")));
    }
    if (record.end_of_full_support && !record.end_of_full_support->time) {
        return std::unexpected(member_error("end_of_full_support", "is a date or left out, never tba"));
    }
    if (!record.core.last_updated.time) {
        return std::unexpected(member_error("core.last_updated", "is a date, never tba"));
    }
    if (std::ranges::find(kCoreSchemas, record.core.schema) == kCoreSchemas.end()) {
        return std::unexpected(
            member_error("core.$schema", text::concat("is not ", kCoreSchemas.front(), ", nor its later address")));
    }
    return check_dates(record);
}

} // namespace sekisho::lifecycle
