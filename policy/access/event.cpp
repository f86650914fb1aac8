// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/access/event.hpp"

namespace sekisho::access {

std::string_view name_of(Method method) noexcept {
    switch (method) {
    case Method::dot1x:
        return "dot1x";
    case Method::mab:
        return "mab";
    case Method::host:
        return "multi-host";
    case Method::guest:
        return "guest";
    case Method::failed:
        return "failed";
    }
    return {};
}

std::string_view strength_of(Method method) noexcept {
    switch (method) {
    case Method::dot1x:
        return "strong";
    case Method::mab:
        return "weak";
    case Method::host:
    case Method::guest:
    case Method::failed:
        return "none";
    }
    return {};
}

std::string_view name_of(Cause cause) noexcept {
    switch (cause) {
    case Cause::proved:
        return "proved";
    case Cause::registered:
        return "registered";
    case Cause::beside_another:
        return "beside-another";
    case Cause::no_proof:
        return "no-proof";
    case Cause::proof_refused:
        return "proof-refused";
    case Cause::not_registered:
        return "not-registered";
    case Cause::unknown_user:
        return "unknown-user";
    case Cause::entry_expired:
        return "entry-expired";
    case Cause::bound_elsewhere:
        return "bound-elsewhere";
    case Cause::own_address:
        return "own-address";
    case Cause::reserved_address:
        return "reserved-address";
    case Cause::port_closed:
        return "port-closed";
    case Cause::port_full:
        return "port-full";
    case Cause::single_host:
        return "single-host";
    case Cause::in_force_elsewhere:
        return "in-force-elsewhere";
    case Cause::moved:
        return "moved";
    case Cause::dot1x_from_mab_device:
        return "dot1x-from-mab-device";
    case Cause::mac_after_dot1x:
        return "mac-after-dot1x";
    case Cause::timed_out:
        return "timed-out";
    case Cause::link_lost:
        return "link-lost";
    case Cause::logged_off:
        return "logged-off";
    case Cause::inactive:
        return "inactive";
    case Cause::not_renewed:
        return "not-renewed";
    case Cause::renewal_due:
        return "renewal-due";
    case Cause::servers_silent:
        return "servers-silent";
    case Cause::cleared:
        return "cleared";
    case Cause::renewed:
        return "renewed";
    case Cause::configuration:
        return "configuration";
    case Cause::other_ended:
        return "other-ended";
    }
    return {};
}

} // namespace sekisho::access
