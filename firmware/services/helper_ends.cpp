// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/helper_ends.hpp"

#include "policy/base/text.hpp"

namespace sekisho::services {

using events::Event;
using events::Field;

namespace {

constexpr std::int64_t kQuietMicroseconds = 3'600'000'000;

} // namespace

void HelperEnds::on_end(std::string_view name, std::string_view how) {
    const std::int64_t now = m_clock.monotonic_microseconds();
    const auto [entry, is_first] = m_ends.try_emplace(std::string(name));
    Ends& ends = entry->second;
    ++ends.untold;
    if (!is_first && now - ends.told_at < kQuietMicroseconds) {
        return;
    }
    Event event;
    event.set(Field::event_kind, "alert");
    event.set(Field::event_category, "host");
    event.set(Field::event_action, "helper-ended");
    event.set(Field::event_outcome, "failure");
    event.set_number(Field::event_count, static_cast<std::int64_t>(ends.untold));
    event.set(Field::message, ends.untold == 1
                                  ? text::concat(name, " ", how)
                                  : text::concat(name, " ", how, "; that was the last of ", text::to_text(ends.untold),
                                                 " times that it ended since this was told"));
    ends = {now, 0};
    m_log.record(std::move(event));
}

} // namespace sekisho::services
