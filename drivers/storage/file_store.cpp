// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/storage/file_store.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sekisho::drivers {

namespace {

constexpr std::string_view kBeingWritten = ".new";
constexpr int kDeepest = 8; ///< folders that the clean-up looks into

constexpr std::string_view kPartCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

bool is_part(std::string_view part) {
    return !part.empty() && part.size() <= 200 && part.front() != '.' && part.front() != '-' &&
           part.find_first_not_of(kPartCharacters) == std::string_view::npos;
}

bool is_name(std::string_view name) {
    const auto parts = text::split(name, '/');
    return std::all_of(parts.begin(), parts.end(), is_part) && !name.ends_with(kBeingWritten);
}

Error storage_error(std::string_view place, std::string_view what) {
    return Error::from_errno(Domain::storage, std::string(place), what, errno);
}

int open_folder(int parent, const char* name) {
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

void remove_leftovers(int folder, int deepest) {
    const int own = fcntl(folder, F_DUPFD_CLOEXEC, 0);
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(own < 0 ? nullptr : fdopendir(own), closedir);
    if (entries == nullptr) {
        close(own);
        return;
    }
    while (const dirent* entry = readdir(entries.get())) {
        const std::string_view name(entry->d_name);
        if (name.ends_with(kBeingWritten)) {
            unlinkat(folder, entry->d_name, 0);
        } else if (is_part(name) && deepest > 0) {
            const Descriptor inner(open_folder(folder, entry->d_name)); // fails for anything that is no folder
            if (inner.is_open()) {
                remove_leftovers(inner.get(), deepest - 1);
            }
        }
    }
}

} // namespace

Result<std::unique_ptr<FileStore>> FileStore::open(const std::string& data_directory) {
    Descriptor root(::open(data_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root.is_open()) {
        return std::unexpected(storage_error(data_directory, "can't be opened"));
    }
    remove_leftovers(root.get(), kDeepest);
    return std::unique_ptr<FileStore>(new FileStore(std::move(root)));
}

Result<FileStore::Place> FileStore::find(std::string_view name, Missing folders) {
    if (!is_name(name)) {
        return std::unexpected(
            Error(Domain::storage, text::escape_for_terminal(name), "is no name that the store takes"));
    }
    auto parts = text::split(name, '/');
    Place place{Descriptor(fcntl(m_root.get(), F_DUPFD_CLOEXEC, 0)), std::string(parts.back())};
    parts.pop_back();
    for (const std::string_view part : parts) {
        const std::string folder(part);
        if (folders != Missing::is_error) {
            const mode_t mode = folders == Missing::is_made ? 0700 : 0755;
            if (mkdirat(place.folder.get(), folder.c_str(), mode) == 0) {
                if (fchmodat(place.folder.get(), folder.c_str(), mode, 0) != 0) { // the umask took its part
                    return std::unexpected(storage_error(name, "its folder can't be opened to its readers"));
                }
                if (fsync(place.folder.get()) != 0) {
                    return std::unexpected(storage_error(name, "its folder can't be synced"));
                }
            } else if (errno != EEXIST) {
                return std::unexpected(storage_error(name, "its folder can't be made"));
            }
        }
        Descriptor next(open_folder(place.folder.get(), folder.c_str()));
        if (!next.is_open()) {
            return std::unexpected(storage_error(name, "its folder can't be opened"));
        }
        place.folder = std::move(next);
    }
    if (!place.folder.is_open()) {
        return std::unexpected(storage_error(name, "its folder can't be opened"));
    }
    return place;
}

bool FileStore::exists(std::string_view name) {
    const auto place = find(name, Missing::is_error);
    struct stat status{};
    return place && fstatat(place->folder.get(), place->file.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(status.st_mode);
}

Result<std::string> FileStore::read(std::string_view name, std::size_t most) {
    const Place place = TRY(find(name, Missing::is_error));
    // a FIFO or device in the file's place must not block the daemon
    const Descriptor file(
        openat(place.folder.get(), place.file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.is_open()) {
        return std::unexpected(storage_error(name, "can't be opened"));
    }
    struct stat status{};
    if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        return std::unexpected(Error(Domain::storage, std::string(name), "is no file"));
    }
    return read_to_end(file.get(), most, Domain::storage, name);
}

Result<void> FileStore::write(std::string_view name, std::string_view bytes) {
    return replace(TRY(find(name, Missing::is_made)), name, bytes, 0600);
}

Result<void> FileStore::write_readable(std::string_view name, std::string_view bytes) {
    return replace(TRY(find(name, Missing::is_made_readable)), name, bytes, 0644);
}

Result<void> FileStore::replace(const Place& place, std::string_view name, std::string_view bytes, mode_t mode) {
    const std::string beside = place.file + std::string(kBeingWritten);
    const int folder = place.folder.get();
    const auto fill = [&]() -> Result<void> {
        unlinkat(folder, beside.c_str(), 0);
        const Descriptor file(
            openat(folder, beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
        if (!file.is_open() || fchmod(file.get(), mode) != 0) {
            return std::unexpected(storage_error(name, "can't be made"));
        }
        TRY(write_all(file.get(), bytes, Domain::storage, name));
        if (fsync(file.get()) != 0) {
            return std::unexpected(storage_error(name, "can't be synced"));
        }
        return {};
    };
    auto result = fill();
    if (result && renameat(folder, beside.c_str(), folder, place.file.c_str()) != 0) {
        result = std::unexpected(storage_error(name, "can't be replaced"));
    }
    if (!result) {
        unlinkat(folder, beside.c_str(), 0);
        return result;
    }
    if (fsync(folder) != 0) {
        return std::unexpected(storage_error(name, "its folder can't be synced"));
    }
    return {};
}

Result<void> FileStore::rename(std::string_view from, std::string_view to) {
    const Place source = TRY(find(from, Missing::is_error));
    const Place target = TRY(find(to, Missing::is_made));
    if (renameat(source.folder.get(), source.file.c_str(), target.folder.get(), target.file.c_str()) != 0) {
        return std::unexpected(storage_error(from, text::concat("can't be renamed to ", to)));
    }
    if (fsync(target.folder.get()) != 0 || fsync(source.folder.get()) != 0) {
        return std::unexpected(storage_error(to, "its folder can't be synced"));
    }
    return {};
}

Result<void> FileStore::remove(std::string_view name) {
    auto place = find(name, Missing::is_error);
    if (!place) {
        return place.error().number() == ENOENT ? Result<void>{} : std::unexpected(std::move(place).error());
    }
    if (unlinkat(place->folder.get(), place->file.c_str(), 0) != 0) {
        return errno == ENOENT ? Result<void>{} : std::unexpected(storage_error(name, "can't be removed"));
    }
    if (fsync(place->folder.get()) != 0) {
        return std::unexpected(storage_error(name, "its folder can't be synced"));
    }
    return {};
}

} // namespace sekisho::drivers
