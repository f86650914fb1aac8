// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/netns/drivers/packets.hpp"

#include "policy/base/address.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <span>

#include <CppUTest/TestHarness.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sekisho::test {

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kHeaderV4 = 20;
constexpr std::size_t kHeaderV6 = 40;
constexpr std::size_t kFirstPiece = 16; ///< of the segment; fragments count in units of eight bytes
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kFragmentHeader = 44;

bool is_v4(const Bytes& packet) {
    return packet[0] >> 4 == 4;
}

void put_be16(Bytes& to, std::size_t at, std::size_t value) {
    to[at] = static_cast<std::uint8_t>(value >> 8);
    to[at + 1] = static_cast<std::uint8_t>(value);
}

void append(Bytes& to, std::span<const std::uint8_t> bytes) {
    to.insert(to.end(), bytes.begin(), bytes.end());
}

/// RFC 791: offset in units of eight bytes, with the bit that says that more follow.
Bytes piece_v4(const Bytes& packet, std::size_t begin, std::size_t end, bool more) {
    Bytes piece(packet.begin(), packet.begin() + kHeaderV4);
    append(piece, std::span(packet).subspan(kHeaderV4 + begin, end - begin));
    put_be16(piece, 2, piece.size());
    put_be16(piece, 6, begin / 8 | (more ? 0x2000u : 0u));
    return piece;
}

/// RFC 8200 4.5.
Bytes piece_v6(const Bytes& packet, std::size_t begin, std::size_t end, bool more) {
    Bytes piece(packet.begin(), packet.begin() + kHeaderV6);
    piece[6] = kFragmentHeader;
    append(piece, Bytes{kTcp, 0, 0, 0, 0, 0, 0, 77});
    put_be16(piece, kHeaderV6 + 2, begin | (more ? 1u : 0u));
    append(piece, std::span(packet).subspan(kHeaderV6 + begin, end - begin));
    put_be16(piece, 4, piece.size() - kHeaderV6);
    return piece;
}

} // namespace

Bytes tcp_segment(std::uint16_t from, std::uint16_t to, std::uint8_t flags) {
    Bytes segment(20);
    put_be16(segment, 0, from);
    put_be16(segment, 2, to);
    segment[12] = 5 << 4; // header length in units of four bytes
    segment[13] = flags;
    put_be16(segment, 14, 1'024);
    return segment;
}

Bytes ip_packet(std::string_view from, std::string_view to, const Bytes& segment) {
    const IpAddress source = IpAddress::parse(from).value();
    const bool v4 = source.family() == Family::ipv4;
    Bytes packet(v4 ? kHeaderV4 - 8 : kHeaderV6 - 32);
    if (v4) {
        packet[0] = 0x45;
        put_be16(packet, 2, kHeaderV4 + segment.size());
        put_be16(packet, 4, 77); // identification; the kernel fills the checksum in
        packet[8] = 64;
        packet[9] = kTcp;
    } else {
        packet[0] = 0x60;
        put_be16(packet, 4, segment.size());
        packet[6] = kTcp;
        packet[7] = 64;
    }
    append(packet, source.bytes());
    append(packet, IpAddress::parse(to).value().bytes());
    append(packet, segment);
    return packet;
}

std::vector<Bytes> in_pieces(const Bytes& packet) {
    const auto piece = is_v4(packet) ? piece_v4 : piece_v6;
    const std::size_t size = packet.size() - (is_v4(packet) ? kHeaderV4 : kHeaderV6);
    return {piece(packet, 0, kFirstPiece, true), piece(packet, kFirstPiece, size, false)};
}

void send_raw(const Sandbox& sandbox, Host host, const Bytes& packet) {
    const bool v4 = is_v4(packet);
    int descriptor = -1;
    sandbox.at(host, [&] { descriptor = socket(v4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW); });
    CHECK(descriptor >= 0);
    sockaddr_storage to{};
    if (v4) {
        auto* address = reinterpret_cast<sockaddr_in*>(&to);
        address->sin_family = AF_INET;
        std::memcpy(&address->sin_addr, packet.data() + 16, sizeof address->sin_addr);
    } else {
        auto* address = reinterpret_cast<sockaddr_in6*>(&to);
        address->sin6_family = AF_INET6;
        std::memcpy(&address->sin6_addr, packet.data() + 24, sizeof address->sin6_addr);
    }
    const auto length = static_cast<socklen_t>(v4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    const ssize_t sent =
        sendto(descriptor, packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to), length);
    const int number = errno;
    close(descriptor);
    CHECK_EQUAL_TEXT(static_cast<ssize_t>(packet.size()), sent, strerror(number));
}

} // namespace sekisho::test
