// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/system/machine.hpp"

#include "drivers/system/files.hpp"
#include "policy/base/text.hpp"

#include <cerrno>
#include <optional>

#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace sekisho::drivers {

namespace {

constexpr std::size_t kMostProcFile = 64u << 10;

/// The kibibytes behind "NAME:" in /proc/meminfo or /proc/self/status, in bytes.
std::optional<std::uint64_t> bytes_of(std::string_view contents, std::string_view name) {
    for (std::string_view line : text::split(contents, '\n')) {
        if (!line.starts_with(name) || !line.ends_with(" kB")) {
            continue;
        }
        line.remove_prefix(name.size());
        line.remove_suffix(3);
        line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
        if (const auto kibibytes = text::parse_unsigned(line)) {
            return *kibibytes * 1024;
        }
    }
    return std::nullopt;
}

} // namespace

std::string Machine::boot_id() {
    auto id = read_file("/proc/sys/kernel/random/boot_id", 64, Domain::system);
    if (!id) {
        return {};
    }
    while (id->ends_with('\n')) {
        id->pop_back();
    }
    return *std::move(id);
}

std::string Machine::kernel_release() {
    utsname names{};
    return uname(&names) == 0 ? std::string(names.release) : std::string();
}

Result<ports::MemoryUse> Machine::memory() {
    const std::string meminfo = TRY(read_file("/proc/meminfo", kMostProcFile, Domain::system));
    const std::string status = TRY(read_file("/proc/self/status", kMostProcFile, Domain::system));
    const auto total = bytes_of(meminfo, "MemTotal:");
    const auto available = bytes_of(meminfo, "MemAvailable:");
    const auto resident = bytes_of(status, "VmRSS:");
    const auto peak = bytes_of(status, "VmHWM:");
    if (!total || !available || !resident || !peak) {
        return std::unexpected(Error(Domain::system, "/proc", "memory use has an unknown form"));
    }
    return ports::MemoryUse{*total, *available, *resident, *peak};
}

Result<ports::DataSpace> Machine::data_space() {
    struct statvfs space{};
    if (statvfs(m_data_directory.c_str(), &space) != 0) {
        return std::unexpected(Error::from_errno(Domain::storage, m_data_directory, "space can't be read", errno));
    }
    return ports::DataSpace{static_cast<std::uint64_t>(space.f_blocks) * space.f_frsize,
                            static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize};
}

Result<void> Machine::set_host_name(const std::string& name) {
    if (sethostname(name.data(), name.size()) != 0) {
        return std::unexpected(Error::from_errno(Domain::system, "host name", "can't be set", errno));
    }
    return {};
}

Result<void> Machine::set_name_servers(const std::string& contents) {
    return replace_file(m_resolver_file, contents, Domain::system);
}

} // namespace sekisho::drivers
