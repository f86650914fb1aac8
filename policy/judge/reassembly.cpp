// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/judge/reassembly.hpp"

#include "policy/base/bytes.hpp"
#include "policy/packet/checksum.hpp"

#include <algorithm>

namespace sekisho::judge {

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::int64_t kPatienceV4 = 30;    // net.ipv4.ipfrag_time, seconds
constexpr std::int64_t kPatienceV6 = 60;    // net.netfilter.nf_conntrack_frag6_timeout
constexpr std::uint32_t kMostDistance = 64; // net.ipv4.ipfrag_max_dist
constexpr std::size_t kMostBytes = 65'535;
constexpr std::size_t kV6Header = 40;

constexpr std::uint8_t kFragment = 44;
constexpr std::uint8_t kNoNext = 59;

[[nodiscard]] bool is_extension(std::uint8_t protocol) noexcept {
    return protocol == 0 || protocol == 43 || protocol == kFragment || protocol == 51 || protocol == 60;
}

[[nodiscard]] std::size_t size_of_extension(std::uint8_t protocol, Bytes header) noexcept {
    return protocol == kFragment ? 8 : protocol == 51 ? (header[1] + 2U) * 4 : (header[1] + 1U) * 8;
}

struct FragmentHeader {
    std::size_t at = 0;       ///< of the header itself
    std::size_t named_at = 0; ///< of the byte in front that says that it comes
};

/// Where the first fragment header is; none where there is none to be found.
[[nodiscard]] std::optional<FragmentHeader> find_fragment_header(Bytes packet) noexcept {
    FragmentHeader found{kV6Header, 6};
    std::uint8_t protocol = packet[6];
    while (protocol != kFragment) {
        if (!is_extension(protocol) || protocol == kNoNext || packet.size() < found.at + 2) {
            return std::nullopt;
        }
        const std::size_t size = size_of_extension(protocol, packet.subspan(found.at));
        protocol = packet[found.at];
        found.named_at = found.at;
        found.at += size;
        if (found.at > packet.size()) {
            return std::nullopt;
        }
    }
    if (packet.size() < found.at + 8) {
        return std::nullopt;
    }
    return found;
}

/// RFC 8200, 4.5: the first fragment has to hold every header. One that does not is let through as it is.
[[nodiscard]] bool lacks_transport(Bytes packet, std::size_t at) noexcept {
    std::uint8_t protocol = kFragment;
    while (is_extension(protocol)) {
        if (packet.size() < at + 2) {
            return false;
        }
        if (protocol == kFragment && packet.size() >= at + 4 && (bytes::read_be16(packet, at + 2) & 0xfff8) != 0) {
            return false;
        }
        const std::size_t size = size_of_extension(protocol, packet.subspan(at));
        protocol = packet[at];
        at += size;
    }
    if (protocol == kNoNext) {
        return false;
    }
    const std::size_t needed = protocol == 6 ? 20 : protocol == 17 || protocol == 58 ? 8 : 1;
    return at + needed > packet.size();
}

} // namespace

Reassembly::Reassembly(std::size_t capacity) : m_datagrams(std::max<std::size_t>(capacity, 1)) {}

void Reassembly::clear() {
    for (Datagram& datagram : m_datagrams) {
        datagram.used = false;
    }
}

Reassembly::Result Reassembly::take(Bytes packet, packet::Addressed addressed, Time now) {
    return packet[0] >> 4 == 4 ? take_v4(packet, addressed, now) : take_v6(packet, addressed, now);
}

Reassembly::Datagram& Reassembly::datagram_of(const Piece& piece, Time now, std::int64_t patience_seconds) {
    Datagram* free = nullptr;
    for (Datagram& datagram : m_datagrams) {
        if (datagram.used && datagram.expires <= now) {
            datagram.used = false;
        }
        if (datagram.used && datagram.identification == piece.identification && datagram.protocol == piece.protocol &&
            datagram.source == piece.source && datagram.destination == piece.destination) {
            return datagram;
        }
        if (free == nullptr || (free->used && (!datagram.used || datagram.expires < free->expires))) {
            free = &datagram; // an unused one, else the oldest
        }
    }
    free->source = piece.source;
    free->destination = piece.destination;
    free->identification = piece.identification;
    free->protocol = piece.protocol;
    free->used = true;
    begin(*free, now, patience_seconds);
    return *free;
}

