// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/ruleset/compiler.hpp"

#include "policy/ruleset/compilation.hpp"

namespace sekisho::ruleset {

Result<Ruleset> compile(const model::Model& model, const ClockReading& clock, const geo::Contents& countries) {
    Compilation compilation(model, clock, countries);
    TRY(compilation.number_zones());

    compile_early(compilation);

    compile_screen(compilation);
    compile_translation(compilation);

    compile_access(compilation, Hook::input);
    compile_input_basics(compilation);
    compile_blocks(compilation, Hook::input);
    compile_gate(compilation, Hook::input);
    compile_local_services(compilation);
    compile_policies(compilation, Hook::input);
    compile_management(compilation);
    compile_dns(compilation);
    compile_defaults(compilation, Hook::input);

    compile_access(compilation, Hook::forward);
    compile_forward_basics(compilation);
    compile_blocks(compilation, Hook::forward);
    compile_gate(compilation, Hook::forward);
    compile_forwarded_services(compilation);
    compile_policies(compilation, Hook::forward);
    compile_defaults(compilation, Hook::forward);

    compile_output(compilation);
    compile_masquerade(compilation);
    compile_recording(compilation);
    return compilation.finish();
}

Ruleset closed_ruleset() {
    // No connection tracking, no sets and no logging in here: it must load before any module or daemon is there.
    Ruleset closed;
    const auto rule = [&closed](Hook hook, std::string id, Reason reason, std::vector<Match> matches, Verdict verdict) {
        closed.rules.push_back({.id = std::move(id),
                                .reason = reason,
                                .hook = hook,
                                .matches = std::move(matches),
                                .log = LogKind::none,
                                .verdict = std::move(verdict)});
    };
    rule(Hook::input, "router.loopback", Reason::accepted, {IngressLoopback{}}, Accept{});
    rule(Hook::input, "closed.deny", Reason::zone, {}, Drop{});
    rule(Hook::forward, "closed.deny", Reason::zone, {}, Drop{});
    rule(Hook::output, "router.loopback", Reason::accepted, {EgressLoopback{}}, Accept{});
    rule(Hook::output, "closed.deny", Reason::zone, {}, Drop{});
    return closed;
}

} // namespace sekisho::ruleset
