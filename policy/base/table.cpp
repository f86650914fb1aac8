// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/table.hpp"

#include "policy/base/json.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <string_view>

namespace sekisho {

namespace {

constexpr std::string_view kGap = "  ";

[[nodiscard]] std::string shown(const Column& column, std::string_view value) {
    if (value.empty()) {
        return "-";
    }
    if (column.kind == Column::Kind::boolean) {
        if (value == "true") {
            return "yes";
        }
        if (value == "false") {
            return "no";
        }
    }
    return text::escape_for_terminal(value);
}

void write_value(JsonWriter& json, const Column& column, std::string_view value) {
    if (value.empty()) {
        json.null();
    } else if (column.kind == Column::Kind::boolean && (value == "true" || value == "false")) {
        json.boolean(value == "true");
    } else if (column.kind == Column::Kind::number) {
        json.number_text(value);
    } else {
        json.string(value);
    }
}

/// A row may be short: what is missing is empty.
[[nodiscard]] std::string_view cell(const std::vector<std::string>& row, std::size_t index) {
    return index < row.size() ? std::string_view(row[index]) : std::string_view();
}

[[nodiscard]] std::string status_line(const std::string& status) {
    return status.empty() ? std::string() : text::escape_for_terminal(status) + "\n";
}

} // namespace

std::string Table::text() const {
    std::vector<std::vector<std::string>> lines;
    lines.reserve(rows.size() + 1);
    std::vector<std::size_t> widths(columns.size(), 0);
    const auto add_line = [&](auto&& text_of) {
        std::vector<std::string>& line = lines.emplace_back();
        for (std::size_t index = 0; index < columns.size(); ++index) {
            line.push_back(text_of(index));
            widths[index] = std::max(widths[index], text::columns_of(line.back()));
        }
    };
    add_line([&](std::size_t index) { return columns[index].title; });
    for (const std::vector<std::string>& row : rows) {
        add_line([&](std::size_t index) { return shown(columns[index], cell(row, index)); });
    }

    std::string result;
    for (const std::vector<std::string>& line : lines) {
        for (std::size_t index = 0; index < columns.size(); ++index) {
            if (index > 0) {
                result += kGap;
            }
            if (columns[index].kind == Column::Kind::number) {
                result += text::pad_left(line[index], widths[index]);
            } else if (index + 1 < columns.size()) {
                result += text::pad_right(line[index], widths[index]);
            } else {
                result += line[index];
            }
        }
        result += '\n';
    }
    return result + status_line(status);
}

std::string Table::json() const {
    JsonWriter writer;
    writer.begin_object().key(name).begin_array();
    for (const std::vector<std::string>& row : rows) {
        writer.begin_object();
        for (std::size_t index = 0; index < columns.size(); ++index) {
            writer.key(columns[index].key);
            write_value(writer, columns[index], cell(row, index));
        }
        writer.end_object();
    }
    writer.end_array().end_object();
    return writer.take() + "\n";
}

std::string Facts::text() const {
    std::size_t width = 0;
    for (const Fact& fact : facts) {
        width = std::max(width, text::columns_of(fact.column.title));
    }
    std::string result;
    for (const Fact& fact : facts) {
        result += text::concat(text::pad_right(fact.column.title, width), kGap, shown(fact.column, fact.value), "\n");
    }
    return result + status_line(status);
}

std::string Facts::json() const {
    JsonWriter writer;
    writer.begin_object();
    for (const Fact& fact : facts) {
        writer.key(fact.column.key);
        write_value(writer, fact.column, fact.value);
    }
    writer.end_object();
    return writer.take() + "\n";
}

std::string shown_together(const Facts& facts, std::span<const Table> tables, bool is_json) {
    std::string output = is_json ? facts.json() : facts.text();
    for (const Table& table : tables) {
        if (is_json) {
            output.resize(output.rfind('}'));
            output += "," + table.json().substr(1);
        } else {
            output += "\n" + table.text();
        }
    }
    return output;
}

} // namespace sekisho
