// SPDX-License-Identifier: GPL-2.0-or-later
// Port access where packets are routed: what comes from a guarded bridge without having been admitted on a port, and
// what a role may not reach. In front of everything else, so that an end of a session ends its live connections too.
#include "policy/base/text.hpp"
#include "policy/ruleset/compilation.hpp"
#include "policy/ruleset/mark.hpp"

#include <algorithm>

namespace sekisho::ruleset {

namespace {

/// Only what a role names: of a family in which it names nothing, nothing.
void restrict_role(Compilation& compilation, Hook hook, const std::string& bridge, const model::Role& role,
                   std::uint32_t number) {
    for (const Family family : kFamilies) {
        std::vector<Match> elsewhere{IngressDevice{bridge}, RoleIs{number}, ConnectionState{.fresh = true}};
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
            if (!role.destination_lists.empty()) {
                restrict_role(compilation, hook, interface->name, role, numbers.at(role.name));
            }
        }
    }
}

} // namespace sekisho::ruleset
