// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/sha256.hpp"

#include "policy/base/bytes.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <bit>

namespace sekisho {

namespace {

/// FIPS 180-4 section 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
constexpr std::array<std::uint32_t, 64> kRound{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

[[nodiscard]] std::array<std::uint32_t, 64> schedule(std::span<const std::uint8_t> block) noexcept {
    std::array<std::uint32_t, 64> words{};
    for (std::size_t t = 0; t < 16; ++t) {
        words[t] = bytes::read_be32(block, 4 * t);
    }
    for (std::size_t t = 16; t < words.size(); ++t) {
        const std::uint32_t near = words[t - 2];
        const std::uint32_t far = words[t - 15];
        const std::uint32_t sigma1 = std::rotr(near, 17) ^ std::rotr(near, 19) ^ near >> 10;
        const std::uint32_t sigma0 = std::rotr(far, 7) ^ std::rotr(far, 18) ^ far >> 3;
        words[t] = sigma1 + words[t - 7] + sigma0 + words[t - 16];
    }
    return words;
}

} // namespace

void Sha256::block(std::span<const std::uint8_t> bytes) noexcept {
    const std::array<std::uint32_t, 64> words = schedule(bytes);
    auto [a, b, c, d, e, f, g, h] = m_state;
    for (std::size_t t = 0; t < words.size(); ++t) {
        const std::uint32_t sum1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
        const std::uint32_t choice = (e & f) ^ (~e & g);
        const std::uint32_t temporary1 = h + sum1 + choice + kRound[t] + words[t];
        const std::uint32_t sum0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
        const std::uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
        h = g;
        g = f;
        f = e;
        e = d + temporary1;
        d = c;
        c = b;
        b = a;
        a = temporary1 + sum0 + majority;
    }
    const std::array<std::uint32_t, 8> result{a, b, c, d, e, f, g, h};
    for (std::size_t index = 0; index < m_state.size(); ++index) {
        m_state[index] += result[index];
    }
}

void Sha256::update(std::span<const std::uint8_t> bytes) noexcept {
    std::size_t pending = m_length % m_pending.size();
    m_length += bytes.size();
    while (!bytes.empty()) {
        if (pending == 0 && bytes.size() >= m_pending.size()) {
            block(bytes.first(m_pending.size()));
            bytes = bytes.subspan(m_pending.size());
            continue;
        }
        const std::size_t taken = std::min(bytes.size(), m_pending.size() - pending);
        std::copy_n(bytes.begin(), taken, m_pending.begin() + static_cast<std::ptrdiff_t>(pending));
        bytes = bytes.subspan(taken);
        pending = (pending + taken) % m_pending.size();
        if (pending == 0) {
            block(m_pending);
        }
    }
}

void Sha256::update(std::string_view text) noexcept {
    update(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

std::array<std::uint8_t, 32> Sha256::finish() noexcept {
    const std::uint64_t bits = m_length * 8;
    const std::size_t used = m_length % m_pending.size();
    // a one bit, zeros up to eight bytes before a block's end, the length in bits
    std::array<std::uint8_t, 72> padding{0x80};
    const std::size_t zeros = (used < 56 ? 56 : 120) - used;
    for (std::size_t index = 0; index < 8; ++index) {
        padding[zeros + index] = static_cast<std::uint8_t>(bits >> (56 - 8 * index));
    }
    update(std::span(padding).first(zeros + 8));

    std::array<std::uint8_t, 32> digest{};
    for (std::size_t index = 0; index < digest.size(); ++index) {
        digest[index] = static_cast<std::uint8_t>(m_state[index / 4] >> (24 - 8 * (index % 4)));
    }
    return digest;
}

std::string sha256_hex(std::string_view text) {
    Sha256 hash;
    hash.update(text);
    std::string result;
    for (const std::uint8_t byte : hash.finish()) {
        result += text::to_hex(byte, 2);
    }
    return result;
}

} // namespace sekisho
