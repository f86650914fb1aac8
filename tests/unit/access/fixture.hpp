// SPDX-License-Identifier: GPL-2.0-or-later
// A switch of a few ports, a clock that a test moves, and orders as lines of text: "authorise lan1 …:01 mab clinic
// registered".
#pragma once

#include "policy/access/port_access.hpp"
#include "policy/base/text.hpp"

#include <string>
#include <utility>
#include <vector>

#include <CppUTest/TestHarness.h>

namespace sekisho::access {

constexpr Time kStart = Time::from_seconds(1'800'000'000);

constexpr Ticks seconds(std::int64_t count) {
    return Ticks::of_seconds(count);
}

/// 02:00:00:00:00:NN is locally administered; these are not.
inline MacAddress mac(std::uint8_t number) {
    return {{0x00, 0x11, 0x22, 0x33, 0x44, number}};
}

inline std::string line_of(const Station& station) {
    return text::concat(station.port, " ", text::to_hex(station.mac.bytes[5], 2));
}

struct Line {
    std::string operator()(const Authorise& order) const {
        const Session& session = order.session;
        return text::concat("authorise ", line_of(session.station), " ", name_of(session.method), " ", session.role,
                            session.user.empty() ? "" : " ", session.user, " ", name_of(order.cause));
    }

    std::string operator()(const Revoke& order) const {
        return text::concat("revoke ", line_of(order.session.station), " ", name_of(order.cause));
    }

    std::string operator()(const Refuse& order) const {
        return text::concat("refuse ", line_of(order.station), " ", name_of(order.cause),
                            order.is_alarm ? " alarm" : "");
    }

    std::string operator()(const Invite& order) const { return "invite " + line_of(order.station); }

    std::string operator()(const Forget& order) const { return "forget " + line_of(order.station); }

    std::string operator()(const AskForMac& order) const { return "ask " + line_of(order.station); }
};

/// Ports lan1 and lan2 as a test asks for them; devices 01 to 03 are registered for MAB, 04 for 802.1X; users tanaka,
/// suzuki and guest, the last with the role visitor.
struct Switch {
    PortAccess access;
    Settings settings;
    Moment now{.ticks = Ticks{1'000'000}, .clock = {kStart, true}};

    Switch() {
        for (const char* role : {"clinic", "modality", "visitor", "repair"}) {
            settings.policy.roles.push_back(
                {.name = role, .place = {}, .description = {}, .destination_lists = {}, .critical = false});
        }
        for (const char* name : {"lan1", "lan2"}) {
            model::AccessPort port;
            port.name = name;
            port.role = "clinic";
            settings.policy.ports.push_back(port);
        }
        for (std::uint8_t number = 1; number <= 4; ++number) {
            model::Device device;
            device.mac = mac(number);
            device.name = text::concat("device ", text::to_text(static_cast<unsigned>(number)));
            device.method = number == 4 ? model::DeviceMethod::dot1x : model::DeviceMethod::mab;
            settings.policy.devices.push_back(device);
        }
        for (const char* name : {"tanaka", "suzuki", "guest"}) {
            model::AccessUser user;
            user.name = name;
            settings.policy.users.push_back(user);
        }
        settings.policy.users[2].role = "visitor";
        settings.own_addresses = {mac(0xff)};
    }

    model::AccessPort& port(std::size_t index = 0) { return settings.policy.ports[index]; }

    model::Device& device(std::uint8_t number) { return settings.policy.devices[number - 1]; }

    void mode(model::AccessMode mode, model::HostMode hosts = model::HostMode::multi_auth) {
        for (model::AccessPort& each : settings.policy.ports) {
            each.mode = mode;
            each.host_mode = hosts;
        }
        configure();
    }

    model::AccessUser& user(std::size_t index = 0) { return settings.policy.users[index]; }

    std::string configure() { return lines(access.configure(settings, now)); }

    std::string take(const Event& event) { return lines(access.take(event, now)); }

    std::string seen(std::uint8_t number, const char* port = "lan1") { return take(FrameSeen{{port, mac(number)}}); }

    std::string proved(std::uint8_t number, const char* user = "tanaka", const char* port = "lan1") {
        return take(Authenticated{{port, mac(number)}, user, std::nullopt});
    }

    std::string rejected(std::uint8_t number, const char* port = "lan1") { return take(Rejected{{port, mac(number)}}); }

    std::string timed_out(std::uint8_t number) { return take(TimedOut{{"lan1", mac(number)}}); }

    std::string link_down(const char* port = "lan1") { return take(LinkChanged{port, false}); }

    /// Moves the clock and does what is due on the way, one deadline after the other.
    std::string pass(Ticks time) {
        const Ticks end = now.ticks + time;
        std::string said;
        for (auto next = access.next_deadline(now); next && *next <= end; next = access.next_deadline(now)) {
            CHECK_TEXT(*next >= now.ticks || said.empty(), "what is overdue is done at once");
            move_to(std::max(*next, now.ticks));
            const std::string more = lines(access.advance(now));
            said += said.empty() || more.empty() ? more : "; " + more;
        }
        move_to(end);
        return said;
    }

    std::size_t in_force() const { return access.sessions().size(); }

private:
    void move_to(Ticks moment) {
        now.clock.now.microseconds += (moment - now.ticks).count() * 1000;
        now.ticks = moment;
    }

    static std::string lines(const Orders& orders) {
        std::string result;
        for (const Order& order : orders) {
            result += text::concat(result.empty() ? "" : "; ", std::visit(Line{}, order));
        }
        return result;
    }
};

} // namespace sekisho::access

#define SAYS(expected, actual) STRCMP_EQUAL(expected, (actual).c_str())
