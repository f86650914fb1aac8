// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/system/listeners.hpp"

#include "drivers/system/files.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <map>
#include <memory>
#include <string>

#include <dirent.h>
#include <unistd.h>

namespace sekisho::drivers {

namespace {

constexpr std::size_t kMostTable = 16u << 20;
constexpr std::size_t kMostStatus = 16u << 10;
constexpr int kMostAncestors = 32;

std::optional<std::uint64_t> hexadecimal(std::string_view digits) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    return error == std::errc() && end == digits.data() + digits.size() ? std::optional(value) : std::nullopt;
}

/// The words of a line, blanks left out.
std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    for (const std::string_view word : text::split(line, ' ')) {
        if (!word.empty()) {
            words.push_back(word);
        }
    }
    return words;
}

/// As the kernel writes it: words of 32 bits in the machine's order (both targets are little-endian).
bool is_loopback(std::string_view address) {
    constexpr std::string_view kV6 = "00000000000000000000000001000000";
    constexpr std::string_view kMapped = "0000000000000000FFFF0000";
    if (address.size() == 32 && address.starts_with(kMapped)) {
        address.remove_prefix(kMapped.size());
    }
    return address == kV6 || (address.size() == 8 && address.ends_with("7F"));
}

struct Owner {
    std::string program;
    std::uint64_t process = 0;
};

/// What a status file says behind a name, "PPid:".
std::string value_of(std::string_view status, std::string_view name) {
    for (const std::string_view line : text::split(status, '\n')) {
        if (line.starts_with(name)) {
            return std::string(line.substr(std::min(line.find_first_not_of(" \t", name.size()), line.size())));
        }
    }
    return {};
}

std::string status_of(std::uint64_t process) {
    return read_file(text::concat("/proc/", text::to_text(process), "/status"), kMostStatus, Domain::process)
        .value_or(std::string());
}

bool descends_from_us(std::uint64_t process) {
    for (int step = 0; step < kMostAncestors && process > 1; ++step) {
        if (process == static_cast<std::uint64_t>(getpid())) {
            return true;
        }
        process = text::parse_unsigned(value_of(status_of(process), "PPid:")).value_or(0);
    }
    return false;
}

using Folder = std::unique_ptr<DIR, int (*)(DIR*)>;

/// Which process has which of the sockets; of several the first.
void find_owners(std::map<std::uint64_t, Owner>& sockets) {
    const Folder table(opendir("/proc"), closedir);
    while (const dirent* entry = table != nullptr ? readdir(table.get()) : nullptr) {
        const auto process = text::parse_unsigned(entry->d_name);
        const std::string folder = text::concat("/proc/", entry->d_name, "/fd");
        const Folder descriptors(process ? opendir(folder.c_str()) : nullptr, closedir);
        while (const dirent* descriptor = descriptors != nullptr ? readdir(descriptors.get()) : nullptr) {
            std::array<char, 64> target{};
            const ssize_t size =
                readlink(text::concat(folder, "/", descriptor->d_name).c_str(), target.data(), target.size());
            std::string_view link(target.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
            if (!link.starts_with("socket:[") || !link.ends_with("]")) {
                continue;
            }
            link.remove_prefix(link.find('[') + 1);
            link.remove_suffix(1);
            const auto socket = sockets.find(text::parse_unsigned(link).value_or(0));
            if (socket != sockets.end() && socket->second.process == 0) {
                socket->second = {value_of(status_of(*process), "Name:"), *process};
            }
        }
    }
}

struct Table {
    const char* file;
    bool is_tcp;
};

} // namespace

std::optional<SocketLine> listening_socket(std::string_view line, bool is_tcp) {
    // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
    const std::vector<std::string_view> words = words_of(line);
    constexpr std::size_t kInode = 9;
    if (words.size() <= kInode || words[3] != (is_tcp ? "0A" : "07")) {
        return std::nullopt;
    }
    const std::size_t colon = std::min(words[1].find(':'), words[1].size());
    const auto port = hexadecimal(words[1].substr(std::min(colon + 1, words[1].size())));
    const auto inode = text::parse_unsigned(words[kInode]);
    if (!port || *port > 0xffff || !inode || is_loopback(words[1].substr(0, colon))) {
        return std::nullopt;
    }
    return SocketLine{static_cast<std::uint16_t>(*port), *inode};
}

Result<std::vector<ports::Listener>> KernelListeners::listeners() {
    struct Socket {
        SocketLine line;
        bool is_tcp = false;
    };

    std::vector<Socket> sockets;
    std::map<std::uint64_t, Owner> owners;
    for (const Table& table : {Table{"tcp", true}, {"tcp6", true}, {"udp", false}, {"udp6", false}}) {
        const auto lines = read_file(text::concat("/proc/thread-self/net/", table.file), kMostTable, Domain::network);
        if (!lines) {
            if (lines.error().number() == ENOENT) {
                continue; // a family that the kernel lacks
            }
            return std::unexpected(lines.error());
        }
        for (const std::string_view line : text::split(*lines, '\n')) {
            if (const auto socket = listening_socket(line, table.is_tcp)) {
                sockets.push_back({*socket, table.is_tcp});
                owners.try_emplace(socket->inode);
            }
        }
    }
    find_owners(owners);
    std::vector<ports::Listener> found;
    for (const Socket& socket : sockets) {
        const Owner& owner = owners[socket.line.inode];
        found.push_back(
            {socket.is_tcp, socket.line.port, owner.program, owner.process != 0 && descends_from_us(owner.process)});
    }
    std::ranges::sort(found);
    found.erase(std::ranges::unique(found).begin(), found.end());
    return found;
}

} // namespace sekisho::drivers
