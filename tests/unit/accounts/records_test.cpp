// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/accounts/records.hpp"
#include "policy/base/sha256.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::accounts;

namespace {

const Credential kOne{"admin", "$y$j9T$LVgn.DxpeCD9lrRYbmTqG/$abc.DEF/0123456789", Time::from_seconds(1'795'000'000),
                      true};
const Credential kOther{"tanaka", "$y$j9T$x$y", Time::from_seconds(0), false};

std::string sealed(const std::string& body) {
    return "# sha256 " + sha256_hex(body) + "\n" + body;
}

} // namespace

TEST_GROUP(records){};

TEST(records, credentials_survive_their_text) {
    const std::vector<Credential> written{kOne, kOther};
    const auto read = parse_credentials(credentials_text(written).value());
    CHECK(read.has_value());
    CHECK(*read == written);
    CHECK(parse_credentials(credentials_text({}).value())->empty());
}

TEST(records, user_ids_survive_their_text) {
    const std::vector<UserId> written{{"tanaka", 2001}, {"suzuki", 2004}};
    const auto read = parse_user_ids(user_ids_text(written).value());
    CHECK(read.has_value());
    CHECK(*read == written);
}

TEST(records, every_changed_byte_is_noticed) {
    const std::string text = credentials_text({kOne}).value();
    for (std::size_t position = 0; position < text.size(); ++position) {
        std::string changed = text;
        changed[position] = static_cast<char>(changed[position] ^ 1);
        CHECK_FALSE(parse_credentials(changed).has_value());
        CHECK_FALSE(parse_credentials(text.substr(0, position)).has_value());
    }
    CHECK_FALSE(parse_credentials(text + "\n").has_value());
    CHECK_FALSE(parse_credentials("").has_value());
    CHECK_FALSE(parse_credentials(std::string(4096, '\0')).has_value());
}

TEST(records, another_version_or_kind_is_not_read) {
    CHECK(parse_user_ids(sealed("sekisho-accounts 1\ntanaka 2001\n")).has_value());
    CHECK_FALSE(parse_user_ids(sealed("sekisho-accounts 2\ntanaka 2001\n")).has_value());
    CHECK_FALSE(parse_credentials(sealed("sekisho-accounts 1\n")).has_value());
}

TEST(records, entries_out_of_form_are_not_read) {
    for (const char* lines :
         {"tanaka 2000\n", "tanaka 2001", "tanaka 2001\n\n", "tanaka 02001\n", "tanaka 6096\n", "Tanaka 2001\n",
          "tanaka 2001 x\n", "tanaka 2001\nsuzuki 2001\n", "tanaka 2002\nsuzuki 2001\n", "admin 2001\n",
          "tanaka 2001\ntanaka 2002\n", "tanaka\n", " 2001\n", "tanaka 99999999999999999999\n"}) {
        CHECK_FALSE(parse_user_ids(sealed(std::string("sekisho-accounts 1\n") + lines)).has_value());
    }
    const std::string time = " 2026-11-23T00:00:00.000000Z ";
    CHECK(parse_credentials(sealed("sekisho-credentials 1\nadmin $y$x" + time + "synchronised\n")).has_value());
    for (const std::string& line :
         {"admin x" + time + "synchronised\n", "admin $y$x" + time + "maybe\n",
          std::string("admin $y$x 2026-11-23T00:00:00Z synchronised\n"), "admin  $y$x" + time + "synchronised\n",
          "admin $y$\xff" + time + "synchronised\n", "admin $6$x" + time + "synchronised\n",
          "admin $y$x" + time + "synchronised\nadmin $y$y" + time + "synchronised\n"}) {
        CHECK_FALSE(parse_credentials(sealed("sekisho-credentials 1\n" + line)).has_value());
    }
}

TEST(records, what_could_not_be_read_is_not_written) {
    CHECK_FALSE(credentials_text({kOne, kOne}).has_value());
    CHECK_FALSE(credentials_text({{"a b", "$y$x", {}, true}}).has_value());
    CHECK_FALSE(credentials_text({{"admin", "$y$x\nroot $y$y", {}, true}}).has_value());
    CHECK_FALSE(credentials_text({{"admin", "", {}, true}}).has_value());
    CHECK_FALSE(user_ids_text({{"tanaka", 2002}, {"suzuki", 2001}}).has_value());
    CHECK_FALSE(user_ids_text({{"admin", 2001}}).has_value());
}

TEST(records, names_of_accounts) {
    for (const char* name : {"a", "tanaka", "vendor-2", "x_y", "abcdefghijklmnopqrstuvwxyz01234"}) {
        CHECK(is_account_name(name));
    }
    for (const char* name :
         {"", "A", "2a", "-a", "a b", "a.b", "abcdefghijklmnopqrstuvwxyz012345", "a\n", "\xe5\xb1\xb1"}) {
        CHECK_FALSE(is_account_name(name));
    }
}
