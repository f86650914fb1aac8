// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/events/sshd.hpp"

#include "policy/base/address.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace sekisho::events {

namespace {

constexpr std::size_t kLongestName = 128;      ///< bytes of a user name in an event
constexpr std::size_t kLongestMessage = 400;   ///< bytes
constexpr std::size_t kFingerprintLength = 50; ///< "SHA256:" and 43 characters of base64
constexpr std::uint32_t kSuperuser = 0;

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Safe to show and bounded, cut between characters.
std::string shown(std::string_view text, std::size_t most) {
    std::string safe = text::escape_for_terminal(text.substr(0, most));
    if (safe.size() > most) {
        std::size_t length = 0;
        for (std::size_t next = 0; next <= most;
             next += text::first_character(std::string_view(safe).substr(next)).length) {
            length = next;
        }
        safe.resize(length);
    }
    return safe;
}

/// Takes `prefix` off the text; false where it doesn't begin so.
bool take(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) {
        return false;
    }
    text.remove_prefix(prefix.size());
    return true;
}

bool drop_end(std::string_view& text, std::string_view suffix) {
    if (!text.ends_with(suffix)) {
        return false;
    }
    text.remove_suffix(suffix.size());
    return true;
}

bool starts_with_any(std::string_view text, std::span<const std::string_view> prefixes) {
    return std::ranges::any_of(prefixes, [text](std::string_view prefix) { return text.starts_with(prefix); });
}

/// An address as sshd prints it, without the zone of a link-local one.
std::optional<std::string> address_of(std::string_view text) {
    const auto address = IpAddress::parse(text.substr(0, text.find('%')));
    return address ? std::optional(address->text()) : std::nullopt;
}

std::optional<std::int64_t> port_of(std::string_view text) {
    const auto port = text::parse_unsigned(text);
    return port && *port <= 65535 ? std::optional(static_cast<std::int64_t>(*port)) : std::nullopt;
}

/// "… ADDRESS port PORT" at the end of a text: nothing that a stranger wrote can stand behind it.
struct Ending {
    std::string_view before; ///< without the space in front of the address
    std::string address;
    std::int64_t port = 0;
};

std::optional<Ending> ending_of(std::string_view text) {
    constexpr std::string_view kPort = " port ";
    const std::size_t at = text.rfind(kPort);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    const auto port = port_of(text.substr(at + kPort.size()));
    const std::string_view until_address = text.substr(0, at);
    const std::size_t space = until_address.rfind(' ');
    const std::size_t begin = space == std::string_view::npos ? 0 : space + 1;
    const auto address = address_of(until_address.substr(begin));
    if (!port || !address) {
        return std::nullopt;
    }
    return Ending{text.substr(0, begin == 0 ? 0 : space), *address, *port};
}

/// "ED25519 SHA256:…" with nothing else: the fingerprint, else nothing. A certificate's text is partly its maker's and
/// is not taken.
std::string_view fingerprint_of(std::string_view text) {
    const std::size_t space = text.find(' ');
    const std::string_view type = text.substr(0, space);
    if (space == std::string_view::npos || type.empty() || !std::ranges::all_of(type, [](char c) {
            return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        })) {
        return {};
    }
    const std::string_view print = text.substr(space + 1);
    constexpr std::string_view kHash = "SHA256:";
    return print.size() == kFingerprintLength && print.starts_with(kHash) &&
                   print.substr(kHash.size()).find_first_not_of(kBase64) == std::string_view::npos
               ? print
               : std::string_view();
}

/// What sshd does not tell of: the client's program, sshd's own business, what other lines say better.
constexpr std::array<std::string_view, 25> kQuiet{"Accepted key ",
                                                  "Postponed publickey for ",
                                                  "Starting session: ",
                                                  "Close session: ",
                                                  "Transferred: sent ",
                                                  "Server listening on ",
                                                  "Received signal ",
                                                  "Received SIGHUP",
                                                  "Exiting on signal ",
                                                  "Received disconnect from ",
                                                  "kex_exchange_identification: ",
                                                  "kex_protocol_error: ",
                                                  "maximum authentication attempts exceeded for ",
                                                  "beginning MaxStartups throttling",
                                                  "exited MaxStartups throttling",
                                                  "srclimit_penalise: ",
                                                  "subsystem request for ",
                                                  "Changing root directory",
                                                  "Changed root directory",
                                                  "syslogin_perform_logout: ",
                                                  "lastlog_openseek: ",
                                                  "lastlog_write_entry: ",
                                                  "wtmp_write: ",
                                                  "wtmpdb_",
                                                  "debug"};

