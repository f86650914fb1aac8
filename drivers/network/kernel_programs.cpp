// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/network/kernel_programs.hpp"

#include "drivers/network/netlink.hpp"
#include "drivers/system/files.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sekisho::drivers {

namespace {

using network::Attributes;
using network::Connection;
using network::Message;

constexpr std::uint32_t kMostPrograms = 64; ///< at one hook: the kernel's own bound

struct Discipline {
    tcmsg header{};
    std::string kind;
};

struct Attached {
    int link = 0;
    std::string name; ///< of the link
    std::uint32_t mode = 0;
};

struct Hooked {
    int link = 0;
    std::string name;
    bpf_attach_type hook = BPF_TCX_INGRESS;
    std::vector<std::uint32_t> programs; ///< ids
};

struct Found {
    std::vector<Discipline> disciplines;
    std::vector<Attached> xdp;
    std::vector<Hooked> hooked;
};

template <typename Header>
std::optional<Header> header_of(const nlmsghdr* message) {
    if (message->nlmsg_len < NLMSG_LENGTH(sizeof(Header))) {
        return std::nullopt;
    }
    Header header;
    std::memcpy(&header, NLMSG_DATA(message), sizeof header);
    return header;
}

std::string link_name(int index) {
    std::array<char, IF_NAMESIZE> name{};
    return if_indextoname(static_cast<unsigned>(index), name.data()) != nullptr
               ? std::string(name.data())
               : text::concat("link ", text::to_text_signed(index));
}

/// At the top of a link, and not the kernel's own: those have no handle.
bool is_foreign(const tcmsg& header) {
    return (header.tcm_parent == TC_H_ROOT || header.tcm_parent == TC_H_INGRESS) && header.tcm_handle != 0;
}

Result<std::vector<Discipline>> list_disciplines(Connection& connection) {
    std::vector<Discipline> found;
    TRY(connection.dump(
        RTM_GETQDISC, AF_UNSPEC, [&] { found.clear(); },
        [&](nlmsghdr* message) {
            if (const auto header = header_of<tcmsg>(message); header && is_foreign(*header)) {
                found.push_back({*header, Attributes(message, sizeof *header).text(TCA_KIND)});
            }
        }));
    return found;
}

long bpf(int command, bpf_attr& attributes) {
    return syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

/// Empty where the kernel has no such hook.
Result<std::vector<std::uint32_t>> programs_at(int link, bpf_attach_type hook) {
    std::vector<std::uint32_t> ids(kMostPrograms);
    bpf_attr query{};
    query.query.target_ifindex = static_cast<std::uint32_t>(link);
    query.query.attach_type = hook;
    query.query.prog_ids = reinterpret_cast<std::uintptr_t>(ids.data());
    query.query.count = kMostPrograms;
    if (bpf(BPF_PROG_QUERY, query) != 0) {
        if (errno == EINVAL || errno == ENOSYS || errno == ENOENT || errno == EOPNOTSUPP) {
            return std::vector<std::uint32_t>{};
        }
        return std::unexpected(Error::from_errno(Domain::network, link_name(link), "ask for programs", errno));
    }
    ids.resize(std::min(query.query.count, kMostPrograms));
    return ids;
}

Result<Found> look(Connection& connection) {
    Found found;
    found.disciplines = TRY(list_disciplines(connection));
    std::vector<int> links;
    TRY(connection.dump(
        RTM_GETLINK, AF_UNSPEC,
        [&] {
            found.xdp.clear();
            links.clear();
        },
        [&](nlmsghdr* message) {
            const auto header = header_of<ifinfomsg>(message);
            if (!header) {
                return;
            }
            const Attributes attributes(message, sizeof *header);
            links.push_back(header->ifi_index);
            const auto mode = attributes.nested_bytes(IFLA_XDP, IFLA_XDP_ATTACHED);
            if (!mode.empty() && mode[0] != XDP_ATTACHED_NONE) {
                found.xdp.push_back({header->ifi_index, attributes.text(IFLA_IFNAME), mode[0]});
            }
        }));
    for (const int link : links) {
        for (const bpf_attach_type hook : {BPF_TCX_INGRESS, BPF_TCX_EGRESS}) {
            auto programs = TRY(programs_at(link, hook));
            if (!programs.empty()) {
                found.hooked.push_back({link, link_name(link), hook, std::move(programs)});
            }
        }
    }
    return found;
}

std::string item_of(const Discipline& discipline) {
    return text::concat("tc: ", discipline.kind, " on ", link_name(discipline.header.tcm_ifindex));
}

std::string item_of(const Hooked& hooked) {
    return text::concat("tcx: ", hooked.hook == BPF_TCX_INGRESS ? "ingress" : "egress", " of ", hooked.name);
}

Result<void> remove(Connection& connection, const Discipline& discipline) {
    tcmsg header{};
    header.tcm_ifindex = discipline.header.tcm_ifindex;
    header.tcm_parent = discipline.header.tcm_parent;
    header.tcm_handle = discipline.header.tcm_handle;
    Message message(RTM_DELQDISC, 0);
    message.header(header);
    return connection.request(message, item_of(discipline));
}

Result<void> remove(Connection& connection, const Attached& attached) {
    // each mode has its own; of several at once (XDP_ATTACHED_MULTI) all are tried
    struct Mode {
        std::uint32_t attached;
        std::uint32_t flag;
    };

    constexpr std::array<Mode, 3> kModes{{{XDP_ATTACHED_DRV, XDP_FLAGS_DRV_MODE},
                                          {XDP_ATTACHED_SKB, XDP_FLAGS_SKB_MODE},
                                          {XDP_ATTACHED_HW, XDP_FLAGS_HW_MODE}}};
    Result<void> done;
    for (const Mode& mode : kModes) {
        if (attached.mode != mode.attached && attached.mode != XDP_ATTACHED_MULTI) {
            continue;
        }
        ifinfomsg header{};
        header.ifi_index = attached.link;
        Message message(RTM_SETLINK, 0);
        message.header(header);
        nlattr* xdp = message.begin(IFLA_XDP);
        message.put_number(IFLA_XDP_FD, static_cast<std::uint32_t>(-1)).put_number(IFLA_XDP_FLAGS, mode.flag);
        message.end(xdp);
        auto removed = connection.request(message, attached.name);
        done = done ? std::move(removed) : std::move(done);
    }
    return done;
}

Result<void> remove(const Hooked& hooked) {
    for (const std::uint32_t id : hooked.programs) {
        bpf_attr get{};
        get.prog_id = id;
        const Descriptor program(static_cast<int>(bpf(BPF_PROG_GET_FD_BY_ID, get)));
        if (!program.is_open()) {
            continue; // it has just gone
        }
        bpf_attr detach{};
        detach.target_ifindex = static_cast<std::uint32_t>(hooked.link);
        detach.attach_type = hooked.hook;
        detach.attach_bpf_fd = static_cast<std::uint32_t>(program.get());
        if (bpf(BPF_PROG_DETACH, detach) != 0) {
            return std::unexpected(Error::from_errno(Domain::network, item_of(hooked), "detach a program", errno));
        }
    }
    return {};
}

} // namespace

Result<ports::Comparisons> KernelPrograms::compare() {
    Connection connection = TRY(Connection::open());
    const Found found = TRY(look(connection));
    ports::Comparisons rows;
    for (const Discipline& discipline : found.disciplines) {
        rows.push_back({item_of(discipline), ports::kNothing, "there"});
    }
    for (const Hooked& hooked : found.hooked) {
        rows.push_back(
            {item_of(hooked), ports::kNothing, text::concat(text::to_text(hooked.programs.size()), " programs")});
    }
    if (rows.empty()) {
        rows.push_back({"tc", ports::kNothing, ports::kNothing});
    }
    for (const Attached& attached : found.xdp) {
        rows.push_back({text::concat("XDP: program on ", attached.name), ports::kNothing, "there"});
    }
    if (found.xdp.empty()) {
        rows.push_back({"XDP", ports::kNothing, ports::kNothing});
    }
    return rows;
}

Result<void> KernelPrograms::remove() {
    Connection connection = TRY(Connection::open());
    const Found found = TRY(look(connection));
    Result<void> done;
    const auto note = [&done](Result<void> removed) { done = done ? std::move(removed) : std::move(done); };
    for (const Discipline& discipline : found.disciplines) {
        note(drivers::remove(connection, discipline));
    }
    for (const Hooked& hooked : found.hooked) {
        note(drivers::remove(hooked));
    }
    for (const Attached& attached : found.xdp) {
        note(drivers::remove(connection, attached));
    }
    return done;
}

} // namespace sekisho::drivers
