// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/judge/flow_table.hpp"
#include "policy/judge/tracking.hpp"
#include "tests/unit/judge/fixture.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using judge::Flow;
using judge::FlowTable;
using judge::Tuple;

namespace {

Tuple tuple_of(std::uint16_t port) {
    return {test::ip("10.0.1.50"), test::ip("203.0.113.5"), port, 53, 17};
}

Flow flow_of(std::uint16_t port, std::int64_t expires = 200) {
    return Flow{.tuples = {tuple_of(port), judge::answer_to(tuple_of(port)).value()}, .expires = test::at(expires)};
}

} // namespace

TEST_GROUP(flow_table) {
    FlowTable table{3};
    Time now = test::at(100);
};

TEST(flow_table, a_connection_is_found_by_either_direction) {
    table.add(flow_of(1));
    const auto there = table.find(tuple_of(1), now);
    const auto back = table.find(judge::answer_to(tuple_of(1)).value(), now);
    POINTERS_EQUAL(there.flow, back.flow);
    LONGS_EQUAL(static_cast<int>(judge::Way::original), static_cast<int>(there.way));
    LONGS_EQUAL(static_cast<int>(judge::Way::reply), static_cast<int>(back.way));
    POINTERS_EQUAL(nullptr, table.find(tuple_of(2), now).flow);
}

TEST(flow_table, a_connection_ends_at_its_time) {
    table.add(flow_of(1));
    CHECK(table.is_taken(tuple_of(1), test::at(199)));
    CHECK(!table.is_taken(tuple_of(1), test::at(200)));
    LONGS_EQUAL(0, table.size());
}

TEST(flow_table, a_full_table_lets_go_of_what_was_quiet_for_longest) {
    table.add(flow_of(1));
    table.add(flow_of(2));
    table.add(flow_of(3));
    table.touch(*table.find(tuple_of(1), now).flow);
    table.add(flow_of(4));
    LONGS_EQUAL(3, table.size());
    LONGS_EQUAL(1, table.evicted());
    CHECK(table.is_taken(tuple_of(1), now));
    CHECK(!table.is_taken(tuple_of(2), now));
}

TEST(flow_table, places_are_used_again) {
    for (std::uint16_t port = 0; port < 10'000; ++port) {
        table.add(flow_of(port));
        table.forget(*table.find(tuple_of(port), now).flow);
    }
    LONGS_EQUAL(0, table.size());
    LONGS_EQUAL(0, table.evicted());
}

TEST(flow_table, cleared_it_knows_nothing) {
    table.add(flow_of(1));
    table.clear();
    POINTERS_EQUAL(nullptr, table.find(tuple_of(1), now).flow);
    table.add(flow_of(1));
    CHECK(table.is_taken(tuple_of(1), now));
}
