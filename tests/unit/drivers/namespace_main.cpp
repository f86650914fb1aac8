// SPDX-License-Identifier: GPL-2.0-or-later
// For tests that change what belongs to the machine: they get network, mount and host name namespaces that end with the
// program.
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <CppUTest/CommandLineTestRunner.h>
#include <sched.h>
#include <sys/mount.h>

namespace {
constexpr int kSkipped = 77;
} // namespace

int main(int argc, char** argv) {
    if (unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS) != 0 ||
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
        std::printf("skipped: no namespaces of its own: %s\n", std::strerror(errno));
        return kSkipped;
    }
    return CommandLineTestRunner::RunAllTests(argc, argv);
}
