// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/config/schema.hpp"

#include <array>
#include <cstddef>

namespace sekisho::config {

namespace {

constexpr auto kBlock = Shape::block;
constexpr auto kNamed = Shape::named_block;
constexpr auto kMany = Count::many;
constexpr auto kRequired = Need::required;

constexpr std::string_view kServiceProtocols = "tcp udp icmp icmpv6 gre esp ah sctp";
constexpr std::string_view kPolicyProtocols = "any tcp udp icmp icmpv6 gre esp ah sctp";
constexpr std::string_view kLogChoices = "accepted none";

// clang-format off
constexpr std::array kSchema{
    Parameter{.path = "system", .shape = kBlock, .help = "The router itself."},
    Parameter{.path = "system host-name", .type = Type::host_name, .fallback = "sekisho", .help = "Name of the router, in its log and on its console."},
    Parameter{.path = "system time-zone", .type = Type::time_zone, .fallback = "UTC", .help = "Where the clinic is. Dates in the configuration are days there."},
    Parameter{.path = "system name-server", .type = Type::address, .count = kMany, .help = "DNS server that the router itself asks."},

    Parameter{.path = "time", .shape = kBlock, .help = "Where the router gets the time. Without the right time, entries that expire are closed."},
    Parameter{.path = "time server", .type = Type::host, .count = kMany, .help = "NTP server."},

    Parameter{.path = "interfaces", .shape = kBlock, .need = kRequired, .help = "Network ports and bridges of several ports."},
    Parameter{.path = "interfaces interface *", .shape = kNamed, .type = Type::interface_name, .count = kMany, .help = "One network port."},
    Parameter{.path = "interfaces interface * address", .type = Type::interface_address, .count = kMany, .help = "Address of the router on this network, with the network's prefix length."},
    Parameter{.path = "interfaces interface * gateway", .type = Type::address, .count = kMany, .help = "Router towards the internet, at most one per family; only in zone wan."},
    Parameter{.path = "interfaces interface * dhcp", .shape = Shape::flag, .help = "Take IPv4 address and gateway from a DHCP server; only in zone wan."},
    Parameter{.path = "interfaces interface * dhcp-server", .shape = kBlock, .help = "Gives devices of this network their IPv4 addresses, with the router as their gateway; not in zone wan. A device with an address under port-access gets that one."},
    Parameter{.path = "interfaces interface * dhcp-server range", .type = Type::range, .count = kMany, .help = "Addresses that are given to anybody, as 10.0.1.100-10.0.1.199. Without it: only registered devices get theirs."},
    Parameter{.path = "interfaces interface * dhcp-server lease-time", .type = Type::number, .fallback = "3600", .least = 120, .most = 604'800, .help = "Seconds that an address is given for; a device asks again after half of them."},
    Parameter{.path = "interfaces interface * dns-forwarder", .shape = Shape::flag, .help = "Answers DNS questions of this network with what the router's own name servers say; not in zone wan."},
    Parameter{.path = "interfaces bridge *", .shape = kNamed, .type = Type::interface_name, .count = kMany, .help = "Several ports that make up one network."},
    Parameter{.path = "interfaces bridge * port", .type = Type::interface_name, .count = kMany, .need = kRequired, .help = "Network port that belongs to the bridge."},
    Parameter{.path = "interfaces bridge * address", .type = Type::interface_address, .count = kMany, .help = "Address of the router on this network, with the network's prefix length."},
    Parameter{.path = "interfaces bridge * dhcp-server", .shape = kBlock, .help = "Gives devices of this network their IPv4 addresses, with the router as their gateway; not in zone wan. A device with an address under port-access gets that one."},
    Parameter{.path = "interfaces bridge * dhcp-server range", .type = Type::range, .count = kMany, .help = "Addresses that are given to anybody, as 10.0.1.100-10.0.1.199. Without it: only registered devices get theirs."},
    Parameter{.path = "interfaces bridge * dhcp-server lease-time", .type = Type::number, .fallback = "3600", .least = 120, .most = 604'800, .help = "Seconds that an address is given for; a device asks again after half of them."},
    Parameter{.path = "interfaces bridge * dns-forwarder", .shape = Shape::flag, .help = "Answers DNS questions of this network with what the router's own name servers say; not in zone wan."},

    Parameter{.path = "zones", .shape = kBlock, .need = kRequired, .help = "Networks with the same trust. Zone wan is the outside; zone router is the router itself and is always there."},
    Parameter{.path = "zones *", .shape = Shape::keyed_block, .type = Type::name, .count = kMany, .need = kRequired, .help = "A zone, by its name."},
    Parameter{.path = "zones * interface", .type = Type::interface_ref, .count = kMany, .need = kRequired, .help = "Interface or bridge that belongs to the zone."},

    Parameter{.path = "nat", .shape = kBlock, .help = "Translation of addresses."},
    Parameter{.path = "nat masquerade", .type = Type::zone_ref, .count = kMany, .help = "Inside zone whose IPv4 connections to the WAN take the router's WAN address."},

    Parameter{.path = "address-list *", .shape = kNamed, .type = Type::name, .count = kMany, .help = "A named list of addresses, for use in services, policies and blocks."},
    Parameter{.path = "address-list * description", .type = Type::text, .help = "What the list is for."},
    Parameter{.path = "address-list * address", .shape = Shape::entry, .type = Type::range, .count = kMany, .need = kRequired, .help = "Network, single address or range."},
    Parameter{.path = "address-list * address * expires", .type = Type::date, .help = "Last day on which this entry holds, in the router's time zone."},
    Parameter{.path = "address-list * expires", .type = Type::date, .help = "Last day on which any entry of the list holds."},

    Parameter{.path = "geo-list *", .shape = kNamed, .type = Type::name, .count = kMany, .help = "Countries under a name. Where a list is used decides whether it admits (source of a service, gate, destination of a policy that allows) or refuses (block, destination of a policy that denies)."},
    Parameter{.path = "geo-list * description", .type = Type::text, .help = "What the list is for."},
    Parameter{.path = "geo-list * country", .type = Type::country, .count = kMany, .need = kRequired, .help = "Country whose addresses it stands for, by the country database."},
    Parameter{.path = "geo-list * except", .type = Type::address_list_ref, .count = kMany, .particle = "address-list", .help = "Addresses that pass whatever their country: an admitting list admits them, a refusing one does not refuse them. For a range that the database has wrong, or a private network on the WAN, which has no country."},
    Parameter{.path = "geo-list * unknown", .type = Type::choice, .choices = "deny allow", .help = "What happens to addresses that the database gives no country. Without it, what happens to a country that is not named."},

    Parameter{.path = "geo", .shape = kBlock, .help = "The country database."},
    Parameter{.path = "geo warn-age", .type = Type::number, .fallback = "90", .least = 1, .most = 3650, .help = "Days after which an old database is warned of. It stays in force."},

    Parameter{.path = "gate", .shape = kBlock, .help = "What everything new from the WAN must satisfy before a service is asked."},
    Parameter{.path = "gate geo-list", .type = Type::geo_list_ref, .count = kMany, .need = kRequired, .help = "List of countries that admits; one of several is enough."},

    Parameter{.path = "service *", .shape = kNamed, .type = Type::name, .count = kMany, .help = "What the listed sources on the WAN may reach: on the router, or forwarded to an inside host."},
    Parameter{.path = "service * description", .type = Type::text, .help = "What the service is for."},
    Parameter{.path = "service * from", .type = Type::zone_ref, .count = kMany, .fallback = "wan", .help = "Zones that it is offered to. Always wan; an inside zone beside it reaches the service too, by the router's addresses and whatever the source lists say."},
    Parameter{.path = "service * protocol", .type = Type::choice, .need = kRequired, .choices = kServiceProtocols, .help = "Protocol."},
    Parameter{.path = "service * port", .type = Type::port_range, .count = kMany, .help = "Port or range that the sender addresses. Needed for tcp, udp and sctp."},
    Parameter{.path = "service * forward-to", .type = Type::address, .count = kMany, .help = "Inside host, at most one per family. IPv4 is translated to it; over IPv6 the sender addresses the host itself. Without it the service is on the router."},
    Parameter{.path = "service * forward-port", .type = Type::port, .help = "Port on the inside host where it differs from the single port. Over IPv6 the sender addresses this port itself."},
    Parameter{.path = "service * source", .shape = kBlock, .help = "Who may use the service. Needed."},
    Parameter{.path = "service * source address-list", .type = Type::address_list_ref, .count = kMany, .help = "Address list that admits; one of several is enough. A family that no list names is closed."},
    Parameter{.path = "service * source geo-list", .type = Type::geo_list_ref, .count = kMany, .help = "List of countries that admits; one of several is enough. Beside address lists both must admit; without any it guards weakly."},
    Parameter{.path = "service * log", .type = Type::choice, .fallback = "accepted", .choices = kLogChoices, .help = "Whether accepted connections are recorded. Denied ones always are."},

    Parameter{.path = "policy *", .shape = kNamed, .type = Type::name, .count = kMany, .help = "What an inside zone may reach in another zone. Policies are tried in their order; the first that matches decides; what none matches is denied."},
    Parameter{.path = "policy * description", .type = Type::text, .help = "What the policy is for."},
    Parameter{.path = "policy * from", .type = Type::zone_ref, .need = kRequired, .help = "Inside zone that connects."},
    Parameter{.path = "policy * to", .type = Type::zone_ref, .need = kRequired, .help = "Zone that it connects to; router is the router itself. The same zone: between ports that port-access keeps apart, over IPv4."},
    Parameter{.path = "policy * protocol", .type = Type::choice, .fallback = "any", .choices = kPolicyProtocols, .help = "Protocol."},
    Parameter{.path = "policy * port", .type = Type::port_range, .count = kMany, .help = "Destination port or range, for tcp, udp and sctp. Without it: every port."},
    Parameter{.path = "policy * source", .shape = kBlock, .help = "Which addresses of the zone. Without it: all."},
    Parameter{.path = "policy * source address-list", .type = Type::address_list_ref, .count = kMany, .need = kRequired, .help = "Address list; one of several is enough."},
    Parameter{.path = "policy * destination", .shape = kBlock, .help = "Which addresses may be reached. Without it: all."},
    Parameter{.path = "policy * destination address-list", .type = Type::address_list_ref, .count = kMany, .help = "Address list; one of several is enough."},
    Parameter{.path = "policy * destination geo-list", .type = Type::geo_list_ref, .count = kMany, .help = "List of countries, where the zone is wan; one of several is enough. Beside address lists both must hold."},
    Parameter{.path = "policy * action", .type = Type::choice, .need = kRequired, .choices = "allow deny", .help = "What happens to a connection that matches."},
    Parameter{.path = "policy * log", .type = Type::choice, .fallback = "accepted", .choices = kLogChoices, .help = "Whether accepted connections are recorded. Denied ones always are."},

    Parameter{.path = "block", .shape = kBlock, .help = "Sources that the WAN never lets in, whatever other lists name them."},
    Parameter{.path = "block address-list", .type = Type::address_list_ref, .count = kMany, .help = "Address list; its entries must not expire."},
    Parameter{.path = "block geo-list", .type = Type::geo_list_ref, .count = kMany, .help = "List of countries that are refused."},

    Parameter{.path = "account *", .shape = kNamed, .type = Type::account_name, .count = kMany, .help = "A person who administers the router. The account admin is always there; an entry for it adds to it."},
    Parameter{.path = "account * description", .type = Type::text, .help = "Who it is."},
    Parameter{.path = "account * ssh-key", .type = Type::ssh_key, .count = kMany, .help = "Key that the account logs in with over SSH, as it stands in the .pub file. A key belongs to one account."},

    Parameter{.path = "management", .shape = kBlock, .help = "Ways in to the router itself, beside its serial console. Nothing is open that is not named here."},
    Parameter{.path = "management ssh", .shape = kBlock, .help = "SSH, by key. Policies to the router are tried before it."},
    Parameter{.path = "management ssh from", .type = Type::zone_ref, .count = kMany, .need = kRequired, .help = "Inside zone from which the router's address on it is reached. From the WAN, SSH needs a service on the router with a source list beside this."},
    Parameter{.path = "management ssh port", .type = Type::port, .fallback = "22", .help = "TCP port."},

    Parameter{.path = "port-access", .shape = kBlock, .help = "Which devices may be on which ports. A bridge with a port that is named here keeps all its ports apart: between them no frame passes, and IPv4 only by a policy from the zone to itself."},
    Parameter{.path = "port-access role *", .shape = kNamed, .type = Type::name, .count = kMany, .help = "What a device may reach, where that is less than its zone may."},
    Parameter{.path = "port-access role * description", .type = Type::text, .help = "What the role is for."},
    Parameter{.path = "port-access role * critical", .shape = Shape::flag, .help = "While no RADIUS server answers, a session with this role that was in force goes on, until its link is lost. Nothing new is admitted by it."},
    Parameter{.path = "port-access role * destination", .shape = kBlock, .help = "The only addresses that a device with this role may connect to, as far as its zone's policies allow them. Without it: all that they allow."},
    Parameter{.path = "port-access role * destination address-list", .type = Type::address_list_ref, .count = kMany, .need = kRequired, .help = "Address list; one of several is enough."},
    Parameter{.path = "port-access port *", .shape = kNamed, .type = Type::interface_name, .count = kMany, .help = "A port of a bridge of an inside zone."},
    Parameter{.path = "port-access port * mode", .type = Type::choice, .need = kRequired, .choices = "open closed dot1x mab dot1x-then-mab mab-then-dot1x", .help = "How a device gets onto the port. dot1x: by 802.1X. mab: by its MAC address alone, which is weak: an address can be forged. dot1x-then-mab: a device that does not answer to 802.1X is judged by its address. mab-then-dot1x: only a device that is not registered is asked for 802.1X."},
    Parameter{.path = "port-access port * host-mode", .type = Type::choice, .fallback = "multi-auth", .choices = "single-host multi-host multi-auth", .help = "single-host: one device. multi-auth: several, each registered. multi-host: beside one that is registered, others with its role."},
    Parameter{.path = "port-access port * maximum-devices", .type = Type::number, .fallback = "8", .least = 1, .most = 4096, .help = "Devices in force at a time."},
    Parameter{.path = "port-access port * moves", .type = Type::choice, .fallback = "refuse", .choices = "refuse follow", .help = "What happens to a device that appears here while it is in force on another port. refuse: nothing but an alarm. follow: it moves."},
    Parameter{.path = "port-access port * role", .type = Type::role_ref, .help = "Role of a device that has none of its own. Needed unless the mode is open or closed."},
    Parameter{.path = "port-access port * guest-role", .type = Type::role_ref, .help = "Role of a device that is not registered. Without it: it is not admitted."},
    Parameter{.path = "port-access port * failed-role", .type = Type::role_ref, .help = "Role of a device whose 802.1X was refused. Without it: it is not admitted."},
    Parameter{.path = "port-access port * tx-period", .type = Type::number, .fallback = "5", .least = 1, .most = 60, .help = "Seconds that one attempt at 802.1X counts for. A device that is registered without it waits one second in all."},
    Parameter{.path = "port-access port * attempts", .type = Type::number, .fallback = "3", .least = 1, .most = 10, .help = "Attempts until a device counts as one without 802.1X."},
    Parameter{.path = "port-access port * quiet-period", .type = Type::number, .fallback = "60", .least = 1, .most = 3600, .help = "Seconds for which a refused device is left alone."},
    Parameter{.path = "port-access port * reauthentication", .type = Type::number, .fallback = "3600", .least = 0, .most = 604'800, .help = "Seconds after which a device is judged anew. 0: never."},
    Parameter{.path = "port-access port * inactivity", .type = Type::number, .fallback = "0", .least = 0, .most = 604'800, .help = "Seconds after which the session of a device that sends nothing ends; nothing goes out to it then until it sends again. Useful where devices leave without the port losing its link, as behind a telephone. 0: never."},
    Parameter{.path = "port-access port * source-binding", .type = Type::choice, .fallback = "report", .choices = "off report enforce", .help = "What happens to IPv4 of a device that has neither an address here nor a lease of the router's own DHCP server. report: it is told of. enforce: it is dropped too. Whatever is chosen, nobody uses an address of another device's entry, or the router's."},
    Parameter{.path = "port-access device *", .shape = kNamed, .type = Type::mac, .count = kMany, .help = "A device that the clinic knows, by its MAC address, which admits it on ports whose mode has mab."},
    Parameter{.path = "port-access device * name", .type = Type::text, .need = kRequired, .help = "What it is, and where."},
    Parameter{.path = "port-access device * method", .type = Type::choice, .fallback = "mab", .choices = "mab dot1x", .help = "mab: its MAC address admits it, and 802.1X in its name is an alarm. dot1x: 802.1X alone admits it."},
    Parameter{.path = "port-access device * role", .type = Type::role_ref, .help = "Its role. Without it: the port's."},
    Parameter{.path = "port-access device * port", .type = Type::interface_name, .help = "The only port that it may be on."},
    Parameter{.path = "port-access device * address", .type = Type::address, .count = kMany, .help = "An address that is this device's alone, and with it the only ones that it may use. The router's DHCP server gives it the IPv4 one."},
    Parameter{.path = "port-access device * critical", .shape = Shape::flag, .help = "The same as a role's, for this device."},
    Parameter{.path = "port-access device * expires", .type = Type::date, .help = "Last day on which the entry holds."},
    Parameter{.path = "port-access device * inactivity", .type = Type::choice, .choices = "never", .help = "The device may be silent for as long as it likes, whatever its port says."},
    Parameter{.path = "port-access device * wake", .type = Type::choice, .fallback = "no", .choices = "yes no", .help = "While the device is not in force, broadcasts and what is addressed to it (Wake-on-LAN) go out to its port nevertheless. Nothing comes in by that."},
    Parameter{.path = "port-access device * owner", .type = Type::text, .help = "Who answers for it."},
    Parameter{.path = "port-access device * note", .type = Type::text, .help = "Anything else."},
    Parameter{.path = "port-access user *", .shape = kNamed, .type = Type::user_name, .count = kMany, .help = "Who may prove themselves to the router's own EAP server: by the password that 'access password' stores, or by a certificate."},
    Parameter{.path = "port-access user * role", .type = Type::role_ref, .help = "Role of devices on which this user proved themselves. Without it: the device's, else the port's."},
    Parameter{.path = "port-access user * certificate-serial", .type = Type::serial, .count = kMany, .help = "Serial number of a certificate of the EAP server's authority that stands for this user."},
    Parameter{.path = "port-access user * expires", .type = Type::date, .help = "Last day on which the entry holds."},
    Parameter{.path = "port-access user * note", .type = Type::text, .help = "Anything else."},
    Parameter{.path = "port-access eap-server", .shape = kBlock, .help = "The router's own EAP server, which decides where there is no radius-server: PEAP and TTLS with a password, EAP-TLS with a certificate."},
    Parameter{.path = "port-access eap-server authority", .type = Type::certificate, .help = "Certificate of the one authority that users' certificates come from. Without it: no EAP-TLS."},
    Parameter{.path = "port-access eap-server revocation-list", .type = Type::revocation_list, .help = "The authority's list of revoked certificates. Once it is older than it says itself, no certificate is accepted."},
    Parameter{.path = "port-access radius-server *", .shape = kNamed, .type = Type::name, .count = kMany, .help = "A RADIUS server of the clinic, which decides instead of the router's own; the next one where it does not answer. 'access secret' stores its shared secret."},
    Parameter{.path = "port-access radius-server * address", .type = Type::address, .need = kRequired, .help = "Its address."},
    Parameter{.path = "port-access radius-server * port", .type = Type::port, .fallback = "1812", .help = "UDP port."},
    Parameter{.path = "port-access radius-server * timeout", .type = Type::number, .fallback = "3", .least = 1, .most = 30, .help = "Seconds without an answer after which the server counts as silent, and the next one is asked."},
    Parameter{.path = "port-access radius-server * mac-format", .type = Type::choice, .fallback = "plain", .choices = "plain plain-upper dashes dashes-upper colons colons-upper", .help = "How a MAC address is written as user name and password: 00112233aabb, 00-11-22-33-aa-bb or 00:11:22:33:aa:bb, or the same in capitals."},

    Parameter{.path = "log", .shape = kBlock, .help = "The access log."},
    Parameter{.path = "log file-size", .type = Type::size, .fallback = "4M", .least = 64u << 10, .most = 256u << 20, .help = "Size after which the log file is rotated."},
    Parameter{.path = "log files", .type = Type::number, .fallback = "8", .least = 1, .most = 1000, .help = "Rotated files that are kept."},
    Parameter{.path = "log per-minute", .type = Type::number, .fallback = "10", .least = 1, .most = 10'000, .help = "Denied connections logged per minute, rule and source prefix (from inside zones: address); the rest is counted."},
    Parameter{.path = "log burst", .type = Type::number, .fallback = "20", .least = 1, .most = 10'000, .help = "Denied connections logged at once before per-minute holds."},
    Parameter{.path = "log ipv4-prefix", .type = Type::number, .fallback = "24", .least = 8, .most = 32, .help = "Length of the IPv4 source prefix on the WAN that shares a limit."},
    Parameter{.path = "log ipv6-prefix", .type = Type::number, .fallback = "56", .least = 16, .most = 128, .help = "Length of the IPv6 source prefix on the WAN that shares a limit."},
    Parameter{.path = "log server *", .shape = kNamed, .type = Type::name, .count = kMany, .help = "Syslog server that gets every record of the log (RFC 5424)."},
    Parameter{.path = "log server * host", .type = Type::host, .need = kRequired, .help = "Where it is."},
    Parameter{.path = "log server * port", .type = Type::port, .help = "Port. Without it: 6514 for tls, 601 for tcp, 514 for udp."},
    Parameter{.path = "log server * transport", .type = Type::choice, .fallback = "tls", .choices = "tls tcp udp", .help = "How records travel. With tcp and udp whoever is on the way reads and changes them."},
    Parameter{.path = "log server * server-name", .type = Type::host, .help = "Name or address that the server's certificate must bear. Without it: the host. For tls."},
    Parameter{.path = "log server * certificate", .type = Type::certificate, .count = kMany, .help = "Certificate of the authority that the server's certificate comes from. Needed for tls."},
};
// clang-format on

/// A path without the name or value of its own statement, split into the block's path and the key.
struct PathParts {
    std::string_view parent; ///< with the block's own "*"
    std::string_view key;
};

constexpr PathParts parts_of(const Parameter& parameter) {
    std::string_view path = parameter.path;
    if (parameter.shape == Shape::named_block) {
        path.remove_suffix(2);
    }
    const std::size_t space = path.rfind(' ');
    if (space == std::string_view::npos) {
        return {{}, path};
    }
    return {path.substr(0, space), path.substr(space + 1)};
}

constexpr std::size_t kTop = kSchema.size();
constexpr std::size_t kNoParent = kSchema.size() + 1;

/// The path under which the contents of a block stand: an entry's row names its key alone.
constexpr bool is_parent(const Parameter& parameter, std::string_view path) {
    if (parameter.shape != Shape::entry) {
        return parameter.path == path;
    }
    return path.size() == parameter.path.size() + 2 && path.starts_with(parameter.path) && path.ends_with(" *");
}

struct Link {
    std::size_t parent = kNoParent;
    std::string_view key;
};

constexpr std::array<Link, kSchema.size()> make_links() {
    std::array<Link, kSchema.size()> links{};
    for (std::size_t index = 0; index < kSchema.size(); ++index) {
        const PathParts parts = parts_of(kSchema[index]);
        links[index].key = parts.key;
        if (parts.parent.empty()) {
            links[index].parent = kTop;
            continue;
        }
        for (std::size_t above = 0; above < index; ++above) {
            if (is_parent(kSchema[above], parts.parent)) {
                links[index].parent = above;
            }
        }
    }
    return links;
}

constexpr std::array<Link, kSchema.size()> kLinks = make_links();

constexpr bool every_row_has_its_block() {
    for (const Link& link : kLinks) {
        if (link.parent == kNoParent) {
            return false;
        }
    }
    return true;
}

static_assert(every_row_has_its_block(), "a block stands in the table before its contents");

std::size_t index_of(const Parameter* parameter) noexcept {
    return parameter == nullptr ? kTop : static_cast<std::size_t>(parameter - kSchema.data());
}

} // namespace

std::span<const Parameter> schema() noexcept {
    return kSchema;
}

std::string_view key_of(const Parameter& parameter) noexcept {
    return kLinks[index_of(&parameter)].key;
}

std::vector<const Parameter*> children_of(const Parameter* parent) {
    std::vector<const Parameter*> children;
    const std::size_t wanted = index_of(parent);
    for (std::size_t index = 0; index < kSchema.size(); ++index) {
        if (kLinks[index].parent == wanted) {
            children.push_back(&kSchema[index]);
        }
    }
    return children;
}

const Parameter* find_child(const Parameter* parent, std::string_view key) noexcept {
    const std::size_t wanted = index_of(parent);
    for (std::size_t index = 0; index < kSchema.size(); ++index) {
        if (kLinks[index].parent == wanted &&
            (kLinks[index].key == key || kSchema[index].shape == Shape::keyed_block)) {
            return &kSchema[index];
        }
    }
    return nullptr;
}

const Parameter* find_parameter(std::string_view path) noexcept {
    for (const Parameter& parameter : kSchema) {
        if (parameter.path == path) {
            return &parameter;
        }
    }
    return nullptr;
}

} // namespace sekisho::config
