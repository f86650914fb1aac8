// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/accounts/password_rules.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho::accounts;

namespace {

constexpr PasswordContext kContext{"tanaka", "gate-3", "Sekisho"};

std::vector<std::string> objections(std::string_view password) {
    return objections_to_password(password, kContext);
}

bool objects(std::string_view password, std::string_view word) {
    const auto found = objections(password);
    for (const std::string& sentence : found) {
        if (sentence.contains(word)) {
            return true;
        }
    }
    return false;
}

} // namespace

TEST_GROUP(password_rules){};

TEST(password_rules, good_passwords_are_taken) {
    for (const char* password :
         {"vR7.quiet-Lamp", "Blue4Kettle.Moth", "xk2:9Fzq;Mv4w", "seven pale otters climbed",
          "liberty-property-77-gulls", "83492017560284710693",
          "\xe5\xb1\xb1\xe3\x81\xae\xe4\xb8\x8a\xe3\x81\xae Kumo 1 tsu x", "Password-vjkqmrt-99"}) {
        const auto found = objections(password);
        CHECK_TEXT(found.empty(), (std::string(password) + ": " + (found.empty() ? "" : found.front())).c_str());
    }
}

TEST(password_rules, thirteen_mixed_or_twenty_of_any_kind) {
    CHECK(objections("vR7.quietLmp9").empty());        // 13
    CHECK(objects("vR7.quietLmp", "at least 13"));     // 12
    CHECK(objects("vrqquiet.lampen", "three of"));     // two kinds
    CHECK(objects("vrqquietflampenwozb", "three of")); // 19
    CHECK(objections("vrqquietflampenwozbi").empty()); // 20
}

TEST(password_rules, lengths_count_characters) {
    // twelve characters in 36 bytes
    CHECK(objects("\xe5\xb1\xb1\xe5\xb7\x9d\xe7\x94\xb0\xe9\x87\x8e\xe6\x9c\xa8\xe6\x9e\x97\xe6\xb0\xb4\xe7\x81\xab"
                  "\xe5\x9c\x9f\xe9\x87\x91\xe6\x9c\x88\xe6\x97\xa5",
                  "has 12 characters"));
}

TEST(password_rules, what_is_not_typed_is_refused) {
    CHECK(objects("vR7.quiet-Lamp\n", "control"));
    CHECK(objects(std::string_view("vR7.quiet\0-Lamp", 15), "control"));
    CHECK(objects("vR7.quiet-Lamp\xe2\x80\x8b", "invisible"));
    CHECK(objects("vR7.quiet-Lamp\xff", "UTF-8"));
    CHECK(objects("vR7.quiet-Lamp\xe3\x81", "UTF-8"));
    CHECK(objects(std::string(120, 'x') + "aB3.efgh9", "longer than 128"));
    CHECK(objects("", "at least 13"));
}

TEST(password_rules, weak_words_in_any_spelling) {
    for (const char* password :
         {"Password12345!", "PASSWORD-2026-x", "Pa$$w0rd99999!", "p4ssw0rd!P4ssw0rd", "Adm1n1strator!!",
          "We1come-Hospital-1", "C1inic-Router-2026!", "letmein-letmein-LetMeIn1", "Correct Horse Battery Staple",
          "Kanrisha2026!!", "Changeme-20261123", "!!Summer2026!!xY"}) {
        CHECK_TEXT(objects(password, "tried first"), password);
    }
}

TEST(password_rules, names_in_any_spelling) {
    CHECK(objects("my-Tanaka-9-otters", "name of the account"));
    CHECK(objects("T4n4k4.vqRx.81jw", "name of the account"));
    CHECK(objects("xq.SEKISH0.vR7-wm", "name of the product"));
    CHECK(objects("vR7 the gate 3 olm", "host name"));
    // a name of three letters is in too many words
    CHECK(objections_to_password("vR7.quiet-Lamp", {"lam", "", "Sekisho"}).empty());
}

TEST(password_rules, walks_are_refused) {
    for (const char* password :
         {"Qwertyuiop123!", "1qaz2wsx3edc4rfv", "!QAZ2wsx#EDC4rfv", "asdfgHJKL-9.xw", "zxcvB.7wRk.pD2", "Abc123Def456!",
          "vR.9876543.Lmqw", "a!@#$%^B7.kwoe", "mnbvcxz.LKJHgfdsa.9", "Efghijklmno1!"}) {
        CHECK_TEXT(objects(password, "follows the keys"), password);
    }
}

TEST(password_rules, repetitions_are_refused) {
    for (const char* password : {"Vb7.Vb7.Vb7.Vb7.", "kRt!!!!wPz92vm", "Ab1.Ab1.Ab1.A", "aAbBaAbBbAaAb1",
                                 "83479283479283479283", "vR7.quietvR7.quiet"}) {
        CHECK_TEXT(objects(password, "repeats itself"), password);
    }
}

TEST(password_rules, all_objections_are_told_and_none_repeats_the_password) {
    const auto found = objections("Tanaka12345");
    CHECK(found.size() >= 3);
    for (const std::string& sentence : found) {
        CHECK_FALSE(sentence.contains("anaka"));
        CHECK_FALSE(sentence.contains("12345"));
        CHECK(sentence.ends_with('.'));
    }
}
