// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes in an event's fields make one row of CSV whose cells are the fields, and none of them is a formula.
#include "policy/events/csv.hpp"
#include "tests/fuzz/event_input.hpp"

#include <numeric>

using namespace sekisho;
using fuzz::require;

namespace {

struct Cell {
    std::string text;
    bool quoted = false;
};

/// RFC 4180: exactly one record.
std::vector<Cell> decode(std::string_view line) {
    std::vector<Cell> cells;
    for (;;) {
        Cell cell;
        cell.quoted = line.starts_with('"');
        if (cell.quoted) {
            line.remove_prefix(1);
            for (;;) {
                const std::size_t quote = line.find('"');
                require(quote != std::string_view::npos, "a quoted cell ends");
                cell.text += line.substr(0, quote);
                line.remove_prefix(quote + 1);
                if (!line.starts_with('"')) {
                    break;
                }
                cell.text += '"';
                line.remove_prefix(1);
            }
        } else {
            const std::size_t end = line.find_first_of(",\r\"\n");
            require(end != std::string_view::npos && line[end] != '"' && line[end] != '\n', "a plain cell ends");
            cell.text = line.substr(0, end);
            line.remove_prefix(end);
        }
        cells.push_back(cell);
        if (line == "\r\n") {
            return cells;
        }
        require(line.starts_with(','), "a cell ends in a comma or with the record");
        line.remove_prefix(1);
    }
}

/// What a spreadsheet sees first: without blanks and quotes, full-width signs as narrow ones.
bool is_formula(std::string_view cell) {
    static constexpr std::string_view kPassed[] = {
        " ", "\"", "\xc2\xa0", "\xe3\x80\x80", "\xe2\x80\x9c", "\xe2\x80\x9d", "\xef\xbc\x82"};
    static constexpr std::string_view kSigns[] = {
        "=", "+", "-", "@", "\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0"};
    for (bool again = true; again;) {
        again = false;
        for (const std::string_view passed : kPassed) {
            if (cell.starts_with(passed)) {
                cell.remove_prefix(passed.size());
                again = true;
            }
        }
    }
    return std::ranges::any_of(kSigns, [&](std::string_view sign) { return cell.starts_with(sign); });
}

void check_cell(const Cell& cell, const events::Value* value) {
    if (value == nullptr) {
        require(!cell.quoted && cell.text.empty(), "what is not there is an empty cell");
        return;
    }
    if (const auto* number = std::get_if<std::int64_t>(value)) {
        require(!cell.quoted && cell.text == std::to_string(*number), "a number is a number");
    } else if (const auto* boolean = std::get_if<bool>(value)) {
        require(!cell.quoted && cell.text == (*boolean ? "true" : "false"), "a boolean is a word");
    } else {
        const std::string expected = fuzz::without_escapes(*std::get_if<std::string>(value));
        const std::string_view text = cell.text;
        require(cell.quoted && !is_formula(text), "a text is quoted and no formula");
        const bool same = fuzz::without_escapes(text) == expected;
        require(same || (text.starts_with('\'') && fuzz::without_escapes(text.substr(1)) == expected),
                "a cell has the field's value");
    }
}

void check(const events::Event& event) {
    const std::string line = events::to_csv_line(event);
    require(line.ends_with("\r\n") && fuzz::shows_everything(std::string_view(line).substr(0, line.size() - 2)) &&
                fuzz::is_utf8(line),
            "one line in which everything shows");
    const std::vector<Cell> cells = decode(line);
    require(cells.size() == events::kFieldCount, "a cell per field");
    for (const events::FieldRow& row : events::field_table()) {
        check_cell(cells[static_cast<std::size_t>(row.field)], event.find(row.field));
    }
}

/// A value longer than a cell: still one row, and no cell is longer than one.
void check_long(const events::Event& event) {
    for (const events::FieldRow& row : events::field_table()) {
        const std::string_view value = event.text(row.field);
        if (value.empty()) {
            continue;
        }
        std::string text;
        while (text.size() <= events::kMostCell / 2) {
            text += value;
        }
        events::Event longer;
        longer.set(row.field, text + text);
        const Cell cell = decode(events::to_csv_line(longer))[static_cast<std::size_t>(row.field)];
        const auto units = [](std::size_t sum, char c) {
            const auto byte = static_cast<unsigned char>(c);
            return sum + (byte >= 0xf0 ? 2 : (byte & 0xc0) != 0x80 ? 1 : 0);
        };
        require(std::accumulate(cell.text.begin(), cell.text.end(), std::size_t{0}, units) <= events::kMostCell,
                "a cell is no longer than one");
        require(fuzz::is_utf8(cell.text) && !is_formula(cell.text), "a cut cell is whole characters");
        return; // one is enough of them: it is slow
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const events::Event event = fuzz::event_of(fuzz::text_of(data, size));
    check(event);
    if (size % 8 == 0) {
        check_long(event);
    }
    return 0;
}
