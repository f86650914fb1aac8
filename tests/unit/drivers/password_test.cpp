// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/password/yescrypt_hasher.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::drivers;

TEST_GROUP(yescrypt) {
    YescryptHasher hasher{1}; // cheap: what it costs is in NOTES.md
};

TEST(yescrypt, a_password_is_known_again) {
    const auto hash = hasher.hash("vR7.quiet-Lamp");
    CHECK(hash.has_value());
    CHECK(hash->starts_with("$y$"));
    CHECK_TRUE(hasher.verify("vR7.quiet-Lamp", *hash).value());
    for (const char* other : {"vR7.quiet-Lam", "vR7.quiet-Lamp ", "vR7.quiet-Lamq", "", "x"}) {
        CHECK_FALSE(hasher.verify(other, *hash).value());
    }
}

TEST(yescrypt, every_hash_has_a_salt_of_its_own) {
    CHECK(hasher.hash("vR7.quiet-Lamp").value() != hasher.hash("vR7.quiet-Lamp").value());
}

TEST(yescrypt, a_hash_of_another_cost_stays_valid) {
    YescryptHasher other(2);
    const std::string hash = other.hash("vR7.quiet-Lamp").value();
    CHECK(hash != hasher.hash("vR7.quiet-Lamp").value());
    CHECK_TRUE(hasher.verify("vR7.quiet-Lamp", hash).value());
}

TEST(yescrypt, a_hash_made_by_another_program) {
    // crypt() of Perl with libxcrypt 4.4.33 (Debian 12)
    CHECK_TRUE(
        hasher.verify("vR7.quiet-Lamp", "$y$j75$Q083t0UWvGhSVeSEpVsxQ0$iaxo4ertsS7vwixCP/4SL9gi/nXyV6LP2jf5QxaWjp4")
            .value());
}

TEST(yescrypt, what_the_library_would_read_in_part_is_nobody_s) {
    const std::string hash = hasher.hash("vR7.quiet-Lamp").value();
    using namespace std::string_view_literals;
    CHECK_FALSE(hasher.verify("vR7.quiet-Lamp\0x"sv, hash).value());
    CHECK_FALSE(hasher.hash("vR7.quiet-Lamp\0x"sv).has_value());
    CHECK_FALSE(hasher.hash("").has_value());
    CHECK_TRUE(hasher.hash(std::string(511, 'x')).has_value());
    CHECK_FALSE(hasher.hash(std::string(512, 'x')).has_value());
    CHECK_FALSE(hasher.verify(std::string(5000, 'x'), hash).value());
}

TEST(yescrypt, what_is_no_hash_of_ours_is_an_error) {
    using namespace std::string_view_literals;
    for (const std::string_view hash :
         {""sv, "*"sv, "!"sv, "x"sv, "$6$salt$hash"sv, "$1$salt$hash"sv, "$y$"sv, "$y$j9T"sv, "$y$j9T$\0x"sv}) {
        CHECK_FALSE(hasher.verify("vR7.quiet-Lamp", hash).value_or(false));
    }
    CHECK_FALSE(hasher.verify("x", "*0").has_value());
    CHECK_FALSE(hasher.verify("x", "$6$salt$hash").has_value());
}

TEST(yescrypt, the_usual_cost_is_the_one_of_debian) {
    CHECK(YescryptHasher().hash("vR7.quiet-Lamp")->starts_with("$y$j9T$"));
}
