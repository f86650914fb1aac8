// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/cut_flow_file.hpp"

#include "policy/base/text.hpp"

#include <limits>
#include <optional>

namespace sekisho::services {

namespace {

/// One line: mark, protocol, source and its port, destination and its port, translated or not, reached and its port,
/// the router's own device or "-".
constexpr std::size_t kWords = 10;

std::string line_of(const ruleset::Flow& flow) {
    const auto number = [](std::uint64_t value) { return text::to_text(value); };
    return text::concat(number(flow.mark), " ", number(flow.protocol), " ", flow.source.text(), " ",
                        number(flow.source_port), " ", flow.destination.text(), " ", number(flow.destination_port),
                        flow.translated ? " 1 " : " 0 ", flow.reached.text(), " ", number(flow.reached_port), " ",
                        flow.own_device.empty() ? "-" : flow.own_device, "\n");
}

template <typename Number>
bool take(std::string_view word, Number& number) {
    const auto value = text::parse_unsigned(word);
    if (!value || *value > std::numeric_limits<Number>::max()) {
        return false;
    }
    number = static_cast<Number>(*value);
    return true;
}

bool take(std::string_view word, IpAddress& address) {
    const auto parsed = IpAddress::parse(word);
    if (parsed) {
        address = *parsed;
    }
    return parsed.has_value();
}

std::optional<ruleset::Flow> flow_of(std::string_view line) {
    const auto words = text::split(line, ' ');
    ruleset::Flow flow;
    std::uint8_t translated = 0;
    if (words.size() != kWords || !take(words[0], flow.mark) || !take(words[1], flow.protocol) ||
        !take(words[2], flow.source) || !take(words[3], flow.source_port) || !take(words[4], flow.destination) ||
        !take(words[5], flow.destination_port) || !take(words[6], translated) || !take(words[7], flow.reached) ||
        !take(words[8], flow.reached_port) || words[9].empty()) {
        return std::nullopt;
    }
    const Family family = flow.source.family();
    if (flow.destination.family() != family || flow.reached.family() != family) {
        return std::nullopt;
    }
    flow.translated = translated != 0;
    flow.own_device = words[9] == "-" ? "" : words[9];
    return flow;
}

} // namespace

std::string written_flows(std::span<const ruleset::Flow> flows) {
    std::string text;
    for (const ruleset::Flow& flow : flows) {
        text += line_of(flow);
    }
    return text;
}

std::vector<ruleset::Flow> read_flows(std::string_view text) {
    std::vector<ruleset::Flow> flows;
    for (const std::string_view line : text::split(text, '\n')) {
        if (auto flow = flow_of(line)) {
            flows.push_back(*std::move(flow));
        }
    }
    return flows;
}

} // namespace sekisho::services