Event base(std::string_view action, bool success) {
    Event event;
    event.set(Field::event_kind, success ? "event" : "alert");
    event.set(Field::event_category, "authentication");
    event.set(Field::event_action, std::string(action));
    event.set(Field::event_outcome, success ? "success" : "failure");
    return event;
}

void set_peer(Event& event, const std::string& address, std::int64_t port) {
    if (address.empty()) {
        return;
    }
    event.set(Field::source_ip, address);
    if (port != 0) {
        event.set_number(Field::source_port, port);
        event.set(Field::session_origin,
                  text::concat("ssh ", address, " port ", text::to_text(static_cast<std::uint64_t>(port))));
    }
}

} // namespace

SshdReader::Connection* SshdReader::find(const SshdLine& line) {
    const auto found = m_connections.find(line.process_id);
    return found != m_connections.end() && found->second.is_child == (line.user_id != kSuperuser) ? &found->second
                                                                                                  : nullptr;
}

void SshdReader::add(std::uint32_t process_id, Connection connection) {
    connection.number = ++m_last_number;
    m_connections.insert_or_assign(process_id, std::move(connection));
    if (m_connections.size() > kMostProcesses) {
        m_connections.erase(
            std::ranges::min_element(m_connections, {}, [](const auto& entry) { return entry.second.number; }));
    }
}

SshdReader::Peer SshdReader::peer_of(const SshdLine& line, const Peer& told) {
    const Connection* connection = find(line);
    return connection != nullptr ? connection->peer : told;
}

Event SshdReader::failure(const SshdLine& line, const Peer& told, std::string_view user, std::string_view reason,
                          std::string_view message) {
    Event event = base("login", false);
    event.set(Field::event_reason, std::string(reason));
    const Peer peer = peer_of(line, told);
    set_peer(event, peer.address, peer.port);
    if (!user.empty()) {
        event.set(Field::user_name, shown(user, kLongestName));
    }
    event.set(Field::message, shown(message, kLongestMessage));
    if (Connection* connection = find(line)) {
        connection->was_refused = true;
        connection->user = shown(user, kLongestName);
    }
    return event;
}

Event SshdReader::refusal(const SshdLine& line, std::string_view reason, std::string_view message) {
    Event event = base("ssh-refused", false);
    event.set(Field::event_reason, std::string(reason));
    if (const Connection* connection = find(line)) {
        set_peer(event, connection->peer.address, connection->peer.port);
        event.set(Field::user_name, connection->user);
        if (!connection->key.empty()) {
            event.set(Field::session_key, connection->key);
        }
    }
    event.set(Field::message, shown(message, kLongestMessage));
    return event;
}

std::optional<Event> SshdReader::read(const SshdLine& line) {
    std::string_view text = line.text;
    // the part of sshd that speaks with strangers has no stream of its own: the monitor writes its lines, marked so
    const bool before_login = drop_end(text, " [preauth]");
    if (line.user_id == kSuperuser && !before_login) {
        if (auto event = read_monitor(line, text)) {
            return event;
        }
        if (text.starts_with("Connection from ") || text.starts_with("User child is on pid ") ||
            text.starts_with("Failed none for ")) {
            return std::nullopt;
        }
    }
    if (auto event = read_end(line, text, before_login || line.user_id == kSuperuser)) {
        return event->size() > 0 ? event : std::nullopt;
    }
    if (auto event = read_session(line, text)) {
        return event->size() > 0 ? event : std::nullopt;
    }
    if (starts_with_any(text, kQuiet)) {
        return std::nullopt;
    }
    Event event = base("ssh-message", false);
    event.set(Field::event_kind, "event");
    event.set(Field::event_category, "host");
    if (const Connection* connection = find(line)) {
        set_peer(event, connection->peer.address, connection->peer.port);
    }
    event.set(Field::message, shown(text, kLongestMessage));
    return event;
}

