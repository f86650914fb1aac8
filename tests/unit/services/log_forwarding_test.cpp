// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/services/log_forwarding_fixture.hpp"

using namespace sekisho;
using namespace sekisho::log_forwarding_fixture;

TEST_GROUP_BASE(log_forwarding, ForwardingFixture){};

// ---- what is sent --------------------------------------------------------------------------------------------------

TEST(log_forwarding, a_new_server_gets_the_whole_log_in_order_and_what_comes_then) {
    record(3);
    start_and_follow();
    LONGS_EQUAL(1, connector.targets.size());
    CHECK(connector.targets[0].host == "log.clinic.example");
    CHECK(connector.targets[0].transport == ports::Transport::tls);
    CHECK(connector.targets[0].authorities == std::vector<std::string>{"PEM"});
    CHECK(connector.targets[0].now == keeper.reading().now);
    record();
    CHECK(connector.all.empty());
    connector.accept();
    check_counts(sequences(connector.current->messages), 1, 4);
    record(2);
    LONGS_EQUAL(4, connector.current->messages.size()); // not from within record()
    pass(1'500);
    check_counts(sequences(connector.current->messages), 1, 6);
    LONGS_EQUAL(0, status().lines_behind);
    CHECK(status().last_sent.has_value());
}

TEST(log_forwarding, messages_over_a_stream_bear_their_length) {
    record();
    start_and_follow();
    connector.accept();
    const std::string& message = connector.all.at(0);
    const std::size_t blank = message.find(' ');
    LONGS_EQUAL(message.size() - blank - 1, text::parse_unsigned(message.substr(0, blank)).value());
    STRCMP_EQUAL("<", message.substr(blank + 1, 1).c_str());
    CHECK(message.contains(" clinic-router sekisho - test "));
    CHECK(message.contains("software=\"Sekisho\" swVersion=\"0.1.0\""));
}

TEST(log_forwarding, a_datagram_bears_a_message_that_every_server_takes) {
    model.syslog_servers[0].transport = model::SyslogTransport::udp;
    record(1, 5'000);
    start_and_follow();
    connector.accept();
    CHECK(connector.targets[0].transport == ports::Transport::udp);
    CHECK(connector.all.at(0).starts_with("<"));
    CHECK(connector.all.at(0).size() <= 2'048);
    CHECK(connector.all.at(0).contains("truncated=\"message\""));
}

TEST(log_forwarding, a_backlog_goes_in_bounded_pieces) {
    fill(800, 600);
    start_and_follow();
    connector.accept();
    CHECK(connector.current->sent < 60'000);
    pass(500);
    CHECK(connector.current->sent > 450'000);
    CHECK(connector.current->sent < 600'000);
    pass(5'000);
    auto found = sequences(connector.current->messages);
    found.pop_back(); // recorded by the log itself, which counts from 1
    check_counts(found, 1, 799);
}

TEST(log_forwarding, a_stream_without_room_is_waited_for) {
    record(100, 300);
    start_and_follow();
    connector.room = 10'000;
    connector.accept();
    const std::size_t taken = connector.all.size();
    CHECK(taken > 0 && taken < 100);
    record();
    pass(2'000);
    LONGS_EQUAL(taken, connector.all.size());
    connector.room = 1'000'000;
    connector.become_writable();
    pass(1'000);
    check_counts(sequences(connector.all), 1, 101);
    connector.become_writable(); // unasked
    pass(1'000);
    LONGS_EQUAL(101, connector.all.size());
}

TEST(log_forwarding, a_line_that_is_no_event_is_sent_too) {
    record();
    files.lines.front().emplace_back("half a li\x01");
    record();
    start_and_follow();
    connector.accept();
    LONGS_EQUAL(3, connector.all.size());
    CHECK(connector.all[1].contains("log-unreadable-line"));
    CHECK(connector.all[1].contains("a line of the log that is no event: half a li\\x01"));
}

TEST(log_forwarding, a_log_that_can_not_be_read_is_tried_again) {
    record(2);
    start_and_follow();
    files.refuse_reading = true;
    connector.accept();
    CHECK(connector.all.empty());
    CHECK(status().trouble.contains("input/output error"));
    LONGS_EQUAL(2, status().lines_behind);
    files.refuse_reading = false;
    pass(2'000);
    check_counts(sequences(connector.all), 1, 2);
    CHECK(status().trouble.empty());
}

// ---- what is sent again --------------------------------------------------------------------------------------------

TEST(log_forwarding, a_reconnect_sends_the_last_thirty_seconds_again) {
    start_and_follow();
    connector.accept();
    record(5);
    pass(20'000);
    record(2);
    pass(15'000);
    connector.end("connection reset");
    CHECK_EQUAL(nullptr, connector.current);
    wait_for_attempt();
    connector.accept();
    // the first five are 35 s old; the event of the loss follows
    check_counts(sequences(connector.current->messages), 6, 8);
    CHECK(connector.current->messages.back().contains("log-server-lost"));
}

TEST(log_forwarding, what_was_not_acknowledged_is_always_sent_again) {
    start_and_follow();
    connector.accept();
    record(5);
    pass(1'000);
    connector.current->arrived = connector.current->sent;
    connector.acknowledges = false;
    record(1);
    pass(20'000);
    LONGS_EQUAL(1, status().lines_behind);
    connector.end("timed out");
    pass(3'600'000);
    connector.accept();
    const auto again = sequences(connector.current->messages);
    LONGS_EQUAL(1, again.front()); // the piece that the unacknowledged line stands in was sent within the 30 s
    CHECK(std::ranges::contains(again, 6u));
}

TEST(log_forwarding, a_server_that_takes_nothing_is_given_up) {
    start_and_follow();
    connector.accept();
    connector.acknowledges = false;
    pass(60'000);
    CHECK(connector.current != nullptr); // nothing was under way
    record();
    pass(20'000);
    CHECK(connector.current != nullptr);
    pass(7'000);
    CHECK_EQUAL(1, files.count("taken nothing for 25 s"));
    CHECK_EQUAL(2, connector.targets.size());
}

// ---- back-off and events -------------------------------------------------------------------------------------------

TEST(log_forwarding, attempts_come_after_one_second_doubling_to_a_minute) {
    start_and_follow();
    for (const std::uint64_t expected : {1'000, 2'000, 4'000, 8'000, 16'000, 32'000, 60'000, 60'000}) {
        connector.end("refused");
        CHECK(status().state == services::ForwardingStatus::State::waiting);
        const std::uint64_t waited = wait_for_attempt();
        CHECK(waited <= expected + 1 && waited >= expected * 3 / 4);
    }
    connector.accept();
    pass(11'000);
    connector.end("refused");
    CHECK(wait_for_attempt() <= 1'001);
}

TEST(log_forwarding, a_loss_and_the_return_are_one_event_each) {
    start_and_follow();
    connector.accept();
    pass(1'000);
    connector.end("connection reset by the clinic");
    for (int attempt = 0; attempt < 20; ++attempt) {
        wait_for_attempt();
        connector.end("refused");
    }
    LONGS_EQUAL(1, files.count("\"log-server-lost\""));
    LONGS_EQUAL(1, files.count("connection reset by the clinic"));
    LONGS_EQUAL(1, files.count("\"log_server\":\"archive\""));
    CHECK(status().trouble.contains("refused"));
    CHECK(status().since.has_value());
    wait_for_attempt();
    connector.accept();
    record(3);
    LONGS_EQUAL(0, files.count("\"log-server-back\""));
    pass(15'000);
    LONGS_EQUAL(1, files.count("\"log-server-back\""));
    LONGS_EQUAL(1, files.count("192.0.2.1 port 6514, TLS"));
    pass(60'000);
    LONGS_EQUAL(1, files.count("\"log-server-back\""));
    LONGS_EQUAL(1, files.count("\"log-server-lost\""));
    CHECK(status().trouble.empty());
}

TEST(log_forwarding, a_long_loss_is_told_once_an_hour) {
    start_and_follow();
    connector.end("refused");
    for (int minute = 0; minute < 150; ++minute) {
        pass(60'000);
        if (connector.current != nullptr) {
            connector.end("refused");
        }
    }
    LONGS_EQUAL(3, files.count("\"log-server-lost\""));
}

TEST(log_forwarding, a_server_that_accepts_and_ends_is_lost_all_the_time) {
    start_and_follow();
    for (int attempt = 0; attempt < 20; ++attempt) {
        connector.accept();
        pass(3'000);
        connector.end("the server refused it (TLS alert)", Domain::tls);
        CHECK(wait_for_attempt() <= 60'001);
    }
    LONGS_EQUAL(1, files.count("\"log-server-lost\""));
    LONGS_EQUAL(0, files.count("\"log-server-back\""));
}

TEST(log_forwarding, a_server_that_comes_and_goes_is_told_of_ever_less) {
    start_and_follow();
    for (int round = 0; round < 200; ++round) { // more than an hour and a half
        connector.accept();
        pass(25'000);
        connector.end("connection reset");
        wait_for_attempt();
    }
    CHECK(files.count("\"log-server-lost\"") <= 5);
    CHECK(files.count("\"log-server-back\"") <= 3);
}

TEST(log_forwarding, its_own_events_make_no_more_of_them) {
    start_and_follow();
    connector.end("refused");
    const std::uint64_t lines = log.next_line();
    pass(30'000);
    LONGS_EQUAL(lines, log.next_line());
    connector.accept();
    pass(60'000);
    LONGS_EQUAL(lines + 1, log.next_line()); // that it is back
}

TEST(log_forwarding, a_clock_that_is_not_synchronised_is_named_with_a_certificate) {
    clock.is_synchronised = false;
    start_and_follow();
    connector.end("the certificate expired 2025-01-01", Domain::tls);
    CHECK(status().trouble.contains("expired 2025-01-01 (the router's clock is not synchronised)"));
}
