// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/accounts/ssh_key.hpp"

#include "policy/base/sha256.hpp"
#include "policy/base/text.hpp"

#include <array>
#include <span>

namespace sekisho::accounts {

namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"; // RFC 4648

std::optional<std::string> from_base64(std::string_view text) {
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    if (text.empty() || text.size() % 4 != 0) {
        return std::nullopt;
    }
    text.remove_suffix(padding);
    std::string bytes;
    std::uint32_t pending = 0;
    unsigned bits = 0;
    for (const char c : text) {
        const std::size_t value = kAlphabet.find(c);
        if (value == std::string_view::npos) {
            return std::nullopt;
        }
        pending = pending << 6 | static_cast<std::uint32_t>(value);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes += static_cast<char>(pending >> bits & 0xff);
        }
    }
    return bytes;
}

std::string base64_without_padding(std::span<const std::uint8_t> bytes) {
    std::string text;
    std::uint32_t pending = 0;
    unsigned bits = 0;
    for (const std::uint8_t byte : bytes) {
        pending = pending << 8 | byte;
        bits += 8;
        while (bits >= 6) {
            bits -= 6;
            text += kAlphabet[pending >> bits & 0x3f];
        }
    }
    if (bits > 0) {
        text += kAlphabet[pending << (6 - bits) & 0x3f];
    }
    return text;
}

} // namespace

std::optional<SshKeyFacts> facts_of_ssh_key(std::string_view key) {
    const auto words = text::split(key, ' ');
    if (words.size() < 2 || words[0].empty()) {
        return std::nullopt;
    }
    const auto blob = from_base64(words[1]);
    if (!blob) {
        return std::nullopt;
    }
    Sha256 hash;
    hash.update(*blob);
    return SshKeyFacts{std::string(words[0]), "SHA256:" + base64_without_padding(hash.finish())};
}

} // namespace sekisho::accounts
