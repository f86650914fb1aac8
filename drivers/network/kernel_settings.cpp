// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/network/kernel_settings.hpp"

#include "drivers/system/files.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <optional>

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

constexpr Setting kBridgedFrames[] = {
    {"bridge/", "bridge-nf-call-iptables", "0",
     "frames between ports of a bridge are the bridge's: the rules are about"},
    {"bridge/", "bridge-nf-call-ip6tables", "0", "what is routed, and would judge them by zones that they don't cross"},
    {"bridge/", "bridge-nf-call-arptables", "0", "as above"},
};

/// A file below kRoot and what it must hold.
struct Wanted {
    std::string path;
    std::string_view value;
    Presence presence = Presence::required;
};

/// The value that is there; none where the file is not and need not be (a family that the kernel lacks).
Result<std::optional<std::string>> read(const Wanted& wanted, const Descriptor& setting, const std::string& file) {
    if (!setting.is_open()) {
        if (errno == ENOENT && wanted.presence == Presence::optional) {
            return std::nullopt;
        }
        return std::unexpected(Error::from_errno(Domain::network, file, "can't be opened", errno));
    }
    std::string current = TRY(read_to_end(setting.get(), 4096, Domain::network, file));
    current.resize(std::min(current.find('\n'), current.size()));
    return current;
}

/// Writes a value where another one is.
Result<void> put(const Wanted& wanted) {
    const std::string file = text::concat(kRoot, wanted.path);
    const Descriptor setting(open(file.c_str(), O_RDWR | O_CLOEXEC));
    const auto current = TRY(read(wanted, setting, file));
    if (!current || *current == wanted.value) {
        return {};
    }
    const auto size = static_cast<ssize_t>(wanted.value.size());
    if (pwrite(setting.get(), wanted.value.data(), wanted.value.size(), 0) != size) {
        return std::unexpected(Error::from_errno(Domain::network, file, "can't be written", errno));
    }
    return {};
}

Result<void> put(const std::vector<Wanted>& rows) {
    for (const Wanted& row : rows) {
        TRY(put(row));
    }
    return {};
}

/// One row for all of them; what is found names those that are otherwise.
Result<void> compare(std::string item, const std::vector<Wanted>& rows, ports::Comparisons& into) {
    const std::string expected = text::concat(text::to_text(rows.size()), " settings");
    std::vector<std::string> others;
    for (const Wanted& row : rows) {
        const std::string file = text::concat(kRoot, row.path);
        const auto current = TRY(read(row, Descriptor(open(file.c_str(), O_RDONLY | O_CLOEXEC)), file));
        if (current && *current != row.value) {
            others.push_back(text::concat(row.path, " is ", *current, ", not ", row.value));
        }
    }
    into.push_back({std::move(item), expected, others.empty() ? expected : text::join(others, "; ")});
    return {};
}

/// One row for each that is there.
Result<void> compare_each(const std::vector<Wanted>& rows, ports::Comparisons& into) {
    for (const Wanted& row : rows) {
        const std::string file = text::concat(kRoot, row.path);
        if (auto current = TRY(read(row, Descriptor(open(file.c_str(), O_RDONLY | O_CLOEXEC)), file))) {
            into.push_back({text::concat("setting net/", row.path), std::string(row.value), *std::move(current)});
        }
    }
    return {};
}

std::vector<Wanted> rows_of(std::string_view link) {
    std::vector<Wanted> rows;
    for (const Setting& row : kPerLink) {
        rows.push_back({text::concat(row.folder, link, "/", row.name), row.value,
                        row.folder.starts_with("ipv6") ? Presence::optional : Presence::required});
    }
    return rows;
}

std::vector<Wanted> rows_of(const std::string& name, LinkRole role) {
    std::vector<Wanted> rows = rows_of(name);
    // a port's frames are the bridge's: an address of its own would answer nobody
    rows.push_back({text::concat("ipv6/conf/", name, "/disable_ipv6"), role == LinkRole::bridge_port ? "1" : "0",
                    Presence::optional});
    return rows;
}

Wanted answering(const std::string& name, bool on) {
    return {text::concat("ipv4/conf/", name, "/proxy_arp_pvlan"), on ? "1" : "0", Presence::required};
}

std::vector<Wanted> forwarding_rows(bool on) {
    const std::string_view value = on ? "1" : "0";
    std::vector<Wanted> rows{
        // Connections that were there before the router, or that it has forgotten, are new to the policy: they aren't
        // picked up in the middle.
        {"netfilter/nf_conntrack_tcp_loose", "0", on ? Presence::required : Presence::optional},
        {"ipv4/ip_forward", value, Presence::required},
        {"ipv6/conf/all/forwarding", value, Presence::optional},
        {"ipv6/conf/default/forwarding", value, Presence::optional},
    };
    for (const Setting& row : kBridgedFrames) {
        rows.push_back({text::concat(row.folder, row.name), row.value, Presence::optional});
    }
    return rows;
}

} // namespace

Result<void> secure_all_links() {
    TRY(put(rows_of("all")));
    return put(rows_of("default"));
}

Result<void> secure_link(const std::string& name, LinkRole role) {
    return put(rows_of(name, role));
}

Result<void> answer_for_neighbours(const std::string& name, bool on) {
    return put(answering(name, on));
}

Result<void> set_forwarding(bool on) {
    TRY(put(forwarding_rows(on)));
    return secure_all_links(); // the kernel puts accept_redirects back to a host's default when ip_forward changes
}

Result<void> compare_settings(ports::Comparisons& into) {
    TRY(compare_each(forwarding_rows(true), into));
    TRY(compare("settings of all interfaces", rows_of("all"), into));
    return compare("settings of interfaces to come", rows_of("default"), into);
}

Result<void> compare_settings(const std::string& name, LinkRole role, bool answers, ports::Comparisons& into) {
    std::vector<Wanted> rows = rows_of(name, role);
    rows.push_back(answering(name, answers));
    return compare(text::concat("settings of ", name), rows, into);
}

} // namespace sekisho::drivers::network
