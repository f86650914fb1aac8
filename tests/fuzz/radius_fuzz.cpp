// SPDX-License-Identifier: GPL-2.0-or-later
// A RADIUS packet of a stranger: it is read without harm, it is nobody's word, and what is passed on is whole.
#include "drivers/tls/digests.hpp"
#include "policy/radius/packet.hpp"
#include "tests/fuzz/require.hpp"

using namespace sekisho;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const radius::Digests kDigests = drivers::radius_digests();
    constexpr std::string_view kSecret = "a secret that the input does not have";
    const std::span<const std::uint8_t> bytes(data, size);
    const auto packet = radius::parse(bytes);
    require(radius::judge_answer(bytes, {}, kSecret, kDigests) != radius::Verdict::genuine, "nobody's word");
    require(!radius::is_request_of(bytes, kSecret, kDigests), "nobody's request");
    if (packet) {
        require(packet->length <= size, "a packet is within its bytes");
        const auto passed = radius::passed_answer(bytes, 5, {}, kSecret, kDigests);
        if (passed.size() <= radius::kMostPacket) {
            require(radius::judge_answer(passed, {}, kSecret, kDigests) == radius::Verdict::genuine,
                    "what is passed on is the router's own word");
            require(radius::is_request_of(radius::passed_request(bytes, 5, kSecret, kDigests), kSecret, kDigests),
                    "and so is a request");
        }
    }
    return 0;
}
