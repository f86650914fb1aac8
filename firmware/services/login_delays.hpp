// SPDX-License-Identifier: GPL-2.0-or-later
// How long the next attempt to log in has to wait: 1, 2, 4 … 60 s after each failure, for the account and for all
// attempts together. Kept in memory: only the superuser can restart the daemon.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace sekisho::services {

class LoginDelays {
public:
    /// Names that are remembered; of more, the one whose wait is over first is forgotten. The delay for all attempts
    /// together bounds how fast names can be gone through.
    static constexpr std::size_t kMostNames = 64;

    /// Whole seconds until an attempt for this name is due; 0 where it is. `now` is monotonic, in microseconds.
    [[nodiscard]] std::uint64_t wait_seconds(std::string_view name, std::int64_t now) const;

    /// An attempt failed. Tells the wait for the next one.
    std::uint64_t failed(std::string_view name, std::int64_t now);

    /// An attempt succeeded: its name's wait and the common one are over.
    void succeeded(std::string_view name);

    /// Whether this is the first attempt before its time since the last failure: those after it are no news.
    bool is_first_early();

    [[nodiscard]] std::size_t names() const noexcept { return m_names.size(); }

private:
    struct Delay {
        unsigned failures = 0;
        std::int64_t until = 0; ///< monotonic microseconds
    };

    static void lengthen(Delay& delay, std::int64_t now);
    void make_room();

    Delay m_all;
    std::map<std::string, Delay, std::less<>> m_names;
    bool m_told_early = false;
};

} // namespace sekisho::services
