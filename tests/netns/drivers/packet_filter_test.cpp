// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/netfilter/nft_packet_filter.hpp"
#include "policy/base/text.hpp"
#include "tests/netns/drivers/rulesets.hpp"
#include "tests/netns/drivers/sandbox.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <ctime>

#include <CppUTest/TestHarness.h>
#include <poll.h>
#include <unistd.h>

using namespace sekisho;
using namespace sekisho::test;
using drivers::NftPacketFilter;

namespace {

Time now() {
    timespec time{};
    clock_gettime(CLOCK_REALTIME, &time);
    return {time.tv_sec * 1'000'000 + time.tv_nsec / 1000};
}

std::unique_ptr<NftPacketFilter> open_filter() {
    auto filter = NftPacketFilter::create();
    CHECK_TRUE_TEXT(filter.has_value(), filter ? "" : filter.error().message().c_str());
    return std::move(*filter);
}

ports::FilterReport must_apply(NftPacketFilter& filter, const ruleset::Ruleset& ruleset) {
    auto report = filter.apply(ruleset, now());
    CHECK_TRUE_TEXT(report.has_value(), report ? "" : report.error().message().c_str());
    return *report;
}

ports::CounterReading counter(NftPacketFilter& filter, std::string_view id) {
    const auto counters = filter.counters();
    CHECK_TRUE(counters.has_value());
    const auto found = std::ranges::find(*counters, id, &ports::CounterReading::id);
    CHECK_TRUE_TEXT(found != counters->end(), std::string(id).c_str());
    return *found;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

/// The table without what changes by itself.
std::string listing(const Sandbox& sandbox) {
    return sandbox.output(Host::router, "nft -s list table inet sekisho");
}

} // namespace

TEST_GROUP(packet_filter) {
    Sandbox sandbox;

    /// Whether a datagram from the address gets in. A second one from an address that is always let in tells when the
    /// first would have arrived.
    bool is_let_in(std::string_view from) {
        const bool v6 = contains(from, ":");
        const UdpSocket router(sandbox, Host::router, v6 ? kRouterV6 : kRouter, kPort);
        const UdpSocket sender(sandbox, Host::outside, from, 0);
        sender.send(v6 ? kRouterV6 : kRouter, kPort, "asked");
        if (v6) {
            // the same socket address serves as marker: an echo request's way is as long, and ICMPv6 is let in
            sandbox.run(Host::outside, "ping -q -c 1 -W 10 2001:db8::1");
            return router.drain() > 0;
        }
        const UdpSocket marker(sandbox, Host::outside, kOutsideMarker, 0);
        marker.send(kRouter, kPort, "marker");
        const auto first = router.receive();
        CHECK_TRUE(first.has_value());
        return *first == "asked from " + std::string(from);
    }
};

TEST(packet_filter, verdicts_and_counters_follow_the_ruleset) {
    const auto filter = open_filter();
    CHECK_FALSE(filter->is_loaded().value());

    const auto report = must_apply(*filter, accept_from({make_set("vendor", Family::ipv4, {kOutside, kOutsideMarker}),
                                                         make_set("vendor", Family::ipv6, {"2001:db8::/64"})}));

    CHECK_TRUE(filter->is_loaded().value());
    CHECK_EQUAL(5, report.rules);
    CHECK_EQUAL(2, report.sets_loaded);
    CHECK_EQUAL(3, report.elements_loaded);
    CHECK_EQUAL(0, report.sets_removed);
    CHECK_TRUE(is_let_in(kOutside));
    CHECK_FALSE(is_let_in(kOutsideOther));
    CHECK_TRUE(is_let_in(kOutsideV6));
    CHECK_EQUAL(3, counter(*filter, "list.0").packets); // one asked, two markers
    CHECK_EQUAL(1, counter(*filter, "list.1").packets);
    CHECK_EQUAL(1, counter(*filter, "input.deny").packets);
    CHECK_EQUAL(33, counter(*filter, "input.deny").bytes);
}

TEST(packet_filter, an_unchanged_set_is_not_sent_again_and_counters_go_on) {
    const auto filter = open_filter();
    const auto first = make_set("vendor", Family::ipv4, {kOutside, kOutsideMarker});
    must_apply(*filter, accept_from({first}));
    CHECK_TRUE(is_let_in(kOutside));
    const auto before = counter(*filter, "list.0");

    const auto report = must_apply(*filter, accept_from({first, make_set("more", Family::ipv4, {kOutsideOther})}));

    CHECK_EQUAL(1, report.sets_loaded);
    CHECK_EQUAL(1, report.elements_loaded);
    CHECK_EQUAL(before.packets, counter(*filter, "list.0").packets);
    CHECK_TRUE(is_let_in(kOutsideOther));
    CHECK_EQUAL(before.packets + 1, counter(*filter, "list.0").packets);
}

TEST(packet_filter, what_no_rule_uses_is_removed) {
    const auto filter = open_filter();
    const auto gone = make_set("gone", Family::ipv4, {kOutside});
    must_apply(*filter, accept_from({make_set("kept", Family::ipv4, {kOutsideMarker}), gone}));

    const auto report = must_apply(*filter, accept_from({make_set("kept", Family::ipv4, {kOutsideMarker})}));

    CHECK_EQUAL(1, report.sets_removed);
    const std::string table = listing(sandbox);
    CHECK_FALSE(contains(table, gone.name));
    CHECK_FALSE(contains(table, "list.1"));
    CHECK_FALSE(is_let_in(kOutside));
}

TEST(packet_filter, a_misspelt_rule_leaves_the_former_ruleset) {
    const auto filter = open_filter();
    must_apply(*filter, accept_from({make_set("vendor", Family::ipv4, {kOutside, kOutsideMarker})}));
    const std::string before = listing(sandbox);

    auto bad = accept_from({make_set("other", Family::ipv4, {kOutsideOther})});
    bad.zones.front().interfaces = {"a name that is longer than the kernel takes"};
    const auto refused = filter->apply(bad, now());

    CHECK_FALSE(refused.has_value());
    STRCMP_EQUAL("list.0", refused.error().place().c_str());
    STRCMP_EQUAL(before.c_str(), listing(sandbox).c_str());
    CHECK_TRUE(is_let_in(kOutside));
    CHECK_FALSE(is_let_in(kOutsideOther));
}

TEST(packet_filter, a_rule_that_the_kernel_refuses_leaves_the_former_ruleset) {
    const auto filter = open_filter();
    must_apply(*filter, accept_from({make_set("vendor", Family::ipv4, {kOutside, kOutsideMarker})}));
    const std::string before = listing(sandbox);

    auto bad = accept_from({make_set("other", Family::ipv4, {kOutsideOther})});
    bad.rules.front().verdict = ruleset::TranslateDestination{IpAddress::v4(0x0a000114), std::nullopt};
    bad.rules.front().matches = {ruleset::FamilyIs{Family::ipv4}};
    const auto refused = filter->apply(bad, now());

    CHECK_FALSE(refused.has_value());
    STRCMP_EQUAL("neighbour", refused.error().place().c_str());
    CHECK_TRUE_TEXT(contains(refused.error().cause(), "not supported"), refused.error().message().c_str());
    STRCMP_EQUAL(before.c_str(), listing(sandbox).c_str());
    CHECK_TRUE(filter->apply(accept_from({make_set("other", Family::ipv4, {kOutsideOther})}), now()).has_value());
}

TEST(packet_filter, a_set_that_the_kernel_refuses_leaves_the_former_ruleset) {
    const auto filter = open_filter();
    must_apply(*filter, accept_from({make_set("vendor", Family::ipv4, {kOutside, kOutsideMarker})}));
    const std::string before = listing(sandbox);

    const auto overlapping = make_set("other", Family::ipv4, {"192.0.2.0/24", "192.0.2.7-192.0.3.1"});
    const auto refused = filter->apply(accept_from({overlapping}), now());

    CHECK_FALSE(refused.has_value());
    STRCMP_EQUAL(("set " + overlapping.name).c_str(), refused.error().place().c_str());
    STRCMP_EQUAL(before.c_str(), listing(sandbox).c_str());
}

TEST(packet_filter, a_name_of_another_table_is_nobodys) {
    sandbox.run(Host::router, "nft add table inet other; nft add chain inet other c; nft add counter inet other n;"
                              "nft 'add set inet other s { type ipv4_addr; }'");
    const auto filter = open_filter();
    must_apply(*filter, accept_from({}));

    CHECK_EQUAL(0, filter->remove_unreferenced_sets().value());
    const auto counters = filter->counters();
    CHECK_TRUE(std::ranges::find(*counters, "n", &ports::CounterReading::id) == counters->end());
    CHECK_TRUE(contains(sandbox.output(Host::router, "nft list set inet other s"), "ipv4_addr"));
}

TEST(packet_filter, enforcement_stays_and_another_process_takes_over) {
    const auto ruleset = accept_from({make_set("vendor", Family::ipv4, {kOutside, kOutsideMarker})});
    const int status = wait_for_end(start_process([&] {
        auto filter = NftPacketFilter::create();
        if (filter && (*filter)->apply(ruleset, now())) {
            raise(SIGKILL);
        }
    }));
    CHECK_EQUAL(SIGKILL, WTERMSIG(status));
    CHECK_TRUE(is_let_in(kOutside));
    CHECK_FALSE(is_let_in(kOutsideOther));

    const auto filter = open_filter();
    CHECK_TRUE(filter->is_loaded().value());
    CHECK_EQUAL(0, filter->remove_unreferenced_sets().value());
    const auto report = must_apply(*filter, ruleset);
    CHECK_EQUAL(0, report.sets_loaded);
    CHECK_EQUAL(2, counter(*filter, "list.0").packets - 1); // counted on since the first process
}

TEST(packet_filter, no_packet_is_lost_or_let_in_while_sets_are_swapped) {
    constexpr int kSwaps = 20;
    const auto filter = open_filter();
    const auto ruleset = [](std::string_view more) {
        return accept_from({make_set("vendor", Family::ipv4, {kOutside, more})});
    };
    must_apply(*filter, ruleset("203.0.113.1"));
    const UdpSocket router(sandbox, Host::router, kRouter, kPort);
    const UdpSocket allowed(sandbox, Host::outside, kOutside, 0);
    const UdpSocket denied(sandbox, Host::outside, kOutsideOther, 0);
    int pipe_ends[2];
    CHECK_EQUAL(0, pipe(pipe_ends));

    const pid_t sender = start_process([&] {
        close(pipe_ends[1]);
        std::uint64_t sent = 0;
        const timespec pause{.tv_sec = 0, .tv_nsec = 200'000};
        // as long as the other end of the pipe is open
        pollfd end{.fd = pipe_ends[0], .events = POLLIN, .revents = 0};
        for (; poll(&end, 1, 0) == 0; ++sent) {
            denied.send(kRouter, kPort, "denied");
            allowed.send(kRouter, kPort, "allowed");
            nanosleep(&pause, nullptr);
        }
        // the number sent is the last datagram's text
        allowed.send(kRouter, kPort, text::concat("sent ", text::to_text(sent)));
    });
    close(pipe_ends[0]);
    CHECK_TRUE(router.receive() == "allowed from 198.51.100.2");
    std::uint64_t received = 1;
    for (int swap = 0; swap < kSwaps; ++swap) {
        must_apply(*filter, ruleset(swap % 2 == 0 ? "203.0.113.2" : "203.0.113.3"));
    }
    close(pipe_ends[1]);
    std::string last;
    while (!contains(last, "sent ")) {
        auto next = router.receive();
        CHECK_TRUE(next.has_value());
        last = *next;
        received += last == "allowed from 198.51.100.2" ? 1 : 0;
        CHECK_FALSE(contains(last, "denied"));
    }
    CHECK_EQUAL(0, wait_for_end(sender));
    STRCMP_EQUAL(text::concat("sent ", text::to_text(received), " from 198.51.100.2").c_str(), last.c_str());
    CHECK_TRUE(received > kSwaps);
}
