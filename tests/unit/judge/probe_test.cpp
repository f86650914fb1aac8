// SPDX-License-Identifier: GPL-2.0-or-later
// Packets that are made up are as sound as those of a wire.
#include "policy/judge/probe.hpp"
#include "policy/judge/stack.hpp"
#include "policy/packet/checksum.hpp"
#include "tests/unit/judge/fixture.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using judge::Probe;

TEST_GROUP(probe){static Probe from(const char* source, const char* destination,
                                    std::uint8_t protocol){return {.source = test::ip(source),
                                                                   .destination = test::ip(destination),
                                                                   .protocol = protocol,
                                                                   .source_port = 40'000,
                                                                   .destination_port = 443};
}
}
;

TEST(probe, every_protocol_makes_a_whole_packet) {
    for (const auto& [source, destination] :
         {std::pair{"203.0.113.5", "198.51.100.2"}, std::pair{"2001:db8:aaaa::5", "2001:db8:100::2"}}) {
        const std::uint8_t icmp = std::string_view(source).contains(':') ? 58 : 1;
        for (const std::uint8_t protocol : {std::uint8_t{6}, std::uint8_t{17}, icmp, std::uint8_t{47}, std::uint8_t{50},
                                            std::uint8_t{51}, std::uint8_t{132}}) {
            const auto packet = judge::first_packet(from(source, destination, protocol));
            CHECK(judge::check_arrival(packet, packet.size()).cause == judge::StackCause::none);
            const auto headers = packet::read_headers(packet);
            CHECK(headers.has_value());
            LONGS_EQUAL(protocol, headers->protocol);
            LONGS_EQUAL(packet.size(), headers->end);
            const bool has_ports = protocol == 6 || protocol == 17 || protocol == 132;
            LONGS_EQUAL(has_ports ? 443 : 0, headers->destination_port);
            if (protocol == 6 || protocol == 17 || protocol == icmp) {
                CHECK(packet::payload_sum_holds(*headers, protocol, std::span(packet).subspan(headers->transport_at)));
            }
        }
    }
}

TEST(probe, the_steps_of_a_packet_are_told) {
    using namespace ruleset;
    test::Router router(test::clinic_rules());
    judge::Judge judge(router.ruleset, router.environment);
    std::vector<judge::Step> steps;
    judge.watch(&steps);
    const auto packet = judge::first_packet(from("203.0.113.5", "198.51.100.2", 6));
    const judge::Arrival arrival{.packet = packet,
                                 .wire_size = packet.size(),
                                 .device = router.environment.find_device("wan0"),
                                 .when = test::at(1)};
    const auto judgement = judge.judge(router.flows, arrival);
    CHECK(!steps.empty() && judgement.rule != nullptr);
    const auto decided = std::ranges::find(steps, judgement.rule, &judge::Step::rule);
    CHECK(decided != steps.end() && decided->hook == judgement.hook);
    judge.watch(nullptr);
    const std::size_t before = steps.size();
    static_cast<void>(judge.judge(router.flows, arrival));
    LONGS_EQUAL(before, steps.size());
}
