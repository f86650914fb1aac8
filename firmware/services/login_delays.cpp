// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/login_delays.hpp"

#include <algorithm>
#include <utility>

namespace sekisho::services {

namespace {
constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kLongestSeconds = 60;
constexpr unsigned kMostDoublings = 6; ///< 2^6 s is more than the longest wait
} // namespace

std::uint64_t LoginDelays::wait_seconds(std::string_view name, std::int64_t now) const {
    std::int64_t until = m_all.until;
    if (const auto found = m_names.find(name); found != m_names.end()) {
        until = std::max(until, found->second.until);
    }
    return until > now ? static_cast<std::uint64_t>((until - now + kSecond - 1) / kSecond) : 0;
}

void LoginDelays::lengthen(Delay& delay, std::int64_t now) {
    const std::int64_t seconds = std::min(std::int64_t{1} << std::min(delay.failures, kMostDoublings), kLongestSeconds);
    ++delay.failures;
    delay.until = now + seconds * kSecond;
}

std::uint64_t LoginDelays::failed(std::string_view name, std::int64_t now) {
    m_told_early = false;
    lengthen(m_all, now);
    if (!m_names.contains(name)) {
        make_room();
    }
    lengthen(m_names[std::string(name)], now);
    return wait_seconds(name, now);
}

void LoginDelays::succeeded(std::string_view name) {
    m_told_early = false;
    m_all = {};
    if (const auto found = m_names.find(name); found != m_names.end()) {
        m_names.erase(found);
    }
}

void LoginDelays::make_room() {
    if (m_names.size() < kMostNames) {
        return;
    }
    m_names.erase(std::ranges::min_element(m_names, {}, [](const auto& entry) { return entry.second.until; }));
}

bool LoginDelays::is_first_early() {
    return !std::exchange(m_told_early, true);
}

} // namespace sekisho::services
