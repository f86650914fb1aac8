// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/text.hpp"
#include "policy/config/parser.hpp"
#include "policy/config/printer.hpp"
#include "tests/unit/config/text_check.hpp"

using namespace sekisho;
using namespace sekisho::config;

namespace {

constexpr std::string_view kLeast = "interfaces { interface wan0 { dhcp; } } zones { wan { interface wan0; } }\n";

constexpr std::string_view kPrinted = R"(interfaces {
    interface wan0 {
        dhcp;
    }
}

zones {
    wan {
        interface wan0;
    }
}

address-list vendor {
    description "say \"x\" \\ and more";
    address 203.0.113.0/28;
    address 203.0.113.64-203.0.113.70 {
        expires 2027-03-31;
    }
}

time {
}
)";

Tree tree_of(std::string_view text) {
    Diagnostics diagnostics;
    auto tree = parse(text, diagnostics);
    CHECK_SAME("", diagnostics.text("c"));
    CHECK(tree.has_value());
    return *std::move(tree);
}

std::string changes(std::string_view before, std::string_view after) {
    return text::join(
        diff(tree_of(std::string(kLeast) + std::string(before)), tree_of(std::string(kLeast) + std::string(after))),
        "\n");
}

std::string policies(std::initializer_list<const char*> names) {
    std::string text;
    for (const char* name : names) {
        text += text::concat("policy ", name, " { from a; to b; action allow; }\n");
    }
    return text;
}

} // namespace

TEST_GROUP(printer_braces){};

TEST(printer_braces, canonical_text) {
    const Tree tree =
        tree_of(std::string(kLeast) +
                "address-list vendor { description \"say \\\"x\\\" \\\\ and more\"; address 203.0.113.0-203.0.113.15; "
                "address 203.0.113.64-203.0.113.70 { expires 2027-03-31; } } time { }");
    CHECK_SAME(kPrinted, print(tree));
}

TEST(printer_braces, printed_text_parses_to_the_same_tree) {
    const Tree tree = tree_of(kPrinted);
    CHECK(tree_of(print(tree)) == tree);
    CHECK_SAME(kPrinted, print(tree));
}

TEST(printer_braces, trees_differ_by_content_not_by_place) {
    CHECK(tree_of(std::string("\n\n") + std::string(kPrinted)) == tree_of(kPrinted));
    CHECK_FALSE(tree_of(kLeast) == tree_of(kPrinted));
}

TEST_GROUP(printer_set_lines){};

TEST(printer_set_lines, one_line_per_leaf) {
    CHECK_SAME("set interfaces interface wan0 dhcp\n"
               "set zones wan interface wan0\n"
               "set address-list vendor description \"say \\\"x\\\" \\\\ and more\"\n"
               "set address-list vendor address 203.0.113.0/28\n"
               "set address-list vendor address 203.0.113.64-203.0.113.70 expires 2027-03-31\n"
               "set time",
               text::join(set_lines(tree_of(kPrinted)), "\n"));
}

TEST_GROUP(printer_diff){};

TEST(printer_diff, nothing_between_equal_trees) {
    CHECK_SAME("", changes("log { files 3; burst 5; }", "log { burst 5; files 3; } # order and comments don't count"));
    CHECK_SAME("", changes(policies({"a", "b"}), policies({"a", "b"})));
}

TEST(printer_diff, changed_added_removed) {
    CHECK_SAME(
        "- set log files 3\n- set address-list x address 10.0.0.1\n+ set log files 4\n+ set time server 192.0.2.1",
        changes("log { files 3; } address-list x { address 10.0.0.1; address 10.0.0.2; }",
                "log { files 4; } address-list x { address 10.0.0.2; } time { server 192.0.2.1; }"));
}

TEST(printer_diff, order_of_policies_counts) {
    CHECK_SAME("+ insert policy b before policy a", changes(policies({"a", "b"}), policies({"b", "a"})));
    CHECK_SAME("+ insert policy a after policy c", changes(policies({"a", "b", "c"}), policies({"b", "c", "a"})));
}

TEST(printer_diff, new_policy_at_the_end_needs_no_place) {
    const std::string text = changes(policies({"a"}), policies({"a", "b"}));
    CHECK_HOLDS("+ set policy b from a", text);
    CHECK(text.find("insert") == std::string::npos);
}

TEST(printer_diff, new_policy_in_front_names_its_place) {
    CHECK_HOLDS("+ insert policy b before policy a", changes(policies({"a"}), policies({"b", "a"})));
    CHECK_HOLDS("+ insert policy n after policy a", changes(policies({"a", "b"}), policies({"a", "n", "b"})));
}

TEST(printer_diff, removed_policy_moves_nothing) {
    const std::string text = changes(policies({"a", "b", "c"}), policies({"a", "c"}));
    CHECK_HOLDS("- set policy b from a", text);
    CHECK(text.find("insert") == std::string::npos);
}
