// SPDX-License-Identifier: GPL-2.0-or-later
// The part of PolicyService that waits for somebody to confirm what was applied.
#include "firmware/services/policy_service.hpp"
#include "policy/base/text.hpp"

namespace sekisho::services {

using events::Event;
using events::Field;

std::optional<Time> PolicyService::confirm_until() const {
    if (!m_confirm_until) {
        return std::nullopt;
    }
    const std::int64_t left = *m_confirm_until - m_ports.clock.monotonic_microseconds();
    return Time{m_timekeeper.reading().now.microseconds + left};
}

std::expected<std::string, std::string> PolicyService::confirm(const Actor& actor) {
    if (!m_confirm_until) {
        return std::unexpected("Nothing waits to be confirmed: what is in force is committed.\n");
    }
    Event event;
    event.set(Field::event_category, "configuration");
    event.set(Field::event_action, "apply-confirmed");
    event.set(Field::user_name, actor.account);
    event.set(Field::session_origin, actor.origin);
    event.set(Field::config_digest, m_configuration->digest);
    // a later apply that was refused has taken what was prepared away
    auto committed = m_store.prepare(m_configuration->text).and_then([this] { return m_store.commit(); });
    if (!committed) {
        std::string told =
            text::concat(committed.error().message(), "\nNot confirmed; it stays in force until the time is over.\n");
        event.set(Field::event_outcome, "failure");
        event.set(Field::event_reason, "not-stored");
        event.set(Field::message, told);
        m_log.record(std::move(event), Durability::immediate);
        return std::unexpected(std::move(told));
    }
    m_confirm_until.reset();
    m_confirm_timer->stop();
    m_source = PolicySource::committed;
    event.set(Field::event_outcome, "success");
    m_log.record(std::move(event), Durability::immediate);
    for (const Error& shortcoming : *committed) {
        record_state("commit", shortcoming.message(), false);
    }
    return text::concat("Confirmed and committed: policy ", m_configuration->digest.substr(0, 12), ".\n");
}

/// As at a start, but with connections and leases as they are.
void PolicyService::give_up_unconfirmed() {
    m_confirm_until.reset();
    m_store.discard_prepared();
    record_state("apply-reverted", "nobody confirmed the policy in time; what is committed comes back", false);
    if (m_before_switch) {
        m_before_switch();
    }
    m_configuration.reset();
    start_from_store();
}

} // namespace sekisho::services
