// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/config/parser.hpp"
#include "tests/unit/config/text_check.hpp"

using namespace sekisho;
using namespace sekisho::config;

namespace {

/// The least that a whole configuration must have; tests put their statements behind it, on line 2.
constexpr std::string_view kLeast = "interfaces { interface wan0 { dhcp; } } zones { wan { interface wan0; } }\n";

std::string report(std::string_view text) {
    Diagnostics diagnostics;
    const auto tree = parse(text, diagnostics);
    CHECK_EQUAL(!diagnostics.has_errors(), tree.has_value());
    return diagnostics.text("c");
}

std::string report_behind_least(std::string_view text) {
    return report(std::string(kLeast) + std::string(text));
}

Tree tree_of(std::string_view text) {
    Diagnostics diagnostics;
    auto tree = parse(text, diagnostics);
    CHECK_SAME("", diagnostics.text("c"));
    CHECK(tree.has_value());
    return *std::move(tree);
}

} // namespace

TEST_GROUP(parser_accepts){};

TEST(parser_accepts, statements_with_their_places) {
    const Tree tree = tree_of(
        std::string(kLeast) +
        "service web {\n    protocol tcp;\n    port 443;   port 8000-8010;\n    source { address-list a; }\n}\n");
    const Node* service = tree.find("service");
    CHECK(service != nullptr);
    CHECK_SAME("web", service->name());
    CHECK(service->place == (Place{2, 1}));
    CHECK(service->value_place == (Place{2, 9}));
    CHECK_EQUAL(2u, service->all("port").size());
    CHECK(service->all("port")[1]->place == (Place{4, 17}));
    CHECK_SAME("8000-8010", service->all("port")[1]->value);
    CHECK_SAME("a", service->find("source")->find("address-list")->value);
    CHECK(service->find("nothing") == nullptr);
    CHECK_SAME("wan", tree.find("zones")->children[0].name());
}

TEST(parser_accepts, comments_quotes_and_escapes) {
    const Tree tree =
        tree_of(std::string("# \xe9\x96\xa2\xe6\x89\x80\n/* a { ; \" */") + std::string(kLeast) +
                "address-list a{description \"say \\\"x\\\" \\\\ # ; {\" ;# no space needed\naddress 10.0.0.0/8;}");
    CHECK_SAME("say \"x\" \\ # ; {", tree.find("address-list")->find("description")->value);
}

TEST(parser_accepts, entry_with_and_without_block) {
    const Tree tree =
        tree_of(std::string(kLeast) +
                "address-list a { address 10.0.0.1; address 10.0.0.2 { expires 2027-03-31; } address 10.0.0.3 { } }");
    const auto entries = tree.find("address-list")->all("address");
    CHECK_EQUAL(3u, entries.size());
    CHECK_SAME("2027-03-31", entries[1]->find("expires")->value);
}

TEST(parser_accepts, multi_byte_text_in_quotes) {
    const Tree tree = tree_of(std::string(kLeast) +
                              "address-list a { description "
                              "\"\xe9\x9b\xbb\xe5\xad\x90\xe3\x82\xab\xe3\x83\xab\xe3\x83\x86\"; address 10.0.0.1; }");
    CHECK_SAME("\xe9\x9b\xbb\xe5\xad\x90\xe3\x82\xab\xe3\x83\xab\xe3\x83\x86",
               tree.find("address-list")->find("description")->value);
}

TEST_GROUP(parser_refuses_input){};

TEST(parser_refuses_input, empty) {
    CHECK_SAME("c: error: the configuration is empty\n    hint: it needs at least interfaces and zones\n1 error\n",
               report(""));
    CHECK_HOLDS("the configuration is empty", report(" \n\t# only a comment\n/* and another */\n"));
}

TEST(parser_refuses_input, too_large_without_reading_it) {
    std::string text(kMostBytes, ' ');
    CHECK_HOLDS("the configuration is empty", report(text));
    text += '\xff';
    CHECK_SAME("c: error: the configuration has 4194305 bytes; at most 4194304 are read\n1 error\n", report(text));
}

TEST(parser_refuses_input, binary) {
    CHECK_HOLDS("c:2:3: error: this is not text: it has a NUL byte", report(std::string_view("a;\nb;\0c", 7)));
    CHECK_HOLDS("c:1:5: error: this is not text: it has a NUL byte", report(std::string_view("\x7f"
                                                                                             "ELF\0\1",
                                                                                             6)));
}

