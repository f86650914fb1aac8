// SPDX-License-Identifier: GPL-2.0-or-later
// Keys and certificates are pasted, and so are things that look like them.
#include "policy/base/text.hpp"
#include "policy/config/parser.hpp"
#include "policy/config/printer.hpp"
#include "tests/unit/config/samples.hpp"
#include "tests/unit/config/text_check.hpp"

using namespace sekisho;
using namespace sekisho::config;
using namespace sekisho::test;

namespace {

/// The least that a whole configuration must have; tests put their statements behind it, on line 2.
constexpr std::string_view kLeast = "interfaces { interface wan0 { dhcp; } } zones { wan { interface wan0; } }\n";

template <typename... Pieces>
std::string behind_least(const Pieces&... pieces) {
    return text::concat(kLeast, pieces...);
}

std::string report(std::string_view text) {
    Diagnostics diagnostics;
    const auto tree = parse(text, diagnostics);
    CHECK_EQUAL(!diagnostics.has_errors(), tree.has_value());
    return diagnostics.text("c");
}

Tree tree_of(std::string_view text) {
    Diagnostics diagnostics;
    auto tree = parse(text, diagnostics);
    CHECK_SAME("", diagnostics.text("c"));
    CHECK(tree.has_value());
    return *std::move(tree);
}

std::string with_certificate(std::string_view quoted) {
    return behind_least("log { server a { host 10.0.1.20; certificate ", quoted, " } }\n");
}

} // namespace

TEST_GROUP(pasted_certificate){};

TEST(pasted_certificate, is_read_over_its_lines) {
    const Tree tree = tree_of(behind_least("log { server a { host 10.0.1.20; certificate \"", kCertificate,
                                           "\";\n    certificate \"\n", kOtherCertificate, "\n\"; } files 3; }\n"));
    const Node& server = *tree.find("log")->find("server");
    CHECK_SAME(kCertificate, server.all("certificate").at(0)->value);
    CHECK_SAME(kOtherCertificate, server.all("certificate").at(1)->value);
    CHECK(server.find("certificate")->value_place == (Place{2, 46}));
    CHECK_SAME("3", tree.find("log")->find("files")->value);
    CHECK(tree.find("log")->find("files")->place == (Place{23, 6}));
}

TEST(pasted_certificate, printed_text_parses_to_the_same_tree) {
    const Tree tree =
        tree_of(behind_least("log { server a { host log.example; certificate \"", kCertificate, "\"; } }\n",
                             "account tanaka { ssh-key \"", kEd25519, " Tanaka's \\\"PC\\\"\"; }"));
    const std::string printed = print(tree);
    CHECK(tree_of(printed) == tree);
    CHECK_SAME(printed, print(tree_of(printed)));
    CHECK_HOLDS(text::concat("        certificate \"", kCertificate, "\";\n"), printed);
}

TEST(pasted_certificate, one_line_of_a_difference_names_it_by_its_fingerprint) {
    const auto changes = diff(tree_of(with_certificate(text::concat("\"", kOtherCertificate, "\";"))),
                              tree_of(with_certificate(text::concat("\"", kCertificate, "\";"))));
    CHECK_EQUAL(2u, changes.size());
    CHECK_HOLDS("- set log server a certificate SHA-256=A8:7E:E3:9D:", changes.at(0));
    CHECK_SAME(text::concat("+ set log server a certificate SHA-256=", kFingerprint), changes.at(1));
}

TEST(pasted_certificate, twice_is_refused_without_showing_it) {
    const std::string text = behind_least("log { server a { host 10.0.1.20;\ncertificate \"", kCertificate,
                                          "\";\ncertificate \"", kCertificate, "\"; } }");
    CHECK_SAME(
        "c:14:1: error: log server a: 'certificate' stands already on line 3\n    hint: take one of them away\n1 "
        "error\n",
        report(text));
}

TEST(pasted_certificate, two_in_one_text) {
    CHECK_SAME("c:2:46: error: log server a: certificate: the text holds more than one certificate\n    hint: write a "
               "statement for each certificate\n1 error\n",
               report(with_certificate(text::concat("\"", kCertificate, "\n", kOtherCertificate, "\";"))));
}

TEST(pasted_certificate, without_its_closing_quote) {
    const std::string told =
        "c:2:46: error: the text that begins here is not closed\n    hint: close it with \" behind "
        "its last line\n1 error\n";
    CHECK_SAME(told, report(with_certificate(text::concat("\"", kCertificate, ";"))));
    CHECK_SAME(told, report(with_certificate(text::concat("\"", kCertificate, "\n"))));
    CHECK_SAME(told, report(with_certificate(text::concat("\"", kCertificate, " # the clinic's\n;"))));
    CHECK_HOLDS("c:2:46: error: the text that begins here is not closed",
                report(behind_least("log { server a { host 10.0.1.20; certificate \"", kCertificate)));
}

