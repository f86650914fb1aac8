// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::ports {

/// Small files on the data partition, by relative name ("config/committed.conf").
class Store {
public:
    virtual ~Store() = default;

    virtual bool exists(std::string_view name) = 0;
    /// At most `most` bytes; a larger file is an error.
    virtual Result<std::string> read(std::string_view name, std::size_t most) = 0;
    /// All or nothing, also when the power fails: written beside, synced, renamed, folder synced.
    virtual Result<void> write(std::string_view name, std::string_view bytes) = 0;
    /// The same, for a file that every user of the machine may read: so may they enter folders that are made for it.
    virtual Result<void> write_readable(std::string_view name, std::string_view bytes) = 0;
    virtual Result<void> rename(std::string_view from, std::string_view to) = 0;
    virtual Result<void> remove(std::string_view name) = 0; ///< absent is no error
};

/// Whole lines of the log that follow each other.
struct LogPiece {
    std::uint64_t first = 0;        ///< number of the first one
    std::vector<std::string> lines; ///< without newline
};

/// The access log's files. Every line has a number, from 0 since the log began, over rotations and boots; it stays the
/// line's own when older ones go. Lines that were not synced may be gone after a power cut, and their numbers are given
/// again: who keeps a number beyond this boot syncs first.
class LogFiles {
public:
    virtual ~LogFiles() = default;

    /// Appends a line (newline included) whole or not at all; `durable` makes it reach the medium before the call
    /// returns.
    virtual Result<void> append(std::string_view line, bool durable) = 0;
    /// Makes what was appended reach the medium before the call returns.
    virtual Result<void> sync() = 0;
    virtual std::uint64_t current_size() = 0; ///< bytes of the file that is appended to
    virtual std::uint64_t first_line() = 0;   ///< number of the oldest line that is kept; next_line() where none is
    virtual std::uint64_t next_line() = 0;    ///< number that the next appended line gets
    /// Begins a new file and keeps at most `keep` older ones. Tells how many lines went (0: no file had to go).
    virtual Result<std::uint64_t> rotate(unsigned keep) = 0;
    /// The last `most` lines, oldest first, over all files.
    virtual Result<std::vector<std::string>> last_lines(std::size_t most) = 0;
    /// Lines from number `line` on, or from the next one that is kept: `first` of the piece tells. At least one where
    /// there is one, else at most `most_bytes` of them, newlines counted. A piece may be shorter than what would fit;
    /// only at the end of the log it is empty.
    virtual Result<LogPiece> read_from(std::uint64_t line, std::size_t most_bytes) = 0;
};

} // namespace sekisho::ports
