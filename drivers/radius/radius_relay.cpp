// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/radius/radius_relay.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/socket.h>

namespace sekisho::drivers {

namespace {

using radius::Code;
using radius::Type;

constexpr std::uint64_t kTickMilliseconds = 500;
constexpr std::int64_t kMostWait = 30'000;   ///< an answer that comes later is nobody's
constexpr std::int64_t kResendAfter = 2000;  ///< requests of the router's own
constexpr std::int64_t kProbeEvery = 10'000; ///< servers that are silent
constexpr std::int64_t kTellEvery = 10'000;  ///< answers that do not count: who sends one may send many
constexpr unsigned kMostTries = 2;           ///< per server, of the router's own
constexpr int kMostReads = 64;               ///< per turn of the loop
constexpr std::size_t kMostStations = 4096;  ///< remembered
/// Calling-Station-Id (RFC 3580 section 3.21).
constexpr model::MacFormat kDashed{.separator = '-', .is_upper = true};
constexpr std::uint32_t kCallCheck = 10; ///< Service-Type (RFC 2865 section 5.6)
constexpr std::uint32_t kEthernet = 15;  ///< NAS-Port-Type (RFC 2865 section 5.41)

bool is_same(const sockaddr_in& left, const sockaddr_in& right) {
    return left.sin_port == right.sin_port && left.sin_addr.s_addr == right.sin_addr.s_addr;
}

/// Who a request of an authenticator is about: its port (NAS-Port-Id, as its configuration has it) and the device.
std::optional<access::Station> station_of(const radius::Packet& packet) {
    const auto port = packet.text(Type::nas_port_id);
    const auto device = packet.text(Type::calling_station_id);
    const auto mac =
        device ? MacAddress::parse(*device) : Result<MacAddress>(std::unexpected(Error(Domain::network, "", "")));
    return port && mac ? std::optional(access::Station{*port, *mac}) : std::nullopt;
}

template <typename Value>
void remember(std::map<access::Station, Value>& where, const access::Station& station, Value value) {
    if (where.size() >= kMostStations && !where.contains(station)) {
        where.erase(where.begin());
    }
    where.insert_or_assign(station, std::move(value));
}

} // namespace

RadiusRelay::RadiusRelay(UvEventLoop& loop, ports::Clock& clock, radius::Digests digests,
                         std::function<Result<void>(std::span<std::uint8_t>)> random)
    : m_loop(loop),
      m_clock(clock),
      m_digests(std::move(digests)),
      m_random(std::move(random)),
      m_timer(loop.make_timer([this] { tick(); })) {}

RadiusRelay::~RadiusRelay() = default;

std::int64_t RadiusRelay::now() const {
    return m_clock.monotonic_microseconds() / 1000;
}

// ---- settings

Result<std::uint16_t> RadiusRelay::follow(const Settings& settings) {
    if (!m_local.socket.is_open()) {
        m_local = TRY(radius_sockets::open_local());
        m_local_watch = m_loop.watch_readable(m_local.socket.get(), [this] { on_request(); });
    }
    if (settings == m_settings) {
        return m_local.port;
    }
    m_servers.clear();
    m_conversations.clear();
    m_acceptances.clear(); // a former server's word is nobody's
    m_settings = settings;
    for (const ports::RadiusServerTarget& target : settings.servers) {
        auto server = std::make_unique<Server>();
        server->target = target;
        server->heard = now();
        if (!open_server(*server, m_servers.size())) {
            server->answers = false; // no way there now; it is tried again
        }
        m_servers.push_back(std::move(server));
    }
    m_timer->start_repeating(kTickMilliseconds);
    tell_if_changed();
    return m_local.port;
}

Result<void> RadiusRelay::open_server(Server& server, std::size_t index) {
    server.watch.reset();
    server.socket = TRY(radius_sockets::connect_to(server.target.address, server.target.port));
    server.watch = m_loop.watch_readable(server.socket.get(), [this, index] { on_answers(index); });
    return {};
}

std::vector<ports::RadiusServerState> RadiusRelay::states() const {
    std::vector<ports::RadiusServerState> states;
    for (const auto& server : m_servers) {
        states.push_back({.name = server->target.name, .answers = server->answers, .refused = server->refused});
    }
    return states;
}

// ---- from authenticators to servers

void RadiusRelay::on_request() {
    std::array<std::uint8_t, radius::kMostPacket + 1> buffer{};
    for (int reads = 0; reads < kMostReads; ++reads) {
        sockaddr_in from{};
        socklen_t size = sizeof from;
        const ssize_t length =
            recvfrom(m_local.socket.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
        if (length < 0) {
            return;
        }
        const std::span<const std::uint8_t> bytes(buffer.data(), static_cast<std::size_t>(length));
        const auto packet = radius::parse(bytes);
        if (packet && packet->code == static_cast<std::uint8_t>(Code::access_request) &&
            radius::is_request_of(bytes, m_settings.authenticators_secret, m_digests)) {
            pass(*packet, bytes, from);
        }
    }
}

std::size_t RadiusRelay::first_answering() const {
    const auto found = std::ranges::find_if(m_servers, [](const auto& server) { return server->answers; });
    return found == m_servers.end() ? 0 : static_cast<std::size_t>(found - m_servers.begin());
}

/// A conversation (State, RFC 2865 section 5.24) goes on where it began.
std::size_t RadiusRelay::server_for(const radius::Packet& packet, const access::Station& station) const {
    const auto found = m_conversations.find(station);
    return packet.first(Type::state) && found != m_conversations.end() ? found->second : first_answering();
}

/// An authenticator's request that waits for its answer is sent again where it went last.
bool RadiusRelay::send_again(const radius::Packet& packet, const sockaddr_in& from) {
    Pending* latest = nullptr;
    const Server* where = nullptr;
    for (const auto& server : m_servers) {
        for (auto& pending : server->pending) {
            if (pending && pending->purpose == Purpose::passed && pending->from_id == packet.id &&
                pending->authenticator == packet.authenticator && is_same(pending->from, from) &&
                (latest == nullptr || pending->begun > latest->begun)) {
                latest = &*pending;
                where = server.get();
            }
        }
    }
    if (latest == nullptr) {
        return false;
    }
    latest->sent = now();
    ::send(where->socket.get(), latest->packet.data(), latest->packet.size(), MSG_NOSIGNAL);
    return true;
}

/// What a server that has fallen silent was asked goes to the next, unless its conversation has begun: there another
/// server could only refuse.
void RadiusRelay::pass_on(std::size_t index) {
    const std::size_t next = first_answering();
    if (next == index || !m_servers[next]->answers) {
        return;
    }
    Server& server = *m_servers[next];
    for (const auto& pending : m_servers[index]->pending) {
        if (!pending || pending->purpose != Purpose::passed) {
            continue;
        }
        const auto packet = radius::parse(pending->packet);
        if (!packet || packet->first(Type::state)) {
            continue;
        }
        Pending moved = *pending;
        moved.packet = radius::passed_request(pending->packet, server.next_id, server.target.secret, m_digests);
        moved.begun = moved.sent = now();
        remember(m_conversations, moved.station, next);
        send(server, std::move(moved));
    }
}

void RadiusRelay::pass(const radius::Packet& packet, std::span<const std::uint8_t> bytes, const sockaddr_in& from) {
    const auto station = station_of(packet);
    if (!station || m_servers.empty()) {
        return;
    }
    const std::size_t index = server_for(packet, *station);
    if (index >= m_servers.size() || send_again(packet, from)) {
        return;
    }
    remember(m_conversations, *station, index);
    m_acceptances.erase(*station); // what was said before is not about this
    Server& server = *m_servers[index];
    send(server, {.purpose = Purpose::passed,
                  .authenticator = packet.authenticator,
                  .station = *station,
                  .from = from,
                  .from_id = packet.id,
                  .packet = radius::passed_request(bytes, server.next_id, server.target.secret, m_digests),
                  .begun = now(),
                  .sent = now(),
                  .tries = 1});
}

/// Under the server's next id.
void RadiusRelay::send(Server& server, Pending pending) {
    if (server.socket.is_open()) {
        ::send(server.socket.get(), pending.packet.data(), pending.packet.size(), MSG_NOSIGNAL);
    }
    server.pending[server.next_id++] = std::move(pending);
}

// ---- from servers

void RadiusRelay::on_answers(std::size_t index) {
    std::array<std::uint8_t, radius::kMostPacket + 1> buffer{};
    for (int reads = 0; reads < kMostReads && index < m_servers.size(); ++reads) {
        Server& server = *m_servers[index];
        const ssize_t length = recv(server.socket.get(), buffer.data(), buffer.size(), 0);
        if (length < 0) {
            return; // "port unreachable" too: the server is silent
        }
        on_answer(server, {buffer.data(), static_cast<std::size_t>(length)});
    }
}

void RadiusRelay::on_answer(Server& server, std::span<const std::uint8_t> bytes) {
    const auto packet = radius::parse(bytes);
    auto* const waiting = packet ? &server.pending[packet->id] : nullptr;
    if (waiting == nullptr || !*waiting) {
        return; // nobody asked, or it was answered
    }
    const radius::Verdict verdict =
        radius::judge_answer(bytes, (*waiting)->authenticator, server.target.secret, m_digests);
    if (verdict != radius::Verdict::genuine) {
        ++server.refused;
        if (server.refused == 1 || now() - server.told >= kTellEvery) {
            server.told = now();
            tell(server.target.name, radius::name_of(verdict));
        }
        return;
    }
    server.heard = now();
    const Pending asked = *std::exchange(*waiting, std::nullopt);
    set_answering(server, true);
    take(asked, *packet, bytes);
}

void RadiusRelay::take(const Pending& asked, const radius::Packet& packet, std::span<const std::uint8_t> bytes) {
    const bool is_accepted = packet.code == static_cast<std::uint8_t>(Code::access_accept);
    std::optional<access::Ticks> valid_for;
    if (const auto timeout = packet.number(Type::session_timeout); timeout && *timeout > 0) {
        valid_for = access::Ticks::of_seconds(*timeout);
    }
    switch (asked.purpose) {
    case Purpose::probe:
        return;
    case Purpose::mac:
        if (m_on_event) {
            m_on_event(access::MacJudged{
                .station = asked.station, .accepted = is_accepted, .role = {}, .valid_for = valid_for});
        }
        return;
    case Purpose::passed:
        if (is_accepted) {
            remember(
                m_acceptances, asked.station,
                ports::RadiusAcceptance{.user = packet.text(Type::user_name).value_or(""), .valid_for = valid_for});
        }
        const radius::Bytes answer = radius::passed_answer(bytes, asked.from_id, asked.authenticator,
                                                           m_settings.authenticators_secret, m_digests);
        sendto(m_local.socket.get(), answer.data(), answer.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&asked.from), sizeof asked.from);
        return;
    }
}

std::optional<ports::RadiusAcceptance> RadiusRelay::take_acceptance(const access::Station& station) {
    const auto found = m_acceptances.find(station);
    if (found == m_acceptances.end()) {
        return std::nullopt;
    }
    auto acceptance = std::move(found->second);
    m_acceptances.erase(found);
    return acceptance;
}

// ---- the router's own requests

void RadiusRelay::judge_mac(const access::Station& station) {
    if (!m_servers.empty()) {
        ask(first_answering(), Purpose::mac, station);
    }
}

void RadiusRelay::ask(std::size_t index, Purpose purpose, const access::Station& station) {
    Server& server = *m_servers[index];
    Pending pending{.purpose = purpose,
                    .authenticator = {},
                    .station = station,
                    .from = {},
                    .from_id = 0,
                    .packet = {},
                    .begun = now(),
                    .sent = now(),
                    .tries = 1};
    if (!m_random(pending.authenticator)) {
        return; // a request that can be guessed must not be made
    }
    const bool is_probe = purpose == Purpose::probe;
    const std::string name = is_probe ? std::string("sekisho-probe") : server.target.mac_format.text(station.mac);
    radius::Request request(server.next_id, pending.authenticator);
    request.add(Type::user_name, name)
        .add_password(name, server.target.secret, m_digests)
        .add(Type::nas_identifier, m_settings.nas_identifier);
    if (!is_probe) {
        request.add(Type::service_type, kCallCheck)
            .add(Type::nas_port_type, kEthernet)
            .add(Type::nas_port_id, station.port)
            .add(Type::calling_station_id, kDashed.text(station.mac));
    }
    pending.packet = std::move(request).finish(server.target.secret, m_digests);
    send(server, std::move(pending));
}

// ---- time

void RadiusRelay::tick() {
    const std::int64_t moment = now();
    for (std::size_t index = 0; index < m_servers.size(); ++index) {
        tick(index, moment);
    }
}

void RadiusRelay::tick(std::size_t index, std::int64_t moment) {
    Server& server = *m_servers[index];
    const auto patience = static_cast<std::int64_t>(server.target.timeout_milliseconds);
    bool has_fallen_silent = false;
    for (auto& pending : server.pending) {
        if (!pending) {
            continue;
        }
        if (moment - pending->begun >= patience && server.heard <= pending->begun) {
            has_fallen_silent = has_fallen_silent || server.answers;
            set_answering(server, false);
        }
        if (moment - pending->begun >= kMostWait) {
            pending.reset();
        } else if (pending->purpose == Purpose::mac && moment - pending->sent >= kResendAfter) {
            if (pending->tries < kMostTries) {
                ++pending->tries;
                pending->sent = moment;
                ::send(server.socket.get(), pending->packet.data(), pending->packet.size(), MSG_NOSIGNAL);
            } else if (pending->tries == kMostTries && index + 1 < m_servers.size()) {
                ++pending->tries; // a late answer still counts
                ask(index + 1, Purpose::mac, pending->station);
            }
        }
    }
    if (has_fallen_silent) {
        pass_on(index);
    }
    if (!server.answers && moment - server.probed >= kProbeEvery) {
        server.probed = moment;
        if (server.socket.is_open() || open_server(server, index)) {
            ask(index, Purpose::probe, {});
        }
    }
}

void RadiusRelay::set_answering(Server& server, bool answers) {
    if (server.answers == answers) {
        return;
    }
    server.answers = answers;
    server.probed = now();
    tell(server.target.name, answers ? "answers" : "silent");
    tell_if_changed();
}

void RadiusRelay::tell_if_changed() {
    const bool any = std::ranges::any_of(m_servers, [](const auto& each) { return each->answers; });
    if (std::exchange(m_any_answers, any) != any && m_on_event) {
        m_on_event(access::ServersChanged{any});
    }
}

void RadiusRelay::tell(std::string_view name, std::string_view what) {
    if (m_on_server) {
        m_on_server(std::string(name), what);
    }
}

} // namespace sekisho::drivers
