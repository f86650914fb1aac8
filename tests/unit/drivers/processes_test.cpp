// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/system/files.hpp"
#include "drivers/system/processes.hpp"
#include "policy/base/text.hpp"
#include "tests/unit/drivers/folder_fixture.hpp"
#include "tests/unit/drivers/loop_fixture.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <CppUTest/TestHarness.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace sekisho;
using namespace sekisho::drivers;

TEST_GROUP(processes) {
    std::unique_ptr<UvEventLoop> loop;
    std::unique_ptr<ChildProcesses> processes;
    std::unique_ptr<tests::Folder> folder;

    void setup() override {
        folder = std::make_unique<tests::Folder>();
        loop = UvEventLoop::create().value();
        processes = std::make_unique<ChildProcesses>(*loop);
    }
    void teardown() override {
        processes.reset();
        loop.reset();
        folder.reset();
    }

    ports::ProcessSpecification shell(const std::string& script) {
        return {"helper", {"/bin/sh", "-c", script, "sh", folder->path("out")}};
    }
    std::size_t lines() {
        const std::string text = folder->get("out");
        return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    }
    pid_t process_id() {
        return std::atoi(folder->get("out").c_str());
    }
    static bool is_gone(pid_t process) {
        // a zombie whose parent isn't us counts as gone; one that ends between open and read gives ESRCH
        const auto stat = read_file("/proc/" + std::to_string(process) + "/stat", 4096, Domain::system);
        if (!stat) {
            return stat.error().number() == ENOENT || stat.error().number() == ESRCH;
        }
        return stat->contains(") Z ");
    }
};

TEST(processes, runs_until_it_is_stopped) {
    CHECK_TRUE(processes->keep_running(shell("echo $$ > \"$1\"; exec sleep 1000")).has_value());
    CHECK_TRUE(processes->running() == std::vector<std::string>{"helper"});
    CHECK_TRUE(tests::run_until(*loop, [&] { return lines() == 1; }));
    CHECK_FALSE(is_gone(process_id()));
    processes->stop("helper");
    CHECK_TRUE(processes->running().empty());
    CHECK_TRUE(tests::run_until(*loop, [&] { return is_gone(process_id()); }));
}

TEST(processes, stopping_ends_the_whole_group) {
    CHECK_TRUE(processes->keep_running(shell("sleep 1000 & echo $! > \"$1\"; wait")).has_value());
    CHECK_TRUE(tests::run_until(*loop, [&] { return lines() == 1; }));
    processes->stop("helper");
    CHECK_TRUE(tests::run_until(*loop, [&] { return is_gone(process_id()); }));
}

TEST(processes, one_that_ignores_the_request_is_killed) {
    CHECK_TRUE(processes->keep_running(shell("trap '' TERM; echo $$ > \"$1\"; while :; do sleep 1; done")).has_value());
    CHECK_TRUE(tests::run_until(*loop, [&] { return lines() == 1; }));
    processes->stop("helper");
    CHECK_TRUE(tests::run_until(*loop, [&] { return is_gone(process_id()); }));
}

TEST(processes, the_same_specification_leaves_it_alone) {
    const auto specification = shell("echo $$ >> \"$1\"; exec sleep 1000");
    CHECK_TRUE(processes->keep_running(specification).has_value());
    CHECK_TRUE(tests::run_until(*loop, [&] { return lines() == 1; }));
    const pid_t before = process_id();
    CHECK_TRUE(processes->keep_running(specification).has_value());
    CHECK_FALSE(is_gone(before));
    CHECK_EQUAL(1, lines());
}

TEST(processes, another_specification_replaces_it) {
    CHECK_TRUE(processes->keep_running(shell("echo $$ > \"$1\"; exec sleep 1000")).has_value());
    CHECK_TRUE(tests::run_until(*loop, [&] { return lines() == 1; }));
    const pid_t before = process_id();
    CHECK_TRUE(processes->keep_running(shell("echo replaced > \"$1\"; exec sleep 1000")).has_value());
    CHECK_TRUE(tests::run_until(*loop, [&] { return folder->get("out") == "replaced\n"; }));
    CHECK_TRUE(is_gone(before));
    CHECK_TRUE(processes->running() == std::vector<std::string>{"helper"});
}

TEST(processes, one_that_ends_is_reported_and_started_again) {
    std::string reported;
    processes->on_exit([&](std::string_view name, std::string_view how) { reported = text::concat(name, " ", how); });
    CHECK_TRUE(processes->keep_running(shell("echo x >> \"$1\"; exit 3")).has_value());
    CHECK_TRUE(tests::run_until(*loop, [&] { return lines() >= 2; }));
    STRCMP_EQUAL("helper ended with exit status 3", reported.c_str());
}

TEST(processes, one_that_is_killed_is_reported) {
    std::string reported;
    processes->on_exit([&](std::string_view, std::string_view how) { reported = how; });
    CHECK_TRUE(processes->keep_running(shell("kill -KILL $$")).has_value());
    CHECK_TRUE(tests::run_until(*loop, [&] { return !reported.empty(); }));
    STRCMP_EQUAL("was ended by signal KILL", reported.c_str());
    CHECK_TRUE(processes->running().empty()); // until it is started again
}

