// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/storage/line_reader.hpp"

#include <algorithm>
#include <cerrno>

#include <unistd.h>

namespace sekisho::drivers {

namespace {

constexpr std::size_t kBlock = 64u << 10;

/// Reads `size` bytes at `offset` into `block`, or fewer where the file ends.
Result<void> read_block(int fd, std::uint64_t offset, std::size_t size, std::string& block, std::string_view place) {
    block.resize(size);
    std::size_t filled = 0;
    while (filled < size) {
        const ssize_t count = pread(fd, block.data() + filled, size - filled, static_cast<off_t>(offset + filled));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return std::unexpected(Error::from_errno(Domain::storage, std::string(place), "can't be read", errno));
        }
        if (count == 0) {
            break;
        }
        filled += static_cast<std::size_t>(count);
    }
    block.resize(filled);
    return {};
}

} // namespace

Result<LineCount> count_lines(int fd, std::string_view place) {
    LineCount count;
    std::string block;
    for (;;) {
        TRY(read_block(fd, count.size, kBlock, block, place));
        if (block.empty()) {
            return count;
        }
        count.lines += static_cast<std::uint64_t>(std::count(block.begin(), block.end(), '\n'));
        if (const std::size_t last = block.rfind('\n'); last != std::string::npos) {
            count.whole_size = count.size + last + 1;
        }
        count.size += block.size();
    }
}

Result<LineSpan> read_lines(int fd, std::uint64_t offset, std::uint64_t skip, std::uint64_t most,
                            std::size_t most_bytes, std::vector<std::string>& lines, std::string_view place) {
    LineSpan span{0, offset};
    std::size_t bytes = 0;
    std::string line; // its beginning, where it is in earlier blocks
    std::string block;
    while (span.lines < most && (span.lines == 0 || bytes < most_bytes)) {
        TRY(read_block(fd, offset, kBlock, block, place));
        if (block.empty()) {
            break;
        }
        offset += block.size();
        std::size_t begin = 0;
        for (std::size_t newline = block.find('\n'); newline != std::string::npos && span.lines < most;
             newline = block.find('\n', begin)) {
            if (skip > 0) {
                --skip;
                span.end += line.size() + newline + 1 - begin;
            } else {
                line.append(block, begin, newline - begin);
                if (span.lines > 0 && bytes + line.size() + 1 > most_bytes) {
                    return span;
                }
                bytes += line.size() + 1;
                span.end += line.size() + 1;
                ++span.lines;
                lines.push_back(std::move(line));
            }
            line.clear();
            begin = newline + 1;
        }
        line.append(block, begin);
    }
    return span;
}

Result<bool> read_lines_backwards(int fd, std::uint64_t size, std::size_t most, std::size_t most_bytes,
                                  std::vector<std::string>& lines, std::string_view place) {
    std::size_t bytes = 0;
    for (const auto& line : lines) {
        bytes += line.size();
    }
    const auto take = [&](std::string line) {
        bytes += line.size();
        if (lines.size() >= most || bytes > most_bytes) {
            return false;
        }
        lines.push_back(std::move(line));
        return true;
    };
    std::string tail; // the end of a line whose beginning is in an earlier block
    bool in_line = false;
    std::string block;
    while (size > 0) {
        const std::size_t length = static_cast<std::size_t>(std::min<std::uint64_t>(size, kBlock));
        size -= length;
        TRY(read_block(fd, size, length, block, place));
        std::size_t end = block.size();
        for (std::size_t newline = block.rfind('\n'); newline != std::string::npos;
             newline = newline == 0 ? std::string::npos : block.rfind('\n', newline - 1)) {
            if (in_line && !take(block.substr(newline + 1, end - newline - 1) + tail)) {
                return false;
            }
            in_line = true;
            tail.clear();
            end = newline;
        }
        tail.insert(0, block, 0, end);
        if (tail.size() > most_bytes) {
            return false;
        }
    }
    return !in_line || take(std::move(tail));
}

} // namespace sekisho::drivers
