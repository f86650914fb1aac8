// SPDX-License-Identifier: GPL-2.0-or-later
// Accounts, and the ways in to the router itself.
#include "policy/base/text.hpp"
#include "policy/config/ssh_key.hpp"
#include "policy/model/building.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace sekisho::model {

namespace {

constexpr std::size_t kMostAccounts = 100;
constexpr std::size_t kMostKeys = 20; ///< of one account
constexpr std::string_view kSsh = "management ssh";

/// Users and groups that systems have for themselves: the router's own, and those that Debian's base-passwd gives out.
constexpr std::array<std::string_view, 31> kSystemNames{
    "root",  "sshd", "nobody", "nogroup", "sekisho", "sekishod", "chrony", "daemon",     "bin",     "sys", "sync",
    "games", "man",  "lp",     "mail",    "news",    "uucp",     "proxy",  "backup",     "list",    "irc", "tty",
    "disk",  "kmem", "shadow", "sudo",    "wheel",   "www-data", "syslog", "messagebus", "dnsmasq",
};

/// Whose key it is, by type and base64.
struct Holder {
    std::string account;
    Place place;
};

using KeyHolders = std::map<std::string, Holder, std::less<>>;

void read_key(Building& building, const config::Node& statement, Account& account, KeyHolders& holders) {
    std::string key(config::ssh_key_without_comment(statement.value));
    const auto [found, fresh] = holders.emplace(key, Holder{account.name, statement.place});
    const Holder& holder = found->second;
    if (fresh) {
        account.ssh_keys.push_back(std::move(key));
        return;
    }
    const bool own = holder.account == account.name;
    building.diagnostics.error(
        statement.place, text::concat("account ", account.name),
        own ? text::concat("the key stands already on ", line_of(holder.place))
            : text::concat("the key is already that of account ", holder.account, " (", line_of(holder.place), ")"),
        own ? "take one of them away" : "nobody could tell who acted: every account has keys of its own");
}

[[nodiscard]] bool covers(const std::vector<PortRange>& ports, std::uint16_t port) {
    return std::any_of(ports.begin(), ports.end(),
                       [port](PortRange range) { return range.first <= port && port <= range.last; });
}

/// Whether a policy judges some of the SSH connections from a zone.
[[nodiscard]] bool judges_ssh(const Model& model, const Policy& policy, const std::string& zone) {
    return policy.from == zone && policy.to == kRouterZone &&
           (policy.protocol == Protocol::any ||
            (policy.protocol == Protocol::tcp &&
             (policy.ports.empty() || covers(policy.ports, model.management.ssh_port))));
}

/// Policies to the router are tried before management: one that denies a whole zone leaves nothing for it.
void warn_of_denying_policies(Building& building) {
    const Management& management = building.model.management;
    for (const std::string& zone : management.ssh_zones) {
        const auto& policies = building.model.policies;
        const auto first = std::find_if(policies.begin(), policies.end(), [&](const Policy& policy) {
            return judges_ssh(building.model, policy, zone) &&
                   (policy.action == Action::allow ||
                    (policy.source_lists.empty() && policy.destination_lists.empty()));
        });
        if (first != policies.end() && first->action == Action::deny) {
            building.diagnostics.warning(
                management.ssh_place, std::string(kSsh),
                text::concat("from ", zone, ": policy ", first->name, " (", line_of(first->place),
                             ") denies it before"),
                "policies to the router are tried first; one in front of it that allows SSH to "
                "an address-list leaves that open");
        }
    }
}

void warn_of_service_without_ssh(Building& building) {
    const Management& management = building.model.management;
    if (!management.ssh_zones.empty()) {
        return;
    }
    for (const Service& service : building.model.services) {
        if (leads_to_ssh(building.model, service)) {
            building.diagnostics.warning(service.place, text::concat("service ", service.name),
                                         text::concat("it leads to SSH on the router, tcp port ",
                                                      text::to_text(management.ssh_port),
                                                      ", where nothing answers without management"),
                                         "management { ssh { from ZONE; } } starts the SSH server");
        }
    }
}

} // namespace

void build_accounts(Building& building) {
    const std::vector<const config::Node*> nodes = building.tree.all("account");
    if (nodes.size() > kMostAccounts) {
        building.diagnostics.error(nodes[kMostAccounts]->place, {},
                                   text::concat("more than ", text::to_text(kMostAccounts), " accounts"));
        return;
    }
    KeyHolders holders;
    for (const config::Node* node : nodes) {
        Account account{.name = node->name(),
                        .place = node->place,
                        .description = setting(node, "account * description"),
                        .ssh_keys = {}};
        const std::string section = text::concat("account ", account.name);
        if (std::find(kSystemNames.begin(), kSystemNames.end(), account.name) != kSystemNames.end()) {
            building.diagnostics.error(node->value_place, section, "systems use the name for themselves",
                                       "an account is a person's: use the person's name");
        }
        const std::vector<const config::Node*> keys = node->all("ssh-key");
        if (keys.size() > kMostKeys) {
            building.diagnostics.error(keys[kMostKeys]->place, section,
                                       text::concat("more than ", text::to_text(kMostKeys), " keys"));
        } else {
            for (const config::Node* key : keys) {
                read_key(building, *key, account, holders);
            }
        }
        building.model.accounts.push_back(std::move(account));
    }
}

void build_management(Building& building) {
    const config::Node* management = building.tree.find("management");
    const config::Node* ssh = management == nullptr ? nullptr : management->find("ssh");
    if (ssh == nullptr) {
        return;
    }
    Management& result = building.model.management;
    result.ssh_place = ssh->place;
    result.ssh_port = static_cast<std::uint16_t>(setting_number(ssh, "management ssh port"));
    for (const config::Node* from : ssh->all("from")) {
        const auto zone = read_zone(building, *from, std::string(kSsh));
        if (zone == kWanZone) {
            building.diagnostics.error(
                from->value_place, std::string(kSsh), "from wan: SSH is not opened to the whole WAN",
                text::concat("beside an inside zone here, a service for tcp port ", text::to_text(result.ssh_port),
                             " without forward-to opens it to the sources that its address-list names"));
        } else if (zone == kRouterZone) {
            building.diagnostics.error(from->value_place, std::string(kSsh),
                                       "from router: the router does not log in to itself", "name an inside zone");
        } else if (zone) {
            result.ssh_zones.push_back(*zone);
        }
    }
}

void check_management(Building& building) {
    const Model& model = building.model;
    const bool has_key = std::any_of(model.accounts.begin(), model.accounts.end(),
                                     [](const Account& account) { return !account.ssh_keys.empty(); });
    if (!model.management.ssh_zones.empty() && !has_key) {
        building.diagnostics.warning(model.management.ssh_place, std::string(kSsh),
                                     "no account has an ssh-key: SSH lets nobody in",
                                     "account NAME { ssh-key \"ssh-ed25519 AAAA… name\"; } for each who needs it");
    }
    warn_of_denying_policies(building);
    warn_of_service_without_ssh(building);
}

bool leads_to_ssh(const Model& model, const Service& service) noexcept {
    return !service.is_forwarded() && service.protocol == Protocol::tcp &&
           covers(service.ports, model.management.ssh_port);
}

bool ssh_from_wan(const Model& model) noexcept {
    return !model.management.ssh_zones.empty() &&
           std::any_of(model.services.begin(), model.services.end(),
                       [&model](const Service& service) { return leads_to_ssh(model, service); });
}

} // namespace sekisho::model
