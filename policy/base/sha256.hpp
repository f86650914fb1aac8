// SPDX-License-Identifier: GPL-2.0-or-later
// SHA-256 (FIPS 180-4): names sets by their content and gives configurations a digest. Here, and not from a library,
// because policy/ has no vendor headers.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sekisho {

class Sha256 {
public:
    void update(std::span<const std::uint8_t> bytes) noexcept;
    void update(std::string_view text) noexcept;
    /// The digest of everything so far; the object is used up.
    [[nodiscard]] std::array<std::uint8_t, 32> finish() noexcept;

private:
    void block(std::span<const std::uint8_t> bytes) noexcept; ///< 64 bytes

    std::array<std::uint32_t, 8> m_state{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<std::uint8_t, 64> m_pending{};
    std::uint64_t m_length = 0;
};

/// 64 lower-case hexadecimal digits.
[[nodiscard]] std::string sha256_hex(std::string_view text);

} // namespace sekisho
