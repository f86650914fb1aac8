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
    virtual Result<void> rename(std::string_view from, std::string_view to) = 0;
    virtual Result<void> remove(std::string_view name) = 0; ///< absent is no error
};

/// The access log's files: lines are appended to the current one; rotation renames it to NAME.1, NAME.1 to NAME.2 …
class LogFiles {
public:
    virtual ~LogFiles() = default;

    /// Appends a line (newline included) whole or not at all; `durable` makes it reach the medium before the call
    /// returns.
    virtual Result<void> append(std::string_view line, bool durable) = 0;
    /// Makes what was appended reach the medium before the call returns.
    virtual Result<void> sync() = 0;
    virtual std::uint64_t current_size() = 0;
    /// Lines in all files together.
    virtual std::uint64_t total_lines() = 0;
    /// Keeps at most `keep` rotated files. Tells how many lines the file that had to go held (0: none had to go).
    virtual Result<std::uint64_t> rotate(unsigned keep) = 0;
    /// The last `most` lines, oldest first, over all files.
    virtual Result<std::vector<std::string>> last_lines(std::size_t most) = 0;
};

} // namespace sekisho::ports
