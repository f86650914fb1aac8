// SPDX-License-Identifier: GPL-2.0-or-later
// Lines of sshd: whatever stands in them, an event never names another address than the connection's own, only the
// monitor lets somebody in, and what is shown is bounded and safe. The first byte of a line says whose it is.
#include "policy/base/address.hpp"
#include "policy/base/text.hpp"
#include "policy/events/sshd.hpp"
#include "tests/fuzz/require.hpp"

#include <algorithm>
#include <array>

using namespace sekisho;
using fuzz::require;

namespace {

constexpr std::uint32_t kListener = 10;
constexpr std::uint32_t kMonitor = 20;
constexpr std::uint32_t kChild = 30;
constexpr std::uint32_t kAccount = 2001;

void check(const events::Event& event) {
    using events::Field;
    require(event.text(Field::user_name).size() <= 128 && event.text(Field::message).size() <= 512,
            "texts are bounded");
    for (const Field field : {Field::user_name, Field::message, Field::session_key, Field::source_ip}) {
        require(text::escape_for_terminal(event.text(field)) == event.text(field), "texts are safe to show");
    }
    if (event.has(Field::source_ip)) {
        require(IpAddress::parse(event.text(Field::source_ip)).has_value(), "an address is one");
    }
}

void read(events::SshdReader& reader, events::SshdLine line) {
    using events::Field;
    const auto event = reader.read(line);
    require(reader.known_processes() <= events::SshdReader::kMostProcesses, "what is kept is bounded");
    if (!event) {
        return;
    }
    check(*event);
    const bool before_login = line.text.ends_with(" [preauth]");
    if (event->text(Field::event_action) == "key-accepted") {
        require(line.user_id == 0 && !before_login, "the monitor alone lets somebody in");
    }
    // of these lines the listener is the author; the connection's own processes begin no line with a stranger's text
    static constexpr std::array<std::string_view, 4> kOfListener{
        "drop connection #", "srclimit_penalise: ", "Timeout before authentication for connection from ",
        "Connection from "};
    const bool of_listener =
        std::ranges::any_of(kOfListener, [&](std::string_view prefix) { return line.text.starts_with(prefix); });
    if (line.process_id != kListener && event->has(Field::source_ip) &&
        (!of_listener || before_login || line.user_id != 0)) {
        require(event->text(Field::source_ip) == "10.0.1.5", "a line names no other address than its connection's");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // lines are apart by a zero, which no C program writes: line feeds are a stranger's
    for (const std::string_view text : text::split(fuzz::text_of(data, size), '\0')) {
        if (text.empty()) {
            continue;
        }
        events::SshdReader reader;
        read(reader, {kMonitor, 0, "Connection from 10.0.1.5 port 34790 on 10.0.1.1 port 22 rdomain \"\""});
        if (text.front() == 'c') {
            read(reader, {kMonitor, 0,
                          "Accepted publickey for tanaka from 10.0.1.5 port 34790 ssh2: ED25519 "
                          "SHA256:plPwhDFmV0BFJPZQjsFWrB8Xn1pQWAcaI6quQCVQ/Jw"});
            read(reader, {kMonitor, 0, "User child is on pid 30"});
            read(reader, {kChild, kAccount, text.substr(1)});
        } else if (text.front() == 'l') {
            read(reader, {kListener, 0, text.substr(1)});
        } else {
            read(reader, {kMonitor, 0, text.substr(1)});
        }
    }
    return 0;
}
