// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/config/value.hpp"
#include "tests/unit/config/text_check.hpp"

using namespace sekisho;
using namespace sekisho::config;

namespace {

std::string accepted(std::string_view path, std::string_view text) {
    const Parameter* parameter = find_parameter(path);
    CHECK(parameter != nullptr);
    const Canonical value = canonical(*parameter, text);
    return value ? *value : "refused: " + value.error().why;
}

std::string refused(std::string_view path, std::string_view text) {
    const Parameter* parameter = find_parameter(path);
    CHECK(parameter != nullptr);
    const Canonical value = canonical(*parameter, text);
    return value ? "accepted: " + *value : value.error().why;
}

/// A name of that many characters, in labels of at most 63.
std::string long_domain(std::size_t size) {
    std::string name(size, 'a');
    for (std::size_t dot = 63; dot < size; dot += 64) {
        name[dot] = '.';
    }
    return name;
}

} // namespace

TEST_GROUP(schema_table){};

TEST(schema_table, every_parameter_has_help_and_a_valid_default) {
    for (const Parameter& parameter : schema()) {
        CHECK_FALSE(parameter.help.empty());
        if (!parameter.fallback.empty()) {
            CHECK_SAME(parameter.fallback, accepted(parameter.path, parameter.fallback));
            CHECK(parameter.need == Need::optional);
        }
        if (parameter.type == Type::number || parameter.type == Type::size) {
            CHECK(parameter.least < parameter.most);
        }
        CHECK_EQUAL(parameter.type == Type::choice, !parameter.choices.empty());
    }
}

TEST(schema_table, paths_and_keys_are_found) {
    CHECK_SAME("address-list", key_of(*find_parameter("service * source address-list")));
    CHECK_SAME("service", key_of(*find_parameter("service *")));
    CHECK_SAME("*", key_of(*find_parameter("zones *")));
    const Parameter* entry = find_parameter("address-list * address");
    CHECK(find_child(entry, "expires") == find_parameter("address-list * address * expires"));
    CHECK(find_child(find_parameter("zones"), "anything") == find_parameter("zones *"));
    CHECK(find_child(nullptr, "port") == nullptr);
    CHECK(find_parameter("service") == nullptr);
}

TEST(schema_table, every_row_is_a_child_of_one_block) {
    std::size_t reached = 0;
    std::vector<const Parameter*> open{nullptr};
    while (!open.empty()) {
        const Parameter* parent = open.back();
        open.pop_back();
        for (const Parameter* child : children_of(parent)) {
            ++reached;
            if (has_block(child->shape)) {
                open.push_back(child);
            }
        }
    }
    CHECK_EQUAL(schema().size(), reached);
}

TEST_GROUP(value_canonical){};

TEST(value_canonical, one_spelling_for_one_meaning) {
    CHECK_SAME("fd00:1::1", accepted("service * forward-to", "FD00:1:0:0::1"));
    CHECK_SAME("443", accepted("service * port", "443-443"));
    CHECK_SAME("8000-8010", accepted("service * port", "8000-8010"));
    CHECK_SAME("203.0.113.0/28", accepted("address-list * address", "203.0.113.0-203.0.113.15"));
    CHECK_SAME("4M", accepted("log file-size", "4096K"));
    CHECK_SAME("ntp.nict.jp", accepted("time server", "ntp.nict.jp"));
    CHECK_SAME("2001:db8::7b", accepted("time server", "2001:DB8::7B"));
    CHECK_SAME("2001:db8::7b", accepted("log server * host", "2001:DB8::7B"));
}

TEST(value_canonical, limits_are_accepted) {
    CHECK_SAME("1", accepted("service * port", "1"));
    CHECK_SAME("65535", accepted("service * port", "65535"));
    CHECK_SAME("1-65535", accepted("service * port", "1-65535"));
    CHECK_SAME("A123456789012345678901234567-_x", accepted("service *", "A123456789012345678901234567-_x"));
    CHECK_SAME("enp0s31f6.4094x", accepted("interfaces interface *", "enp0s31f6.4094x"));
    CHECK_SAME("64K", accepted("log file-size", "65536"));
    CHECK_SAME(std::string(255, 'a'), accepted("service * description", std::string(255, 'a')));
    CHECK_SAME(long_domain(253), accepted("log server * host", long_domain(253)));
}

