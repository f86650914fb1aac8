// SPDX-License-Identifier: GPL-2.0-or-later
// Holds a page of the tree to the table that it is made from; SEKISHO_REGENERATE in the environment writes it anew.
#pragma once

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include <CppUTest/TestHarness.h>

namespace sekisho::test {

inline void check_page(const char* file_name, const std::string& page) {
    if (std::getenv("SEKISHO_REGENERATE") != nullptr) {
        std::ofstream(file_name, std::ios::binary) << page;
    }
    std::ifstream file(file_name, std::ios::binary);
    CHECK(file.good());
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    STRCMP_EQUAL(page.c_str(), text.c_str());
}

} // namespace sekisho::test