TEST(parser_refuses_input, carriage_returns) {
    CHECK_HOLDS("c:1:6: error: the text has a carriage return", report("log {\r\nfiles 3;\r\n}\r\n"));
    CHECK_HOLDS("c:1:15: error: the text has a carriage return", report("log { files 3;\rfiles 4; }"));
    CHECK_HOLDS("c:1:10: error: the text has a carriage return", report("# comment\r\n"));
}

TEST(parser_refuses_input, control_characters) {
    CHECK_HOLDS("c:2:1: error: control character 0x1b outside a comment", report_behind_least("\x1b[2J;"));
    CHECK_HOLDS("control or invisible formatting characters",
                report_behind_least("address-list a { description \"a\x1b[2J\"; address 10.0.0.1; }"));
    CHECK_HOLDS("control or invisible formatting characters",
                report_behind_least("address-list a { description \"a\xe2\x80\xae"
                                    "b\"; address 10.0.0.1; }"));
}

TEST(parser_refuses_input, other_encodings) {
    CHECK_HOLDS("c:1:2: error: this is not UTF-8 text: byte 0x83", report("#\x83\x4a\x83\x8b"));
    CHECK_HOLDS("this is not UTF-8 text: byte 0xc0", report("#\xc0\xaf"));
    CHECK_HOLDS("this is not UTF-8 text: byte 0xed", report("#\xed\xa0\x80"));
    CHECK_HOLDS("this is not UTF-8 text: byte 0xe9", report("#\xe9\x96"));
    CHECK_HOLDS("this is not UTF-8 text: byte 0xff", report(std::string_view("\xff\xfe"
                                                                             "a\0",
                                                                             4)));
}

TEST(parser_refuses_input, byte_order_mark) {
    CHECK_HOLDS("c:1:1: error: the text begins with a byte order mark", report("\xef\xbb\xbf" + std::string(kLeast)));
}

TEST(parser_refuses_input, deep_nesting_without_stack) {
    std::string text;
    for (int level = 0; level < 100000; ++level) {
        text += "a { ";
    }
    CHECK_HOLDS("blocks are nested more than 16 deep", report(text));
    CHECK_HOLDS("blocks are nested more than 16 deep", report(std::string(500000, '{')));
    CHECK_HOLDS("200 are shown", report(std::string(500000, '}')));
}

TEST(parser_refuses_input, many_errors_in_little_time) {
    std::string text;
    while (text.size() < kMostBytes - 10) {
        text += "prot 1;";
    }
    CHECK_HOLDS("(the first 200 are shown)", report(text));
}

TEST_GROUP(parser_refuses_statement){};

TEST(parser_refuses_statement, unknown_key_with_the_nearest) {
    const std::string text = report_behind_least("service web {\n  prot tcp;\n  source { address-list a; }\n}");
    CHECK_SAME("c:3:3: error: service web: unknown parameter 'prot'\n    hint: did you mean 'protocol'?\n1 error\n",
               text);
    CHECK_HOLDS("did you mean 'protocol'?", report_behind_least("service web { protocl tcp; }"));
}

TEST(parser_refuses_statement, unknown_key_without_a_near_one_lists_what_is_known) {
    CHECK_SAME("c:2:7: error: log: unknown parameter 'zzzzzzzz'\n    hint: known here: file-size, files, per-minute, "
               "burst, ipv4-prefix, ipv6-prefix, server\n1 error\n",
               report_behind_least("log { zzzzzzzz { a { b; } } files 3; }"));
}

TEST(parser_refuses_statement, missing_required_unless_misspelt) {
    CHECK_SAME("c:2:1: error: service web: 'protocol' is missing\n    hint: it is written: protocol VALUE; (tcp, udp, "
               "icmp, icmpv6, gre, esp, ah, sctp)\n1 error\n",
               report_behind_least("service web { port 443; }"));
    CHECK_SAME("c:2:15: error: service web: unknown parameter 'protocl'\n    hint: did you mean 'protocol'?\n1 error\n",
               report_behind_least("service web { protocl tcp; }"));
    CHECK_HOLDS("c: error: 'zones' is missing", report("interfaces { interface wan0 { dhcp; } }"));
}

TEST(parser_refuses_statement, bad_value_names_key_and_section) {
    CHECK_SAME("c:2:34: error: service web: port: '70000' is not a port from 1 to 65535 or range of ports, as 443 or "
               "8000-8010\n1 error\n",
               report_behind_least("service web { protocol tcp; port 70000; }"));
}