void Reassembly::begin(Datagram& datagram, Time now, std::int64_t patience_seconds) {
    datagram.has_first = datagram.has_last = false;
    datagram.expires = {now.microseconds + patience_seconds * 1'000'000};
    datagram.length = datagram.present = datagram.since = 0;
    datagram.runs.clear();
    datagram.header.clear();
    datagram.payload.clear();
}

void Reassembly::note_distance(const IpAddress& source) {
    for (Datagram& datagram : m_datagrams) {
        datagram.since += datagram.used && datagram.source == source ? 1 : 0;
    }
}

/// Neighbouring pieces make up a run only where the later one came behind all others; a piece that is inside one run is
/// a duplicate, every other overlap an attack.
Reassembly::Placed Reassembly::place(Datagram& datagram, Piece piece) {
    const auto begin = piece.offset;
    auto end = piece.offset + static_cast<std::uint32_t>(piece.payload.size());
    if (!piece.more) {
        if (end < datagram.length || (datagram.has_last && end != datagram.length)) {
            return Placed::misfits;
        }
        datagram.has_last = true;
        datagram.length = end;
    } else {
        end -= end % 8;
        if (end > datagram.length) {
            if (datagram.has_last) {
                return Placed::misfits;
            }
            datagram.length = end;
        }
    }
    if (end <= begin) {
        return Placed::misfits;
    }
    auto& runs = datagram.runs;
    if (runs.empty() || runs.back().end <= begin) {
        if (!runs.empty() && runs.back().end == begin) {
            runs.back().end = end;
        } else {
            runs.push_back({begin, end});
        }
    } else {
        const auto next = std::ranges::find_if(runs, [begin](const Run& run) { return run.end > begin; });
        if (next->begin < end) {
            return begin >= next->begin && end <= next->end ? Placed::duplicate : Placed::overlaps;
        }
        runs.insert(next, {begin, end});
    }
    if (datagram.payload.size() < end) {
        datagram.payload.resize(end);
    }
    std::copy_n(piece.payload.begin(), end - begin, datagram.payload.begin() + static_cast<std::ptrdiff_t>(begin));
    datagram.present += end - begin;
    datagram.has_first = datagram.has_first || begin == 0;
    return Placed::placed;
}

Reassembly::Result Reassembly::take_v4(Bytes packet, packet::Addressed addressed, Time now) {
    const std::uint16_t field = bytes::read_be16(packet, 6);
    if ((field & 0x3fff) == 0) {
        return {Outcome::whole, packet, addressed};
    }
    const std::size_t header = (packet[0] & 0x0fU) * 4;
    const Piece piece{.source = IpAddress::from_bytes(Family::ipv4, packet.subspan(12, 4)),
                      .destination = IpAddress::from_bytes(Family::ipv4, packet.subspan(16, 4)),
                      .identification = bytes::read_be16(packet, 4),
                      .protocol = packet[9],
                      .offset = (field & 0x1fffU) * 8,
                      .addressed = addressed,
                      .more = (field & 0x2000) != 0,
                      .payload = packet.subspan(header)};
    note_distance(piece.source);
    Datagram& datagram = datagram_of(piece, now, kPatienceV4);
    if (!datagram.runs.empty() && datagram.since > kMostDistance) {
        begin(datagram, now, kPatienceV4); // its identification may be in use again by now
    }
    datagram.since = 0;
    switch (place(datagram, piece)) {
    case Placed::misfits:
    case Placed::overlaps:
        datagram.used = false;
        return {.outcome = Outcome::discarded};
    case Placed::duplicate:
        return {.outcome = Outcome::discarded};
    case Placed::placed:
        break;
    }
    if (piece.offset == 0) {
        datagram.addressed = addressed;
        datagram.header.assign(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(header));
    }
    if (!datagram.has_first || !datagram.has_last || datagram.present != datagram.length) {
        return {.outcome = Outcome::waiting};
    }
    datagram.used = false;
    return finish_v4(datagram);
}

