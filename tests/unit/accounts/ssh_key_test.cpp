// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/accounts/ssh_key.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho::accounts;

TEST_GROUP(ssh_key){};

// Made and shown by ssh-keygen (OpenSSH 10.0).
TEST(ssh_key, fingerprints_are_those_of_openssh) {
    const auto facts =
        facts_of_ssh_key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBzrWmAVHw4OqQkJ0LNURtQK8lijA1Ah2YE6Mus+SLtQ");
    CHECK(facts.has_value());
    STRCMP_EQUAL("ssh-ed25519", facts->type.c_str());
    STRCMP_EQUAL("SHA256:HAyIvKVkPF2mqGmrzIlxS2BYdXfXpotw6qPhZEZjyLw", facts->fingerprint.c_str());
}

TEST(ssh_key, what_is_no_key_has_no_fingerprint) {
    for (const char* text : {"", "ssh-ed25519", "ssh-ed25519 ", " AAAA", "ssh-ed25519 AAA", "ssh-ed25519 A*AA"}) {
        CHECK_FALSE(facts_of_ssh_key(text).has_value());
    }
}
