// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/system/files.hpp"

#include "policy/base/text.hpp"

#include <array>
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

namespace sekisho::drivers {

void Descriptor::reset() noexcept {
    if (m_fd >= 0) {
        close(m_fd);
        m_fd = -1;
    }
}

Result<std::string> read_to_end(int fd, std::size_t most, Domain domain, std::string_view place) {
    std::string bytes;
    std::array<char, 16384> block{};
    for (;;) {
        const ssize_t count = read(fd, block.data(), block.size());
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return std::unexpected(Error::from_errno(domain, std::string(place), "can't be read", errno));
        }
        if (count == 0) {
            return bytes;
        }
        if (bytes.size() + static_cast<std::size_t>(count) > most) {
            return std::unexpected(
                Error(domain, std::string(place), text::concat("is larger than ", text::to_text(most), " bytes")));
        }
        bytes.append(block.data(), static_cast<std::size_t>(count));
    }
}

Result<std::string> read_file(const std::string& path, std::size_t most, Domain domain) {
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) {
        return std::unexpected(Error::from_errno(domain, path, "can't be opened", errno));
    }
    return read_to_end(file.get(), most, domain, path);
}

Result<void> write_all(int fd, std::string_view bytes, Domain domain, std::string_view place) {
    while (!bytes.empty()) {
        const ssize_t count = write(fd, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return std::unexpected(Error::from_errno(domain, std::string(place), "can't be written", errno));
        }
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

Result<void> replace_file(const std::string& path, std::string_view bytes, Domain domain) {
    const std::string beside = path + ".new";
    {
        const Descriptor file(open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
        if (!file.is_open()) {
            return std::unexpected(Error::from_errno(domain, beside, "can't be made", errno));
        }
        if (auto written = write_all(file.get(), bytes, domain, beside); !written) {
            unlink(beside.c_str());
            return written;
        }
    }
    if (std::rename(beside.c_str(), path.c_str()) != 0) {
        const int number = errno;
        unlink(beside.c_str());
        return std::unexpected(Error::from_errno(domain, path, "can't be replaced", number));
    }
    return {};
}

} // namespace sekisho::drivers
