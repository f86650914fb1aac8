// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/base64.hpp"

#include <array>
#include <cstdint>

namespace sekisho::base64 {

namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoDigit = 0xff;

constexpr std::array<std::uint8_t, 256> make_values() {
    std::array<std::uint8_t, 256> values{};
    values.fill(kNoDigit);
    for (std::size_t index = 0; index < kAlphabet.size(); ++index) {
        values[static_cast<std::uint8_t>(kAlphabet[index])] = static_cast<std::uint8_t>(index);
    }
    return values;
}

constexpr std::array<std::uint8_t, 256> kValues = make_values();

} // namespace

std::optional<std::string> decode(std::string_view text) {
    if (text.size() % 4 != 0) {
        return std::nullopt;
    }
    for (std::size_t padding = 0; padding < 2 && text.ends_with('='); ++padding) {
        text.remove_suffix(1);
    }
    std::string bytes;
    bytes.reserve(text.size() * 3 / 4);
    std::uint32_t pending = 0; // bits that make no byte yet
    unsigned bits = 0;
    for (const char digit : text) {
        const std::uint8_t value = kValues[static_cast<std::uint8_t>(digit)];
        if (value == kNoDigit) {
            return std::nullopt;
        }
        pending = (pending << 6 | value) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes += static_cast<char>(pending >> bits & 0xff);
        }
    }
    if ((pending & ((1u << bits) - 1)) != 0) {
        return std::nullopt;
    }
    return bytes;
}

std::string encode(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        std::uint32_t group = 0;
        const std::size_t count = bytes.size() - at < 3 ? bytes.size() - at : 3;
        for (std::size_t index = 0; index < 3; ++index) {
            group = group << 8 | (index < count ? static_cast<std::uint8_t>(bytes[at + index]) : 0u);
        }
        for (std::size_t index = 0; index < 4; ++index) {
            text += index <= count ? kAlphabet[group >> (18 - 6 * index) & 0x3f] : '=';
        }
    }
    return text;
}

} // namespace sekisho::base64
