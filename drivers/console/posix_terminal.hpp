// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "drivers/system/files.hpp"
#include "firmware/ports/terminal.hpp"

#include <memory>

namespace sekisho::drivers {

/// The streams of the process, which stay open when it ends. One object per process: signals are the process's.
class PosixTerminal final : public ports::Terminal {
public:
    struct Streams {
        int input = 0;
        int output = 1;
        int errors = 2;
    };

    /// From here on a reader that went away is an error of write(), no signal.
    explicit PosixTerminal(Streams streams);

    PosixTerminal() : PosixTerminal(Streams{}) {}

    ~PosixTerminal() override;
    PosixTerminal(const PosixTerminal&) = delete;
    PosixTerminal& operator=(const PosixTerminal&) = delete;

    bool is_interactive() override;
    Result<void> take_control() override;
    void discard_typed() override;
    Result<ports::Input> read(std::optional<std::uint64_t> timeout_ms) override;
    Result<void> write(std::string_view bytes) override;
    Result<void> write_error(std::string_view bytes) override;
    bool is_abandoned(std::uint64_t grace_ms) override;
    std::uint32_t user_id() override;
    Result<void> become(std::uint32_t user_id, std::uint32_t group_id) override;
    std::string ssh_connection() override;

private:
    struct Former; ///< what is put back at the end

    Result<void> take_signals();
    Result<void> take_keys();
    Result<void> write_to(int stream, std::string_view bytes, std::string_view name);

    Streams m_streams;
    bool m_is_interactive; ///< as it was: a terminal that hung up is none any more
    Descriptor m_signals;  ///< readable once the process was told to end
    std::unique_ptr<Former> m_former;
};

} // namespace sekisho::drivers
