// SPDX-License-Identifier: GPL-2.0-or-later
// The log: how it is kept, and the syslog servers that get it too.
#include "policy/base/text.hpp"
#include "policy/model/building.hpp"

#include <algorithm>
#include <tuple>

namespace sekisho::model {

namespace {

constexpr std::size_t kMostServers = 8; ///< each has a connection and a reader of its own

[[nodiscard]] std::string section_of(const SyslogServer& server) {
    return text::concat("log server ", server.name);
}

[[nodiscard]] SyslogTransport transport_of(std::string_view word) noexcept {
    if (word == "tcp") {
        return SyslogTransport::tcp;
    }
    return word == "udp" ? SyslogTransport::udp : SyslogTransport::tls;
}

/// As IANA has registered them; for tcp, RFC 6587 names none, and 601 is customary.
[[nodiscard]] std::uint16_t default_port(SyslogTransport transport) noexcept {
    switch (transport) {
    case SyslogTransport::tls:
        return 6514; // RFC 5425
    case SyslogTransport::tcp:
        return 601;
    case SyslogTransport::udp:
        return 514; // RFC 5426
    }
    return 0;
}

/// Why an address is no server's; nothing where it may be one.
[[nodiscard]] std::optional<std::string> why_no_server(const Building& building, const IpAddress& address) {
    static const IpPrefix kLinkLocal = IpPrefix::parse("fe80::/10").value();
    if (const auto why = why_no_host(address)) {
        return std::string(*why);
    }
    if (kLinkLocal.contains(address)) {
        return "a link-local address, which is one on every network";
    }
    for (const OwnAddress& own : building.own_addresses) {
        if (own.address.address == address) {
            return "the router's own address";
        }
        if (const IpPrefix network = own.address.network(); network.contains(address)) {
            if (const auto why = why_no_host_on(network, address)) {
                return std::string(*why);
            }
        }
    }
    return std::nullopt;
}

void read_host(Building& building, const config::Node& node, SyslogServer& server) {
    const config::Node& statement = *node.find("host");
    server.host = statement.value;
    const Result<IpAddress> address = IpAddress::parse(server.host);
    if (!address) {
        warn_unless_found(building, statement, section_of(server));
    } else if (const auto why = why_no_server(building, *address)) {
        building.diagnostics.error(statement.value_place, section_of(server),
                                   text::concat("host ", server.host, " is ", *why));
    }
}

/// What only TLS has.
void refuse_without_tls(Building& building, const config::Node& node, const SyslogServer& server,
                        std::string_view transport) {
    for (const std::string_view key : {"server-name", "certificate"}) {
        if (const config::Node* statement = node.find(key)) {
            building.diagnostics.error(statement->place, section_of(server),
                                       text::concat("transport ", transport, " has no ", key),
                                       text::concat("take it away, or write transport tls"));
        }
    }
}

void read_protection(Building& building, const config::Node& node, SyslogServer& server) {
    const std::string transport = setting(&node, "log server * transport");
    server.transport = transport_of(transport);
    if (server.transport != SyslogTransport::tls) {
        refuse_without_tls(building, node, server, transport);
        building.diagnostics.warning(node.find("transport")->place, section_of(server),
                                     "sent unprotected: whoever is on the way reads and changes the log",
                                     "transport tls, with the certificate of the server's authority");
        return;
    }
    const config::Node* name = node.find("server-name");
    server.server_name = name == nullptr ? server.host : name->value;
    for (const config::Node* certificate : node.all("certificate")) {
        server.certificates.push_back(certificate->value);
    }
    if (server.certificates.empty()) {
        building.diagnostics.error(node.place, section_of(server),
                                   "transport tls needs a certificate to know the server by",
                                   "certificate \"-----BEGIN CERTIFICATE----- …\"; of the authority that the server's "
                                   "certificate comes from");
    }
}

void warn_of_same_server(Building& building, const SyslogServer& server) {
    const auto target = [](const SyslogServer& one) { return std::tie(one.host, one.port, one.transport); };
    for (const SyslogServer& other : building.model.syslog_servers) {
        if (target(other) == target(server)) {
            building.diagnostics.warning(server.place, section_of(server),
                                         text::concat("it is the same as server ", other.name, " (",
                                                      line_of(other.place), "), which gets every record twice"),
                                         "take one of them away");
            return;
        }
    }
}

} // namespace

void build_log(Building& building) {
    const config::Node* log = building.tree.find("log");
    LogSettings& settings = building.model.log;
    settings.file_size = setting_number(log, "log file-size");
    settings.files = static_cast<unsigned>(setting_number(log, "log files"));
    settings.per_minute = static_cast<unsigned>(setting_number(log, "log per-minute"));
    settings.burst = static_cast<unsigned>(setting_number(log, "log burst"));
    settings.ipv4_prefix = static_cast<unsigned>(setting_number(log, "log ipv4-prefix"));
    settings.ipv6_prefix = static_cast<unsigned>(setting_number(log, "log ipv6-prefix"));
}

void build_syslog_servers(Building& building) {
    const config::Node* log = building.tree.find("log");
    if (log == nullptr) {
        return;
    }
    const std::vector<const config::Node*> nodes = log->all("server");
    if (nodes.size() > kMostServers) {
        building.diagnostics.error(nodes[kMostServers]->place, "log",
                                   text::concat("more than ", text::to_text(kMostServers), " servers"));
        return;
    }
    for (const config::Node* node : nodes) {
        SyslogServer server;
        server.name = node->name();
        server.place = node->place;
        read_host(building, *node, server);
        read_protection(building, *node, server);
        const config::Node* port = node->find("port");
        server.port = port == nullptr ? default_port(server.transport)
                                      : static_cast<std::uint16_t>(text::parse_unsigned(port->value).value());
        warn_of_same_server(building, server);
        building.model.syslog_servers.push_back(std::move(server));
    }
}

} // namespace sekisho::model
