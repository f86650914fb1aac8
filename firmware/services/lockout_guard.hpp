// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a configuration would cut off the session that applies it. Somebody who administers a router from afar must
// not lose it by a slip of the pen.
#pragma once

#include "firmware/ports/connections.hpp"
#include "firmware/services/policy_service.hpp"
#include "firmware/services/timekeeper.hpp"
#include "policy/base/address.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::services {

/// The client's end of a session over SSH, as its origin says ("ssh 10.0.1.5 port 40122"); nothing for others.
struct SshEnd {
    IpAddress address;
    std::uint16_t port = 0;
};

[[nodiscard]] std::optional<SshEnd> ssh_end_of(std::string_view origin);

class LockoutGuard {
public:
    LockoutGuard(ports::Connections& connections, Timekeeper& timekeeper)
        : m_connections(connections), m_timekeeper(timekeeper) {}

    /// Why the session would end, complete sentences for the person; empty where it lives on, and for sessions that
    /// come over no network. `model` and `wanted` are what is to be applied. A session that the kernel does not know,
    /// or a table that can't be read, counts as cut off: nobody could say that it is not. What port access would do to
    /// the device is not judged.
    [[nodiscard]] std::string judge(const Actor& actor, const model::Model& model,
                                    const ruleset::Ruleset& wanted) const;

private:
    [[nodiscard]] std::string cause(const Actor& actor, const SshEnd& end, const model::Model& model,
                                    const ruleset::Ruleset& wanted) const;

    ports::Connections& m_connections;
    Timekeeper& m_timekeeper;
};

} // namespace sekisho::services
