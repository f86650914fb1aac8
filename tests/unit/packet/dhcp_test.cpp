// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/packet/dhcp.hpp"
#include "tests/unit/fakes/dhcp_request.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using fakes::dhcp_request;
using packet::dhcp_host_name;
using Bytes = std::vector<std::uint8_t>;

TEST_GROUP(dhcp){
    static std::string name_in(const Bytes& options){const auto name = dhcp_host_name(dhcp_request(options));
return name ? *name : "none";
}
}
;

TEST(dhcp, a_client_names_itself) {
    STRCMP_EQUAL("cr-1", name_in({53, 1, 3, 0, 12, 4, 'c', 'r', '-', '1', 255}).c_str());
    STRCMP_EQUAL("cr-1", name_in({12, 6, 'c', 'r', '-', '1', 0, 0}).c_str()); // without an end, with ending zeros
    STRCMP_EQUAL("a", name_in({12, 1, 'a', 12, 1, 'b', 255}).c_str());        // the first counts
    CHECK(name_in({12, 3, 'a', 0, '\n'}) == std::string("a\0\n", 3));         // as it was sent
}

TEST(dhcp, the_name_for_dns_counts_where_there_is_no_other) {
    STRCMP_EQUAL("cr.clinic", name_in({81, 12, 0, 0, 0, 'c', 'r', '.', 'c', 'l', 'i', 'n', 'i', 'c'}).c_str());
    STRCMP_EQUAL("cr.clinic", name_in({81, 13, 4, 0, 0, 2, 'c', 'r', 6, 'c', 'l', 'i', 'n', 'i', 'c'}).c_str());
    STRCMP_EQUAL("cr", name_in({81, 8, 4, 0, 0, 2, 'c', 'r', 9, 'c'}).c_str()); // the second label is cut off
    STRCMP_EQUAL("b", name_in({81, 4, 0, 0, 0, 'a', 12, 1, 'b'}).c_str());
}

TEST(dhcp, what_names_nobody) {
    for (const Bytes& options :
         {Bytes{}, Bytes{255, 12, 1, 'a'}, Bytes{12}, Bytes{12, 4, 'a'}, Bytes{12, 0}, Bytes{12, 1, 0},
          Bytes{81, 3, 0, 0, 0}, Bytes{81, 4, 4, 0, 0, 0}, Bytes{81, 5, 4, 0, 0, 9, 'a'}}) {
        STRCMP_EQUAL("none", name_in(options).c_str());
    }
}

TEST(dhcp, what_is_no_request_of_a_client) {
    const Bytes good = dhcp_request({12, 1, 'a'});
    CHECK(dhcp_host_name(good).has_value());
    for (const std::size_t place : {0U, 9U, 23U, 28U, 264U}) { // version, protocol, port, operation, cookie
        Bytes other = good;
        other[place] ^= 0x20;
        CHECK_FALSE(dhcp_host_name(other).has_value());
    }
    for (std::size_t length = 0; length < good.size(); ++length) {
        CHECK_FALSE(dhcp_host_name(std::span(good).first(length)).has_value());
    }
}
