// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/config/device_table.hpp"

#include "policy/base/csv.hpp"
#include "policy/base/text.hpp"
#include "policy/config/value.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace sekisho::config {

namespace {

constexpr std::string_view kAccess = "port-access";
constexpr std::string_view kDevice = "port-access device *";
constexpr std::string_view kMac = "mac";
constexpr std::string_view kBlanks = " \t";

using csv::Cell;

std::string_view trimmed(std::string_view text) noexcept {
    const std::size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& byte : lower) {
        byte = byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
    }
    return lower;
}

/// As in a configuration: text that could show something else than it says is refused.
bool has_control(std::string_view text) noexcept {
    while (!text.empty()) {
        const text::Character character = text::first_character(text);
        if (text::is_control(character.code)) {
            return true;
        }
        text.remove_prefix(character.length);
    }
    return false;
}

std::string section_of(std::string_view column) {
    return text::concat("column ", column);
}

/// The columns that a table may have: what a device's entry takes with one word or text.
std::vector<const Parameter*> known_columns() {
    std::vector<const Parameter*> columns = children_of(find_parameter(kDevice));
    std::erase_if(columns, [](const Parameter* each) { return has_block(each->shape); });
    return columns;
}

class TableReader {
public:
    TableReader(std::string_view csv, Diagnostics& diagnostics)
        : m_diagnostics(diagnostics), m_reader(csv, diagnostics), m_device(find_parameter(kDevice)) {}

    std::optional<DeviceTable> read() {
        const std::size_t before = m_diagnostics.error_count();
        std::vector<Cell> row;
        if (!m_reader.next(row)) {
            if (m_diagnostics.error_count() == before) {
                m_diagnostics.error({}, {}, "the table is empty", "its first line names the columns, as mac,name,port");
            }
            return std::nullopt;
        }
        if (!read_header(row)) {
            return std::nullopt;
        }
        while (m_reader.next(row)) {
            read_row(row);
        }
        if (m_diagnostics.error_count() > before) {
            return std::nullopt;
        }
        return std::move(m_table);
    }

private:
    bool read_header(const std::vector<Cell>& row);
    void read_row(const std::vector<Cell>& row);
    void read_cell(const Cell& cell, const Parameter& parameter, Node& device);
    void add_value(const Cell& cell, std::string_view text, const Parameter& parameter, Node& device);
    void read_flag(const Cell& cell, std::string_view text, const Parameter& parameter, Node& device);
    std::optional<std::string> read_mac(const Cell& cell);

    Diagnostics& m_diagnostics;
    csv::Reader m_reader;
    const Parameter* m_device;
    std::vector<const Parameter*> m_columns; ///< in the header's order; nullptr for mac
    std::map<std::string, std::size_t> m_lines;
    DeviceTable m_table;
};

bool TableReader::read_header(const std::vector<Cell>& row) {
    std::vector<std::string_view> names{kMac};
    const auto known = known_columns();
    std::ranges::transform(known, std::back_inserter(names), [](const Parameter* each) { return key_of(*each); });
    const std::size_t before = m_diagnostics.error_count();
    std::set<std::string> seen;
    for (const Cell& cell : row) {
        const std::string name = lower_case(trimmed(cell.text));
        const auto column = std::ranges::find(known, name, [](const Parameter* each) { return key_of(*each); });
        if (name != kMac && column == known.end()) {
            const auto near = text::nearest(name, names);
            const bool has_other_separator = name.find_first_of(";\t") != std::string::npos;
            m_diagnostics.error(cell.place, {}, text::concat("there is no column '", name, "'"),
                                has_other_separator ? std::string("columns are separated by commas")
                                : near              ? text::concat("did you mean '", *near, "'?")
                                       : text::concat("columns are: ", text::join({names.begin(), names.end()}, ", ")));
            continue;
        }
        if (!seen.insert(name).second) {
            m_diagnostics.error(cell.place, {}, text::concat("column '", name, "' is there twice"));
        }
        m_columns.push_back(name == kMac ? nullptr : *column);
        if (name != kMac) {
            m_table.columns.push_back(*column);
        }
    }
    if (m_diagnostics.error_count() == before && !seen.contains(std::string(kMac))) {
        m_diagnostics.error(row.front().place, {}, "column 'mac' is missing",
                            "the first line names the columns, as mac,name,port");
    }
    return m_diagnostics.error_count() == before;
}

std::optional<std::string> TableReader::read_mac(const Cell& cell) {
    const auto mac = canonical(*m_device, trimmed(cell.text));
    if (!mac) {
        m_diagnostics.error(cell.place, section_of(kMac), mac.error().why, mac.error().hint);
        return std::nullopt;
    }
    const auto [former, is_new] = m_lines.emplace(*mac, cell.place.line);
    if (!is_new) {
        m_diagnostics.error(cell.place, section_of(kMac),
                            text::concat(*mac, " is in line ", text::to_text(former->second), " already"));
        return std::nullopt;
    }
    return *mac;
}

