// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/accounts/access_secrets.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using accounts::AccessSecret;
using accounts::SecretKind;

TEST_GROUP(access_secrets) {
    const std::vector<AccessSecret> secrets{
        {.kind = SecretKind::user, .name = "tanaka", .hex = "8846f7eaee8fb117ad06bdd830b7586c"},
        {.kind = SecretKind::radius, .name = "nps", .hex = "736563726574"},
    };
};

TEST(access_secrets, come_back_as_they_were) {
    const auto text = accounts::access_secrets_text(secrets);
    CHECK(text.has_value());
    CHECK(accounts::parse_access_secrets(*text).value() == secrets);
}

TEST(access_secrets, a_changed_byte_is_noticed) {
    std::string text = accounts::access_secrets_text(secrets).value();
    for (std::size_t at = 0; at < text.size(); at += 7) {
        std::string damaged = text;
        damaged[at] = static_cast<char>(damaged[at] ^ 1);
        CHECK_FALSE(accounts::parse_access_secrets(damaged).has_value());
    }
    CHECK_FALSE(accounts::parse_access_secrets(text.substr(0, text.size() - 1)).has_value());
}

TEST(access_secrets, what_is_out_of_form_is_not_written) {
    for (const AccessSecret& odd :
         {AccessSecret{SecretKind::user, "tanaka", "8846"}, AccessSecret{SecretKind::user, "a b", std::string(32, 'a')},
          AccessSecret{SecretKind::user, "", std::string(32, 'a')},
          AccessSecret{SecretKind::user, "a\nb", std::string(32, 'a')}, AccessSecret{SecretKind::radius, "nps", "ABCD"},
          AccessSecret{SecretKind::radius, "nps", "abc"}}) {
        CHECK_FALSE(accounts::access_secrets_text({odd}).has_value());
    }
    CHECK_FALSE(accounts::access_secrets_text({secrets[0], secrets[0]}).has_value());
}

TEST(access_secrets, passwords_and_secrets_have_a_form) {
    STRCMP_EQUAL("", accounts::why_no_access_password("Lamp.vR7 quiet").c_str());
    for (const char* password : {"", "short", " in front of it", "behind it ", "w\xc3\xb6rd of eight"}) {
        CHECK_FALSE(accounts::why_no_access_password(password).empty());
    }
    STRCMP_EQUAL("", accounts::why_no_shared_secret("sixteen of these").c_str());
    CHECK_FALSE(accounts::why_no_shared_secret("fifteen of them").empty());
}
