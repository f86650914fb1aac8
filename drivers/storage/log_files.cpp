// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/storage/log_files.hpp"

#include "drivers/storage/line_reader.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sekisho::drivers {

namespace {

constexpr std::string_view kPrefix = "access-";
constexpr std::string_view kSuffix = ".jsonl";
constexpr std::size_t kDigits = 12;

std::string file_name(std::uint64_t first) {
    const std::string number = text::to_text(first);
    return text::concat(kPrefix, std::string(kDigits - std::min(kDigits, number.size()), '0'), number, kSuffix);
}

std::optional<std::uint64_t> first_of(std::string_view name) {
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix) || name.size() < kPrefix.size() + kSuffix.size()) {
        return std::nullopt;
    }
    const auto first = text::parse_unsigned(name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size()));
    return first && file_name(*first) == name ? first : std::nullopt;
}

Error storage_error(std::string_view place, std::string_view what) {
    return Error::from_errno(Domain::storage, text::concat("log/", place), what, errno);
}

Result<Descriptor> open_old(int folder, std::uint64_t first) {
    Descriptor file(openat(folder, file_name(first).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file.is_open()) {
        return std::unexpected(storage_error(file_name(first), "can't be opened"));
    }
    return file;
}

/// Numbers of the files' first lines, ascending.
Result<std::vector<std::uint64_t>> list_files(int folder) {
    const int own = fcntl(folder, F_DUPFD_CLOEXEC, 0);
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(own < 0 ? nullptr : fdopendir(own), closedir);
    if (entries == nullptr) {
        const auto error = storage_error("", "can't be listed");
        close(own);
        return std::unexpected(error);
    }
    std::vector<std::uint64_t> numbers;
    while (const dirent* entry = readdir(entries.get())) {
        if (const auto first = first_of(entry->d_name)) {
            numbers.push_back(*first);
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
    TRY(files->adopt_files());
    return files;
}

/// A file without lines is what a rotation left that the power cut off, or that could not be finished: the file before
/// it may hold its numbers by now, so it goes, unless it is the last one and they are still free.
Result<void> JsonLogFiles::adopt_files() {
    const std::vector<std::uint64_t> numbers = TRY(list_files(m_folder.get()));
    std::uint64_t taken = 0; ///< lines that the files so far account for
    LineCount count;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const std::string name = file_name(numbers[i]);
        const Descriptor file = TRY(open_old(m_folder.get(), numbers[i]));
        const LineCount own = TRY(count_lines(file.get(), name));
        const bool last = i + 1 == numbers.size();
        if (own.lines == 0 && (!last || numbers[i] < taken)) {
            if (unlinkat(m_folder.get(), name.c_str(), 0) != 0) {
                return std::unexpected(storage_error(name, "can't be removed"));
            }
            continue;
        }
        if (!m_files.empty() && numbers[i] < taken) {
            m_files.back().lines = numbers[i] - m_files.back().first; // what its name says holds
        }
        m_files.push_back({numbers[i], own.lines});
        taken = numbers[i] + own.lines;
        count = own;
    }
    if (m_files.empty()) {
        m_files.push_back({});
    }
    TRY(open_current(m_files.back().first));
    m_size = count.whole_size;
    m_torn_bytes = count.size - count.whole_size;
    m_has_remains = m_torn_bytes > 0;
    return cut_back();
}

/// Opens or makes the file that is appended to, with its name on the medium.
Result<void> JsonLogFiles::open_current(std::uint64_t first) {
    const std::string name = file_name(first);
    Descriptor file(openat(m_folder.get(), name.c_str(), O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0640));
    if (!file.is_open()) {
        return std::unexpected(storage_error(name, "can't be opened"));
    }
    if (fsync(m_folder.get()) != 0) {
        return std::unexpected(storage_error(name, "its folder can't be synced"));
    }
    m_file = std::move(file);
    return {};
}

/// Makes the file end behind its last whole line.
Result<void> JsonLogFiles::cut_back() {
    if (m_has_remains) {
        if (ftruncate(m_file.get(), static_cast<off_t>(m_size)) != 0) {
            return std::unexpected(storage_error(file_name(m_files.back().first), "half a line can't be cut off"));
        }
        m_has_remains = false;
    }
    return {};
}

Result<void> JsonLogFiles::append(std::string_view line, bool durable) {
    if (line.empty() || line.find('\n') != line.size() - 1) {
        return std::unexpected(Error(Domain::argument, "log", "what is appended must be one line"));
    }
    TRY(cut_back());
    auto result = write_all(m_file.get(), line, Domain::storage, text::concat("log/", file_name(m_files.back().first)));
    if (result && durable) {
        result = sync();
    }
    if (!result) {
        m_has_remains = true;
        ignore_error(cut_back(), "it is tried again before the next line; the first error is what the caller needs");
        return result;
    }
    m_size += line.size();
    ++m_files.back().lines;
    return {};
}

/// Of the current file only: an older one was synced before the next began.
Result<void> JsonLogFiles::sync() {
    if (fdatasync(m_file.get()) != 0) {
        return std::unexpected(storage_error(file_name(m_files.back().first), "can't be synced"));
    }
    return {};
}

/// Keeps the old file as it is where the new one can't be made.
Result<void> JsonLogFiles::begin_file() {
    TRY(cut_back());
    TRY(sync());
    const std::uint64_t first = next_line();
    if (auto made = open_current(first); !made) {
        // Best without it: the old file goes on, and would hold the new one's numbers. The next start removes it, else.
        unlinkat(m_folder.get(), file_name(first).c_str(), 0);
        return made;
    }
    m_files.push_back({first, 0});
    m_size = 0;
    return {};
}

Result<void> JsonLogFiles::remove_oldest(std::size_t most) {
    while (m_files.size() > most) {
        const std::string oldest = file_name(m_files.front().first);
        if (unlinkat(m_folder.get(), oldest.c_str(), 0) != 0 && errno != ENOENT) {
            return std::unexpected(storage_error(oldest, "can't be removed"));
        }
        m_gone += m_files.front().lines;
        m_files.erase(m_files.begin());
    }
    return {};
}

Result<std::uint64_t> JsonLogFiles::rotate(unsigned keep) {
    const std::size_t most = std::size_t{keep} + 1;
    if (m_files.back().lines > 0) {
        if (auto begun = begin_file(); !begun) {
            // A full medium may have room for a new file when the one that is to go has gone.
            if (begun.error().number() != ENOSPC || m_files.size() < most || m_files.size() < 2) {
                return std::unexpected(std::move(begun).error());
            }
            TRY(remove_oldest(std::max<std::size_t>(keep, 1)));
            TRY(begin_file());
        }
    }
    TRY(remove_oldest(most));
    return std::exchange(m_gone, 0);
}

Result<std::vector<std::string>> JsonLogFiles::last_lines(std::size_t most) {
    std::vector<std::string> lines;
    for (auto each = m_files.rbegin(); each != m_files.rend(); ++each) {
        const bool is_current = each == m_files.rbegin();
        const std::string name = file_name(each->first);
        std::uint64_t size = m_size;
        Descriptor old;
        if (!is_current) {
            old = TRY(open_old(m_folder.get(), each->first));
            struct stat status{};
            if (fstat(old.get(), &status) != 0) {
                return std::unexpected(storage_error(name, "can't be read"));
            }
            size = static_cast<std::uint64_t>(status.st_size);
        }
        if (!TRY(read_lines_backwards(is_current ? m_file.get() : old.get(), size, most, kMostAnswer, lines, name))) {
            break;
        }
    }
    std::reverse(lines.begin(), lines.end());
    return lines;
}

/// The last mark of this file that is not behind the line; else the mark that was not used for longest, set to the
/// file's beginning. A reader that goes on where it came to moves its own mark on.
JsonLogFiles::Mark& JsonLogFiles::mark_for(const File& file, std::uint64_t line) {
    Mark* nearest = nullptr;
    Mark* oldest = &m_marks.front();
    for (Mark& mark : m_marks) {
        if (mark.used > 0 && mark.file == file.first && mark.line <= line &&
            (nearest == nullptr || mark.line > nearest->line)) {
            nearest = &mark;
        }
        if (mark.used < oldest->used) {
            oldest = &mark;
        }
    }
    if (nearest != nullptr && nearest->line == line) {
        return *nearest;
    }
    *oldest = nearest != nullptr ? *nearest : Mark{file.first, file.first, 0, 0};
    return *oldest;
}

Result<ports::LogPiece> JsonLogFiles::read_from(std::uint64_t line, std::size_t most_bytes) {
    ports::LogPiece piece;
    piece.first = std::max(line, next_line());
    const auto file = std::find_if(m_files.begin(), m_files.end(), [line](const File& each) {
        return each.lines > 0 && line < each.first + each.lines;
    });
    if (file == m_files.end()) {
        return piece;
    }
    piece.first = std::max(line, file->first);
    Descriptor old;
    if (&*file != &m_files.back()) {
        old = TRY(open_old(m_folder.get(), file->first));
    }
    Mark& mark = mark_for(*file, piece.first);
    const LineSpan span =
        TRY(read_lines(old.is_open() ? old.get() : m_file.get(), mark.offset, piece.first - mark.line,
                       file->first + file->lines - piece.first, most_bytes, piece.lines, file_name(file->first)));
    if (span.lines == 0) {
        return std::unexpected(
            Error(Domain::storage, text::concat("log/", file_name(file->first)), "has fewer lines than it had"));
    }
    mark = {file->first, piece.first + span.lines, span.end, ++m_readings};
    return piece;
}

} // namespace sekisho::drivers