TEST(pasted_certificate, without_any_quotes) {
    CHECK_HOLDS(
        "c:2:46: error: log server a: certificate: the value is not in quotes\n    hint: expected: certificate in "
        "PEM form in double quotes",
        report(with_certificate(text::concat(kCertificate, ";"))));
}

TEST_GROUP(pasted_key){};

TEST(pasted_key, without_quotes) {
    CHECK_SAME(
        "c:2:26: error: account tanaka: ssh-key: the value is not in quotes\n    hint: expected: OpenSSH public key "
        "in double quotes, as \"ssh-ed25519 AAAA… name\"\n1 error\n",
        report(behind_least("account tanaka { ssh-key ", kEd25519, " tanaka@pc; }")));
}

TEST(pasted_key, two_in_one_statement) {
    CHECK_HOLDS("behind 'ssh-key'\n    hint: write one statement for each: ssh-key; ssh-key VALUE;",
                report(behind_least("account tanaka { ssh-key \"", kEd25519, "\" \"", kEcdsa256, "\"; }")));
}

TEST(pasted_key, private_keys_are_never_quoted_wherever_they_are_pasted) {
    for (const std::string_view key : {kPrivateKey, kPrivateSshKey}) {
        const std::string quoted = text::concat("\"", key, "\"");
        const std::string on_own_lines = text::concat("\"\n", key, "\n\"");
        const std::string open = text::concat("\"", key);
        for (const std::string& value : {quoted, on_own_lines, open, std::string(key)}) {
            for (const std::string& text :
                 {behind_least("account tanaka { ssh-key ", value, "; }"),
                  behind_least("account tanaka { description ", value, "; }"), behind_least("account ", value, " { }"),
                  behind_least("account tanaka { ", value, "; }"),
                  behind_least("account tanaka { ssh-kee ", value, "; }"),
                  behind_least("account tanaka { ssh-key \"", kEd25519, "\" ", value, "; }"),
                  behind_least("management { ssh { from ", value, "; } }"), behind_least(value, ";"),
                  behind_least(value), with_certificate(value), with_certificate(value + ";"),
                  with_certificate(text::concat("\"", kCertificate, "\" ", value, ";")),
                  with_certificate(text::concat("\"", kCertificate, "\"\n", value, ";"))}) {
                const std::string told = report(text);
                CHECK_HOLDS("error", told);
                CHECK_FALSE(told.contains("c2VjcmV0"));
            }
        }
    }
}

TEST(pasted_key, a_private_key_is_called_one) {
    CHECK_HOLDS("c:2:26: error: account tanaka: ssh-key: this is a private key, and the public one is wanted",
                report(behind_least("account tanaka { ssh-key \"", kPrivateSshKey, "\"; }")));
    CHECK_HOLDS("c:2:46: error: log server a: certificate: this is a private key, and a certificate is wanted",
                report(with_certificate(text::concat("\"", kPrivateKey, "\";"))));
}

TEST_GROUP(pasted_elsewhere){};

TEST(pasted_elsewhere, several_lines_are_for_certificates_alone) {
    CHECK_SAME("c:2:30: error: account tanaka: description: the text that begins here is not closed on its line\n    "
               "hint: close it with \"\n1 error\n",
               report(behind_least("account tanaka { description \"", kCertificate, "\"; }")));
    CHECK_HOLDS("the text that begins here is not closed on its line",
                report(behind_least("account tanaka { description \"two\nlines\"; }")));
    CHECK_HOLDS("the text that begins here is not closed on its line", report(with_certificate("\"two\nlines\";")));
}

TEST(pasted_elsewhere, a_text_that_begins_like_one_stays_a_text) {
    const Tree tree = tree_of(behind_least(R"(account tanaka { description "-----BEGIN \"x\"; {} # \\"; })"));
    CHECK_SAME("-----BEGIN \"x\"; {} # \\", tree.find("account")->find("description")->value);
    CHECK(tree_of(print(tree)) == tree);
    CHECK_HOLDS("control or invisible", report(behind_least("account tanaka { description \"-----BEGIN \x1b[2J\"; }")));
}

TEST(pasted_elsewhere, account_names_have_no_capitals) {
    CHECK_SAME(
        "c:2:9: error: account: 'Tanaka' is not a name of an account: a lower-case letter, then lower-case letters, "
        "digits, '-' or '_', at most 31 in all\n    hint: did you mean 'tanaka'?\n1 error\n",
        report(behind_least("account Tanaka { }")));
    for (const std::string_view name : {"_chrony", "9a", "a.b", "tanaka@pc", "a12345678901234567890123456789ab"}) {
        CHECK_HOLDS("is not a name of an account", report(behind_least("account ", name, " { }")));
    }
    CHECK_SAME("a1234567890123456789012345678-_",
               tree_of(behind_least("account a1234567890123456789012345678-_ { }")).find("account")->name());
}