/// Lines of the listener and of the monitor itself, which no stranger's text begins.
std::optional<Event> SshdReader::read_monitor(const SshdLine& line, std::string_view text) {
    std::string_view rest = text;
    if (take(rest, "Connection from ")) {
        // "ADDRESS port PORT on ADDRESS port PORT rdomain "…""
        if (const auto peer = ending_of(rest.substr(0, rest.find(" on ")))) {
            add(line.process_id, {.peer = {peer->address, peer->port}});
        }
        return std::nullopt;
    }
    if (take(rest, "User child is on pid ")) {
        const Connection* connection = find(line);
        if (const auto child = text::parse_unsigned(rest); child && *child <= UINT32_MAX && connection != nullptr) {
            Connection copy = *connection;
            copy.is_child = true;
            add(static_cast<std::uint32_t>(*child), std::move(copy));
        }
        return std::nullopt;
    }
    if (take(rest, "ssh-server: ")) {
        const bool success = !rest.starts_with("problem: ");
        Event event = base("ssh-server", success);
        event.set(Field::event_category, "host");
        event.set(Field::message, shown(rest, kLongestMessage));
        return event;
    }
    for (const auto read : {&SshdReader::read_attempt, &SshdReader::read_accepted, &SshdReader::read_timeout,
                            &SshdReader::read_listener}) {
        if (auto event = (this->*read)(line, text)) {
            return event;
        }
    }
    return std::nullopt;
}

std::optional<Event> SshdReader::read_attempt(const SshdLine& line, std::string_view text) {
    std::string_view rest = text;
    if (take(rest, "Failed ")) {
        // "METHOD for [invalid user ]USER from ADDRESS port PORT ssh2[: TYPE FINGERPRINT]"
        const std::size_t method = rest.find(" for ");
        const std::size_t end = rest.rfind(" ssh2");
        if (method == std::string_view::npos || end == std::string_view::npos || rest.starts_with("none ")) {
            return std::nullopt;
        }
        std::string_view key = rest.substr(end + 5);
        const std::string_view print = take(key, ": ") ? fingerprint_of(key) : std::string_view();
        const auto peer = ending_of(rest.substr(0, end));
        if (!peer || peer->before.size() < method + 5 || (!key.empty() && print.empty())) {
            return std::nullopt;
        }
        std::string_view user = peer->before.substr(method + 5);
        take(user, "invalid user ");
        if (!drop_end(user, " from")) {
            return std::nullopt;
        }
        Event event = failure(line, {peer->address, peer->port}, user, "key-not-accepted",
                              "login refused: the key is none of the account's");
        if (!print.empty()) {
            event.set(Field::session_key, std::string(print));
        }
        return event;
    }
    if (take(rest, "Invalid user ")) {
        const auto peer = ending_of(rest);
        std::string_view user = peer ? peer->before : rest;
        if (peer && drop_end(user, " from")) {
            return failure(line, {peer->address, peer->port}, user, "unknown-account",
                           "login refused: there is no such account");
        }
        return std::nullopt;
    }
    if (take(rest, "User ")) {
        // "USER[ from ADDRESS] not allowed because …": the reasons are sshd's own words; without an address, the user
        // is one of the machine's
        const std::size_t why = rest.rfind(" not allowed because ");
        if (why == std::string_view::npos) {
            return std::nullopt;
        }
        const std::string_view who = rest.substr(0, why);
        const std::size_t from = who.rfind(" from ");
        const std::string_view user = who.substr(0, from);
        const auto address =
            from == std::string_view::npos ? std::optional(std::string()) : address_of(who.substr(from + 6));
        return address ? std::optional(failure(line, {*address, 0}, user, "not-allowed",
                                               "login refused: this is not an account of the router's administration"))
                       : std::nullopt;
    }
    return std::nullopt;
}

std::optional<Event> SshdReader::read_accepted(const SshdLine& line, std::string_view text) {
    // "Accepted publickey for USER from ADDRESS port PORT ssh2: TYPE FINGERPRINT"
    if (!take(text, "Accepted ")) {
        return std::nullopt;
    }
    const std::size_t method = text.find(" for ");
    const std::size_t end = text.rfind(" ssh2");
    if (method == std::string_view::npos || end == std::string_view::npos) {
        return std::nullopt;
    }
    const auto peer = ending_of(text.substr(0, end));
    if (!peer || peer->before.size() < method + 5) {
        return std::nullopt;
    }
    std::string_view user = peer->before.substr(method + 5);
    if (!drop_end(user, " from")) {
        return std::nullopt;
    }
    std::string_view key = text.substr(end + 5);
    const std::string_view print = take(key, ": ") ? fingerprint_of(key) : std::string_view();
    if (!key.empty() && print.empty()) {
        return std::nullopt; // more than sshd writes
    }
    Event event = base("key-accepted", true);
    const Peer known = peer_of(line, {peer->address, peer->port});
    set_peer(event, known.address, known.port);
    event.set(Field::user_name, shown(user, kLongestName));
    if (!print.empty()) {
        event.set(Field::session_key, std::string(print));
    }
    event.set(Field::message, "the key is the account's");
    if (Connection* connection = find(line)) {
        connection->user = shown(user, kLongestName);
        connection->key = print;
    }
    return event;
}

