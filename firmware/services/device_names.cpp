// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/device_names.hpp"

#include "policy/base/text.hpp"
#include "policy/packet/dhcp.hpp"

#include <algorithm>
#include <set>

namespace sekisho::services {

namespace {

using events::Event;
using events::Field;

constexpr std::string_view kFile = "access/host-names";
constexpr std::size_t kMostBytes = 32u << 20;
constexpr std::size_t kMostOfName = 64; ///< no label of DNS is longer
constexpr std::uint64_t kSaveMilliseconds = 60'000;

} // namespace

DeviceNames::DeviceNames(ports::Store& store, ports::EventLoop& loop, EventLog& log, const PortAccess& access)
    : m_store(store), m_log(log), m_access(access), m_save(loop.make_timer([this] { save(); })) {}

Result<void> DeviceNames::load() {
    if (!m_store.exists(kFile)) {
        return {};
    }
    const std::string text = TRY(m_store.read(kFile, kMostBytes));
    for (const std::string_view line : text::split(text, '\n')) {
        const auto space = line.find(' ');
        const auto mac = MacAddress::parse(line.substr(0, space));
        if (mac && space != std::string_view::npos) {
            m_names[*mac] = line.substr(space + 1);
        }
    }
    return {};
}

std::string DeviceNames::name_of(const MacAddress& mac) const {
    const auto found = m_names.find(mac);
    return found == m_names.end() ? std::string() : found->second;
}

void DeviceNames::take(const events::LogRecord& record) {
    const auto given = packet::dhcp_host_name(record.packet);
    if (!record.source_mac || !given) {
        return;
    }
    const auto session = m_access.find_session({record.ingress_interface, *record.source_mac});
    if (!session) {
        return; // on an open port, which promises nothing, or gone by now
    }
    const std::string name = text::escape_for_terminal(std::string_view(*given).substr(0, kMostOfName));
    const std::string before = name_of(*record.source_mac);
    if (name == before) {
        return;
    }
    if (!before.empty() && session->method == access::Method::mab) {
        tell(*session, before, name);
    }
    make_room();
    m_names[*record.source_mac] = name;
    if (!m_is_save_due) {
        m_save->start_once(kSaveMilliseconds);
        m_is_save_due = true;
    }
}

void DeviceNames::tell(const access::Session& session, const std::string& before, const std::string& name) {
    Event event;
    event.set(Field::event_kind, "alert");
    event.set(Field::event_category, "network");
    event.set(Field::event_action, "host-name-changed");
    event.set(Field::event_outcome, "failure");
    event.set(Field::interface_ingress, session.station.port);
    event.set(Field::source_mac, session.station.mac.text());
    event.set(Field::access_method, std::string(access::name_of(session.method)));
    event.set(Field::access_role, session.role);
    if (const model::Device* device = m_access.policy().find_device(session.station.mac)) {
        event.set(Field::access_device, device->name);
    }
    event.set(Field::message, text::concat("a device that was admitted by its MAC address calls itself \"", name,
                                           "\", before \"", before, "\"; it may be another one"));
    m_log.record(std::move(event));
}

/// Names of registered devices and of those that are in force stay.
void DeviceNames::make_room() {
    if (m_names.size() < kMost) {
        return;
    }
    std::set<MacAddress> here;
    for (const access::Session& session : m_access.sessions()) {
        here.insert(session.station.mac);
    }
    std::erase_if(m_names, [&](const auto& entry) {
        return !here.contains(entry.first) && m_access.policy().find_device(entry.first) == nullptr;
    });
}

void DeviceNames::save() {
    m_is_save_due = false;
    std::string text;
    for (const auto& [mac, name] : m_names) {
        text += text::concat(mac.text(), " ", name, "\n");
    }
    if (const auto saved = m_store.write(kFile, text); !saved) {
        Event event;
        event.set(Field::event_kind, "alert");
        event.set(Field::event_category, "host");
        event.set(Field::event_action, "port-access");
        event.set(Field::event_outcome, "failure");
        event.set(Field::message,
                  text::concat("host names of devices will not be known after a restart: ", saved.error().message()));
        m_log.record(std::move(event));
    }
}

} // namespace sekisho::services
