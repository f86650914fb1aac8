// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/lifecycle/status.hpp"

#include "policy/lifecycle/sentences.hpp"

#include <algorithm>
#include <array>

namespace sekisho::lifecycle {

namespace {

constexpr std::int64_t kMicrosecondsPerDay = 86'400ll * 1'000'000;

struct Level {
    std::int64_t days;
    Warning warning;
};

/// Nearest first.
constexpr std::array<Level, 4> kLevels{{{30, Warning::within_30_days},
                                        {90, Warning::within_90_days},
                                        {180, Warning::within_180_days},
                                        {365, Warning::within_365_days}}};

Warning warning_at(std::int64_t microseconds_left) noexcept {
    for (const Level& level : kLevels) {
        if (microseconds_left <= level.days * kMicrosecondsPerDay) {
            return level.warning;
        }
    }
    return Warning::none;
}

Status unknown(Reason reason) {
    return {.status = SupportStatus::unknown,
            .reason = reason,
            .warning = Warning::unknown,
            .days_left = {},
            .changes_at = {},
            .why = {}};
}

Status ended(Reason reason) {
    return {.status = SupportStatus::ended,
            .reason = reason,
            .warning = Warning::ended,
            .days_left = 0,
            .changes_at = {},
            .why = {}};
}

/// Security fixes are promised for now; `end` is when they end.
Status promised(SupportStatus status, Reason reason, Time now, Time end) {
    const std::int64_t left = end.microseconds - now.microseconds;
    return {.status = status,
            .reason = reason,
            .warning = warning_at(left),
            .days_left = left / kMicrosecondsPerDay,
            .changes_at = {},
            .why = {}};
}

/// Why the record does not speak of this image; nothing where it does.
std::optional<Reason> refuse(const SupportRecord& record, const Product& product) {
    if (is_blank(record.promised_by)) {
        return Reason::nobody_promises;
    }
    if (!check(record)) {
        return Reason::record_unusable;
    }
    if (record.product != product.name) {
        return Reason::other_product;
    }
    if (!is_of_line(product.version, record.version)) {
        return Reason::other_version;
    }
    return std::nullopt;
}

std::optional<Time> time_of(const std::optional<Moment>& moment) {
    return moment ? moment->time : std::nullopt;
}

/// The record is usable and speaks of this image, and the clock can be relied on.
Status judge_dates(const SupportRecord& record, Time now) {
    const Core& core = record.core;
    const std::optional<Time> available = time_of(core.general_availability);
    if (now < *core.last_updated.time) {
        return unknown(Reason::before_last_update);
    }
    if (available && now < *available) {
        return unknown(Reason::not_available_yet);
    }
    const std::optional<Time>& security_end = core.end_of_security_support.time;
    const std::optional<Time>& life_end = core.end_of_life.time;
    // What has passed has passed, whatever else is still to be announced.
    if (security_end && now >= *security_end) {
        return ended(Reason::security_support_ended);
    }
    if (life_end && now >= *life_end) {
        return ended(Reason::life_ended);
    }
    if (core.general_availability && !available) {
        return unknown(Reason::availability_not_stated);
    }
    if (!security_end) {
        return unknown(Reason::security_end_not_stated);
    }
    if (!life_end) {
        return unknown(Reason::life_end_not_stated);
    }
    const std::optional<Time> full_end = time_of(record.end_of_full_support);
    if (full_end && now >= *full_end) {
        return promised(SupportStatus::security_only, Reason::security_fixes_only, now, *security_end);
    }
    return promised(SupportStatus::supported, Reason::full_support, now, *security_end);
}

/// The first of the record's dates at which the status is another one.
std::optional<Time> next_change(const SupportRecord& record, Time now, SupportStatus status) {
    const Core& core = record.core;
    std::optional<Time> next;
    for (const auto& date :
         {core.last_updated.time, time_of(core.general_availability), time_of(record.end_of_full_support),
          core.end_of_security_support.time, core.end_of_life.time}) {
        if (date && *date > now && (!next || *date < *next) && judge_dates(record, *date).status != status) {
            next = date;
        }
    }
    return next;
}

Status judge_without_sentence(const RecordOrCause& record, const Product& product, const Circumstances& circumstances) {
    if (!record) {
        return unknown(Reason::record_unusable);
    }
    if (!*record) {
        return unknown(Reason::no_record);
    }
    if (const auto reason = refuse(**record, product)) {
        return unknown(*reason);
    }
    if (!circumstances.clock.synchronised) {
        return unknown(Reason::clock_unsynchronised);
    }
    if (circumstances.clock_is_behind) {
        return unknown(Reason::clock_behind);
    }
    Status status = judge_dates(**record, circumstances.clock.now);
    status.changes_at = next_change(**record, circumstances.clock.now, status.status);
    return status;
}

} // namespace

std::string_view name_of(SupportStatus status) noexcept {
    static constexpr std::array<std::string_view, 4> kNames{"supported", "security-only", "ended", "unknown"};
    static_assert(static_cast<std::size_t>(SupportStatus::unknown) + 1 == kNames.size());
    return kNames[static_cast<std::size_t>(status)];
}

std::string_view name_of(Warning warning) noexcept {
    static constexpr std::array<std::string_view, 7> kNames{
        "none", "within-365-days", "within-180-days", "within-90-days", "within-30-days", "ended", "unknown"};
    static_assert(static_cast<std::size_t>(Warning::unknown) + 1 == kNames.size());
    return kNames[static_cast<std::size_t>(warning)];
}

std::string_view name_of(Reason reason) noexcept {
    static constexpr std::array<std::string_view, 16> kNames{"full-support",
                                                             "security-fixes-only",
                                                             "security-support-ended",
                                                             "life-ended",
                                                             "no-record",
                                                             "record-unusable",
                                                             "nobody-promises",
                                                             "other-product",
                                                             "other-version",
                                                             "clock-unsynchronised",
                                                             "clock-behind",
                                                             "before-last-update",
                                                             "not-available-yet",
                                                             "availability-not-stated",
                                                             "security-end-not-stated",
                                                             "life-end-not-stated"};
    static_assert(static_cast<std::size_t>(Reason::life_end_not_stated) + 1 == kNames.size());
    return kNames[static_cast<std::size_t>(reason)];
}

int exit_status_of(SupportStatus status) noexcept {
    switch (status) {
    case SupportStatus::supported:
        return 0;
    case SupportStatus::security_only:
        return 3;
    case SupportStatus::ended:
        return 4;
    case SupportStatus::unknown:
        break;
    }
    return 5;
}

Status judge(const RecordOrCause& record, const Product& product, const Circumstances& circumstances) {
    Status status = judge_without_sentence(record, product, circumstances);
    status.why = why(status, record, product, circumstances.offset_minutes);
    return status;
}

} // namespace sekisho::lifecycle
