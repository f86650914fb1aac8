// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/storage/log_files.hpp"

#include "drivers/storage/line_reader.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <optional>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sekisho::drivers {

namespace {

constexpr const char* kCurrent = "access.jsonl";

/// access.jsonl.NUMBER; 0 is the current file.
std::string file_name(std::size_t number) {
    return number == 0 ? std::string(kCurrent) : text::concat(kCurrent, ".", text::to_text(number));
}

Error storage_error(std::string_view place, std::string_view what) {
    return Error::from_errno(Domain::storage, text::concat("log/", place), what, errno);
}

Result<Descriptor> open_rotated(int folder, std::size_t number) {
    Descriptor file(openat(folder, file_name(number).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file.is_open()) {
        return std::unexpected(storage_error(file_name(number), "can't be opened"));
    }
    return file;
}

/// Numbers of the rotated files, ascending.
Result<std::vector<std::size_t>> rotated_numbers(int folder) {
    const int own = fcntl(folder, F_DUPFD_CLOEXEC, 0);
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(own < 0 ? nullptr : fdopendir(own), closedir);
    if (entries == nullptr) {
        const auto error = storage_error("", "can't be listed");
        close(own);
        return std::unexpected(error);
    }
    std::vector<std::size_t> numbers;
    while (const dirent* entry = readdir(entries.get())) {
        std::string_view name(entry->d_name);
        if (name.starts_with(kCurrent)) {
            name.remove_prefix(std::string_view(kCurrent).size());
            const auto number = name.starts_with('.') ? text::parse_unsigned(name.substr(1)) : std::nullopt;
            if (number && *number > 0 && file_name(*number) == entry->d_name) {
                numbers.push_back(*number);
            }
        }
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

} // namespace

Result<std::unique_ptr<JsonLogFiles>> JsonLogFiles::open(const std::string& data_directory) {
    const Descriptor data(::open(data_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!data.is_open()) {
        return std::unexpected(Error::from_errno(Domain::storage, data_directory, "can't be opened", errno));
    }
    if (mkdirat(data.get(), "log", 0750) == 0) {
        if (fsync(data.get()) != 0) {
            return std::unexpected(storage_error("", "its folder can't be synced"));
        }
    } else if (errno != EEXIST) {
        return std::unexpected(storage_error("", "can't be made"));
    }
    Descriptor folder(openat(data.get(), "log", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder.is_open()) {
        return std::unexpected(storage_error("", "can't be opened"));
    }
    std::unique_ptr<JsonLogFiles> files(new JsonLogFiles(std::move(folder)));
    TRY(files->adopt_rotated());
    TRY(files->adopt_current());
    return files;
}

Result<void> JsonLogFiles::adopt_rotated() {
    const std::vector<std::size_t> numbers = TRY(rotated_numbers(m_folder.get()));
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const std::string name = file_name(i + 1);
        if (numbers[i] != i + 1 &&
            renameat(m_folder.get(), file_name(numbers[i]).c_str(), m_folder.get(), name.c_str()) != 0) {
            return std::unexpected(storage_error(file_name(numbers[i]), "can't be renamed"));
        }
        const Descriptor file = TRY(open_rotated(m_folder.get(), i + 1));
        m_rotated.push_back(TRY(count_lines(file.get(), name)).lines);
    }
    return {};
}

Result<void> JsonLogFiles::open_current() {
    m_file = Descriptor(openat(m_folder.get(), kCurrent, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0640));
    if (!m_file.is_open()) {
        return std::unexpected(storage_error(kCurrent, "can't be opened"));
    }
    if (fsync(m_folder.get()) != 0) {
        return std::unexpected(storage_error(kCurrent, "its folder can't be synced"));
    }
    return {};
}

Result<void> JsonLogFiles::adopt_current() {
    TRY(open_current());
    const LineCount count = TRY(count_lines(m_file.get(), kCurrent));
    m_lines = count.lines;
    m_size = count.whole_size;
    m_torn_bytes = count.size - count.whole_size;
    m_has_remains = m_torn_bytes > 0;
    return cut_back();
}

/// Makes the file end behind its last whole line.
Result<void> JsonLogFiles::cut_back() {
    if (m_has_remains) {
        if (ftruncate(m_file.get(), static_cast<off_t>(m_size)) != 0) {
            return std::unexpected(storage_error(kCurrent, "half a line can't be cut off"));
        }
        m_has_remains = false;
    }
    return {};
}

std::uint64_t JsonLogFiles::total_lines() {
    return std::accumulate(m_rotated.begin(), m_rotated.end(), m_lines);
}

Result<void> JsonLogFiles::append(std::string_view line, bool durable) {
    if (line.empty() || line.find('\n') != line.size() - 1) {
        return std::unexpected(Error(Domain::argument, "log", "what is appended must be one line"));
    }
    if (!m_file.is_open()) {
        TRY(open_current());
    }
    TRY(cut_back());
    auto result = write_all(m_file.get(), line, Domain::storage, "log/access.jsonl");
    if (result && durable) {
        result = sync();
    }
    if (!result) {
        m_has_remains = true;
        ignore_error(cut_back(), "it is tried again before the next line; the first error is what the caller needs");
        return result;
    }
    m_size += line.size();
    ++m_lines;
    return {};
}

/// Of the current file only: a rotated one was synced before it was renamed.
Result<void> JsonLogFiles::sync() {
    if (m_file.is_open() && fdatasync(m_file.get()) != 0) {
        return std::unexpected(storage_error(kCurrent, "can't be synced"));
    }
    return {};
}

Result<std::uint64_t> JsonLogFiles::rotate(unsigned keep) {
    if (m_file.is_open()) {
        TRY(cut_back());
        TRY(sync());
    }
    while (!m_rotated.empty() && m_rotated.size() >= keep) {
        const std::string oldest = file_name(m_rotated.size());
        if (unlinkat(m_folder.get(), oldest.c_str(), 0) != 0 && errno != ENOENT) {
            return std::unexpected(storage_error(oldest, "can't be removed"));
        }
        m_gone += m_rotated.back();
        m_rotated.pop_back();
    }
    if (keep == 0) {
        if (unlinkat(m_folder.get(), kCurrent, 0) != 0 && errno != ENOENT) {
            return std::unexpected(storage_error(kCurrent, "can't be removed"));
        }
        m_gone += m_lines;
    } else {
        for (std::size_t number = m_rotated.size() + 1; number-- > 0;) {
            if (renameat(m_folder.get(), file_name(number).c_str(), m_folder.get(), file_name(number + 1).c_str()) !=
                    0 &&
                errno != ENOENT) {
                auto error = storage_error(file_name(number), "can't be renamed");
                m_rotated.clear();
                TRY(adopt_rotated()); // some have moved: number them anew
                return std::unexpected(std::move(error));
            }
        }
        m_rotated.insert(m_rotated.begin(), m_lines);
    }
    m_file.reset();
    m_size = 0;
    m_lines = 0;
    TRY(open_current());
    return std::exchange(m_gone, 0);
}

Result<std::vector<std::string>> JsonLogFiles::last_lines(std::size_t most) {
    std::vector<std::string> lines;
    for (std::size_t number = 0; number <= m_rotated.size(); ++number) {
        if (number == 0 && !m_file.is_open()) {
            continue;
        }
        std::uint64_t size = m_size;
        Descriptor rotated;
        if (number > 0) {
            rotated = TRY(open_rotated(m_folder.get(), number));
            struct stat status{};
            if (fstat(rotated.get(), &status) != 0) {
                return std::unexpected(storage_error(file_name(number), "can't be read"));
            }
            size = static_cast<std::uint64_t>(status.st_size);
        }
        const int fd = number == 0 ? m_file.get() : rotated.get();
        if (!TRY(read_lines_backwards(fd, size, most, kMostAnswer, lines, file_name(number)))) {
            break;
        }
    }
    std::reverse(lines.begin(), lines.end());
    return lines;
}

} // namespace sekisho::drivers
