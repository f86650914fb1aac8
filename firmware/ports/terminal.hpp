// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/base/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::ports {

/// What waiting for input ended with.
struct Input {
    enum class Kind {
        bytes,
        timed_out,
        ended,   ///< the end of a file or a pipe
        hung_up, ///< the terminal is gone, or the process was told to end; stays so
    };

    Kind kind = Kind::timed_out;
    std::string bytes; ///< not empty where the kind is `bytes`
};

/// Where a program reads and writes (a terminal, or the streams that a shell or sshd gave it), and on whose behalf it
/// runs. Everything blocks; one thread.
class Terminal {
public:
    virtual ~Terminal() = default;

    /// Whether a person types and reads here.
    virtual bool is_interactive() = 0;

    /// From here on, to the end of the object, no key and no signal that can be caught stops or ends the process: a
    /// hang-up or a request to end comes as input. On a terminal keys come one by one, unechoed, and none has a meaning
    /// of its own: Ctrl-C, Ctrl-Z, Ctrl-\ are bytes. The terminal gets its settings back when the object ends.
    virtual Result<void> take_control() = 0;

    /// Forgets what was typed and not read yet.
    virtual void discard_typed() = 0;

    /// Waits for input, without an end where no time is given; some KiB at a time.
    virtual Result<Input> read(std::optional<std::uint64_t> timeout_ms) = 0;

    /// Writes everything, as it is, to standard output or standard error. An error where nobody takes it any more.
    virtual Result<void> write(std::string_view bytes) = 0;
    virtual Result<void> write_error(std::string_view bytes) = 0;

    /// Whether whoever read the output is gone, or goes within `grace_ms`: tells the end of a connection from an input
    /// that came to its end.
    virtual bool is_abandoned(std::uint64_t grace_ms) = 0;

    /// The effective user of the process.
    virtual std::uint32_t user_id() = 0;

    /// Becomes the user for good, with this group and no other; an error where the way back to what the process was is
    /// not closed afterwards, or where the ids are the superuser's. After an error the process is to end.
    virtual Result<void> become(std::uint32_t user_id, std::uint32_t group_id) = 0;

    /// What sshd says of the connection that started the process: the client's address and port and the server's. Empty
    /// where it was started otherwise.
    virtual std::string ssh_connection() = 0;
};

} // namespace sekisho::ports
