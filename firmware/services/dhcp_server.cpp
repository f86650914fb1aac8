// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/dhcp_server.hpp"

#include "policy/base/text.hpp"

#include <algorithm>

namespace sekisho::services {

namespace {

constexpr std::string_view kConfigurationFile = "dnsmasq.conf";

/// What does not follow from the configuration.
constexpr std::string_view kSettings =
    "keep-in-foreground\n"
    "user=dnsmasq\n"
    "group=nogroup\n"
    "log-facility=-\n"
    "quiet-dhcp\n"
    // Interfaces come and go; nothing listens on those that are not named.
    "bind-dynamic\n"
    "except-interface=lo\n"
    // Names come from the router's own name servers, and from nowhere else.
    "no-hosts\n"
    "domain-needed\n"
    "bogus-priv\n"
    "stop-dns-rebind\n"
    "cache-size=1000\n"
    "edns-packet-max=1232\n"
    "dhcp-authoritative\n"
    // A lease belongs to a hardware address: with the client identifier of another device nobody takes its lease. No
    // device gives itself a name that others could ask for.
    "dhcp-ignore-clid\n"
    "dhcp-ignore-names\n";

Error refused(std::string_view what, std::string_view value) {
    return Error(Domain::configuration, "dnsmasq",
                 text::concat("'", text::escape_for_terminal(value.substr(0, 200)), "' is no ", what));
}

bool is_of(std::string_view word, std::string_view more) {
    return !word.empty() && word.size() <= 200 && std::ranges::all_of(word, [more](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || more.contains(c);
    });
}

/// Text of dnsmasq's configuration: lines of words that hold no space, comma, quote, backslash or '#', which dnsmasq
/// would take for the end of the word.
class Writer {
public:
    Result<void> add_interface(std::string_view option, std::string_view name, std::string_view rest = {}) {
        if (!is_of(name, "-_.")) { // no '*', which stands for any
            return std::unexpected(refused("name of an interface", name));
        }
        m_text += text::concat(option, name, rest, "\n");
        return {};
    }

    Result<void> add_path(std::string_view option, std::string_view path) {
        if (!path.starts_with('/') || !is_of(path, "/-_.")) {
            return std::unexpected(refused("path for dnsmasq", path));
        }
        m_text += text::concat(option, path, "\n");
        return {};
    }

    void add(std::string_view line) { m_text += text::concat(line, "\n"); }

    [[nodiscard]] std::string take() { return std::move(m_text); }

private:
    std::string m_text;
};

std::string mask_of(const IpPrefix& network) {
    return IpAddress::v4(network.length() == 0 ? 0 : 0xffff'ffffu << (32 - network.length())).text();
}

/// Devices that get an address on this network.
struct Reservation {
    MacAddress mac;
    IpAddress address;
};

std::vector<Reservation> reservations_on(const model::Model& model, const IpPrefix& network) {
    std::vector<Reservation> found;
    for (const model::Device& device : model.access.devices) {
        for (const IpAddress& address : device.addresses) {
            if (address.family() == Family::ipv4 && network.contains(address)) {
                found.push_back({device.mac, address});
            }
        }
    }
    return found;
}

/// Adds to `given` how many addresses there are to give.
void add_network(Writer& writer, const model::Model& model, const model::DhcpServer& server, const IpPrefix& network,
                 std::uint64_t& given) {
    const std::string rest = text::concat(",", mask_of(network), ",", text::to_text(server.lease_seconds));
    bool has_range = false;
    for (const IpRange& range : server.ranges) {
        if (network.contains(range.first)) {
            writer.add(text::concat("dhcp-range=", range.first.text(), ",", range.last.text(), rest));
            given += std::uint64_t{range.last.to_v4()} - range.first.to_v4() + 1;
            has_range = true;
        }
    }
    const auto reservations = reservations_on(model, network);
    if (!has_range && !reservations.empty()) {
        writer.add(text::concat("dhcp-range=", network.first().text(), ",static", rest));
    }
    for (const Reservation& reservation : reservations) {
        writer.add(text::concat("dhcp-host=", reservation.mac.text(), ",", reservation.address.text()));
    }
    given += reservations.size();
}

/// Where the router does not answer itself, its name servers are told of, as far as the configuration names them.
Result<void> add_name_servers(Writer& writer, const model::Model& model, const model::Interface& interface) {
    std::string servers;
    for (const IpAddress& server : model.system.name_servers) {
        if (server.family() == Family::ipv4) {
            servers += text::concat(",", server.text());
        }
    }
    return writer.add_interface("dhcp-option=tag:", interface.name, text::concat(",option:dns-server", servers));
}

Result<void> add_interface(Writer& writer, const model::Model& model, const model::Interface& interface,
                           std::uint64_t& given) {
    TRY(writer.add_interface("interface=", interface.name));
    if (!interface.dhcp_server) {
        return writer.add_interface("no-dhcp-interface=", interface.name);
    }
    std::vector<IpPrefix> networks;
    for (const InterfaceAddress& own : interface.addresses) {
        if (own.address.family() == Family::ipv4 && !std::ranges::contains(networks, own.network())) {
            networks.push_back(own.network());
            add_network(writer, model, *interface.dhcp_server, own.network(), given);
        }
    }
    return interface.dns_forwarder ? Result<void>{} : add_name_servers(writer, model, interface);
}

bool is_served(const model::Interface& interface) {
    return interface.dhcp_server || interface.dns_forwarder;
}

} // namespace

Result<std::string> dnsmasq_configuration(const model::Model& model, const DhcpServerPaths& paths) {
    if (std::ranges::none_of(model.interfaces, is_served)) {
        return std::string();
    }
    Writer writer;
    writer.add(kSettings.substr(0, kSettings.size() - 1));
    TRY(writer.add_path("pid-file=", paths.run_directory + "/dnsmasq.pid"));
    TRY(writer.add_path("resolv-file=", paths.resolv_conf));
    TRY(writer.add_path("dhcp-leasefile=", text::concat(paths.run_directory, "/", kLeaseFile)));
    writer.add(std::ranges::any_of(model.interfaces, &model::Interface::dns_forwarder) ? "port=53" : "port=0");
    std::uint64_t given = 0;
    for (const model::Interface& interface : model.interfaces) {
        if (is_served(interface)) {
            TRY(add_interface(writer, model, interface, given));
        }
    }
    writer.add(text::concat("dhcp-lease-max=", text::to_text(std::max<std::uint64_t>(given, 1))));
    return writer.take();
}

DhcpServer::DhcpServer(ports::Processes& processes, ports::Store& run_store, DhcpServerPaths paths)
    : m_processes(processes), m_run_store(run_store), m_paths(std::move(paths)) {}

Result<void> DhcpServer::follow(const model::Model& model) {
    auto done = run(model);
    if (!done) {
        m_processes.stop(kHelper);
        m_configuration.clear();
    }
    return done;
}

Result<void> DhcpServer::run(const model::Model& model) {
    std::string configuration = TRY(dnsmasq_configuration(model, m_paths));
    if (configuration.empty()) {
        m_processes.stop(kHelper);
        m_configuration.clear();
        return {};
    }
    if (configuration != m_configuration) {
        TRY(m_run_store.write(kConfigurationFile, configuration));
        m_processes.stop(kHelper); // leases are in its file
        m_configuration = std::move(configuration);
    }
    return m_processes.keep_running(
        {std::string(kHelper),
         {m_paths.dnsmasq, text::concat("--conf-file=", m_paths.run_directory, "/", kConfigurationFile)}});
}

} // namespace sekisho::services
