// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/system/process_table.hpp"

#include "drivers/system/files.hpp"
#include "policy/base/text.hpp"

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sekisho::drivers {

namespace {

constexpr std::size_t kMostStatus = 16u << 10;
constexpr int kMostRounds = 8; ///< of looking again

/// The real user of "Uid:\t1000\t1000\t1000\t1000".
std::optional<std::uint64_t> real_user(std::string_view status) {
    constexpr std::string_view kName = "\nUid:\t";
    const std::size_t at = status.find(kName);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view rest = status.substr(at + kName.size());
    return text::parse_unsigned(rest.substr(0, rest.find('\t')));
}

bool is_wanted(const std::string& folder, std::uint32_t user_id, std::string_view program) {
    const auto status = read_file(folder + "/status", kMostStatus, Domain::process);
    if (!status || real_user(*status) != user_id || status->contains("\nState:\tZ")) {
        return false;
    }
    if (program.empty()) {
        return true;
    }
    std::array<char, PATH_MAX> target{};
    const ssize_t size = readlink((folder + "/exe").c_str(), target.data(), target.size());
    return size > 0 && std::string_view(target.data(), static_cast<std::size_t>(size)) == program;
}

/// A process is held by its descriptor before it is looked at, so that no other one that got its number is killed.
bool end_if_wanted(std::uint64_t process, std::uint32_t user_id, std::string_view program) {
    const Descriptor handle(static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(process), 0)));
    return handle.is_open() && is_wanted(text::concat("/proc/", text::to_text(process)), user_id, program) &&
           syscall(SYS_pidfd_send_signal, handle.get(), SIGKILL, nullptr, 0) == 0;
}

} // namespace

Result<std::size_t> end_processes_of(std::uint32_t user_id, std::string_view program) {
    if (user_id == 0) {
        return std::unexpected(Error(Domain::process, "", "the superuser's processes are not ended"));
    }
    std::set<std::uint64_t> ended;
    for (int round = 0; round < kMostRounds; ++round) {
        const std::unique_ptr<DIR, int (*)(DIR*)> table(opendir("/proc"), closedir);
        if (table == nullptr) {
            return std::unexpected(Error::from_errno(Domain::process, "/proc", "can't be read", errno));
        }
        const std::size_t before = ended.size();
        while (const dirent* entry = readdir(table.get())) {
            const auto process = text::parse_unsigned(entry->d_name);
            if (process && end_if_wanted(*process, user_id, program)) {
                ended.insert(*process);
            }
        }
        if (ended.size() == before) {
            break;
        }
    }
    return ended.size();
}

} // namespace sekisho::drivers
