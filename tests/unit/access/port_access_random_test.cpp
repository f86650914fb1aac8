// SPDX-License-Identifier: GPL-2.0-or-later
// Events in random order, as an attacker may bring them about: nothing is ever in force that nothing speaks for. What
// speaks for a station is kept here beside the state machine, as plainly as can be.
#include "tests/unit/access/fixture.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>

using namespace sekisho;
using namespace sekisho::access;
using model::AccessMode;
using model::HostMode;

namespace {

constexpr int kRuns = 200;
constexpr int kSteps = 300;

/// What an honest observer knows.
class Witness {
public:
    explicit Witness(const Switch& lan) : m_lan(&lan) {}

    void told(const Event& event) {
        if (const auto* success = std::get_if<Authenticated>(&event)) {
            m_proofs[success->station] = success->user;
        } else if (const auto* judged = std::get_if<MacJudged>(&event)) {
            if (judged->accepted) {
                m_accepted.insert(judged->station);
            } else {
                m_accepted.erase(judged->station);
            }
        } else if (const auto* rejected = std::get_if<Rejected>(&event)) {
            m_proofs.erase(rejected->station);
        } else if (const auto* link = std::get_if<LinkChanged>(&event); link != nullptr && !link->has_carrier) {
            std::erase_if(m_proofs, [&](const auto& each) { return each.first.port == link->port; });
            std::erase_if(m_accepted, [&](const Station& each) { return each.port == link->port; });
        }
    }

    void ordered(const Orders& orders) {
        for (const Order& order : orders) {
            if (const auto* authorised = std::get_if<Authorise>(&order)) {
                judge(authorised->session);
                m_in_force[authorised->session.station] = authorised->session;
            } else if (const auto* revoked = std::get_if<Revoke>(&order)) {
                CHECK_TEXT(m_in_force.erase(revoked->session.station) == 1, "only what is in force is revoked");
            }
        }
        judge_whole();
    }

    void link_is_down(const std::string& port) const {
        for (const auto& [station, session] : m_in_force) {
            CHECK_TEXT(station.port != port, "a lost link ends everything");
        }
    }

private:
    [[nodiscard]] const model::AccessPort& port_of(const Session& session) const {
        const auto* port = m_lan->settings.policy.find_port(session.station.port);
        CHECK_TEXT(port != nullptr, "a port that the settings have");
        return *port;
    }

    /// Whether something speaks for a session now.
    void judge(const Session& session) const {
        const model::AccessPort& port = port_of(session);
        const auto* device = m_lan->settings.policy.find_device(session.station.mac);
        CHECK_TEXT(session.station.mac != mac(0xff) && session.station.mac != mac(0), "an address that a device has");
        CHECK_TEXT(device == nullptr || !device->port || *device->port == port.name, "a device on its own port");
        CHECK_TEXT(m_lan->settings.policy.find_role(session.role) != nullptr, "a role that the settings have");
        switch (session.method) {
        case Method::dot1x: {
            const auto proof = m_proofs.find(session.station);
            CHECK_TEXT(proof != m_proofs.end() && proof->second == session.user, "802.1X by a proof of that user");
            CHECK_TEXT(m_lan->settings.policy.find_user(session.user) != nullptr, "a user that the settings have");
            CHECK_TEXT(model::has_dot1x(port.mode), "802.1X where it is on");
            CHECK_TEXT(device == nullptr || device->method == model::DeviceMethod::dot1x, "no device without it");
            break;
        }
        case Method::mab: {
            const bool is_registered = device != nullptr && device->method == model::DeviceMethod::mab &&
                                       !(device->expires && m_lan->now.clock.has_passed(*device->expires));
            CHECK_TEXT(is_registered || m_accepted.contains(session.station), "an address that is registered");
            CHECK_TEXT(model::has_mab(port.mode), "MAC authentication where it is on");
            break;
        }
        case Method::host:
            CHECK_TEXT(port.host_mode == HostMode::multi_host, "beside another where that is on");
            break;
        case Method::guest:
            CHECK_TEXT(port.guest_role == session.role, "a guest's role");
            break;
        case Method::failed:
            CHECK_TEXT(port.failed_role == session.role, "a failed one's role");
            break;
        }
    }

    void judge_whole() const {
        std::set<MacAddress> addresses;
        std::map<std::string, unsigned> on_port;
        for (const auto& [station, session] : m_in_force) {
            CHECK_TEXT(addresses.insert(station.mac).second, "an address is in force on one port");
            ++on_port[station.port];
        }
        for (const auto& [name, count] : on_port) {
            const auto* port = m_lan->settings.policy.find_port(name);
            CHECK_TEXT(count <= (port->host_mode == HostMode::single_host ? 1 : port->max_devices), "a port's bound");
        }
        const auto sessions = m_lan->access.sessions();
        LONGS_EQUAL_TEXT(m_in_force.size(), sessions.size(), "what was ordered is what is in force");
        for (const Session& session : sessions) {
            CHECK_TEXT(m_in_force.contains(session.station) && m_in_force.at(session.station).role == session.role,
                       "what was ordered is what is in force");
            if (session.method == Method::host) {
                CHECK_TEXT(std::ranges::any_of(sessions,
                                               [&](const Session& other) {
                                                   return other.station.port == session.station.port &&
                                                          (other.method == Method::dot1x ||
                                                           other.method == Method::mab);
                                               }),
                           "beside another that is there");
            }
        }
    }