Reassembly::Result Reassembly::finish_v4(Datagram& datagram) {
    const std::size_t size = datagram.header.size() + datagram.length;
    if (size > kMostBytes) {
        return {.outcome = Outcome::discarded};
    }
    m_packet.assign(datagram.header.begin(), datagram.header.end());
    m_packet.insert(m_packet.end(), datagram.payload.begin(),
                    datagram.payload.begin() + static_cast<std::ptrdiff_t>(datagram.length));
    m_packet[2] = static_cast<std::uint8_t>(size >> 8);
    m_packet[3] = static_cast<std::uint8_t>(size);
    m_packet[6] = m_packet[7] = m_packet[10] = m_packet[11] = 0;
    const auto sum = static_cast<std::uint16_t>(~packet::ones_sum(Bytes(m_packet).first(datagram.header.size())));
    m_packet[10] = static_cast<std::uint8_t>(sum >> 8);
    m_packet[11] = static_cast<std::uint8_t>(sum);
    return {Outcome::complete, m_packet, datagram.addressed};
}

Reassembly::Result Reassembly::take_v6(Bytes packet, packet::Addressed addressed, Time now) {
    const auto found = find_fragment_header(packet);
    if (!found || lacks_transport(packet, found->at)) {
        return {Outcome::whole, packet, addressed};
    }
    const std::uint16_t field = bytes::read_be16(packet, found->at + 2);
    const Piece piece{.source = IpAddress::from_bytes(Family::ipv6, packet.subspan(8, 16)),
                      .destination = IpAddress::from_bytes(Family::ipv6, packet.subspan(24, 16)),
                      .identification = bytes::read_be32(packet, found->at + 4),
                      .offset = field & 0xfff8U,
                      .addressed = addressed,
                      .more = (field & 1) != 0,
                      .payload = packet.subspan(found->at + 8)};
    if (piece.offset + piece.payload.size() > kMostBytes) {
        return {.outcome = Outcome::discarded};
    }
    Datagram& datagram = datagram_of(piece, now, kPatienceV6);
    if (piece.more && piece.payload.size() % 8 != 0) {
        datagram.used = false;
        return {.outcome = Outcome::discarded};
    }
    switch (place(datagram, piece)) {
    case Placed::overlaps:
        datagram.used = false;
        return {.outcome = Outcome::discarded};
    case Placed::misfits: // unlike IPv4, what is there stays
        return {.outcome = Outcome::discarded};
    case Placed::duplicate:
        return {.outcome = Outcome::waiting};
    case Placed::placed:
        break;
    }
    if (piece.offset == 0) {
        datagram.addressed = addressed;
        datagram.header.assign(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(found->at));
        datagram.header[found->named_at] = packet[found->at];
    }
    if (!datagram.has_first || !datagram.has_last || datagram.present != datagram.length) {
        return {.outcome = Outcome::waiting};
    }
    datagram.used = false;
    return finish_v6(datagram);
}

Reassembly::Result Reassembly::finish_v6(Datagram& datagram) {
    const std::size_t payload = datagram.header.size() - kV6Header + datagram.length;
    if (payload > kMostBytes) {
        return {.outcome = Outcome::discarded};
    }
    m_packet.assign(datagram.header.begin(), datagram.header.end());
    m_packet.insert(m_packet.end(), datagram.payload.begin(),
                    datagram.payload.begin() + static_cast<std::ptrdiff_t>(datagram.length));
    m_packet[4] = static_cast<std::uint8_t>(payload >> 8);
    m_packet[5] = static_cast<std::uint8_t>(payload);
    return {Outcome::complete, m_packet, datagram.addressed};
}

} // namespace sekisho::judge
