// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/sha256.hpp"
#include "policy/base/text.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

// vectors: NIST, "Examples with Intermediate Values" for FIPS 180-4

TEST_GROUP(sha256){};

TEST(sha256, of_nothing_is_the_published_digest) {
    CHECK_EQUAL(std::string("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"), sha256_hex(""));
}

TEST(sha256, of_one_block_is_the_published_digest) {
    CHECK_EQUAL(std::string("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), sha256_hex("abc"));
}

TEST(sha256, of_two_blocks_is_the_published_digest) {
    CHECK_EQUAL(std::string("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
                sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"));
    CHECK_EQUAL(std::string("cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"),
                sha256_hex("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                           "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"));
}

TEST(sha256, of_a_million_letters_is_the_published_digest) {
    CHECK_EQUAL(std::string("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
                sha256_hex(std::string(1'000'000, 'a')));
}

TEST(sha256, does_not_depend_on_how_the_bytes_come) {
    const std::string text(300, 'x');
    const std::string whole = sha256_hex(text);
    for (std::size_t piece = 1; piece <= 130; ++piece) {
        Sha256 hash;
        for (std::size_t at = 0; at < text.size(); at += piece) {
            hash.update(std::string_view(text).substr(at, piece));
        }
        std::string digits;
        for (const std::uint8_t byte : hash.finish()) {
            digits += text::to_hex(byte, 2);
        }
        CHECK_EQUAL(whole, digits);
    }
}
