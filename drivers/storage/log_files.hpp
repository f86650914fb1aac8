// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "drivers/system/files.hpp"
#include "firmware/ports/store.hpp"

#include <array>
#include <memory>

namespace sekisho::drivers {

/// DATA/log/access-NUMBER.jsonl, where NUMBER (twelve digits at least) is that of the file's first line. The one with
/// the highest number is appended to. One process writes them.
class JsonLogFiles final : public ports::LogFiles {
public:
    /// Makes the folder if need be, cuts off a last line that has no newline (power failed while it was written),
    /// removes files without lines (power failed after a rotation made one) and counts the lines.
    static Result<std::unique_ptr<JsonLogFiles>> open(const std::string& data_directory);

    /// A line that isn't exactly one (a newline at its end, none before) is refused. After an error the file ends as
    /// before the call.
    Result<void> append(std::string_view line, bool durable) override;

    Result<void> sync() override;

    std::uint64_t current_size() override { return m_size; }

    std::uint64_t first_line() override { return m_files.front().first; }

    std::uint64_t next_line() override { return m_files.back().first + m_files.back().lines; }

    /// Where no new file can be made, appending goes on in the old one. Where only an old one can't be removed, the
    /// next rotation tries that again.
    Result<std::uint64_t> rotate(unsigned keep) override;
    /// At most kMostAnswer bytes: older lines are left out then.
    Result<std::vector<std::string>> last_lines(std::size_t most) override;
    /// A piece ends with its file. A reader that goes on where it came to is not read through the file again.
    Result<ports::LogPiece> read_from(std::uint64_t line, std::size_t most_bytes) override;

    static constexpr std::size_t kMostAnswer = 16u << 20;

    /// Bytes of a torn last line that open() cut off; 0 where there was none.
    [[nodiscard]] std::uint64_t torn_bytes() const noexcept { return m_torn_bytes; }

private:
    struct File {
        std::uint64_t first = 0; ///< number of its first line
        std::uint64_t lines = 0;
    };

    /// A reader came to this line, which begins at this offset of the file, or would if it went on there.
    struct Mark {
        std::uint64_t file = 0; ///< number of its first line
        std::uint64_t line = 0;
        std::uint64_t offset = 0;
        std::uint64_t used = 0; ///< when, in readings; 0: never
    };

    explicit JsonLogFiles(Descriptor folder) : m_folder(std::move(folder)) {}

    Result<void> adopt_files();
    Result<void> open_current(std::uint64_t first);
    Result<void> cut_back();
    Result<void> begin_file();
    Result<void> remove_oldest(std::size_t most);
    Mark& mark_for(const File& file, std::uint64_t line);

    Descriptor m_folder;
    Descriptor m_file;          ///< the current one
    std::vector<File> m_files;  ///< by number; never empty once open, the last is the current one
    std::uint64_t m_size = 0;   ///< of the current file: whole lines
    bool m_has_remains = false; ///< of a line behind m_size that couldn't be cut off yet
    std::uint64_t m_gone = 0;   ///< lines that rotation took, not told yet because it failed later on
    std::uint64_t m_torn_bytes = 0;
    std::uint64_t m_readings = 0;
    std::array<Mark, 8> m_marks{};
};

} // namespace sekisho::drivers
