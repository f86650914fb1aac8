// SPDX-License-Identifier: GPL-2.0-or-later
// Lines of a file in blocks, from either end: a log file is larger than what should be in memory at once.
#pragma once

#include "policy/base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::drivers {

struct LineCount {
    std::uint64_t lines = 0;
    std::uint64_t size = 0;       ///< bytes of the file
    std::uint64_t whole_size = 0; ///< bytes up to and with the last newline
};

Result<LineCount> count_lines(int fd, std::string_view place);

struct LineSpan {
    std::uint64_t lines = 0;
    std::uint64_t end = 0; ///< offset behind the last one's newline
};

/// Passes over `skip` lines from `offset` on, then appends the following ones (without newline) to `lines`: at most
/// `most`, at least one where there is one, else as many as `most_bytes` hold with their newlines. What has no newline
/// is no line. Tells of the lines that were appended.
Result<LineSpan> read_lines(int fd, std::uint64_t offset, std::uint64_t skip, std::uint64_t most,
                            std::size_t most_bytes, std::vector<std::string>& lines, std::string_view place);

/// Appends the last lines (without newline) of the first `size` bytes to `lines`, newest first, until it holds `most`
/// or its bytes would exceed `most_bytes`. False when one of the bounds was reached.
Result<bool> read_lines_backwards(int fd, std::uint64_t size, std::size_t most, std::size_t most_bytes,
                                  std::vector<std::string>& lines, std::string_view place);

} // namespace sekisho::drivers
