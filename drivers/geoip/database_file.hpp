// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "drivers/system/files.hpp"
#include "policy/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <maxminddb.h>

namespace sekisho::drivers::geoip {

inline constexpr std::size_t kMostBytes = 32u << 20; ///< of a database file

/// A file that libmaxminddb has opened: mapped, its metadata read, its tree within the file.
class DatabaseFile {
public:
    /// `place` names the file in errors.
    static Result<DatabaseFile> open(const Descriptor& file, const std::string& place);

    ~DatabaseFile();
    DatabaseFile(DatabaseFile&& other) noexcept;
    DatabaseFile& operator=(DatabaseFile&&) = delete;
    DatabaseFile(const DatabaseFile&) = delete;
    DatabaseFile& operator=(const DatabaseFile&) = delete;

    [[nodiscard]] const MMDB_s& mmdb() const noexcept { return m_mmdb; }

    [[nodiscard]] std::string_view contents() const noexcept {
        return {reinterpret_cast<const char*>(m_mmdb.file_content), m_bytes};
    }

    [[nodiscard]] std::uint64_t bytes() const noexcept { return m_bytes; }

    /// Takes the mapped file out of the process's memory; what is read again is mapped again.
    void release_memory() const noexcept;

private:
    DatabaseFile() = default;

    MMDB_s m_mmdb{};
    std::uint64_t m_bytes = 0;
    bool m_is_open = false;
};

} // namespace sekisho::drivers::geoip
