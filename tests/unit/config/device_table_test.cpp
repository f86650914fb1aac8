// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/text.hpp"
#include "policy/config/device_table.hpp"
#include "policy/config/parser.hpp"
#include "policy/config/printer.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::config;

namespace {

constexpr std::string_view kBase = R"(interfaces { interface wan0 { dhcp; } }
zones { wan { interface wan0; } }
port-access {
    device 00:11:22:33:44:55 { name "CR unit"; role office; inactivity never; }
    device 00:11:22:33:44:56 { name "desk"; }
}
)";

struct Merged {
    std::string text;
    std::string errors;
    DeviceCounts counts;
};

Merged merge(std::string_view csv, std::string_view base = {}) {
    Diagnostics diagnostics;
    Tree tree = base.empty() ? Tree{} : parse(base, diagnostics).value();
    Merged merged;
    if (auto table = read_device_table(csv, diagnostics)) {
        merged.counts = merge_devices(*std::move(table), tree, diagnostics);
        merged.text = print(tree);
    }
    merged.errors = diagnostics.text("f");
    return merged;
}

void refused(const char* expected, std::string_view csv) {
    STRCMP_CONTAINS(expected, merge(csv).errors.c_str());
}

} // namespace

TEST_GROUP(device_table){};

TEST(device_table, columns_come_in_any_order_and_spelling) {
    const auto merged = merge(" Port ,NAME,Mac\nlan1,desk,00-11-22-33-44-AA\n");
    STRCMP_EQUAL("", merged.errors.c_str());
    STRCMP_EQUAL(
        "port-access {\n    device 00:11:22:33:44:aa {\n        name \"desk\";\n        port lan1;\n    }\n}\n",
        merged.text.c_str());
    LONGS_EQUAL(1, merged.counts.added);
}

TEST(device_table, texts_are_quoted_by_the_printer_and_read_back) {
    const auto merged = merge("mac,name,note\n00:11:22:33:44:55,\"a \"\"b\"\" \\ c; }\",=HYPERLINK(1)\n");
    STRCMP_EQUAL("", merged.errors.c_str());
    STRCMP_CONTAINS("name \"a \\\"b\\\" \\\\ c; }\";", merged.text.c_str());
    STRCMP_CONTAINS("note \"=HYPERLINK(1)\";", merged.text.c_str());
    Diagnostics diagnostics;
    const auto tree = parse(merged.text + std::string(kBase).substr(0, kBase.find("port-access")), diagnostics);
    CHECK_TEXT(tree.has_value(), diagnostics.text("f").c_str());
}

TEST(device_table, a_table_wins_where_it_has_a_column) {
    const auto merged = merge("mac,name,role\n00:11:22:33:44:55,CR unit,\n00:11:22:33:44:56,desk,\n"
                              "00:11:22:33:44:57,server,office\n",
                              kBase);
    STRCMP_EQUAL("", merged.errors.c_str());
    LONGS_EQUAL(1, merged.counts.added);
    LONGS_EQUAL(1, merged.counts.changed);
    LONGS_EQUAL(1, merged.counts.same);
    STRCMP_CONTAINS("device 00:11:22:33:44:55 {\n        name \"CR unit\";\n        inactivity never;\n    }",
                    merged.text.c_str());
}

TEST(device_table, a_name_is_needed_unless_the_entry_has_one) {
    STRCMP_EQUAL("", merge("mac,owner\n00:11:22:33:44:56,front office\n", kBase).errors.c_str());
    STRCMP_CONTAINS("f:2:1: error: device 00:11:22:33:44:57: name is missing",
                    merge("mac,owner\n00:11:22:33:44:57,front office\n", kBase).errors.c_str());
}

TEST(device_table, what_has_no_value_is_yes_or_no) {
    const auto merged = merge("mac,name,critical\n00:11:22:33:44:57,pump,yes\n00:11:22:33:44:58,desk,no\n");
    STRCMP_EQUAL("", merged.errors.c_str());
    STRCMP_CONTAINS("name \"pump\";\n        critical;\n", merged.text.c_str());
    STRCMP_CONTAINS("name \"desk\";\n    }", merged.text.c_str());
    refused("f:2:24: error: column critical: '1' is not yes or no", "mac,name,critical\n00:11:22:33:44:57,pump,1\n");
}

TEST(device_table, errors_name_line_and_column) {
    refused("f:1:5: error: there is no column 'nam'\n    hint: did you mean 'name'?", "mac,nam\n");
    refused("f:1:1: error: column 'mac' is missing", "name\ndesk\n");
    refused("f:1:5: error: column 'mac' is there twice", "mac,mac\n");
    refused("hint: columns are separated by commas", "mac;name;port\n");
    refused("f:2:1: error: column mac: '0011.2233.4455' is not a MAC address", "mac,name\n0011.2233.4455,desk\n");
    refused("f:4:1: error: column mac: 00:11:22:33:44:55 is in line 2 already",
            "mac,name\n00:11:22:33:44:55,desk\n00:11:22:33:44:56,desk\n00-11-22-33-44-55,desk\n");
    refused("f:2:24: error: column expires: ", "mac,name,expires\n00:11:22:33:44:55,desk,2027/3/31\n");
    refused("hint: a date is written 2027-03-31", "mac,name,expires\n00:11:22:33:44:55,desk,2027/3/31\n");
    refused("f:2:19: error: this line has 3 fields, the header has 1", "mac\n00:11:22:33:44:55,CR unit, room 2\n");
    refused("f:2:19: error: column name: the field has a line break", "mac,name\n00:11:22:33:44:55,\"two\nlines\"\n");
    refused("column name: the field has a line break or another", "mac,name\n00:11:22:33:44:55,a\xe2\x80\xae"
                                                                  "b\n");
    refused("the table is empty", "\n");
}

TEST(device_table, twenty_thousand_lines_are_read) {
    std::string csv = "mac,name,role,port,owner\r\n";
    for (unsigned number = 0; number < 20'000; ++number) {
        const std::string digits = text::to_hex(number, 4);
        csv += text::concat("00:11:22:44:", digits.substr(0, 2), ":", digits.substr(2), ",device ",
                            text::to_text(number), ",modality,lan2,radiology\r\n");
    }
    const auto merged = merge(csv, kBase);
    STRCMP_EQUAL("", merged.errors.c_str());
    LONGS_EQUAL(20'000, merged.counts.added);
    CHECK(merged.text.size() <= kMostBytes);
}
