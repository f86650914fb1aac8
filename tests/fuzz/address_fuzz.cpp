// SPDX-License-Identifier: GPL-2.0-or-later
// Any text as an address, range, date, time or port: what is accepted has a text of its own that means the same, and
// the C library agrees.
#include "policy/base/address.hpp"
#include "policy/base/time.hpp"
#include "policy/config/value.hpp"
#include "tests/fuzz/require.hpp"

#include <cstring>
#include <string>

#include <arpa/inet.h>

using namespace sekisho;
using fuzz::require;

namespace {

template <typename T>
void check_round_trip(std::string_view text) {
    const auto value = T::parse(text);
    if (!value) {
        require(fuzz::is_plain(value.error().message()), "an error is safe to show");
        return;
    }
    const auto again = T::parse(value->text());
    require(again.has_value() && *again == *value, "own text parses to the same");
    require(again->text() == value->text(), "own text is canonical");
}

void check_against_libc(const std::string& text) {
    std::uint8_t expected[16] = {};
    const bool v4 = inet_pton(AF_INET, text.c_str(), expected) == 1;
    const bool v6 = !v4 && inet_pton(AF_INET6, text.c_str(), expected) == 1;
    const auto address = IpAddress::parse(text);
    require(address.has_value() == (v4 || v6), "accepts what inet_pton accepts");
    if (address) {
        require(address->family() == (v4 ? Family::ipv4 : Family::ipv6), "same family as inet_pton");
        require(std::memcmp(address->bytes().data(), expected, address->bytes().size()) == 0,
                "same bytes as inet_pton");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    if (!text.contains('\0')) {
        check_against_libc(std::string(text));
    }
    check_round_trip<IpAddress>(text);
    check_round_trip<IpPrefix>(text);
    check_round_trip<InterfaceAddress>(text);
    check_round_trip<IpRange>(text);
    check_round_trip<MacAddress>(text);
    check_round_trip<Date>(text);
    if (const auto prefix = IpPrefix::parse(text)) {
        require(prefix->contains(prefix->first()) && prefix->contains(prefix->last()), "a prefix contains its ends");
        IpAddress before = prefix->first();
        IpAddress after = prefix->last();
        require(!before.decrement() || !prefix->contains(before), "and nothing before it");
        require(!after.increment() || !prefix->contains(after), "and nothing behind it");
    }
    if (const auto range = IpRange::parse(text)) {
        require(range->first.family() == range->last.family() && range->first <= range->last, "a range is in order");
    }
    if (const auto time = parse_rfc3339(text)) {
        const auto again = parse_rfc3339(rfc3339_utc(*time));
        require(again.has_value() && *again == *time, "time survives its text");
    }
    if (const auto ports = config::parse_ports(text)) {
        require(ports->first > 0 && ports->first <= ports->last, "ports are in order");
    }
    if (const auto bytes = config::parse_size(text); bytes && *bytes > 0) {
        require(!text.starts_with('-') && !text.starts_with('+'), "a size has no sign");
    }
    return 0;
}
