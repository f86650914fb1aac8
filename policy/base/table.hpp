// SPDX-License-Identifier: GPL-2.0-or-later
// The two faces of every read command: a table for people that closes with a status line, and JSON for programs.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace sekisho {

class JsonWriter;

/// A column: `key` names it in JSON (snake_case), `title` for people. Numbers and booleans appear bare in JSON; a
/// boolean's text is "true" or "false", which people see as "yes" and "no".
struct Column {
    enum class Kind { text, number, boolean };
    std::string key;
    std::string title;
    Kind kind = Kind::text;
};

/// Rows of texts, one per column; an empty text is null in JSON and "-" for people.
struct Table {
    std::string name; ///< key of the array in JSON, e.g. "rules"
    std::vector<Column> columns;
    std::vector<std::vector<std::string>> rows;
    std::string status; ///< last line for people: "12 rules, policy 3f2a…"

    /// Aligned columns, header row, status line. Cells are escaped for terminals.
    [[nodiscard]] std::string text() const;
    /// {"NAME":[{…},…]} on one line with a newline at the end.
    [[nodiscard]] std::string json() const;
};

/// Name and value pairs ("show version"): people see aligned lines, programs one object.
struct Facts {
    struct Fact {
        Column column;
        std::string value;
    };

    std::vector<Fact> facts;
    std::string status;

    [[nodiscard]] std::string text() const;
    [[nodiscard]] std::string json() const;
};

/// Facts and tables in one: for people below each other, for programs one object.
[[nodiscard]] std::string shown_together(const Facts& facts, std::span<const Table> tables, bool is_json);

} // namespace sekisho
