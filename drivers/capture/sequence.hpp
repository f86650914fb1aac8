// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

namespace sekisho::drivers {

/// The sequence numbers of one log group's records: from 0 on, one after the other, wrapping at 32 bits.
class Sequence {
public:
    /// How many records are missing before the one with this number. A number from before the one awaited is none that
    /// was missed.
    [[nodiscard]] std::uint64_t missing_before(std::uint32_t number) noexcept {
        const std::uint32_t missed = number - m_awaited;
        if (missed >= 0x8000'0000u) {
            return 0;
        }
        m_awaited = number + 1;
        return missed;
    }

private:
    std::uint32_t m_awaited = 0;
};

} // namespace sekisho::drivers
