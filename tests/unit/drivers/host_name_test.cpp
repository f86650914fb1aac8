// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/system/machine.hpp"

#include <array>
#include <string>

#include <CppUTest/TestHarness.h>
#include <unistd.h>

using namespace sekisho;

TEST_GROUP(host_name){};

TEST(host_name, is_set) {
    drivers::Machine machine("/", "/dev/null");
    CHECK_TRUE(machine.set_host_name("clinic-gate").has_value());
    std::array<char, 65> name{};
    CHECK_EQUAL(0, gethostname(name.data(), name.size()));
    STRCMP_EQUAL("clinic-gate", name.data());
}

TEST(host_name, too_long) {
    drivers::Machine machine("/", "/dev/null");
    CHECK_FALSE(machine.set_host_name(std::string(65, 'x')).has_value());
}
