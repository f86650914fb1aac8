// SPDX-License-Identifier: GPL-2.0-or-later
// Sends ready-made netfilter batches (see batches.hpp) and waits for the acknowledgement of each: the kernel's own cost
// of a load.
//
//   send-batches FILE
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <vector>

#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

int fail(const char* what, int number) {
    std::fprintf(stderr, "send-batches: %s: %s\n", what, std::strerror(number));
    return 1;
}

} // namespace

int main(int count, char** words) {
    if (count != 2) {
        std::fputs("usage: send-batches FILE\n", stderr);
        return 2;
    }
    const int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    const int buffer = 8 << 20;
    if (descriptor < 0 || setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer) != 0) {
        return fail("socket", errno);
    }
    std::ifstream file(words[1], std::ios::binary);
    std::vector<char> batch;
    std::vector<char> answer(128 * 1024);
    std::uint32_t size = 0;
    while (file.read(reinterpret_cast<char*>(&size), sizeof size)) {
        batch.resize(size);
        if (!file.read(batch.data(), size)) {
            return fail("read", EIO);
        }
        if (send(descriptor, batch.data(), batch.size(), 0) < 0) {
            return fail("send", errno);
        }
        if (recv(descriptor, answer.data(), answer.size(), 0) < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(nlmsgerr)))) {
            return fail("receive", errno);
        }
        nlmsgerr status{};
        std::memcpy(&status, answer.data() + NLMSG_HDRLEN, sizeof status);
        if (status.error != 0) {
            return fail("refused", -status.error);
        }
    }
    close(descriptor);
    return 0;
}