TEST(processes, one_that_waits_for_its_restart_can_be_stopped) {
    bool reported = false;
    processes->on_exit([&](std::string_view, std::string_view) { reported = true; });
    CHECK_TRUE(processes->keep_running(shell("exit 0")).has_value());
    CHECK_TRUE(tests::run_until(*loop, [&] { return reported; }));
    processes->stop("helper");
    loop->run(); // nothing is left to wait for
    CHECK_TRUE(processes->running().empty());
}

TEST(processes, missing_program) {
    const auto result = processes->keep_running({"helper", {"/nonexistent/program"}});
    CHECK_FALSE(result.has_value());
    CHECK_EQUAL(ENOENT, result.error().number());
    CHECK_TRUE(result.error().message().find("/nonexistent/program") != std::string::npos);
    CHECK_TRUE(processes->running().empty());
}

TEST(processes, program_without_absolute_path) {
    CHECK_FALSE(processes->keep_running({"helper", {"sleep", "1"}}).has_value());
    CHECK_FALSE(processes->keep_running({"helper", {}}).has_value());
}

TEST(processes, it_inherits_nothing) {
    setenv("SEKISHO_TEST_SECRET", "1", 1);
    const int leaked = open("/dev/null", O_RDONLY); // without O_CLOEXEC on purpose
    CHECK_TRUE(
        processes
            ->keep_running(shell("{ ls -l /proc/$$/fd; env; } > \"$1.part\"; mv \"$1.part\" \"$1\"; exec sleep 1000"))
            .has_value());
    CHECK_TRUE(tests::run_until(*loop, [&] { return folder->has("out"); }));
    close(leaked);
    unsetenv("SEKISHO_TEST_SECRET");
    const std::string out = folder->get("out");
    for (const char* stream : {" 0 -> /dev/null", " 2 -> /dev/null"}) {
        CHECK_TRUE(out.find(stream) != std::string::npos);
    }
    for (const char* number : {" 3 -> ", " 4 -> ", " 5 -> ", " 6 -> ", " 7 -> ", " 8 -> "}) {
        CHECK_TRUE(out.find(number) == std::string::npos);
    }
    CHECK_TRUE(out.find("SEKISHO_TEST_SECRET") == std::string::npos);
    CHECK_TRUE(out.find("PATH=/usr/sbin:/usr/bin:/sbin:/bin\n") != std::string::npos);
}

TEST(processes, one_that_is_replaced_or_started_anew_is_no_news) {
    bool reported = false;
    processes->on_exit([&](std::string_view, std::string_view) { reported = true; });
    const auto specification = shell("echo $$ >> \"$1\"; exec sleep 1000");
    CHECK_TRUE(processes->keep_running(specification).has_value());
    CHECK_TRUE(tests::run_until(*loop, [&] { return lines() == 1; }));
    processes->stop("helper");
    CHECK_TRUE(processes->keep_running(specification).has_value());
    CHECK_TRUE(tests::run_until(*loop, [&] { return lines() == 2; }));
    CHECK_FALSE(reported);
    CHECK_TRUE(processes->running() == std::vector<std::string>{"helper"});
}

TEST(processes, a_write_is_one_line_whatever_it_holds) {
    std::vector<std::string> seen;
    processes->on_output([&](std::string_view, const ports::OutputLine& line) { seen.emplace_back(line.text); });
    auto specification = shell("printf 'user x\nAccepted y\r\n' >&2; printf '\r\n' >&2; echo end >&2; exec sleep 1000");
    specification.has_output = true;
    CHECK_TRUE(processes->keep_running(specification).has_value());
    CHECK_TRUE(tests::run_until(*loop, [&] { return seen.size() == 2; }));
    CHECK_TRUE(seen == (std::vector<std::string>{"user x\\012Accepted y", "end"}));
}

TEST(processes, output_comes_write_by_write_with_its_writer) {
    std::vector<std::string> seen;
    std::uint32_t writer = 0;
    std::uint32_t user = 1;
    processes->on_output([&](std::string_view name, const ports::OutputLine& line) {
        seen.push_back(text::concat(name, ": ", line.text));
        writer = line.process_id;
        user = line.user_id;
    });
    auto specification =
        shell("echo $$ > \"$1\"; printf 'one\\r\\n' >&2; echo two >&2; printf three >&2; exec sleep 1000");
    specification.has_output = true;
    CHECK_TRUE(processes->keep_running(specification).has_value());
    CHECK_TRUE(tests::run_until(*loop, [&] { return seen.size() == 3 && lines() == 1; }));
    CHECK_TRUE(seen == (std::vector<std::string>{"helper: one", "helper: two", "helper: three"}));
    CHECK_EQUAL(static_cast<std::uint32_t>(process_id()), writer);
    CHECK_EQUAL(getuid(), user);
}