/// "Timeout before authentication for connection from ADDRESS to ADDRESS, pid = PROCESS", written by the listener.
std::optional<Event> SshdReader::read_timeout(const SshdLine&, std::string_view text) {
    if (!take(text, "Timeout before authentication for connection from ")) {
        return std::nullopt;
    }
    const auto address = address_of(text.substr(0, text.find(' ')));
    constexpr std::string_view kProcess = ", pid = ";
    const std::size_t at = text.rfind(kProcess);
    const auto process =
        at == std::string_view::npos ? std::nullopt : text::parse_unsigned(text.substr(at + kProcess.size()));
    if (!address || !process || *process > UINT32_MAX) {
        return std::nullopt;
    }
    const SshdLine monitor{static_cast<std::uint32_t>(*process), kSuperuser, {}};
    const Connection* connection = find(monitor);
    const std::string user = connection != nullptr ? connection->user : std::string();
    Event event = failure(monitor, {*address, 0}, user, "timeout", "login refused: it took too long");
    m_connections.erase(monitor.process_id);
    return event;
}

std::optional<Event> SshdReader::read_listener(const SshdLine&, std::string_view text) {
    std::string_view rest = text;
    if (take(rest, "drop connection #")) {
        // "N from [ADDRESS]:PORT on [ADDRESS]:PORT REASON"
        const std::size_t from = rest.find(" from [");
        const std::size_t close = rest.find("]:");
        const std::size_t on = rest.find(" on [");
        if (from == std::string_view::npos || close == std::string_view::npos || on == std::string_view::npos ||
            close < from || on < close) {
            return std::nullopt;
        }
        const auto address = address_of(rest.substr(from + 7, close - from - 7));
        const auto port = port_of(rest.substr(close + 2, on - close - 2));
        if (!address || !port) {
            return std::nullopt;
        }
        const std::size_t penalty = rest.find(" penalty: ");
        Event event = base("login", false);
        event.set(Field::event_reason, penalty == std::string_view::npos ? "too-many-connections" : "penalty");
        set_peer(event, *address, *port);
        event.set(Field::message,
                  penalty == std::string_view::npos
                      ? std::string("refused: too many connections that have not logged in")
                      : text::concat("refused for a while: ", shown(rest.substr(penalty + 10), kLongestMessage / 2)));
        return event;
    }
    if (take(rest, "srclimit_penalise: ")) {
        // "ADDRESS/LENGTH: activating FAMILY penalty of N seconds for penalty: REASON"
        const std::size_t length = rest.find('/');
        const std::size_t end = rest.find(": activating ");
        const auto address = address_of(rest.substr(0, length));
        if (length == std::string_view::npos || end == std::string_view::npos || end < length || !address) {
            return std::nullopt;
        }
        Event event = base("ssh-penalty", false);
        set_peer(event, *address, 0);
        event.set(Field::message, shown(text::concat("no SSH connection is taken from ", rest.substr(0, end),
                                                     " for a while: ", rest.substr(end + 13)),
                                        kLongestMessage));
        return event;
    }
    constexpr std::string_view kDropped = " logging rate-limited: additional ";
    if (const std::size_t at = text.find(kDropped); at != std::string_view::npos) {
        rest = text.substr(at + kDropped.size());
        if (const auto count = text::parse_unsigned(rest.substr(0, rest.find(' '))); count && *count <= UINT32_MAX) {
            Event event = base("login", false);
            event.set(Field::event_reason, "too-many-connections");
            event.set_number(Field::event_count, static_cast<std::int64_t>(*count));
            event.set(Field::message, "refused: too many connections that have not logged in");
            return event;
        }
    }
    return std::nullopt;
}

