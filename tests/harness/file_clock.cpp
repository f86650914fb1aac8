// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/harness/file_clock.hpp"

#include "policy/base/text.hpp"

#include <ctime>
#include <fstream>
#include <utility>

namespace sekisho::harness {

FileClock::FileClock(std::string path, ports::EventLoop& loop)
    : m_path(std::move(path)), m_timer(loop.make_timer([this] {
          refresh();
          if (std::exchange(m_has_stepped, false) && m_on_step) {
              m_on_step();
          }
      })) {
    refresh();
    m_has_stepped = false; // it is where it begins
}

void FileClock::refresh() {
    std::ifstream file(m_path);
    std::string contents;
    std::getline(file, contents);
    if (contents == m_contents) {
        return;
    }
    const auto words = text::split(contents, ' ');
    const auto microseconds = text::parse_unsigned(words.front());
    if (words.size() != 2 || !microseconds) {
        return;
    }
    m_contents = contents;
    m_wall.microseconds = static_cast<std::int64_t>(*microseconds);
    m_synchronised = words[1] == "synchronised";
    m_read_at = monotonic_microseconds();
    m_has_stepped = true;
}

Time FileClock::now() {
    refresh();
    return {m_wall.microseconds + monotonic_microseconds() - m_read_at};
}

bool FileClock::synchronised() {
    refresh();
    return m_synchronised;
}

std::int64_t FileClock::monotonic_microseconds() {
    timespec time{};
    clock_gettime(CLOCK_BOOTTIME, &time);
    return time.tv_sec * 1'000'000 + time.tv_nsec / 1'000;
}

Result<void> FileClock::watch_steps(std::function<void()> on_step) {
    m_on_step = std::move(on_step);
    m_timer->start_repeating(50);
    return {};
}

} // namespace sekisho::harness