    const Switch* m_lan;
    std::map<Station, std::string> m_proofs;
    std::set<Station> m_accepted;
    std::map<Station, Session> m_in_force;
};

class Chance {
public:
    explicit Chance(unsigned seed) : m_engine(seed) {}

    unsigned below(unsigned bound) { return static_cast<unsigned>(m_engine() % bound); }

    bool one_in(unsigned count) { return below(count) == 0; }

private:
    std::minstd_rand m_engine;
};

void shuffle(Switch& lan, Chance& chance) {
    for (model::AccessPort& port : lan.settings.policy.ports) {
        port.mode = static_cast<AccessMode>(chance.below(6));
        port.host_mode = static_cast<HostMode>(chance.below(3));
        port.moves = static_cast<model::Moves>(chance.below(2));
        port.max_devices = 1 + chance.below(4);
        port.guest_role = chance.one_in(2) ? std::optional<std::string>("visitor") : std::nullopt;
        port.failed_role = chance.one_in(2) ? std::optional<std::string>("repair") : std::nullopt;
        port.reauthentication = chance.below(3) * 100;
    }
    for (model::Device& device : lan.settings.policy.devices) {
        device.port = chance.one_in(3) ? std::optional<std::string>("lan2") : std::nullopt;
        device.role = chance.one_in(2) ? std::optional<std::string>("modality") : std::nullopt;
        device.expires =
            chance.one_in(3) ? std::optional(Time::from_seconds(kStart.seconds() + chance.below(500))) : std::nullopt;
    }
    lan.settings.servers_judge_macs = chance.one_in(2);
    for (model::Role& role : lan.settings.policy.roles) {
        role.critical = chance.one_in(3);
    }
}

Event any_event(Chance& chance) {
    static constexpr std::uint8_t kAddresses[] = {1, 2, 3, 4, 5, 6, 0xff};
    const Station station{chance.one_in(2) ? "lan1" : "lan2", mac(kAddresses[chance.below(std::size(kAddresses))])};
    const std::string user = chance.one_in(2) ? "tanaka" : chance.one_in(2) ? "guest" : "stranger";
    const auto valid_for = chance.one_in(3) ? std::optional(seconds(1 + chance.below(200))) : std::nullopt;
    switch (chance.below(14)) {
    case 0:
        return Authenticated{station, user, valid_for};
    case 1:
        return Rejected{station};
    case 2:
        return TimedOut{station};
    case 3:
        return LoggedOff{station};
    case 4:
    case 5:
        return MacJudged{station, chance.one_in(2), std::nullopt, valid_for};
    case 6:
        return WentQuiet{station};
    case 7:
        return LinkChanged{station.port, chance.one_in(2)};
    case 8:
        return ServersChanged{chance.one_in(2)};
    case 9:
        return AuthenticatorStarted{station.port};
    case 10:
        return Cleared{station};
    default:
        return FrameSeen{station};
    }
}

} // namespace

TEST_GROUP(port_access_random){};

TEST(port_access_random, nothing_is_in_force_that_nothing_speaks_for) {
    std::size_t most = 0;
    for (unsigned run = 0; run < kRuns; ++run) {
        Chance chance(run + 1);
        Switch lan;
        Witness witness(lan);
        shuffle(lan, chance);
        witness.ordered(lan.access.configure(lan.settings, lan.now));
        for (int step = 0; step < kSteps; ++step) {
            if (chance.one_in(50)) {
                shuffle(lan, chance);
                witness.ordered(lan.access.configure(lan.settings, lan.now));
            }
            const Ticks passed{chance.one_in(4) ? chance.below(40'000) : chance.below(500)};
            lan.now.ticks = lan.now.ticks + passed;
            lan.now.clock.now.microseconds += passed.count() * 1000;
            witness.ordered(lan.access.advance(lan.now));
            const auto next = lan.access.next_deadline(lan.now);
            CHECK_TEXT(!next || *next > lan.now.ticks || !lan.now.clock.synchronised, "what is due was done");
            const Event event = any_event(chance);
            witness.told(event);
            witness.ordered(lan.access.take(event, lan.now));
            if (const auto* link = std::get_if<LinkChanged>(&event); link != nullptr && !link->has_carrier) {
                witness.link_is_down(link->port);
            }
            most = std::max(most, lan.in_force());
        }
    }
    CHECK_TEXT(most >= 4, "the run gets somewhere");
}
