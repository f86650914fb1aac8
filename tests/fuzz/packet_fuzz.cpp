// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a packet: what is read is in the bytes, and cutting the packet short takes away, never changes.
#include "policy/packet/dhcp.hpp"
#include "policy/packet/packet.hpp"
#include "tests/fuzz/require.hpp"

#include <algorithm>

using namespace sekisho;
using fuzz::require;

namespace {

void check_bytes(const packet::Headers& headers, std::span<const std::uint8_t> bytes) {
    const bool v4 = headers.family == Family::ipv4;
    require(bytes.size() >= (v4 ? 20U : 40U) && bytes[0] >> 4 == (v4 ? 4 : 6), "the first header is there");
    require(std::ranges::equal(headers.source.bytes(), bytes.subspan(v4 ? 12 : 8, v4 ? 4 : 16)),
            "source is in the bytes");
    require(std::ranges::equal(headers.destination.bytes(), bytes.subspan(v4 ? 16 : 24, v4 ? 4 : 16)),
            "destination is in the bytes");
    require(headers.hop_limit == bytes[v4 ? 8 : 7], "hop limit is in the bytes");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span bytes(data, size);
    const auto name = packet::dhcp_host_name(bytes);
    require(!name || (!name->empty() && name->size() <= 255), "a host name is what an option can hold");
    const auto headers = packet::read_headers(bytes);
    if (!headers) {
        return 0;
    }
    check_bytes(*headers, bytes);
    require(!headers->later_fragment || headers->fragment, "a later fragment is a fragment");
    require(!headers->later_fragment || !headers->transport_complete, "a later fragment has no transport header");
    for (std::size_t length = 0; length < std::min<std::size_t>(size, 160); ++length) {
        const auto shorter = packet::read_headers(bytes.first(length));
        if (!shorter) {
            continue;
        }
        check_bytes(*shorter, bytes.first(length));
        if (shorter->transport_complete) {
            require(headers->transport_complete && headers->protocol == shorter->protocol &&
                        headers->source_port == shorter->source_port &&
                        headers->destination_port == shorter->destination_port &&
                        headers->icmp_type == shorter->icmp_type && headers->tcp_flags == shorter->tcp_flags,
                    "more bytes don't change what was complete");
        }
    }
    return 0;
}
