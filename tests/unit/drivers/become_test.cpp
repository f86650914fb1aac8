// SPDX-License-Identifier: GPL-2.0-or-later
// From the superuser to an account, with no way back. Each test is a process of its own.
#include "drivers/console/posix_terminal.hpp"

#include <array>
#include <functional>

#include <CppUTest/TestHarness.h>
#include <grp.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace sekisho;
using drivers::PosixTerminal;

namespace {

constexpr uid_t kUser = 2000;
constexpr gid_t kGroup = 2000;

/// The exit status of a child that runs this.
int in_a_child(const std::function<int()>& run) {
    const pid_t child = fork();
    if (child == 0) {
        _exit(run());
    }
    int status = 0;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

} // namespace

TEST_GROUP(become){};

TEST(become, the_account_has_its_user_and_group_and_no_way_back) {
    LONGS_EQUAL(0, in_a_child([] {
                    std::array<gid_t, 3> many{0, 4, 27};
                    PosixTerminal terminal;
                    if (setgroups(many.size(), many.data()) != 0 || !terminal.become(kUser, kGroup)) {
                        return 1;
                    }
                    uid_t real = 0;
                    uid_t effective = 0;
                    uid_t saved = 0;
                    if (getresuid(&real, &effective, &saved) != 0 || real != kUser || effective != kUser ||
                        saved != kUser) {
                        return 2;
                    }
                    std::array<gid_t, 3> groups{};
                    if (getegid() != kGroup || getgroups(groups.size(), groups.data()) != 1 || groups[0] != kGroup) {
                        return 3;
                    }
                    if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0 || setgroups(0, nullptr) == 0) {
                        return 4;
                    }
                    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && terminal.user_id() == kUser ? 0 : 5;
                }));
}

TEST(become, rights_that_would_be_kept_are_an_error) {
    LONGS_EQUAL(0, in_a_child([] {
                    // whoever started the program may have asked the kernel to leave capabilities alone when the user
                    // changes
                    if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) != 0) {
                        return 1;
                    }
                    PosixTerminal terminal;
                    return terminal.become(kUser, kGroup) ? 2 : 0;
                }));
}

TEST(become, somebody_who_may_not_is_refused) {
    LONGS_EQUAL(0, in_a_child([] {
                    PosixTerminal terminal;
                    return setuid(kUser + 1) == 0 && !terminal.become(kUser, kGroup) ? 0 : 1;
                }));
}
