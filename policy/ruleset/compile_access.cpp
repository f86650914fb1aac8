// SPDX-License-Identifier: GPL-2.0-or-later
// Port access where packets are routed: what comes from a guarded bridge without having been admitted on a port, and
// what a role may not reach. In front of everything else, so that an end of a session ends its live connections too.
#include "policy/base/text.hpp"
#include "policy/ruleset/compilation.hpp"
#include "policy/ruleset/mark.hpp"

#include <algorithm>

namespace sekisho::ruleset {

namespace {

/// Only what a role names: of a family in which it names nothing, nothing. `scope` says which packets are judged.
void restrict_role(Compilation& compilation, Hook hook, const std::vector<Match>& scope, const model::Role& role,
                   std::uint32_t number) {
    for (const Family family : kFamilies) {
        std::vector<Match> elsewhere = scope;
        elsewhere.emplace_back(RoleIs{number});
        const std::size_t before = elsewhere.size();
        for (const std::string& list : role.destination_lists) {
            if (const auto set = compilation.set_of(list, family, ListUse::admits)) {
                elsewhere.emplace_back(AddressInSet{Side::destination, *set, true});
            }
        }
        if (elsewhere.size() == before) {
            elsewhere.emplace_back(FamilyIs{family});
        }
        compilation.deny(hook, text::concat("port-access.role.", role.name), Reason::not_allowed, role.place, Reject{},
                         std::move(elsewhere));
    }
}

} // namespace

void compile_access(Compilation& compilation, Hook hook) {
    const model::PortAccess& access = compilation.model.access;
    std::vector<const model::Interface*> guarded;
    for (const model::Interface& interface : compilation.model.interfaces) {
        const auto first = std::ranges::find_if(access.ports, [&](const model::AccessPort& port) {
            return std::ranges::contains(interface.ports, port.name);
        });
        if (first != access.ports.end()) {
            compilation.deny(hook, "port-access.unauthorised", Reason::port_unauthorized, first->place, Drop{},
                             {IngressDevice{interface.name}, RoleIs{0}});
            guarded.push_back(&interface);
        }
    }
    if (hook == Hook::input) {
        compile_dhcp(compilation);
    }
    std::vector<std::string> names;
    std::ranges::transform(access.roles, std::back_inserter(names), &model::Role::name);
    const auto numbers = role_numbers(names);
    for (const model::Interface* interface : guarded) {
        for (const model::Role& role : access.roles) {
            if (role.destination_lists.empty()) {
                continue;
            }
            const std::uint32_t number = numbers.at(role.name);
            if (hook == Hook::forward && compilation.model.routes_between_ports(*interface)) {
                // Between ports answers are judged too: two devices exchange nothing unless both their roles allow it.
                const ZoneFacts* zone =
                    compilation.find_zone(compilation.model.zone_of_interface(interface->name)->name);
                restrict_role(compilation, hook, {IngressDevice{interface->name}, EgressZone{zone->number}}, role,
                              number);
            }
            restrict_role(compilation, hook, {IngressDevice{interface->name}, ConnectionState{.fresh = true}}, role,
                          number);
        }
    }
}

} // namespace sekisho::ruleset
