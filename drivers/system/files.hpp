// SPDX-License-Identifier: GPL-2.0-or-later
// Descriptors and small files of the operating system, with errors as values.
#pragma once

#include "policy/base/error.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::drivers {

/// Owns a file descriptor; -1 is none.
class Descriptor {
public:
    Descriptor() = default;

    explicit Descriptor(int fd) noexcept : m_fd(fd) {}

    ~Descriptor() { reset(); }

    Descriptor(Descriptor&& other) noexcept : m_fd(std::exchange(other.m_fd, -1)) {}

    Descriptor& operator=(Descriptor&& other) noexcept {
        if (this != &other) {
            reset();
            m_fd = std::exchange(other.m_fd, -1);
        }
        return *this;
    }

    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    [[nodiscard]] int get() const noexcept { return m_fd; }

    [[nodiscard]] bool is_open() const noexcept { return m_fd >= 0; }

    void reset() noexcept;

private:
    int m_fd = -1;
};

/// Reads to the end; more than `most` bytes are an error. `place` names the file in errors of `domain`.
Result<std::string> read_to_end(int fd, std::size_t most, Domain domain, std::string_view place);
Result<std::string> read_file(const std::string& path, std::size_t most, Domain domain);

/// Writes everything; a medium that is full is an error, and what was written of it stays.
Result<void> write_all(int fd, std::string_view bytes, Domain domain, std::string_view place);

/// Replaces a file so that a reader sees the old or the new contents whole: written to PATH.new, then renamed. Nothing
/// is synced: for files in memory.
Result<void> replace_file(const std::string& path, std::string_view bytes, Domain domain);

} // namespace sekisho::drivers
