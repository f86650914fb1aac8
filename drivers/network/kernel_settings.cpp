// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/network/kernel_settings.hpp"

#include "drivers/system/files.hpp"
#include "policy/base/text.hpp"

#include <cerrno>
#include <cstdint>

#include <fcntl.h>
#include <unistd.h>

namespace sekisho::drivers::network {

namespace {

constexpr std::string_view kRoot = "/proc/sys/net/";

enum class Presence : std::uint8_t { required, optional };

struct Setting {
    std::string_view folder; ///< "ipv4/conf/" or "ipv6/conf/"
    std::string_view name;
    std::string_view value;
    std::string_view why;
};

constexpr Setting kPerLink[] = {
    {"ipv4/conf/", "accept_redirects", "0", "a neighbour must not change routes"},
    {"ipv4/conf/", "secure_redirects", "0", "nor a gateway"},
    {"ipv4/conf/", "send_redirects", "0", "hosts shall keep using the router, where the policy is"},
    {"ipv4/conf/", "accept_source_route", "0", "a sender must not choose the way"},
    {"ipv4/conf/", "rp_filter", "1",
     "a source that isn't routed back through its interface is dropped also while no ruleset is loaded; with one, the "
     "policy has screened and logged it "
     "before, in prerouting"},
    {"ipv4/conf/", "arp_ignore", "1", "the WAN address is not answered for inside, nor inside ones on the WAN"},
    {"ipv4/conf/", "arp_announce", "2", "nor announced there"},
    {"ipv4/conf/", "promote_secondaries", "1", "removing an address must not take others of its network along"},
    {"ipv6/conf/", "accept_ra", "0", "addresses and routes come from the configuration alone"},
    {"ipv6/conf/", "autoconf", "0", "as above"},
    {"ipv6/conf/", "accept_redirects", "0", "a neighbour must not change routes"},
    {"ipv6/conf/", "accept_source_route", "-1", "no routing header at all (RFC 5095)"},
};

/// Writes a value where another one is. A family that the kernel lacks needs no setting.
Result<void> put(std::string_view path, std::string_view value, Presence presence) {
    const std::string file = text::concat(kRoot, path);
    const Descriptor setting(open(file.c_str(), O_RDWR | O_CLOEXEC));
    if (!setting.is_open()) {
        if (errno == ENOENT && presence == Presence::optional) {
            return {};
        }
        return std::unexpected(Error::from_errno(Domain::network, file, "can't be opened", errno));
    }
    const std::string current = TRY(read_to_end(setting.get(), 4096, Domain::network, file));
    if (std::string_view(current).substr(0, current.find('\n')) == value) {
        return {};
    }
    const auto size = static_cast<ssize_t>(value.size());
    if (pwrite(setting.get(), value.data(), value.size(), 0) != size) {
        return std::unexpected(Error::from_errno(Domain::network, file, "can't be written", errno));
    }
    return {};
}

Result<void> put_rows(std::string_view link) {
    for (const Setting& row : kPerLink) {
        const auto presence = row.folder.starts_with("ipv6") ? Presence::optional : Presence::required;
        TRY(put(text::concat(row.folder, link, "/", row.name), row.value, presence));
    }
    return {};
}

} // namespace

Result<void> secure_all_links() {
    TRY(put_rows("all"));
    return put_rows("default");
}

Result<void> secure_link(const std::string& name, LinkRole role) {
    TRY(put_rows(name));
    // a port's frames are the bridge's: an address of its own would answer nobody
    return put(text::concat("ipv6/conf/", name, "/disable_ipv6"), role == LinkRole::bridge_port ? "1" : "0",
               Presence::optional);
}

Result<void> answer_for_neighbours(const std::string& name, bool on) {
    return put(text::concat("ipv4/conf/", name, "/proxy_arp_pvlan"), on ? "1" : "0", Presence::required);
}

Result<void> set_forwarding(bool on) {
    // Connections that were there before the router, or that it has forgotten, are new to the policy: they aren't
    // picked up in the middle.
    TRY(put("netfilter/nf_conntrack_tcp_loose", "0", on ? Presence::required : Presence::optional));
    const std::string_view value = on ? "1" : "0";
    TRY(put("ipv4/ip_forward", value, Presence::required));
    TRY(put("ipv6/conf/all/forwarding", value, Presence::optional));
    TRY(put("ipv6/conf/default/forwarding", value, Presence::optional));
    return secure_all_links(); // the kernel puts accept_redirects back to a host's default when ip_forward changes
}

} // namespace sekisho::drivers::network
