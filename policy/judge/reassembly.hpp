// SPDX-License-Identifier: GPL-2.0-or-later
// Puts fragments together as the kernel does in front of its rules (RFC 815, RFC 5722, RFC 8200): what overlaps is
// thrown away whole. Bounded in datagrams and in bytes of each; memory is kept for the next one.
#pragma once

#include "policy/base/address.hpp"
#include "policy/base/time.hpp"
#include "policy/packet/frame.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace sekisho::judge {

class Reassembly {
public:
    enum class Outcome : std::uint8_t {
        whole,     ///< no fragment: `packet` is what was given
        complete,  ///< `packet` is the datagram, valid until the next call
        waiting,   ///< more is needed
        discarded, ///< contradicts what is there, or itself
    };

    struct Result {
        Outcome outcome = Outcome::whole;
        std::span<const std::uint8_t> packet;
        packet::Addressed addressed = packet::Addressed::host; ///< as its first fragment was
    };

    explicit Reassembly(std::size_t capacity = 64);

    /// `packet` is an IP packet that ends with its own length, with a sound header.
    Result take(std::span<const std::uint8_t> packet, packet::Addressed addressed, Time now);
    void clear();

private:
    struct Run {
        std::uint32_t begin = 0;
        std::uint32_t end = 0;
    };

    struct Datagram {
        IpAddress source;
        IpAddress destination;
        std::uint32_t identification = 0;
        std::uint8_t protocol = 0; ///< IPv4 only
        packet::Addressed addressed = packet::Addressed::host;
        bool used = false;
        bool has_first = false;
        bool has_last = false;
        Time expires;
        std::uint32_t length = 0; ///< as far as it is known
        std::uint32_t present = 0;
        std::uint32_t since = 0;          ///< fragments of its source that came behind its last one; IPv4 only
        std::vector<Run> runs;            ///< ascending, without overlap
        std::vector<std::uint8_t> header; ///< of the first fragment, without a fragment header
        std::vector<std::uint8_t> payload;
    };

    struct Piece {
        IpAddress source;
        IpAddress destination;
        std::uint32_t identification = 0;
        std::uint8_t protocol = 0;
        std::uint32_t offset = 0;
        packet::Addressed addressed = packet::Addressed::host;
        bool more = false;
        std::span<const std::uint8_t> payload;
    };

    enum class Placed : std::uint8_t {
        placed,
        duplicate,
        misfits, ///< its end contradicts the datagram's
        overlaps,
    };

    Result take_v4(std::span<const std::uint8_t> packet, packet::Addressed addressed, Time now);
    Result take_v6(std::span<const std::uint8_t> packet, packet::Addressed addressed, Time now);
    static void begin(Datagram& datagram, Time now, std::int64_t patience_seconds);
    void note_distance(const IpAddress& source);
    Datagram& datagram_of(const Piece& piece, Time now, std::int64_t patience_seconds);
    static Placed place(Datagram& datagram, Piece piece);
    Result finish_v4(Datagram& datagram);
    Result finish_v6(Datagram& datagram);

    std::vector<Datagram> m_datagrams;
    std::vector<std::uint8_t> m_packet;
};

} // namespace sekisho::judge
