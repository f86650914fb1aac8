// SPDX-License-Identifier: GPL-2.0-or-later
// Any file is refused with an error that is safe to show, or holds a promise that somebody stands for; and whatever it
// holds, the router is called supported only between its dates, with a good clock.
#include "drivers/json/support_record.hpp"
#include "policy/lifecycle/sentences.hpp"
#include "tests/fuzz/require.hpp"

using namespace sekisho;
using fuzz::require;
using lifecycle::SupportStatus;

namespace {

constexpr std::int64_t kFirst = 1'767'225'600; // 2026-01-01
constexpr std::int64_t kStep = 230 * 86'400;

void check_status(const lifecycle::RecordOrCause& record, const lifecycle::Product& product, ClockReading clock) {
    const auto status =
        lifecycle::judge(record, product, {.clock = clock, .clock_is_behind = false, .offset_minutes = 540});
    const std::string greeting = lifecycle::greeting(status, record, product, 540);
    require(fuzz::is_plain(greeting) && fuzz::is_plain(status.why.english) && fuzz::is_plain(status.why.japanese),
            "sentences are safe to show");
    require(!status.why.english.empty() && !status.why.japanese.empty(), "there is a reason");
    require(!clock.synchronised || !status.changes_at || *status.changes_at > clock.now, "changes lie ahead");
    if (!record || !*record || !clock.synchronised) {
        require(status.status == SupportStatus::unknown, "without a record or a clock nothing is known");
        return;
    }
    const lifecycle::SupportRecord& found = **record;
    const bool promised = status.status == SupportStatus::supported || status.status == SupportStatus::security_only;
    if (promised) {
        require(found.core.end_of_security_support.time && clock.now < *found.core.end_of_security_support.time,
                "fixes are promised");
        require(found.core.end_of_life.time && clock.now < *found.core.end_of_life.time, "life goes on");
        require(clock.now >= *found.core.last_updated.time, "the clock is not before the record");
        require(status.days_left && *status.days_left >= 0, "days are left");
    }
    if (status.status == SupportStatus::supported) {
        require(!found.end_of_full_support || clock.now < *found.end_of_full_support->time, "full support goes on");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto read = drivers::read_support_record(fuzz::text_of(data, size));
    lifecycle::RecordOrCause record = std::nullopt;
    lifecycle::Product product{"Sekisho", "0.1.2"};
    if (read) {
        require(!lifecycle::is_blank(read->promised_by) && lifecycle::check(*read).has_value(), "somebody promises");
        product = {read->product, read->version};
        if (lifecycle::is_of_line(read->version + ".7", read->version)) {
            product.version += ".7";
        }
        record = *read;
    } else {
        require(fuzz::is_plain(read.error().message()), "an error is safe to show");
        record = std::unexpected(read.error());
    }
    for (int step = 0; step < 14; ++step) {
        check_status(record, product, {Time::from_seconds(kFirst + step * kStep), true});
    }
    check_status(record, product, {Time::from_seconds(kFirst), false});
    return 0;
}
