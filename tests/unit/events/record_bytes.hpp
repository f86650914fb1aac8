// SPDX-License-Identifier: GPL-2.0-or-later
// Bytes as the kernel sends them, for the tests of this folder.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace sekisho::events::test {

using Bytes = std::vector<std::uint8_t>;

inline Bytes operator+(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

/// Bytes from hexadecimal digits.
inline Bytes from_hex(std::string_view digits) {
    const auto value = [](char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; };
    Bytes bytes;
    for (std::size_t at = 0; at + 1 < digits.size(); at += 2) {
        bytes.push_back(static_cast<std::uint8_t>(value(digits[at]) << 4 | value(digits[at + 1])));
    }
    return bytes;
}

/// A netlink attribute with its padding; the tests run on little-endian machines, like the product.
inline Bytes attribute(std::uint16_t type, const Bytes& value) {
    const std::size_t size = value.size() + 4;
    Bytes bytes = Bytes{static_cast<std::uint8_t>(size), static_cast<std::uint8_t>(size >> 8),
                        static_cast<std::uint8_t>(type), static_cast<std::uint8_t>(type >> 8)} +
                  value;
    bytes.resize((bytes.size() + 3) / 4 * 4);
    return bytes;
}

// Recorded on Linux 6.18 in a network namespace: a TCP connection to 192.0.2.1:80, translated to port 8080, logged on
// output with a prefix, again on input without its own, and an ICMPv6 echo request.
inline constexpr std::string_view kLoggedOutput =
    "02000002080001000800030016000a00736572766963652e7765622e616c6c6f77000000080005000000000108000b0000000000"
    "08000e0000000000400009004500003cdc9340004006da25c0000201c0000201847e1f90d96f117600000000a002ffd784310000"
    "0204ffd70402080a6fe0bab9000000000103030a";
inline constexpr std::string_view kLoggedInput =
    "02000002080001000800010007000a00696e000008000400000000011000080000060000000000000000000006000f0003040000"
    "06001100000e0000120010000000000000000000000000000800000014000300000000006b044b4a00000000000c6e5440000900"
    "4500003cdc9340004006da25c0000201c0000201847e1f90d96f117600000000a002ffd7843100000204ffd70402080a6fe0bab9"
    "000000000103030a";
inline constexpr std::string_view kLoggedEcho =
    "0a0000020800010086dd030008000a0072367e00080005000000000108000b000000000008000e00000000006c000900600a6d9d"
    "00403a4020010db800000000000000000000000120010db800000000000000000000000180009c671eaa00014a4b046b00000000"
    "4f750c0000000000101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637";

// Recorded there too: the attributes of connections. TCP from 192.0.2.1:53884 to 192.0.2.1:80, translated to
// 192.0.2.9:8080, mark 0x81000123; and an ICMPv6 echo.
inline constexpr std::string_view kTcpConnection =
    "340001801400018008000100c000020108000200c00002011c000280050001000600000006000200d27c00000600030000500000"
    "340002801400018008000100c000020908000200c00002011c0002800500010006000000060002001f90000006000300d27c0000"
    "08000300000001ae080008008100012308000c00948fa0b308000b0000000001080007000006977f300004802c00018005000100"
    "03000000050002000a000000050003000a00000006000400230000000600050023000000";
inline constexpr std::string_view kEchoConnection =
    "540001802c0001801400030020010db80000000000000000000000011400040020010db800000000000000000000000124000280"
    "050001003a000000060007002178000005000800800000000500090000000000540002802c0001801400030020010db800000000"
    "00000000000000011400040020010db800000000000000000000000124000280050001003a000000060007002178000005000800"
    "810000000500090000000000080003000000018a080008008100012308000c000167f19d08000b00000000010800070000000"
    "01e";

} // namespace sekisho::events::test
