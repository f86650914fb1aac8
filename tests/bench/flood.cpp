// SPDX-License-Identifier: GPL-2.0-or-later
// Sends frames as fast as one core can, and says how long that took.
//
//   flood DEVICE FILE COUNT     FILE: frames, each behind its length in two bytes (this machine's order); they repeat
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <vector>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

namespace {

constexpr std::size_t kAtOnce = 64;

int fail(const char* what) {
    std::fprintf(stderr, "flood: %s: %s\n", what, std::strerror(errno));
    return 1;
}

std::vector<std::vector<char>> read_frames(const char* path) {
    std::vector<std::vector<char>> frames;
    std::ifstream file(path, std::ios::binary);
    std::uint16_t size = 0;
    while (file.read(reinterpret_cast<char*>(&size), sizeof size)) {
        frames.emplace_back(size);
        file.read(frames.back().data(), size);
    }
    return frames;
}

} // namespace

int main(int count, char** words) {
    if (count != 4) {
        std::fputs("usage: flood DEVICE FILE COUNT\n", stderr);
        return 2;
    }
    auto frames = read_frames(words[2]);
    const int descriptor = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    sockaddr_ll device{};
    device.sll_family = AF_PACKET;
    device.sll_ifindex = static_cast<int>(if_nametoindex(words[1]));
    const int on = 1;
    if (frames.empty() || descriptor < 0 || device.sll_ifindex == 0 ||
        bind(descriptor, reinterpret_cast<const sockaddr*>(&device), sizeof device) != 0 ||
        setsockopt(descriptor, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) != 0) {
        return fail("open");
    }
    std::vector<iovec> pieces(frames.size());
    std::vector<mmsghdr> messages(frames.size());
    for (std::size_t at = 0; at < frames.size(); ++at) {
        pieces[at] = {.iov_base = frames[at].data(), .iov_len = frames[at].size()};
        messages[at].msg_hdr.msg_iov = &pieces[at];
        messages[at].msg_hdr.msg_iovlen = 1;
    }
    const std::size_t wanted = std::strtoul(words[3], nullptr, 10);
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t sent = 0; sent < wanted;) {
        const std::size_t at = sent % frames.size();
        const std::size_t most = std::min({kAtOnce, frames.size() - at, wanted - sent});
        const int done = sendmmsg(descriptor, &messages[at], static_cast<unsigned>(most), 0);
        if (done < 0 && errno != ENOBUFS && errno != EAGAIN) {
            return fail("send");
        }
        sent += static_cast<std::size_t>(std::max(done, 0));
    }
    std::printf("%.6f\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    return 0;
}
