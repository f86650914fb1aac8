// SPDX-License-Identifier: GPL-2.0-or-later
// Reading CSV (RFC 4180) as spreadsheets write it: a byte order mark and CR LF or LF are taken.
#pragma once

#include "policy/base/diagnostic.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::csv {

struct Cell {
    std::string text; ///< without the quotes around it
    Place place;      ///< where it begins
};

/// Rows of a text, one after the other. Every problem is put into the diagnostics, with its line and column.
class Reader {
public:
    /// Refuses what is no UTF-8 text: nothing is read of it then.
    Reader(std::string_view bytes, Diagnostics& diagnostics);

    /// The next row that holds anything; false at the end, and where what is left can't be told apart any more.
    [[nodiscard]] bool next(std::vector<Cell>& row);

private:
    [[nodiscard]] bool at_end() const noexcept { return m_offset >= m_text.size(); }

    [[nodiscard]] bool at_line_end() const noexcept;

    [[nodiscard]] Place here() const noexcept { return {m_line, m_offset - m_line_start + 1}; }

    void advance() noexcept;
    void skip_line_end() noexcept;
    [[nodiscard]] Cell plain_cell();
    [[nodiscard]] Cell quoted_cell();
    void stop(Place place, std::string message, std::string hint);

    std::string_view m_text;
    Diagnostics& m_diagnostics;
    std::size_t m_offset = 0;
    std::size_t m_line = 1;
    std::size_t m_line_start = 0;
};

} // namespace sekisho::csv
