// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "drivers/system/files.hpp"
#include "firmware/ports/store.hpp"

#include <memory>

namespace sekisho::drivers {

/// DATA/log/access.jsonl and its rotated files access.jsonl.1 (the newest) to .N. One process writes them.
class JsonLogFiles final : public ports::LogFiles {
public:
    /// Makes the folder if need be, cuts off a last line that has no newline (power failed while it was written),
    /// closes gaps in the numbering (power failed within a rotation) and counts the lines.
    static Result<std::unique_ptr<JsonLogFiles>> open(const std::string& data_directory);

    /// A line that isn't exactly one (a newline at its end, none before) is refused. After an error the file ends as
    /// before the call.
    Result<void> append(std::string_view line, bool durable) override;

    Result<void> sync() override;

    std::uint64_t current_size() override { return m_size; }

    std::uint64_t total_lines() override;
    Result<std::uint64_t> rotate(unsigned keep) override;
    /// At most kMostAnswer bytes: older lines are left out then.
    Result<std::vector<std::string>> last_lines(std::size_t most) override;

    static constexpr std::size_t kMostAnswer = 16u << 20;

    /// Bytes of a torn last line that open() cut off; 0 where there was none.
    [[nodiscard]] std::uint64_t torn_bytes() const noexcept { return m_torn_bytes; }

private:
    explicit JsonLogFiles(Descriptor folder) : m_folder(std::move(folder)) {}

    Result<void> adopt_rotated();
    Result<void> adopt_current();
    Result<void> open_current();
    Result<void> cut_back();

    Descriptor m_folder;
    Descriptor m_file;                    ///< the current one; closed after a rotation that couldn't make a new one
    std::uint64_t m_size = 0;             ///< of the current file: whole lines
    bool m_has_remains = false;           ///< of a line behind m_size that couldn't be cut off yet
    std::uint64_t m_lines = 0;            ///< in the current file
    std::vector<std::uint64_t> m_rotated; ///< lines of access.jsonl.1, .2 …
    std::uint64_t m_gone = 0;             ///< lines that rotation took, not told yet because it failed later on
    std::uint64_t m_torn_bytes = 0;
};

} // namespace sekisho::drivers
