// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/geoip/database_file.hpp"

#include "drivers/geoip/record_reader.hpp"
#include "drivers/system/files.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sekisho::drivers::geoip {

namespace {

// The format's own limits: the metadata begins behind the last marker in the last 128 KiB.
constexpr std::string_view kMarker = "\xab\xcd\xefMaxMind.com";
constexpr std::size_t kMostMetadata = 128u << 10;

Error refusal(const std::string& place, std::string cause) {
    return {Domain::storage, place, std::move(cause)};
}

/// Read apart from the mapping.
Result<std::string> read_at(int fd, std::size_t offset, std::size_t bytes, const std::string& place) {
    std::string result(bytes, '\0');
    const ssize_t got = pread(fd, result.data(), bytes, static_cast<off_t>(offset));
    if (got < 0) {
        return std::unexpected(Error::from_errno(Domain::storage, place, "can't be read", errno));
    }
    result.resize(static_cast<std::size_t>(got));
    return result;
}

/// libmaxminddb 1.12 copies descriptions out of the metadata without a limit: pointers to maps of pointers to maps
/// would keep it busy for ever. So what it is going to read is counted first.
Result<void> judge_metadata(int fd, std::size_t bytes, const std::string& place) {
    const std::string head = TRY(read_at(fd, 0, 4, place));
    if (head.starts_with("\x1f\x8b") || head == "PK\x03\x04") {
        return std::unexpected(refusal(place, "is compressed: unpack it first"));
    }
    const std::size_t most = std::min(bytes, kMostMetadata);
    const std::string tail = TRY(read_at(fd, bytes - most, most, place));
    const std::size_t marker = tail.rfind(kMarker);
    if (marker == std::string::npos) {
        return std::unexpected(refusal(place, "has no metadata at its end: it is no MaxMind DB file, or a cut one"));
    }
    const std::string_view metadata = std::string_view(tail).substr(marker + kMarker.size());
    MMDB_s section{};
    section.data_section = reinterpret_cast<const std::uint8_t*>(metadata.data());
    section.data_section_size = static_cast<std::uint32_t>(metadata.size());
    if (metadata.empty() || !is_small(section, 0)) {
        return std::unexpected(refusal(place, "has damaged metadata"));
    }
    return {};
}

std::string describe(int status) {
    switch (status) {
    case MMDB_INVALID_METADATA_ERROR:
    case MMDB_INVALID_DATA_ERROR:
    case MMDB_CORRUPT_SEARCH_TREE_ERROR:
    case MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR:
        return "has metadata that doesn't fit the file: it is damaged or a part of one";
    case MMDB_UNKNOWN_DATABASE_FORMAT_ERROR:
        return "is of another version of the MaxMind DB format (2 is read, with records of 24, 28 or 32 bits)";
    default:
        return text::concat("can't be read: ", MMDB_strerror(status));
    }
}

} // namespace

Result<DatabaseFile> DatabaseFile::open(const Descriptor& file, const std::string& place) {
    struct stat status{};
    if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        return std::unexpected(refusal(place, "is no file"));
    }
    const auto bytes = static_cast<std::size_t>(status.st_size);
    if (bytes == 0) {
        return std::unexpected(refusal(place, "is empty"));
    }
    if (bytes > kMostBytes) {
        return std::unexpected(refusal(place, text::concat("has ", text::to_text(bytes), " bytes; at most ",
                                                           text::to_text(kMostBytes >> 20), " MiB are taken")));
    }
    TRY(judge_metadata(file.get(), bytes, place));

    DatabaseFile result;
    result.m_bytes = bytes;
    // by the descriptor, so that it is the file that was looked at
    const std::string descriptor = text::concat("/proc/self/fd/", text::to_text(static_cast<unsigned>(file.get())));
    const int opened = MMDB_open(descriptor.c_str(), MMDB_MODE_MMAP, &result.m_mmdb);
    if (opened == MMDB_FILE_OPEN_ERROR || opened == MMDB_IO_ERROR) {
        return std::unexpected(Error::from_errno(Domain::storage, place, "can't be mapped", errno));
    }
    if (opened != MMDB_SUCCESS) {
        return std::unexpected(refusal(place, describe(opened)));
    }
    result.m_is_open = true;
    const auto& metadata = result.m_mmdb.metadata;
    const std::uint64_t tree = std::uint64_t{metadata.node_count} * metadata.record_size / 4;
    if (tree >= static_cast<std::uint64_t>(result.m_mmdb.file_size) ||
        result.m_mmdb.full_record_byte_size * 4u != metadata.record_size) {
        return std::unexpected(refusal(place, describe(MMDB_INVALID_METADATA_ERROR)));
    }
    return result;
}

DatabaseFile::DatabaseFile(DatabaseFile&& other) noexcept
    : m_mmdb(other.m_mmdb), m_bytes(other.m_bytes), m_is_open(std::exchange(other.m_is_open, false)) {}

void DatabaseFile::release_memory() const noexcept {
    // the mapping is of a file and never written to: the pages stay in the kernel's cache
    madvise(const_cast<std::uint8_t*>(m_mmdb.file_content), m_bytes, MADV_DONTNEED);
}

DatabaseFile::~DatabaseFile() {
    if (m_is_open) {
        MMDB_close(&m_mmdb);
    }
}

} // namespace sekisho::drivers::geoip