TEST(processes, output_of_what_a_former_program_left_behind_is_heard) {
    std::vector<std::string> seen;
    processes->on_output([&](std::string_view, const ports::OutputLine& line) { seen.emplace_back(line.text); });
    // as sshd's sessions do, the one left behind is in a session of its own
    auto specification = shell("setsid sh -c 'echo $$ >> \"$1\"; for i in $(seq 600); do [ -e \"$1.go\" ] && break; "
                               "sleep 0.05; done; echo left >&2' sh \"$1\" & "
                               "exec sleep 1000");
    specification.has_output = true;
    CHECK_TRUE(processes->keep_running(specification).has_value());
    CHECK_TRUE(tests::run_until(*loop, [&] { return lines() == 1; }));
    auto other = shell("echo other >&2; exec sleep 1000");
    other.has_output = true;
    CHECK_TRUE(processes->keep_running(other).has_value());
    CHECK_TRUE(tests::run_until(*loop, [&] { return seen.size() == 1; }));
    folder->put("out.go", "");
    CHECK_TRUE(tests::run_until(*loop, [&] { return seen.size() == 2; }));
    CHECK_TRUE(seen == (std::vector<std::string>{"other", "left"}));
}

TEST(processes, a_long_line_is_cut) {
    std::vector<std::size_t> sizes;
    processes->on_output([&](std::string_view, const ports::OutputLine& line) { sizes.push_back(line.text.size()); });
    auto specification =
        shell("head -c 20000 /dev/zero | tr '\\0' x > \"$1\"; cat \"$1\" >&2; echo end >&2; exec sleep 1000");
    specification.has_output = true;
    CHECK_TRUE(processes->keep_running(specification).has_value());
    CHECK_TRUE(tests::run_until(*loop, [&] { return !sizes.empty() && sizes.back() == 3; }));
    CHECK_EQUAL(2, sizes.size());
    CHECK_EQUAL(ports::kMostOutputLine, sizes.front());
}

TEST(processes, a_flood_of_output_loses_nothing_and_lets_the_loop_run) {
    std::size_t seen = 0;
    int turns = 0;
    processes->on_output([&](std::string_view, const ports::OutputLine&) { ++seen; });
    auto timer = loop->make_timer([&] { ++turns; });
    timer->start_repeating(10);
    auto specification = shell("i=0; while [ $i -lt 500 ]; do echo $i >&2; i=$((i + 1)); done; exec sleep 1000");
    specification.has_output = true;
    CHECK_TRUE(processes->keep_running(specification).has_value());
    CHECK_TRUE(tests::run_until(*loop, [&] { return seen == 500; }));
    CHECK_TRUE(turns > 0);
    timer.reset();
}

TEST(processes, output_may_stop_its_program) {
    bool seen = false;
    processes->on_output([&](std::string_view name, const ports::OutputLine&) {
        seen = true;
        processes->stop(name);
    });
    auto specification = shell("echo $$ > \"$1\"; echo x >&2; echo y >&2; exec sleep 1000");
    specification.has_output = true;
    CHECK_TRUE(processes->keep_running(specification).has_value());
    CHECK_TRUE(tests::run_until(*loop, [&] { return seen && is_gone(process_id()); }));
}

TEST(processes, a_users_processes_are_ended_by_program) {
    if (geteuid() != 0) {
        return; // another user's processes can't be made
    }
    constexpr std::uint32_t kUser = 64321;
    CHECK_TRUE(
        processes->keep_running(shell("setpriv --reuid 64321 --clear-groups sh -c 'echo $$; exec sleep 1000' > \"$1\""))
            .has_value());
    CHECK_TRUE(tests::run_until(*loop, [&] { return lines() == 1; }));
    CHECK_EQUAL(0, processes->end_processes_of(kUser, "/usr/bin/other").value());
    CHECK_FALSE(is_gone(process_id()));
    CHECK_EQUAL(1, processes->end_processes_of(kUser, "/usr/bin/sleep").value());
    CHECK_TRUE(tests::run_until(*loop, [&] { return is_gone(process_id()); }));
    CHECK_EQUAL(0, processes->end_processes_of(kUser, "").value());
}

TEST(processes, the_superusers_processes_are_not_ended) {
    CHECK_FALSE(processes->end_processes_of(0, "").has_value());
}

TEST(processes, they_end_when_the_daemon_is_killed) {
    // A program that changes its user, as chronyd does: for it, the kernel forgets the parent-death signal.
    const std::string script =
        geteuid() == 0 ? "exec setpriv --reuid 65534 --clear-groups sh -c 'echo $$; exec sleep 1000' > \"$1\""
                       : "echo $$ > \"$1\"; exec sleep 1000";
    const pid_t daemon = fork();
    if (daemon == 0) {
        auto own_loop = UvEventLoop::create().value();
        ChildProcesses own(*own_loop);
        if (!own.keep_running(shell(script))) {
            _exit(1);
        }
        own_loop->run();
        _exit(0);
    }
    CHECK_TRUE(tests::run_until(*loop, [&] { return lines() == 1; }));
    CHECK_FALSE(is_gone(process_id()));
    kill(daemon, SIGKILL);
    waitpid(daemon, nullptr, 0);
    CHECK_TRUE(tests::run_until(*loop, [&] { return is_gone(process_id()); }));
}