void TableReader::read_row(const std::vector<Cell>& row) {
    if (row.size() != m_columns.size()) {
        const Cell& at = row.size() > m_columns.size() ? row[m_columns.size()] : row.front();
        m_diagnostics.error(at.place, {},
                            text::concat("this line has ", text::to_text(row.size()), " fields, the header has ",
                                         text::to_text(m_columns.size())),
                            "a field that holds a comma stands in double quotes");
        return;
    }
    Node device{.parameter = m_device, .key = "device", .value = {}, .place = {}, .value_place = {}, .children = {}};
    for (std::size_t index = 0; index < row.size(); ++index) {
        if (m_columns[index] != nullptr) {
            read_cell(row[index], *m_columns[index], device);
            continue;
        }
        if (auto mac = read_mac(row[index])) {
            device.value = *std::move(mac);
        }
        device.place = device.value_place = row[index].place;
    }
    m_table.devices.push_back(std::move(device));
}

/// A parameter that an entry may have several times takes several values from its field.
void TableReader::read_cell(const Cell& cell, const Parameter& parameter, Node& device) {
    const std::string_view text = trimmed(cell.text);
    if (has_control(text)) {
        m_diagnostics.error(cell.place, section_of(key_of(parameter)),
                            "the field has a line break or another character that does not show");
        return;
    }
    if (text.empty()) {
        return;
    }
    if (parameter.shape == Shape::flag) {
        read_flag(cell, text, parameter, device);
        return;
    }
    if (parameter.count == Count::one) {
        add_value(cell, text, parameter, device);
        return;
    }
    constexpr std::string_view kSeparators = " ;";
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find_first_of(kSeparators, at), text.size());
        if (end > at) {
            add_value(cell, text.substr(at, end - at), parameter, device);
        }
        at = end + 1;
    }
}

void TableReader::add_value(const Cell& cell, std::string_view text, const Parameter& parameter, Node& device) {
    auto value = canonical(parameter, text);
    if (!value) {
        std::string hint = std::move(value.error().hint);
        if (hint.empty() && parameter.type == Type::date) {
            hint = "a date is written 2027-03-31; spreadsheets change it unless the column is text";
        }
        m_diagnostics.error(cell.place, section_of(key_of(parameter)), value.error().why, std::move(hint));
        return;
    }
    device.children.push_back({.parameter = &parameter,
                               .key = std::string(key_of(parameter)),
                               .value = *std::move(value),
                               .place = cell.place,
                               .value_place = cell.place,
                               .children = {}});
}

/// A statement without value is there or not.
void TableReader::read_flag(const Cell& cell, std::string_view text, const Parameter& parameter, Node& device) {
    if (text == "yes") {
        device.children.push_back({.parameter = &parameter,
                                   .key = std::string(key_of(parameter)),
                                   .value = {},
                                   .place = cell.place,
                                   .value_place = cell.place,
                                   .children = {}});
    } else if (text != "no") {
        m_diagnostics.error(cell.place, section_of(key_of(parameter)),
                            text::concat("'", text::escape_for_terminal(text), "' is not yes or no"));
    }
}

void sort_by_schema(Node& device) {
    std::ranges::stable_sort(device.children, {}, &Node::parameter); // rows of one array
}

/// The block `port-access`, made where there is none.
Node& access_of(Tree& tree) {
    const auto found = std::ranges::find(tree.statements, kAccess, &Node::key);
    if (found != tree.statements.end()) {
        return *found;
    }
    tree.statements.push_back({.parameter = find_parameter(kAccess),
                               .key = std::string(kAccess),
                               .value = {},
                               .place = {},
                               .value_place = {},
                               .children = {}});
    return tree.statements.back();
}

void check_complete(const Node& device, Diagnostics& diagnostics) {
    for (const Parameter* child : children_of(device.parameter)) {
        if (child->need == Need::required && device.find(key_of(*child)) == nullptr) {
            diagnostics.error(device.place, text::concat("device ", device.value),
                              text::concat(key_of(*child), " is missing"));
        }
    }
}

} // namespace

std::optional<DeviceTable> read_device_table(std::string_view csv, Diagnostics& diagnostics) {
    return TableReader(csv, diagnostics).read();
}

DeviceCounts merge_devices(DeviceTable table, Tree& tree, Diagnostics& diagnostics) {
    Node& access = access_of(tree);
    std::map<std::string, std::size_t> places; // of devices that are there
    for (std::size_t index = 0; index < access.children.size(); ++index) {
        if (access.children[index].key == "device") {
            places.emplace(access.children[index].value, index);
        }
    }
    DeviceCounts counts;
    for (Node& given : table.devices) {
        const auto place = places.find(given.value);
        if (place == places.end()) {
            sort_by_schema(given);
            check_complete(given, diagnostics);
            access.children.push_back(std::move(given));
            ++counts.added;
            continue;
        }
        Node& there = access.children[place->second];
        const Node before = there;
        std::erase_if(there.children,
                      [&](const Node& child) { return std::ranges::contains(table.columns, child.parameter); });
        std::ranges::move(given.children, std::back_inserter(there.children));
        there.place = given.place;
        there.value_place = given.value_place;
        sort_by_schema(there);
        check_complete(there, diagnostics);
        ++(there == before ? counts.same : counts.changed);
    }
    return counts;
}

} // namespace sekisho::config
