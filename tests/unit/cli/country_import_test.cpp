// SPDX-License-Identifier: GPL-2.0-or-later
// `geo import`: what is sent, from where, and what is told when it can't be.
#include "firmware/cli/start.hpp"
#include "policy/base/sha256.hpp"
#include "tests/unit/cli/fake_daemon.hpp"
#include "tests/unit/fakes/fake_terminal.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

TEST_GROUP(cli_country_import) {
    fakes::FakeClock clock;
    fakes::FakeTerminal terminal{clock};
    cli::FakeDaemon daemon;

    void setup() override {
        terminal.interactive = false;
        daemon.output = "41\n";
    }
    int program(const std::vector<std::string>& words) {
        return cli::start("sekisho", words, {daemon, clock, terminal, {}});
    }
    int line(const std::string& command) {
        return program({"-c", command});
    }
    /// What was sent in pieces, in order.
    std::string sent() {
        std::string bytes;
        for (const auto& call : daemon.calls) {
            if (call.words.size() == 4 && call.words[1] == "piece") {
                STRCMP_EQUAL("41", call.words[2].c_str());
                STRCMP_EQUAL(std::to_string(bytes.size()).c_str(), call.words[3].c_str());
                CHECK(call.payload.size() <= 512u << 10);
                bytes += call.payload;
            }
        }
        return bytes;
    }
};

TEST(cli_country_import, sends_the_input_in_pieces_and_ends_with_size_and_digest) {
    std::string whole;
    for (int i = 0; i < 41; ++i) {
        terminal.types(std::string(40'000, static_cast<char>('a' + i % 26)));
        whole += std::string(40'000, static_cast<char>('a' + i % 26));
    }
    LONGS_EQUAL(0, program({"geo", "import", "-"}));
    CHECK(sent() == whole);
    const std::vector<std::string> end{"geo-upload", "end", "41", "1640000", sha256_hex(whole)};
    LONGS_EQUAL(1, daemon.count(end));
    STRCMP_EQUAL("local", daemon.calls.back().origin.c_str());
    STRCMP_EQUAL("41\n", terminal.output.c_str());
}

TEST(cli_country_import, tells_the_daemon_of_force) {
    terminal.types("x");
    LONGS_EQUAL(0, program({"geo", "import", "-", "--force"}));
    STRCMP_EQUAL("force", daemon.calls.back().words.back().c_str());
}

TEST(cli_country_import, of_an_empty_input_is_left_to_the_daemon) {
    LONGS_EQUAL(0, program({"geo", "import", "-"}));
    LONGS_EQUAL(1, daemon.count({"geo-upload", "end", "41", "0", sha256_hex("")}));
}

TEST(cli_country_import, ends_where_the_daemon_refuses) {
    terminal.types("x");
    daemon.status = 1;
    LONGS_EQUAL(1, program({"geo", "import", "-"}));
    LONGS_EQUAL(1, daemon.calls.size());
    daemon.running = false;
    LONGS_EQUAL(1, program({"geo", "import", "-"}));
    CHECK(terminal.errors.contains("control.sock"));
}

TEST(cli_country_import, of_a_connection_that_broke_off_is_given_up) {
    terminal.types("half");
    terminal.abandoned = true;
    terminal.user = 2000;
    terminal.connection = "10.0.1.5 50000 10.0.1.1 22";
    LONGS_EQUAL(1, line("geo import -"));
    LONGS_EQUAL(1, daemon.count({"geo-upload", "abandon", "41"}));
    CHECK(terminal.errors.contains("the connection ended before the input did"));
}

TEST(cli_country_import, over_ssh_takes_its_input_and_no_name) {
    terminal.types("whole");
    terminal.user = 2000;
    LONGS_EQUAL(0, line("geo import -"));
    STRCMP_EQUAL("whole", sent().c_str());
    daemon.calls.clear();
    LONGS_EQUAL(1, line("geo import /etc/passwd"));
    CHECK(terminal.errors.contains("from its own input only"));
    LONGS_EQUAL(0, sent().size());
}

TEST(cli_country_import, at_a_terminal_says_how_it_goes) {
    terminal.interactive = true;
    LONGS_EQUAL(1, program({"geo", "import", "-"}));
    CHECK_TEXT(terminal.errors.contains("send it over SSH"), terminal.errors.c_str());
    LONGS_EQUAL(0, daemon.calls.size());
    LONGS_EQUAL(1, program({"geo", "import", "/nonexistent/file"}));
    CHECK_TEXT(terminal.errors.contains("/nonexistent/file: can't be opened"), terminal.errors.c_str());
}
