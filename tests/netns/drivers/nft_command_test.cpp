// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/netfilter/netlink.hpp"
#include "drivers/netfilter/nft_command.hpp"
#include "tests/netns/drivers/sandbox.hpp"

#include <cerrno>

#include <CppUTest/TestHarness.h>
#include <sys/wait.h>

using namespace sekisho;
using namespace sekisho::test;
using drivers::NftOutcome;

TEST_GROUP(nft_command) {
    Sandbox sandbox;
};

TEST(nft_command, a_child_that_takes_too_long_is_stopped) {
    const auto outcome = drivers::run_nft("add table inet sekisho\n", std::chrono::milliseconds(0));
    CHECK_TRUE(outcome.has_value());
    CHECK_TRUE(outcome->kind == NftOutcome::Kind::unknown);
    STRCMP_EQUAL("nft took longer than 0 ms", outcome->report.c_str());
    CHECK_EQUAL(-1, waitpid(-1, nullptr, WNOHANG));
    CHECK_EQUAL(ECHILD, errno);
}

TEST(nft_command, the_generation_tells_a_commit_from_a_refusal) {
    auto netlink = drivers::Netlink::open();
    CHECK_TRUE(netlink.has_value());
    const auto before = netlink->generation();
    CHECK_TRUE(drivers::run_nft("add table inet sekisho\n")->kind == NftOutcome::Kind::accepted);
    const auto after = netlink->generation();
    CHECK_TRUE(*after != *before);
    CHECK_TRUE(drivers::run_nft("add chain inet absent c\n")->kind == NftOutcome::Kind::refused);
    CHECK_TRUE(drivers::run_nft("this is no rule\n")->kind == NftOutcome::Kind::refused);
    CHECK_EQUAL(*after, *netlink->generation());
}

TEST(nft_command, an_error_names_the_rule_by_its_comment) {
    const std::string text =
        "table inet sekisho {\n  chain c {\n    tcp dport 99999 accept comment \"service.web.allow\"\n  }\n}\n";
    const auto outcome = drivers::run_nft(text);
    CHECK_TRUE(outcome->kind == NftOutcome::Kind::refused);
    const Error error = drivers::error_from_report(text, outcome->report);
    STRCMP_EQUAL("service.web.allow", error.place().c_str());
    CHECK_TRUE_TEXT(error.cause().find("(at \"99999\")") != std::string::npos, error.message().c_str());
}

TEST(nft_command, an_error_without_a_rule_names_the_line) {
    const std::string text =
        "add table inet sekisho\nadd chain inet sekisho c { type nonsense hook input priority 0; }\n";
    const Error error = drivers::error_from_report(text, drivers::run_nft(text)->report);
    STRCMP_EQUAL("nft line 2", error.place().c_str());
}

TEST(nft_command, a_report_of_another_form_is_kept_whole) {
    const Error error = drivers::error_from_report("add table inet x\n", "netlink: no such thing");
    STRCMP_EQUAL("kernel: netlink: no such thing", error.message().c_str());
    STRCMP_EQUAL("kernel: nft refused without a message", drivers::error_from_report("", "").message().c_str());
}
