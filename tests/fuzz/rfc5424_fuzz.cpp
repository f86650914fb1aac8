// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes in an event's fields make one syslog message (RFC 5424) whose parameters are the fields.
#include "policy/base/text.hpp"
#include "policy/events/rfc5424.hpp"
#include "tests/fuzz/event_input.hpp"

#include <map>

using namespace sekisho;
using fuzz::require;

namespace {

using Parameters = std::map<std::string, std::string>;

struct Message {
    std::vector<std::string> header; ///< PRI and version, TIMESTAMP … MSGID
    std::map<std::string, Parameters> data;
    std::optional<std::string> text;
};

class Decoder {
public:
    explicit Decoder(std::string_view message) : m_rest(message) {}

    Message decode() {
        Message message;
        for (int i = 0; i < 6; ++i) {
            message.header.push_back(word(' ', i == 0 ? 6 : 255));
        }
        require(m_rest.starts_with('['), "structured data follow");
        while (m_rest.starts_with('[')) {
            element(message);
        }
        if (!m_rest.empty()) {
            require(m_rest.starts_with(" \xef\xbb\xbf"), "the text follows a byte order mark");
            message.text = m_rest.substr(4);
        }
        return message;
    }

private:
    /// Printable ASCII up to the end character, which is taken too.
    std::string word(char end, std::size_t most) {
        const std::size_t length = m_rest.find(end);
        require(length != std::string_view::npos && length > 0 && length <= most, "a word of the header");
        const std::string_view found = m_rest.substr(0, length);
        require(std::ranges::all_of(found, [](char c) { return c > ' ' && c < 0x7f; }), "the header is printable");
        m_rest.remove_prefix(length + 1);
        return std::string(found);
    }

    void element(Message& message) {
        m_rest.remove_prefix(1);
        const std::size_t end = m_rest.find_first_of(" ]");
        require(end != std::string_view::npos && end > 0 && end <= 32, "an element has a name");
        const std::string name(m_rest.substr(0, end));
        require(!message.data.contains(name), "an element is there once");
        Parameters& parameters = message.data[name];
        m_rest.remove_prefix(end);
        while (m_rest.starts_with(' ')) {
            m_rest.remove_prefix(1);
            const std::string key = word('=', 32);
            require(key.find_first_of("\"]") == std::string::npos, "a parameter has a plain name");
            require(parameters.emplace(key, value()).second, "a parameter is there once");
        }
        require(m_rest.starts_with(']'), "an element ends");
        m_rest.remove_prefix(1);
    }

    std::string value() {
        require(m_rest.starts_with('"'), "a parameter has a value");
        std::string found;
        for (m_rest.remove_prefix(1); !m_rest.starts_with('"'); m_rest.remove_prefix(1)) {
            require(!m_rest.empty() && m_rest.front() != ']', "a bracket in a value is escaped");
            if (m_rest.front() == '\\') {
                m_rest.remove_prefix(1);
                require(!m_rest.empty() && std::string_view("\"\\]").find(m_rest.front()) != std::string_view::npos,
                        "a backslash stands before what it escapes");
            }
            found += m_rest.front();
        }
        m_rest.remove_prefix(1);
        return found;
    }

    std::string_view m_rest;
};

void check_value(const std::string& found, const std::string& given, bool cut) {
    if (cut) {
        const std::string shown = text::escape_for_terminal(given);
        require(shown.starts_with(found) && shown != found, "a cut value is the beginning of the field's");
    } else {
        require(fuzz::without_escapes(found) == fuzz::without_escapes(given), "a parameter has the field's value");
    }
}

void check_row(const events::FieldRow& row, const events::Event& event, Message& message, const std::string& cut) {
    Parameters& parameters = message.data[std::string(events::kEventElement)];
    const auto parameter = parameters.find(std::string(row.path));
    if (!event.has(row.field)) {
        require(parameter == parameters.end(), "no field that the event does not have");
        return;
    }
    const bool is_cut = (" " + cut + " ").find(" " + std::string(row.path) + " ") != std::string::npos;
    if (parameter != parameters.end()) {
        check_value(parameter->second, event.shown(row.field), is_cut);
        return;
    }
    switch (row.syslog) {
    case events::SyslogPlace::parameter:
        require(false, "every field of the event is there");
        break;
    case events::SyslogPlace::timestamp:
        require(message.header[1] == event.text(row.field), "the time is the field's");
        break;
    case events::SyslogPlace::msgid:
        require(message.header[5] == event.text(row.field), "the message's id is the field's");
        break;
    case events::SyslogPlace::quality:
        require(message.data["timeQuality"]["isSynced"] == (event.shown(row.field) == "true" ? "1" : "0"),
                "the quality of the time is the field's");
        break;
    case events::SyslogPlace::text:
        check_value(message.text.value_or(""), event.shown(row.field), is_cut);
        break;
    }
}

void check(const events::Event& event, std::size_t most) {
    const std::string encoded = events::to_rfc5424(event, {"clinic", "Sekisho", "0.1.0"}, most);
    require(encoded.size() <= most, "a message is bounded");
    require(fuzz::shows_everything(encoded) && fuzz::is_utf8(encoded), "one line in which everything shows");
    Message message = Decoder(encoded).decode();
    require(message.header[2] == "clinic" && message.header[3] == "sekisho" && message.header[4] == "-", "the sender");
    require(message.data["origin"] == Parameters{{"software", "Sekisho"}, {"swVersion", "0.1.0"}}, "the origin");
    require(message.data.size() == (event.number(events::Field::event_sequence) > 0 ? 4 : 3), "no further element");
    const std::string cut = message.data[std::string(events::kEventElement)]["truncated"];
    message.data[std::string(events::kEventElement)].erase("truncated");
    for (const events::FieldRow& row : events::field_table()) {
        check_row(row, event, message, cut);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const events::Event event = fuzz::event_of(fuzz::text_of(data, size));
    check(event, events::kMostSyslogMessage);
    check(event, 4'096);
    return 0;
}
