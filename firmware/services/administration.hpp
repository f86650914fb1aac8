// SPDX-License-Identifier: GPL-2.0-or-later
// What people ask of the daemon: who may, what they get, and the record of it.
#pragma once

#include "firmware/ports/clock.hpp"
#include "firmware/ports/control.hpp"
#include "firmware/ports/event_reader.hpp"
#include "firmware/ports/system.hpp"
#include "firmware/services/command_table.hpp"
#include "firmware/services/policy_service.hpp"
#include "policy/base/table.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::services {

class Administration {
public:
    struct Ports {
        ports::PacketFilter& filter;
        ports::Network& network;
        ports::System& system;
        ports::Clock& clock;
        ports::EventReader& reader;
    };

    Administration(Ports ports, PolicyService& policy, EventLog& log, Timekeeper& timekeeper);

    using Handler = std::function<ports::ControlResponse(const Invocation&, const ports::ControlRequest&)>;
    /// Commands of other services. What nobody serves is answered with an error.
    void serve(CommandId command, Handler handler);

    /// Adds to what a session is greeted with; whole lines.
    void greet_with(std::function<std::string()> part) { m_greeting.push_back(std::move(part)); }

    /// Adds facts to `show system`.
    void add_to_system(std::function<void(Facts&)> part) { m_system_parts.push_back(std::move(part)); }

    /// Who is behind a user id: an account in force, and the name for records of one that is not. Without it, the
    /// superuser alone is served.
    struct Directory {
        std::function<std::optional<std::string>(std::uint32_t user_id)> account;
        std::function<std::optional<std::string>(std::uint32_t user_id)> recorded_name;
    };

    void admit(Directory directory) { m_directory = std::move(directory); }

    /// Called with the account when its session began.
    void on_session(std::function<void(const std::string& account)> callback) { m_on_session = std::move(callback); }

    /// Answers one request. The superuser (the product's own programs) and accounts in force are served; others, and
    /// accounts that ask for what is the superuser's, are refused and recorded.
    ports::ControlResponse handle(const ports::ControlRequest& request);

private:
    /// The request with its account's name, if it may ask anything; recorded where not.
    [[nodiscard]] std::optional<ports::ControlRequest> identified(const ports::ControlRequest& request);
    void record_refusal(const ports::ControlRequest& request);
    ports::ControlResponse run(const Invocation& invocation, const ports::ControlRequest& request);
    ports::ControlResponse apply(const Invocation& invocation, const ports::ControlRequest& request);
    ports::ControlResponse confirm(const ports::ControlRequest& request);
    ports::ControlResponse lease_event(const Invocation& invocation);
    ports::ControlResponse session(const Invocation& invocation, const ports::ControlRequest& request);
    ports::ControlResponse show_configuration();
    ports::ControlResponse show_interfaces(const Invocation& invocation);
    ports::ControlResponse show_log(const Invocation& invocation, const ports::ControlRequest& request);
    ports::ControlResponse show_rules(const Invocation& invocation);
    ports::ControlResponse show_system(const Invocation& invocation);
    void record_access(std::string_view action, const ports::ControlRequest& request, bool success, std::string reason,
                       std::string message);

    Ports m_ports;
    PolicyService& m_policy;
    EventLog& m_log;
    Timekeeper& m_timekeeper;
    Directory m_directory;
    std::function<void(const std::string&)> m_on_session;
    std::map<CommandId, Handler> m_handlers;
    std::vector<std::function<std::string()>> m_greeting;
    std::vector<std::function<void(Facts&)>> m_system_parts;
};

} // namespace sekisho::services
