// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::ports {

struct ProcessSpecification {
    std::string name;              ///< "chronyd", "udhcpc wan0": unique
    std::vector<std::string> argv; ///< absolute path first; no shell is involved
    bool has_output = false;       ///< its standard error stream is read and given to on_output; else nobody reads it
    friend bool operator==(const ProcessSpecification&, const ProcessSpecification&) = default;
};

/// What a helper program wrote to its standard error stream in one write, without the end of the line; of more than
/// kMostOutputLine bytes the rest is cut off. Line feeds within it do not begin another line, since a stranger's text
/// may hold them: they are there as \012 and \015. Which process wrote it is the kernel's word, not the line's.
struct OutputLine {
    std::uint32_t process_id = 0;
    std::uint32_t user_id = 0; ///< of that process when it wrote
    std::string_view text;     ///< any bytes but newlines
};

inline constexpr std::size_t kMostOutputLine = 4096;

/// Helper programs that the daemon keeps running: restarted with back-off (1 s to 60 s), ended with the daemon (also
/// when it is killed).
class Processes {
public:
    virtual ~Processes() = default;
    /// Starts it, or leaves it alone where the same specification runs already; another one of that name is replaced.
    virtual Result<void> keep_running(const ProcessSpecification& specification) = 0;
    virtual void stop(std::string_view name) = 0;
    virtual std::vector<std::string> running() = 0; ///< names
    /// Called when a process ended by itself, with a sentence that says how.
    virtual void on_exit(std::function<void(std::string_view name, std::string_view how)> callback) = 0;
    /// Called for each line of a program that has output, also of processes that it left behind. A program that writes
    /// faster than lines are taken waits.
    virtual void on_output(std::function<void(std::string_view name, const OutputLine& line)> callback) = 0;
    /// Ends, at once, the processes of a user (0 is refused) that run the program at the absolute path `program`, or
    /// all of the user's where it is empty. How many there were.
    virtual Result<std::size_t> end_processes_of(std::uint32_t user_id, std::string_view program) = 0;
};

} // namespace sekisho::ports
