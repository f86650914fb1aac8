// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a record of the kernel's packet log: refused, or one event on one line.
#include "policy/events/nflog.hpp"
#include "policy/events/record.hpp"
#include "tests/fuzz/require.hpp"

#include <string>

using namespace sekisho;
using fuzz::require;

namespace {

class OneRule final : public events::RecordContext {
public:
    [[nodiscard]] const events::RuleReference* find_rule(std::string_view id) const override {
        return id == m_rule.id ? &m_rule : nullptr;
    }

    [[nodiscard]] const events::RuleReference* find_rule_by_number(std::uint32_t number) const override {
        return number == 1 ? &m_rule : nullptr;
    }

    [[nodiscard]] std::string_view zone_of(std::string_view interface) const override {
        return interface.empty() ? "" : "wan";
    }

    [[nodiscard]] std::optional<CountryCode> country_of(const IpAddress& address) const override {
        return CountryCode::from_letters(address.family() == Family::ipv4 ? "JP" : "??");
    }

private:
    events::RuleReference m_rule{"service.web.deny", "not-allowed", 12};
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span bytes(data, size);
    auto parsed = events::parse_nflog(bytes);
    if (!parsed) {
        return 0;
    }
    const auto packet = parsed->record.packet;
    require(packet.empty() || (packet.data() >= data && packet.data() + packet.size() <= data + size),
            "the packet is inside the message");
    parsed->record.ingress_interface = "wan0";
    for (const std::uint16_t group : {std::uint16_t{1}, std::uint16_t{2}}) {
        parsed->record.group = group;
        const events::Event event = events::make_connection_event(parsed->record, OneRule{});
        require(!event.text(events::Field::event_action).empty(), "an event says what happened");
        const std::string line = events::to_json_line(event);
        require(line.ends_with('\n') && line.find('\n') == line.size() - 1, "one line");
        require(line.starts_with('{') && line[line.size() - 2] == '}', "one object");
        require(fuzz::is_plain(line), "safe to show");
    }
    return 0;
}