/// Ends of connections. An event without fields: the line is known and tells nothing.
std::optional<Event> SshdReader::read_end(const SshdLine& line, std::string_view text, bool before_login) {
    constexpr std::array<std::string_view, 6> kEnds{"Connection closed by ",  "Connection reset by ",
                                                    "Disconnected from ",     "Disconnecting ",
                                                    "Closing connection to ", "Read error from remote host "};
    const auto* const end =
        std::ranges::find_if(kEnds, [text](std::string_view each) { return text.starts_with(each); });
    const bool no_ssh = text.starts_with("banner exchange: Connection from ");
    const bool no_algorithm = text.starts_with("Unable to negotiate with ");
    const bool broken = text.starts_with("ssh_dispatch_run_fatal: Connection from ");
    if (end == kEnds.end() && !no_ssh && !no_algorithm && !broken) {
        return std::nullopt;
    }
    const Connection* connection = find(line);
    if (!before_login || (connection != nullptr && !connection->key.empty())) {
        m_connections.erase(line.process_id);
        return Event{};
    }
    const bool was_refused = connection != nullptr && connection->was_refused;
    std::string_view rest = end == kEnds.end() ? std::string_view() : text.substr(end->size());
    const auto told = ending_of(rest);
    const Peer peer = peer_of(line, told ? Peer{told->address, told->port} : Peer{});
    Event event;
    if (std::string_view user = told ? told->before : std::string_view();
        take(user, "authenticating user ") && !was_refused) {
        event = failure(line, peer, user, "no-key", "login refused: no key of the account was shown");
    } else if (!was_refused && connection != nullptr) {
        event = base("ssh-ended", false);
        event.set(Field::event_kind, "event");
        event.set(Field::event_reason, no_ssh         ? "no-ssh"
                                       : no_algorithm ? "no-common-algorithm"
                                       : broken       ? "protocol-error"
                                                      : "no-login");
        set_peer(event, peer.address, peer.port);
        event.set(Field::message, shown(text, kLongestMessage));
    }
    m_connections.erase(line.process_id);
    return event;
}

/// Lines of a session that was let in. An event without fields: the line is known and tells nothing.
std::optional<Event> SshdReader::read_session(const SshdLine& line, std::string_view text) {
    std::string_view rest = text;
    if (take(rest, "refused local port forward: ")) {
        return refusal(line, "port-forwarding", text);
    }
    if (take(rest, "refused streamlocal port forward: ")) {
        return refusal(line, "socket-forwarding", text);
    }
    if (text == "no more sessions") {
        return refusal(line, "second-session", "a second session on one connection is not offered");
    }
    if (take(rest, "debug1: ")) {
        return read_request(line, rest);
    }
    const bool idle = text.starts_with("terminating inactive connection from ");
    if (idle || text.starts_with("Timeout, client not responding from ")) {
        Event event = refusal(line, idle ? "idle" : "no-answer",
                              idle ? "the connection was idle and was ended" : "the client no longer answers");
        event.set(Field::event_kind, "event");
        event.set(Field::event_action, "ssh-ended");
        event.set(Field::event_outcome, "success");
        m_connections.erase(line.process_id);
        return event;
    }
    return std::nullopt;
}

/// What a client asked for, in the lines that LogVerbose gives: "FILE:FUNCTION():LINE (bin=…, pid=…): WHAT".
std::optional<Event> SshdReader::read_request(const SshdLine& line, std::string_view text) {
    struct Row {
        std::string_view asked; ///< how the line ends
        std::string_view reason;
        std::string_view message;
    };

    static constexpr std::array<Row, 8> kRefused{{
        {"failure tun@openssh.com", "tunnel", "a tunnel is not offered"},
        {"rtype tcpip-forward want_reply 1", "remote-forwarding", "forwarding of ports to the client is not offered"},
        {"rtype tcpip-forward want_reply 0", "remote-forwarding", "forwarding of ports to the client is not offered"},
        {"rtype streamlocal-forward@openssh.com want_reply 1", "remote-forwarding",
         "forwarding of sockets to the client is not offered"},
        {"rtype streamlocal-forward@openssh.com want_reply 0", "remote-forwarding",
         "forwarding of sockets to the client is not offered"},
        {"req x11-req", "x11", "forwarding of X11 is not offered"},
        {"req auth-agent-req@openssh.com", "agent-forwarding", "forwarding of the key agent is not offered"},
        {"req subsystem", "subsystem", "a subsystem (SFTP, for example) is not offered"},
    }};
    const std::size_t place = text.find("): ");
    if (place == std::string_view::npos) {
        return Event{};
    }
    const std::string_view asked = text.substr(text.find("): ") + 3);
    for (const Row& row : kRefused) {
        const bool is_request = row.asked.starts_with("req ");
        if (asked == row.asked ||
            (is_request && asked.starts_with("session ") && asked.ends_with(text::concat(" ", row.asked)))) {
            return refusal(line, row.reason, row.message);
        }
    }
    std::string_view kind = asked; // of a channel
    if (take(kind, "failure ") && kind != "session" && !kind.starts_with("direct-")) {
        return refusal(line, "channel", text::concat("a channel of this kind is not offered: ", kind));
    }
    return Event{};
}

} // namespace sekisho::events
