// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/base64.hpp"

#include <array>
#include <utility>

#include <CppUTest/TestHarness.h>

using namespace sekisho;

TEST_GROUP(base64){};

TEST(base64, test_vectors_of_rfc_4648) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kVectors{{
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    }};
    for (const auto& [bytes, text] : kVectors) {
        CHECK(base64::encode(bytes) == text);
        CHECK(base64::decode(text) == bytes);
    }
}

TEST(base64, every_byte_comes_back) {
    std::string bytes;
    for (unsigned value = 0; value < 256; ++value) {
        bytes += static_cast<char>(value);
    }
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        const std::string part = bytes.substr(0, size);
        CHECK(base64::decode(base64::encode(part)) == part);
    }
}

TEST(base64, what_no_encoder_writes_is_refused) {
    for (const std::string_view text : {"Z", "Zg", "Zg=", "Zm9v=", "Z===", "====", "=", "Zg==Zg==", "Zm 9v", "Zm9v\n",
                                        "Zm9_", "Zm-v", "Zm9v\xff", "Zh==", "Zm9=", "Zm=v"}) {
        CHECK_FALSE(base64::decode(text).has_value());
    }
}
