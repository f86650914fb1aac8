// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/storage/upload_file.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sekisho::drivers {

Result<void> FileUpload::begin() {
    const auto refusal = [this](std::string_view what) {
        return std::unexpected(Error::from_errno(Domain::storage, place(), what, errno));
    };
    m_file.reset();
    const Descriptor data(open(m_data_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!data.is_open() || (mkdirat(data.get(), m_folder_name.c_str(), 0755) != 0 && errno != EEXIST)) {
        return refusal("its folder can't be made");
    }
    m_folder = Descriptor(openat(data.get(), m_folder_name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    // whatever the umask is, and whoever made it
    if (!m_folder.is_open() || fchmod(m_folder.get(), 0755) != 0 || fsync(data.get()) != 0) {
        return refusal("its folder can't be opened");
    }
    // never cut: a file that is mapped must stay as long as it is
    if (unlinkat(m_folder.get(), m_name.c_str(), 0) != 0 && errno != ENOENT) {
        return refusal("can't be removed");
    }
    m_file =
        Descriptor(openat(m_folder.get(), m_name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!m_file.is_open() || fchmod(m_file.get(), 0644) != 0) {
        return refusal("can't be made");
    }
    return {};
}

Result<void> FileUpload::append(std::string_view bytes) {
    if (!m_file.is_open()) {
        return std::unexpected(Error(Domain::storage, place(), "was not begun"));
    }
    return write_all(m_file.get(), bytes, Domain::storage, place());
}

Result<void> FileUpload::finish() {
    if (!m_file.is_open()) {
        return std::unexpected(Error(Domain::storage, place(), "was not begun"));
    }
    const bool synced = fsync(m_file.get()) == 0 && fsync(m_folder.get()) == 0;
    const int number = errno;
    m_file.reset();
    if (!synced) {
        return std::unexpected(Error::from_errno(Domain::storage, place(), "can't be synced", number));
    }
    return {};
}

} // namespace sekisho::drivers
