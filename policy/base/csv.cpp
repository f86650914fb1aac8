// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/csv.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <utility>

namespace sekisho::csv {

namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kSaveAs = "save it as \"CSV UTF-8\"; Shift_JIS, UTF-16 and other encodings are not read";

} // namespace

Reader::Reader(std::string_view bytes, Diagnostics& diagnostics) : m_text(bytes), m_diagnostics(diagnostics) {
    if (m_text.starts_with(kByteOrderMark)) {
        m_text.remove_prefix(kByteOrderMark.size()); // columns count what people see
    }
    Place place{1, 1};
    for (std::string_view rest = m_text; !rest.empty();) {
        const text::Character character = text::first_character(rest);
        if (!character.valid || character.code == 0) {
            stop(place,
                 text::concat("this is not UTF-8 text: byte 0x",
                              text::to_hex(static_cast<unsigned char>(rest.front()), 2), " can't stand here"),
                 std::string(kSaveAs));
            return;
        }
        place = character.code == '\n' ? Place{place.line + 1, 1} : Place{place.line, place.column + character.length};
        rest.remove_prefix(character.length);
    }
}

/// Nothing behind it can be trusted.
void Reader::stop(Place place, std::string message, std::string hint) {
    m_diagnostics.error(place, {}, std::move(message), std::move(hint));
    m_text = {};
    m_offset = 0;
}

bool Reader::at_line_end() const noexcept {
    return at_end() || m_text[m_offset] == '\n' || m_text.substr(m_offset).starts_with("\r\n");
}

void Reader::advance() noexcept {
    if (m_text[m_offset++] == '\n') {
        ++m_line;
        m_line_start = m_offset;
    }
}

void Reader::skip_line_end() noexcept {
    if (!at_end() && m_text[m_offset] == '\r') {
        advance();
    }
    if (!at_end()) {
        advance();
    }
}

Cell Reader::plain_cell() {
    Cell cell{{}, here()};
    while (!at_line_end() && m_text[m_offset] != ',') {
        const char byte = m_text[m_offset];
        if (byte == '"') {
            stop(here(), "a double quote stands within a field",
                 "put the whole field in quotes and double those in it");
            return cell;
        }
        if (byte == '\r') {
            stop(here(), "a carriage return (CR) stands alone", std::string(kSaveAs));
            return cell;
        }
        cell.text += byte;
        advance();
    }
    return cell;
}

Cell Reader::quoted_cell() {
    Cell cell{{}, here()};
    advance();
    while (!at_end()) {
        const char byte = m_text[m_offset];
        advance();
        if (byte != '"') {
            cell.text += byte;
            continue;
        }
        if (!at_end() && m_text[m_offset] == '"') {
            cell.text += '"';
            advance();
            continue;
        }
        if (!at_line_end() && m_text[m_offset] != ',') {
            stop(here(), "something stands behind the quote that ends a field", "a quote within a field is doubled");
        }
        return cell;
    }
    stop(cell.place, "the quote that begins here has no end", {});
    return cell;
}

bool Reader::next(std::vector<Cell>& row) {
    while (!at_end()) {
        row.clear();
        while (true) {
            row.push_back(m_text[m_offset] == '"' ? quoted_cell() : plain_cell());
            if (at_line_end()) {
                break;
            }
            advance(); // the comma
            if (at_line_end()) {
                row.push_back({{}, here()});
                break;
            }
        }
        if (m_text.empty()) {
            return false; // stopped
        }
        skip_line_end();
        if (std::ranges::any_of(row, [](const Cell& cell) { return !cell.text.empty(); })) {
            return true;
        }
    }
    return false;
}

} // namespace sekisho::csv
