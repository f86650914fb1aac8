// SPDX-License-Identifier: GPL-2.0-or-later
// A message of hostapd whose user's name a stranger chose: the input is the name, put where hostapd puts it. Whatever
// it holds, the station is not authorised by it, and no event is read from it.
#include "drivers/hostapd/messages.hpp"
#include "tests/fuzz/require.hpp"

using namespace sekisho;
using fuzz::require;
namespace hostapd = drivers::hostapd;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::string kHead = "c2:6d:23:1b:22:9d\nflags=\naid=0\ndot1xAuthSessionUserName=";
    const std::string_view name = fuzz::text_of(data, size);
    const auto answer = hostapd::parse_station(kHead + std::string(name) + "\nlast_eap_type_as=4 (MD5)\n");
    require(answer.has_value(), "an answer is read");
    require(!answer->is_authorised, "a name authorises nobody");
    // the same bytes as a whole message: never an event unless they are exactly one
    if (const auto event = hostapd::parse_event(name)) {
        require(name.starts_with("<") && !name.contains('\n'), "an event is a whole message");
        require(event->kind == hostapd::EventKind::ending ||
                    MacAddress::parse(name.substr(name.rfind(' ') + 1)) == event->station,
                "an event names its station last");
    }
    static_cast<void>(hostapd::parse_station(name));
    return 0;
}
