// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/authentication.hpp"

#include "policy/accounts/password_rules.hpp"
#include "policy/base/text.hpp"

namespace sekisho::services {

namespace {

using events::Event;
using events::Field;
using ports::ControlRequest;
using ports::ControlResponse;

constexpr std::size_t kMostNameInLog = 64; ///< bytes; who types more typed no account's name

ControlResponse refused(std::string errors, std::string output = {}) {
    return {.exit_status = 1, .output = std::move(output), .errors = std::move(errors) + "\n"};
}

ControlResponse admitted(std::uint32_t user_id, std::string errors = {}) {
    return {.exit_status = 0,
            .output =
                text::concat("user ", text::to_text(user_id), "\ngroup ", text::to_text(accounts::kGroupId), "\n"),
            .errors = std::move(errors)};
}

std::string waiting(std::uint64_t seconds) {
    return text::concat("wait ", text::to_text(seconds), "\n");
}

/// What somebody typed as a name, for the log: whole characters up to a bound.
std::string shortened(std::string_view name) {
    std::size_t length = 0;
    while (length < name.size()) {
        const std::size_t next = length + text::first_character(name.substr(length)).length;
        if (next > kMostNameInLog) {
            return text::concat(name.substr(0, length), "…");
        }
        length = next;
    }
    return std::string(name);
}

} // namespace

Authentication::Authentication(Ports ports, const Accounts& accounts, Credentials& credentials, Timekeeper& timekeeper,
                               EventLog& log, std::string product)
    : m_ports(ports),
      m_accounts(accounts),
      m_credentials(credentials),
      m_timekeeper(timekeeper),
      m_log(log),
      m_product(std::move(product)),
      m_host_name([] { return std::string(); }) {}

void Authentication::record(std::string_view action, std::string_view name, const ControlRequest& request,
                            std::string_view failure, std::string message) {
    Event event;
    event.set(Field::event_kind, failure.empty() ? "event" : "alert");
    event.set(Field::event_category, "authentication");
    event.set(Field::event_action, std::string(action));
    event.set(Field::event_outcome, failure.empty() ? "success" : "failure");
    if (!failure.empty()) {
        event.set(Field::event_reason, std::string(failure));
    }
    event.set(Field::user_name, shortened(name));
    event.set(Field::session_origin, request.origin);
    event.set(Field::message, std::move(message));
    m_log.record(std::move(event), Durability::immediate);
}

ControlResponse Authentication::authenticate(const Invocation& invocation, const ControlRequest& request) {
    const auto& words = invocation.operands;
    if (words.size() == 1 && words[0] == "state") {
        return state();
    }
    if (words.size() == 1 && words[0] == "first-password") {
        return first_password(request);
    }
    if (words.size() == 2 && words[0] == "password") {
        return password(words[1], request);
    }
    return {.exit_status = 2, .output = {}, .errors = "authenticate: state, first-password or password NAME\n"};
}

ControlResponse Authentication::state() const {
    return {.exit_status = 0,
            .output = text::concat("state ", name_of(m_credentials.state()), "\n"),
            .errors = m_credentials.why().empty() ? "" : m_credentials.why() + "\n"};
}

ControlResponse Authentication::first_password(const ControlRequest& request) {
    if (m_credentials.state() != CredentialState::fresh) {
        record("password-set", accounts::kAdmin, request, "not-new", "refused: this router has had a password before");
        return refused(m_credentials.why().empty() ? "a password was set already" : m_credentials.why());
    }
    const std::string host_name = m_host_name();
    if (const auto objections = accounts::objections_to_password(
            request.payload, {.account = accounts::kAdmin, .host_name = host_name, .product = m_product});
        !objections.empty()) {
        return refused(text::join(objections, "\n"));
    }
    auto hash = m_ports.hasher.hash(request.payload);
    if (!hash) {
        record("password-set", accounts::kAdmin, request, "not-hashed", hash.error().message());
        return refused(hash.error().message());
    }
    const ClockReading clock = m_timekeeper.reading();
    const auto stored = m_credentials.set({std::string(accounts::kAdmin), std::move(*hash), clock.now,
                                           clock.synchronised && !m_timekeeper.clock_is_behind()});
    if (!stored) {
        const std::string told = text::concat("the password could not be stored and is lost with the next start; the "
                                              "WAN stays down: ",
                                              stored.error().message());
        record("password-set", accounts::kAdmin, request, "not-stored", told);
        return m_credentials.state() == CredentialState::ready ? admitted(accounts::kAdminId, told + "\n")
                                                               : refused(told);
    }
    record("password-set", accounts::kAdmin, request, {},
           stored->empty() ? "the first password of this router was set"
                           : text::concat("the first password of this router was set; ", *stored));
    if (m_on_first_password) {
        m_on_first_password();
    }
    return admitted(accounts::kAdminId);
}

bool Authentication::is_right(std::string_view name, std::string_view password) {
    const accounts::Credential* credential = m_accounts.id_of(name) ? m_credentials.find(name) : nullptr;
    if (credential == nullptr) {
        ignore_error(m_ports.hasher.hash(password), "only takes the time that looking at a real one takes");
        return false;
    }
    const auto verified = m_ports.hasher.verify(password, credential->hash);
    return verified && *verified;
}

ControlResponse Authentication::password(const std::string& name, const ControlRequest& request) {
    if (m_credentials.state() == CredentialState::fresh) {
        return refused("no password was set yet");
    }
    if (const std::uint64_t wait = m_delays.wait_seconds(name, m_ports.clock.monotonic_microseconds()); wait > 0) {
        if (m_delays.is_first_early()) {
            record("login", name, request, "too-early",
                   "login refused unchecked: the wait after a failure is not over");
        }
        return refused("wait after a failed attempt", waiting(wait));
    }
    const bool is_damaged = m_credentials.state() == CredentialState::damaged;
    if (!is_damaged && is_right(name, request.payload)) {
        m_delays.succeeded(name);
        return admitted(*m_accounts.id_of(name));
    }
    const std::uint64_t wait = m_delays.failed(name, m_ports.clock.monotonic_microseconds());
    record("login", name, request, is_damaged ? "credentials-damaged" : "wrong-credentials",
           text::concat("login refused; the next attempt waits ", text::to_text(wait), " s",
                        is_damaged ? "; no password can be checked: " : "", m_credentials.why()));
    return refused(is_damaged ? text::concat("no password can be checked: ", m_credentials.why())
                              : "the account or the password is wrong",
                   waiting(wait));
}

} // namespace sekisho::services