TEST(parser_refuses_statement, every_error_is_collected) {
    const std::string text =
        report_behind_least("service web { protocol tpc; port 0; log never; }\nlog { files x; }\nnothing;");
    CHECK_HOLDS("5 errors", text);
}

TEST(parser_refuses_statement, missing_semicolon) {
    CHECK_SAME("c:3:13: error: log: missing ';' behind 'files 3'\n1 error\n",
               report_behind_least("log {\n     files 3\n     burst 5;\n}"));
    CHECK_SAME("c:2:14: error: log: missing ';' behind 'files 3'\n1 error\n", report_behind_least("log { files 3}"));
}

TEST(parser_refuses_statement, missing_value) {
    CHECK_SAME("c:2:12: error: log: 'files' needs a value\n    hint: expected: whole number from 1 to 1000\n1 error\n",
               report_behind_least("log { files; burst 5; }"));
    CHECK_SAME("c:3:6: error: log: 'files' needs a value\n    hint: expected: whole number from 1 to 1000\n1 error\n",
               report_behind_least("log {\nfiles\nburst 5; }"));
    CHECK_HOLDS("'service' needs a name", report_behind_least("service { protocol tcp; }"));
}

TEST(parser_refuses_statement, more_than_one_value) {
    CHECK_SAME("c:2:38: error: service web: unexpected '444' behind 'port 443'\n    hint: write one statement for "
               "each: port 443; port 444;\n1 error\n",
               report_behind_least("service web { protocol tcp; port 443 444; }"));
    CHECK_HOLDS("hint: it is written: files VALUE;", report_behind_least("log { files 3 4; }"));
    CHECK_HOLDS("expected '{' behind 'system'", report_behind_least("system a { }"));
    CHECK_HOLDS("'files 3' has no block", report_behind_least("log { files 3 { burst 5; } }"));
    CHECK_HOLDS("expected '{' behind 'service web'", report_behind_least("service web;"));
    CHECK_HOLDS("unexpected 'yes' behind 'dhcp'",
                report("interfaces { interface wan0 { dhcp yes; } } zones { wan { interface wan0; } }"));
}

TEST(parser_refuses_statement, duplicates_name_the_first_place) {
    CHECK_SAME("c:3:1: error: log: 'files' stands already on line 2\n    hint: 'files' can stand once here\n1 error\n",
               report_behind_least("log { files 3;\nfiles 3; }"));
    CHECK_HOLDS("c:3:1: error: 'address-list a' stands already on line 2",
                report_behind_least("address-list a { address 10.0.0.1; }\naddress-list a { address 10.0.0.2; }"));
    CHECK_HOLDS("'log' stands already on line 2", report_behind_least("log { files 3; }\nlog { burst 3; }"));
    CHECK_HOLDS("'port 443' stands already on line 2",
                report_behind_least("service a { protocol tcp; port 443; port 443-443; }"));
    CHECK_HOLDS(
        "zones: 'wan' stands already on line 1",
        report("interfaces { interface wan0 { dhcp; } } zones { wan { interface wan0; } wan { interface wan0; } }"));
}

TEST(parser_refuses_statement, unclosed_text_comment_and_block) {
    CHECK_SAME(
        "c:2:30: error: the text that begins here is not closed on its line\n    hint: close it with \"\n1 error\n",
        report_behind_least("address-list a { description \"abc;\naddress 10.0.0.1; }"));
    CHECK_HOLDS("c:2:1: error: the comment that begins here is not closed", report_behind_least("/* log { files 3; }"));
    CHECK_HOLDS("c:2:1: error: log: the block that begins here is not closed", report_behind_least("log { files 3;"));
    CHECK_HOLDS("this backslash means nothing",
                report_behind_least("address-list a { description \"C:\\x\"; address 10.0.0.1; }"));
}

TEST(parser_refuses_statement, stray_punctuation) {
    CHECK_HOLDS("c:2:1: error: '}' closes nothing", report_behind_least("}"));
    CHECK_HOLDS("c:2:1: error: ';' without a statement in front of it", report_behind_least(";"));
    CHECK_HOLDS("c:2:1: error: '{' without a parameter in front of it", report_behind_least("{ files 3; }"));
    CHECK_HOLDS("expected a parameter, found a text in quotes", report_behind_least("\"log\" { files 3; }"));
}

TEST(parser_refuses_statement, characters_outside_quotes) {
    CHECK_SAME("c:2:14: error: this character can only stand in a quoted text or a comment\n1 error\n",
               report_behind_least("address-list \xe4\xbe\x8b { address 10.0.0.1; }"));
}
