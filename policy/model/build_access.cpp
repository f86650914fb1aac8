// SPDX-License-Identifier: GPL-2.0-or-later
// Port access: roles, ports and devices.
#include "policy/base/text.hpp"
#include "policy/model/building.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace sekisho::model {

namespace {

constexpr std::size_t kMostRoles = 1'000;
constexpr std::size_t kMostDevices = 20'000;
constexpr std::size_t kMostUsers = 10'000;
constexpr std::size_t kMostRadiusServers = 8;

[[nodiscard]] std::string section_of(std::string_view kind, std::string_view name) {
    return text::concat("port-access ", kind, " ", name);
}

template <typename Value>
[[nodiscard]] Value chosen(const std::string& word, std::initializer_list<Value> values) {
    return *std::ranges::find_if(values, [&](Value value) { return name_of(value) == word; });
}

[[nodiscard]] unsigned read_number(const config::Node& node, std::string_view path) {
    return static_cast<unsigned>(setting_number(&node, path));
}

/// The role that a statement names, which may be absent.
[[nodiscard]] std::optional<std::string> read_role(Building& building, const config::Node& node, std::string_view key,
                                                   const std::string& section) {
    const config::Node* statement = node.find(key);
    if (statement == nullptr) {
        return std::nullopt;
    }
    if (building.model.access.find_role(statement->value) == nullptr) {
        building.diagnostics.error(statement->value_place, section,
                                   text::concat("there is no role '", statement->value, "'"),
                                   suggest(building, statement->value, building.model.access.roles));
    }
    return statement->value;
}

/// The first moment at which an entry no longer holds.
[[nodiscard]] std::optional<Time> read_expiry(Building& building, const config::Node& node,
                                              const std::string& section) {
    const config::Node* expires = node.find("expires");
    if (expires == nullptr) {
        return std::nullopt;
    }
    const Time end = Date::parse(expires->value).value().end(building.model.system.utc_offset_minutes);
    if (building.clock.now >= end) {
        building.diagnostics.warning(expires->place, section, "the entry has expired",
                                     "it no longer admits anybody; set a later date or take it away");
    }
    return end;
}

/// A port of a bridge of an inside zone: elsewhere there is no table of who may be there.
void check_port(Building& building, const config::Node& node, const std::string& section) {
    const Model& model = building.model;
    for (const Interface& interface : model.interfaces) {
        if (std::ranges::contains(interface.ports, node.name())) {
            const Zone* zone = model.zone_of_interface(interface.name);
            if (zone != nullptr && zone->is_wan()) {
                building.diagnostics.error(node.value_place, section, "port access is not for ports of zone wan",
                                           "what comes from there is judged by its address: service, gate, block");
            }
            return;
        }
    }
    const bool is_interface = model.find_interface(node.name()) != nullptr;
    building.diagnostics.error(node.value_place, section,
                               is_interface ? text::concat("'", node.name(), "' is no port of a bridge")
                                            : text::concat("there is no port '", node.name(), "'"),
                               "bridge NAME { port ...; } under 'interfaces' has it; a bridge may have a single port");
}

void build_roles(Building& building, const config::Node& access) {
    const auto nodes = access.all("role");
    if (nodes.size() > kMostRoles) {
        building.diagnostics.error(nodes[kMostRoles]->place, "port-access",
                                   text::concat("more than ", text::to_text(kMostRoles), " roles"));
        return;
    }
    for (const config::Node* node : nodes) {
        building.model.access.roles.push_back(
            {.name = node->name(),
             .place = node->place,
             .description = setting(node, "port-access role * description"),
             .destination_lists = read_lists(building, node->find("destination"), section_of("role", node->name())),
             .critical = node->find("critical") != nullptr});
    }
}

void build_port(Building& building, const config::Node& node) {
    const std::string section = section_of("port", node.name());
    AccessPort port;
    port.name = node.name();
    port.place = node.place;
    check_port(building, node, section);
    port.mode = chosen(setting(&node, "port-access port * mode"),
                       {AccessMode::open, AccessMode::closed, AccessMode::dot1x, AccessMode::mab,
                        AccessMode::dot1x_then_mab, AccessMode::mab_then_dot1x});
    port.host_mode = chosen(setting(&node, "port-access port * host-mode"),
                            {HostMode::single_host, HostMode::multi_host, HostMode::multi_auth});
    port.moves = setting(&node, "port-access port * moves") == "follow" ? Moves::follow : Moves::refuse;
    port.max_devices = read_number(node, "port-access port * maximum-devices");
    port.role = read_role(building, node, "role", section).value_or("");
    port.guest_role = read_role(building, node, "guest-role", section);
    port.failed_role = read_role(building, node, "failed-role", section);
    port.tx_period = read_number(node, "port-access port * tx-period");
    port.attempts = read_number(node, "port-access port * attempts");
    port.quiet_period = read_number(node, "port-access port * quiet-period");
    port.reauthentication = read_number(node, "port-access port * reauthentication");
    port.inactivity = read_number(node, "port-access port * inactivity");
    port.source_binding = chosen(setting(&node, "port-access port * source-binding"),
                                 {SourceBinding::off, SourceBinding::report, SourceBinding::enforce});
    if ((has_mab(port.mode) || has_dot1x(port.mode)) && port.role.empty()) {
        building.diagnostics.error(node.place, section, "role is missing",
                                   "role NAME; is the role of devices that have none of their own");
    }
    building.model.access.ports.push_back(std::move(port));
}

void build_device(Building& building, const config::Node& node) {
    const std::string section = section_of("device", node.name());
    Device device;
    device.mac = MacAddress::parse(node.name()).value();
    device.place = node.place;
    device.name = setting(&node, "port-access device * name");
    device.method = setting(&node, "port-access device * method") == "dot1x" ? DeviceMethod::dot1x : DeviceMethod::mab;
    device.role = read_role(building, node, "role", section);
    device.critical = node.find("critical") != nullptr;
    device.owner = setting(&node, "port-access device * owner");
    device.note = setting(&node, "port-access device * note");
    device.never_inactive = setting(&node, "port-access device * inactivity") == "never";
    device.is_woken = setting(&node, "port-access device * wake") == "yes";
    if (device.is_woken && node.find("port") == nullptr) {
        building.diagnostics.error(node.find("wake")->place, section, "wake needs the device's port",
                                   "port NAME; says to which port the frames that wake it go out");
    }
    if (device.mac.is_group() || device.mac == MacAddress{}) {
        building.diagnostics.error(node.value_place, section, "no device has this MAC address",
                                   "the address is on the device, and in the log when it is refused");
    } else if (device.mac.is_locally_administered()) {
        building.diagnostics.warning(node.value_place, section,
                                     "the device made up this MAC address, and may make up another one",
                                     "switch off private or random addresses on the device");
    }
    if (const config::Node* port = node.find("port")) {
        device.port = port->value;
        if (building.model.access.find_port(port->value) == nullptr) {
            building.diagnostics.error(port->value_place, section,
                                       text::concat("port ", port->value, " has no entry under port-access"),
                                       suggest(building, port->value, building.model.access.ports));
        }
    }
    device.expires = read_expiry(building, node, section);
    building.model.access.devices.push_back(std::move(device));
}

void build_user(Building& building, const config::Node& node) {
    const std::string section = section_of("user", node.name());
    AccessUser user{.name = node.name(),
                    .place = node.place,
                    .role = read_role(building, node, "role", section),
                    .expires = read_expiry(building, node, section),
                    .certificates = {},
                    .note = setting(&node, "port-access user * note")};
    for (const config::Node* serial : node.all("certificate-serial")) {
        const auto& users = building.model.access.users;
        const auto other = std::ranges::find_if(
            users, [&](const AccessUser& each) { return std::ranges::contains(each.certificates, serial->value); });
        if (other != users.end()) {
            building.diagnostics.error(serial->value_place, section,
                                       text::concat("the certificate stands for user ", other->name, " already (",
                                                    line_of(other->place), ")"));
        }
        user.certificates.push_back(serial->value);
    }
    if (!user.certificates.empty() && !building.model.access.eap_server.authority) {
        building.diagnostics.error(node.find("certificate-serial")->place, section,
                                   "no certificate is accepted without the authority that it comes from",
                                   "eap-server { authority \"-----BEGIN CERTIFICATE----- …\"; }");
    }
    building.model.access.users.push_back(std::move(user));
}

void build_eap_server(Building& building, const config::Node& access) {
    const config::Node* node = access.find("eap-server");
    if (node == nullptr) {
        return;
    }
    EapServer& server = building.model.access.eap_server;
    if (const config::Node* authority = node->find("authority")) {
        server.authority = authority->value;
    }
    if (const config::Node* list = node->find("revocation-list")) {
        server.revocation_list = list->value;
        if (!server.authority) {
            building.diagnostics.error(list->place, "port-access eap-server",
                                       "a revocation list without the authority that it comes from",
                                       "authority \"-----BEGIN CERTIFICATE----- …\";");
        }
    }
}

[[nodiscard]] MacFormat read_mac_format(std::string_view word) {
    return {.separator = word.starts_with("dashes")   ? '-'
                         : word.starts_with("colons") ? ':'
                                                      : '\0',
            .is_upper = word.ends_with("-upper")};
}

void build_radius_servers(Building& building, const config::Node& access) {
    for (const config::Node* node : access.all("radius-server")) {
        const std::string section = section_of("radius-server", node->name());
        const config::Node& address = *node->find("address");
        RadiusServer server{.name = node->name(),
                            .place = node->place,
                            .address = IpAddress::parse(address.value).value(),
                            .port =
                                static_cast<std::uint16_t>(setting_number(node, "port-access radius-server * port")),
                            .timeout = read_number(*node, "port-access radius-server * timeout"),
                            .mac_format = read_mac_format(setting(node, "port-access radius-server * mac-format"))};
        if (const auto why = why_no_host(server.address)) {
            building.diagnostics.error(address.value_place, section, text::concat(address.value, " is ", *why));
        }
        building.model.access.radius_servers.push_back(std::move(server));
    }
}

/// Devices and users: many, each checked where there are not too many.
template <typename Build>
void build_all(Building& building, const config::Node& access, std::string_view kind, std::size_t most, Build build) {
    const auto nodes = access.all(kind);
    if (nodes.size() > most) {
        building.diagnostics.error(nodes[most]->place, "port-access",
                                   text::concat("more than ", text::to_text(most), " entries of ", kind));
        return;
    }
    for (const config::Node* node : nodes) {
        build(building, *node);
    }
}

/// Behind one cable devices see each other whatever their roles say: their frames never reach the router.
void warn_of_mixed_ports(Building& building) {
    const PortAccess& access = building.model.access;
    std::map<std::string_view, std::set<std::string_view>> roles; // of the devices that are bound to each port
    for (const Device& device : access.devices) {
        const AccessPort* port = device.port ? access.find_port(*device.port) : nullptr;
        if (port != nullptr && port->host_mode == HostMode::multi_auth && port->max_devices > 1 &&
            port->mode != AccessMode::open && port->mode != AccessMode::closed) {
            roles[port->name].insert(device.role ? *device.role : port->role);
        }
    }
    for (const auto& [name, of_port] : roles) {
        if (of_port.size() > 1) {
            building.diagnostics.warning(
                access.find_port(name)->place, section_of("port", name),
                text::concat("devices with different roles (", text::join({of_port.begin(), of_port.end()}, ", "),
                             ") belong to this port, where they are not separated from each other"),
                "give each role a port of its own, or the port host-mode single-host");
        }
    }
}

} // namespace

void build_access(Building& building) {
    const config::Node* access = building.tree.find("port-access");
    if (access == nullptr) {
        return;
    }
    build_roles(building, *access);
    for (const config::Node* port : access->all("port")) {
        build_port(building, *port);
    }
    build_all(building, *access, "device", kMostDevices, build_device);
    std::ranges::sort(building.model.access.devices, {}, &Device::mac);
    build_eap_server(building, *access);
    build_all(building, *access, "user", kMostUsers, build_user);
    if (const auto servers = access->all("radius-server"); servers.size() > kMostRadiusServers) {
        building.diagnostics.error(servers[kMostRadiusServers]->place, "port-access",
                                   text::concat("more than ", text::to_text(kMostRadiusServers), " RADIUS servers"));
    } else {
        build_radius_servers(building, *access);
    }
    warn_of_mixed_ports(building);
}

} // namespace sekisho::model
