// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/system/clock.hpp"
#include "drivers/system/machine.hpp"
#include "tests/unit/drivers/folder_fixture.hpp"

#include <cerrno>
#include <ctime>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::drivers;

TEST_GROUP(machine) {
    tests::Folder folder;
    Machine machine{folder.path(), folder.path("resolv.conf")};
};

TEST(machine, boot_id_is_the_kernels_and_stays) {
    CHECK_EQUAL(36, machine.boot_id().size());
    STRCMP_EQUAL(machine.boot_id().c_str(), machine.boot_id().c_str());
}

TEST(machine, kernel_release_is_known) {
    CHECK_TRUE(machine.kernel_release().find('.') != std::string::npos);
}

TEST(machine, memory_is_within_itself) {
    const auto memory = machine.memory();
    CHECK_TRUE(memory.has_value());
    CHECK_TRUE(memory->available_bytes <= memory->total_bytes);
    CHECK_TRUE(memory->daemon_resident_bytes > 0);
    CHECK_TRUE(memory->daemon_resident_bytes <= memory->daemon_peak_bytes);
    CHECK_TRUE(memory->daemon_peak_bytes < memory->total_bytes);
}

TEST(machine, data_space_of_a_folder) {
    const auto space = machine.data_space();
    CHECK_TRUE(space.has_value());
    CHECK_TRUE(space->total_bytes > 0);
    CHECK_TRUE(space->free_bytes <= space->total_bytes);
}

TEST(machine, data_space_of_a_missing_folder) {
    const auto space = Machine(folder.path("missing"), "").data_space();
    CHECK_FALSE(space.has_value());
    CHECK_EQUAL(ENOENT, space.error().number());
}

TEST(machine, name_servers_are_replaced_whole) {
    CHECK_TRUE(machine.set_name_servers("nameserver 192.0.2.1\nnameserver 192.0.2.2\n").has_value());
    CHECK_TRUE(machine.set_name_servers("nameserver 192.0.2.3\n").has_value());
    STRCMP_EQUAL("nameserver 192.0.2.3\n", folder.get("resolv.conf").c_str());
    CHECK_FALSE(folder.has("resolv.conf.new"));
}

TEST(machine, name_servers_in_a_missing_folder) {
    CHECK_FALSE(Machine(folder.path(), folder.path("missing/resolv.conf")).set_name_servers("").has_value());
}

TEST_GROUP(system_clock){};

TEST(system_clock, now_is_the_wall_clock) {
    auto loop = UvEventLoop::create().value();
    SystemClock clock(*loop);
    const std::int64_t before = std::time(nullptr);
    const Time now = clock.now();
    CHECK_TRUE(now.seconds() >= before);
    CHECK_TRUE(now.seconds() <= std::time(nullptr));
}

TEST(system_clock, monotonic_never_runs_back) {
    auto loop = UvEventLoop::create().value();
    SystemClock clock(*loop);
    const std::int64_t first = clock.monotonic_microseconds();
    CHECK_TRUE(first > 0);
    CHECK_TRUE(clock.monotonic_microseconds() >= first);
}

TEST(system_clock, steps_can_be_watched) {
    auto loop = UvEventLoop::create().value();
    SystemClock clock(*loop);
    CHECK_TRUE(clock.watch_steps([] {}).has_value());
    CHECK_TRUE(clock.watch_steps([] {}).has_value()); // once more replaces it
}
