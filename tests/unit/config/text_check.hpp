// SPDX-License-Identifier: GPL-2.0-or-later
// Compares texts in CppUTest tests.
#pragma once

#include <string>
#include <string_view>

#include <CppUTest/TestHarness.h>

#define CHECK_SAME(expected, actual) STRCMP_EQUAL(std::string(expected).c_str(), std::string(actual).c_str())
#define CHECK_HOLDS(part, whole) STRCMP_CONTAINS(std::string(part).c_str(), std::string(whole).c_str())