TEST_GROUP(value_refused){};

TEST(value_refused, ports) {
    for (const char* text :
         {"0", "65536", "443-", "-443", "445-443", "1-2-3", "http", "", "0443x", "18446744073709551617"}) {
        CHECK_HOLDS("is not a port from 1 to 65535", refused("service * port", text));
    }
    CHECK_SAME("'80-81' is not a port from 1 to 65535", refused("service * forward-port", "80-81"));
}

TEST(value_refused, names) {
    for (const char* text :
         {"", "9lives", "-a", "a.b", "a b", "a/b", "A123456789012345678901234567-_xy", "caf\xc3\xa9"}) {
        CHECK_HOLDS("is not a name", refused("service *", text));
    }
    for (const char* text : {"lo", "all", "default", "", "../x", "sixteen-bytes-xx", "0eth"}) {
        CHECK_HOLDS("is not a name of an interface", refused("interfaces interface *", text));
    }
}

TEST(value_refused, a_mistyped_address_is_no_host_name) {
    CHECK_HOLDS("is not a host name or address", refused("time server", "10.0.0.300"));
    CHECK_HOLDS("is not a host name", refused("system host-name", "-router"));
    CHECK_HOLDS("is not a host name", refused("system host-name", "router_1"));
    CHECK_HOLDS("is not a host name", refused("system host-name", "a..b"));
    CHECK_HOLDS("is not a host name", refused("system host-name", std::string(64, 'a')));
    CHECK_HOLDS("is not a host name", refused("system host-name", long_domain(64)));
    CHECK_HOLDS("is not a host name", refused("log server * host", long_domain(254)));
    CHECK_HOLDS("is not a host name", refused("log server * server-name", std::string(64, 'a') + ".example"));
    CHECK_HOLDS("is not a host name", refused("log server * server-name", "*.clinic.example"));
}

TEST(value_refused, addresses_say_what_is_wrong) {
    CHECK_SAME("'10.0.1' is not an IP address", refused("service * forward-to", "10.0.1"));
    CHECK_HOLDS("the network is 203.0.113.0/28", refused("address-list * address", "203.0.113.5/28"));
    CHECK_HOLDS("needs a prefix length", refused("interfaces interface * address", "10.0.1.1"));
    CHECK_HOLDS("ends before it begins", refused("address-list * address", "10.0.0.9-10.0.0.1"));
}

TEST(value_refused, choices_name_the_nearest) {
    CHECK_SAME("'tpc' is not one of: tcp, udp, icmp, icmpv6, gre, esp, ah, sctp; did you mean 'tcp'?",
               refused("service * protocol", "tpc"));
    CHECK_HOLDS("is not one of", refused("service * protocol", "any"));
    CHECK_HOLDS("is not one of", refused("policy * action", "ALLOW"));
}

TEST(value_refused, numbers_sizes_dates_zones) {
    CHECK_SAME("'0' is not a whole number from 1 to 1000", refused("log files", "0"));
    CHECK_SAME("'-1' is not a whole number from 1 to 1000", refused("log files", "-1"));
    CHECK_SAME("'1G' is not a size from 64K to 256M, as 4M", refused("log file-size", "1G"));
    CHECK_HOLDS("is not a size", refused("log file-size", "99999999999G"));
    CHECK_HOLDS("is not a size", refused("log file-size", "M"));
    CHECK_HOLDS("not a date", refused("address-list * expires", "31.3.2027"));
    CHECK_HOLDS("not a day", refused("address-list * expires", "2027-02-29"));
    CHECK_HOLDS("is not one of: UTC, Asia/Tokyo", refused("system time-zone", "Europe/Berlin"));
    CHECK_HOLDS("is not a text", refused("service * description", std::string(256, 'a')));
}

TEST(value_refused, long_and_hostile_values_are_shortened_and_escaped) {
    CHECK(refused("service *", std::string(100000, 'a')).size() < 300);
    CHECK_HOLDS("\\x1b", refused("service *", "\x1b[2J"));
}

TEST_GROUP(value_time_zone){};

TEST(value_time_zone, offsets_are_fixed) {
    CHECK_EQUAL(540, find_time_zone("Asia/Tokyo").value_or(0));
    CHECK_EQUAL(0, find_time_zone("UTC").value_or(1));
    CHECK_FALSE(find_time_zone("asia/tokyo").has_value());
}
