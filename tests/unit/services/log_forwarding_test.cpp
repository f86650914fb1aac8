// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/log_forwarding.hpp"
#include "firmware/services/log_forwarding_report.hpp"
#include "policy/base/text.hpp"
#include "tests/unit/fakes/fake_streams.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <memory>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using events::Event;
using events::Field;

namespace {

constexpr std::string_view kCursors = "state/log-servers";

/// Takes sequence, action and message out of the lines that the log makes; what does not begin with a brace is none.
class LineReader final : public ports::EventReader {
public:
    Result<Event> read(std::string_view line) override {
        if (!line.starts_with('{')) {
            return std::unexpected(Error(Domain::event, "", "no event"));
        }
        Event event;
        event.set_number(
            Field::event_sequence,
            static_cast<std::int64_t>(text::parse_unsigned(behind(line, "\"sequence\":", ",}")).value_or(0)));
        event.set(Field::event_action, std::string(behind(line, "\"action\":\"", "\"")));
        event.set(Field::message, std::string(behind(line, "\"message\":\"", "\"")));
        return event;
    }

private:
    static std::string_view behind(std::string_view line, std::string_view key, std::string_view ends) {
        const std::size_t at = line.find(key);
        if (at == std::string_view::npos) {
            return {};
        }
        line.remove_prefix(at + key.size());
        return line.substr(0, line.find_first_of(ends));
    }
};

} // namespace

TEST_GROUP(log_forwarding) {
    fakes::FakeClock clock;
    fakes::FakeLoop loop;
    fakes::FakeStore store;
    fakes::FakeStore run_store;
    fakes::FakeLogFiles files;
    fakes::FakeConnector connector;
    LineReader reader;
    services::Timekeeper keeper{clock, store, Time{}};
    services::EventLog log{files, store, keeper, "boot-1"};
    model::Model model;
    std::unique_ptr<services::LogForwarding> forwarding;

    void setup() override {
        CHECK(log.start(reader, loop, run_store).has_value());
        model.system.host_name = "clinic-router";
        model.syslog_servers = {{.name = "archive",
                                 .host = "log.clinic.example",
                                 .port = 6514,
                                 .transport = model::SyslogTransport::tls,
                                 .server_name = "log.clinic.example",
                                 .certificates = {"PEM"}}};
    }

    void start() {
        forwarding.reset(); // the one before writes its cursors first
        forwarding = std::make_unique<services::LogForwarding>(
            services::LogForwarding::Ports{log, keeper, reader, connector, loop, clock, store}, "Sekisho", "0.1.0");
    }
    void start_and_follow() {
        start();
        CHECK(forwarding->load().has_value());
        forwarding->follow(model);
    }
    void record(unsigned count = 1, std::size_t size = 10) {
        for (unsigned i = 0; i < count; ++i) {
            Event event;
            event.set(Field::event_action, "test");
            event.set(Field::message, std::string(size, 'x'));
            log.record(std::move(event), services::Durability::immediate);
        }
    }
    /// Many lines at once, the last of them durable. To be the first of the log.
    void fill(unsigned count, std::size_t size) {
        for (unsigned number = 1; number < count; ++number) {
            files.lines.front().push_back(text::concat("{\"sequence\":", text::to_text(number),
                                                       ",\"action\":\"test\",\"message\":\"", std::string(size, 'x'),
                                                       "\"}"));
        }
        record();
    }
    void pass(std::uint64_t milliseconds) {
        loop.advance(milliseconds, clock);
    }
    /// Sequence numbers of the messages that a connection took.
    static std::vector<std::uint64_t> sequences(const std::vector<std::string>& messages) {
        std::vector<std::uint64_t> found;
        for (const std::string& message : messages) {
            const std::size_t at = message.find("sequenceId=\"");
            CHECK(at != std::string::npos);
            found.push_back(
                text::parse_unsigned(message.substr(at + 12, message.find('"', at + 12) - at - 12)).value());
        }
        return found;
    }
    static void check_counts(const std::vector<std::uint64_t>& found, std::uint64_t first, std::uint64_t last) {
        LONGS_EQUAL(last - first + 1, found.size());
        for (const std::uint64_t sequence : found) {
            LONGS_EQUAL(first++, sequence);
        }
    }
    services::ForwardingStatus status() {
        return forwarding->servers().at(0).status;
    }
    /// Runs until the next attempt; how long that took in milliseconds.
    std::uint64_t wait_for_attempt() {
        const std::size_t before = connector.targets.size();
        std::uint64_t waited = 0;
        while (connector.targets.size() == before && waited < 100'000) {
            pass(1);
            ++waited;
        }
        return waited;
    }
};

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

// ---- rotation ------------------------------------------------------------------------------------------------------

TEST(log_forwarding, what_rotation_took_is_told_and_the_rest_is_sent) {
    start_and_follow();
    connector.end("refused");
    record(10);
    CHECK(files.rotate(1).has_value());
    record(5);
    CHECK(files.rotate(1).has_value()); // the loss' event and ten lines go
    LONGS_EQUAL(11, status().missed);
    wait_for_attempt();
    connector.accept();
    check_counts(sequences(connector.current->messages), 12, 16);
    pass(100);
    LONGS_EQUAL(1, files.count("\"log-forward-gap\""));
    LONGS_EQUAL(1, files.count("rotation removed 11 lines of the log before syslog server archive had them"));
    LONGS_EQUAL(11, status().missed);
    CHECK(connector.current->messages.back().contains("log-forward-gap"));
    // told once: a restart knows it
    start_and_follow();
    connector.accept();
    pass(1'000);
    LONGS_EQUAL(1, files.count("\"log-forward-gap\""));
    LONGS_EQUAL(11, status().missed);
}

// ---- cursors -------------------------------------------------------------------------------------------------------

TEST(log_forwarding, a_restart_goes_on_at_the_window) {
    record(5);
    start_and_follow();
    connector.accept();
    pass(40'000);
    record(2);
    pass(1'000);
    start_and_follow();
    connector.accept();
    check_counts(sequences(connector.current->messages), 6, 7);
}

TEST(log_forwarding, the_cursor_is_written_every_few_seconds_at_most) {
    start_and_follow();
    connector.accept();
    record(5);
    pass(40'000);
    STRCMP_EQUAL("archive 5 0\n", store.files.at(std::string(kCursors)).c_str());
    record(1);
    const std::string before = store.files.at(std::string(kCursors));
    pass(25'000);
    CHECK(before == store.files.at(std::string(kCursors)));
    pass(15'000);
    STRCMP_EQUAL("archive 6 0\n", store.files.at(std::string(kCursors)).c_str());
}

TEST(log_forwarding, a_kill_adds_a_quarter_of_a_mebibyte_at_most) {
    fill(2'000, 800);
    start_and_follow();
    connector.accept();
    pass(1'500);
    // what the file holds now is all that a killed daemon leaves
    const std::string cursor = store.files.at(std::string(kCursors));
    const std::uint64_t kept = text::parse_unsigned(text::split(cursor, ' ')[1]).value();
    const auto& messages = connector.current->messages;
    std::uint64_t bytes = 0;
    for (std::size_t line = kept; line < messages.size(); ++line) {
        bytes += messages[line].size();
    }
    CHECK(connector.current->sent > 1'400'000);
    CHECK(bytes <= (1u << 20));
}

TEST(log_forwarding, lines_that_a_power_cut_may_take_are_not_passed_over) {
    start_and_follow();
    connector.accept();
    files.refuse_sync = true;
    Event event;
    event.set(Field::event_action, "test");
    log.record(std::move(event)); // not durable
    pass(60'000);
    LONGS_EQUAL(1, connector.all.size() - files.count("log-not-durable"));
    STRCMP_EQUAL("archive 0 0\n", store.files.at(std::string(kCursors)).c_str());
}

TEST(log_forwarding, a_full_data_partition_stops_nothing) {
    record(5);
    start_and_follow();
    connector.accept();
    store.full = true;
    record(2);
    pass(60'000);
    check_counts(sequences(connector.all), 1, 7);
    store.full = false;
    pass(6'000);
    STRCMP_EQUAL("archive 7 0\n", store.files.at(std::string(kCursors)).c_str());
}

TEST(log_forwarding, a_damaged_file_of_cursors_means_everything_again) {
    record(5);
    for (const char* text : {"archive 3\n", "archive x 0\n", "archive 3 0 0\n", "archive 6 0\n", "\x01"}) {
        store.files[std::string(kCursors)] = text;
        forwarding.reset();
        connector.all.clear();
        store.files[std::string(kCursors)] = text;
        start();
        CHECK_FALSE(forwarding->load().has_value());
        forwarding->follow(model);
        connector.accept();
        check_counts(sequences(connector.all), 1, 5);
    }
}

TEST(log_forwarding, a_cursor_beyond_the_log_before_this_process_is_another_logs) {
    record(5);
    store.files[std::string(kCursors)] = "archive 7 0\n";
    start();
    record(4); // now it is not beyond any more
    CHECK_FALSE(forwarding->load().has_value());
    forwarding->follow(model);
    connector.accept();
    check_counts(sequences(connector.all), 1, 9);
}

TEST(log_forwarding, a_server_that_is_gone_is_forgotten) {
    record(5);
    start_and_follow();
    connector.accept();
    pass(40'000);
    const auto servers = std::exchange(model.syslog_servers, {});
    forwarding->follow(model);
    CHECK_EQUAL(nullptr, connector.current);
    CHECK(forwarding->servers().empty());
    STRCMP_EQUAL("", store.files.at(std::string(kCursors)).c_str());
    record();
    pass(60'000);
    model.syslog_servers = servers;
    connector.all.clear();
    forwarding->follow(model);
    connector.accept();
    check_counts(sequences(connector.all), 1, 6);
}

TEST(log_forwarding, a_server_that_went_between_two_runs_is_forgotten) {
    store.files[std::string(kCursors)] = "former 0 0\n";
    start_and_follow();
    STRCMP_EQUAL("archive 0 0\n", store.files.at(std::string(kCursors)).c_str());
}

TEST(log_forwarding, each_server_has_a_cursor_of_its_own) {
    record(5);
    start_and_follow();
    connector.accept();
    pass(40'000);
    model.syslog_servers.push_back({.name = "backup", .host = "192.0.2.2", .transport = model::SyslogTransport::tcp});
    forwarding->follow(model);
    LONGS_EQUAL(2, connector.targets.size());
    pass(6'000);
    STRCMP_EQUAL("archive 5 0\nbackup 0 0\n", store.files.at(std::string(kCursors)).c_str());
    connector.accept();
    check_counts(sequences(connector.current->messages), 1, 5);
}

// ---- changes of the configuration ----------------------------------------------------------------------------------

TEST(log_forwarding, changed_settings_reconnect_and_others_do_not) {
    start_and_follow();
    connector.accept();
    model.system.host_name = "new-name";
    forwarding->follow(model);
    LONGS_EQUAL(1, connector.targets.size());
    record();
    pass(100);
    CHECK(connector.all.back().contains(" new-name sekisho "));
    model.syslog_servers[0].port = 10514;
    forwarding->follow(model);
    LONGS_EQUAL(2, connector.targets.size());
    LONGS_EQUAL(10514, connector.targets.back().port);
    LONGS_EQUAL(0, files.count("log-server-lost"));
    model.syslog_servers[0].certificates.emplace_back("another");
    forwarding->follow(model);
    LONGS_EQUAL(3, connector.targets.size());
    pass(600'000);
    LONGS_EQUAL(3, connector.targets.size()); // no former attempt comes in between
}

TEST(log_forwarding, changed_settings_do_not_wait_for_the_next_attempt) {
    start_and_follow();
    for (int attempt = 0; attempt < 8; ++attempt) {
        connector.end("refused");
        wait_for_attempt();
    }
    connector.end("refused");
    model.syslog_servers[0].host = "192.0.2.7";
    forwarding->follow(model);
    CHECK(connector.targets.back().host == "192.0.2.7");
    connector.end("refused");
    CHECK(wait_for_attempt() <= 1'001);
}

// ---- reading by others ---------------------------------------------------------------------------------------------

TEST(log_forwarding, what_a_server_acknowledged_is_not_unread) {
    record(5);
    start_and_follow();
    connector.accept();
    pass(120'000);
    CHECK(files.rotate(0).has_value());
    LONGS_EQUAL(0, log.unread_gap());
}

TEST(log_forwarding, datagrams_count_as_unread) {
    model.syslog_servers[0].transport = model::SyslogTransport::udp;
    record(5);
    start_and_follow();
    connector.accept();
    pass(120'000);
    CHECK(files.rotate(0).has_value());
    LONGS_EQUAL(5, log.unread_gap());
}

// ---- show ----------------------------------------------------------------------------------------------------------

TEST(log_forwarding, show_says_where_it_is) {
    record(2);
    start_and_follow();
    const auto shown = [&](std::vector<std::string> words) {
        return services::show_log_servers(services::parse_command(words).value(), *forwarding, 540).output;
    };
    connector.end("refused");
    const std::string waiting = shown({"show", "log-servers", "--json"});
    CHECK(waiting.contains("\"name\":\"archive\",\"host\":\"log.clinic.example\",\"port\":6514,\"transport\":\"tls\","
                           "\"state\":\"waiting\""));
    CHECK(waiting.contains("\"lines_behind\":3,\"last_sent\":null,\"lines_missed\":0,\"connection\":null,"
                           "\"trouble\":\"network: refused\""));
    wait_for_attempt();
    CHECK(shown({"show", "log-servers", "--json"}).contains("\"state\":\"connecting\""));
    connector.accept();
    pass(100);
    const std::string connected = shown({"show", "log-servers"});
    CHECK(connected.contains("connected"));
    CHECK(connected.contains("192.0.2.1 port 6514, TLS"));
    CHECK(connected.contains("+09:00"));
    CHECK(connected.contains("1 of 1 connected\n"));
    model.syslog_servers[0].transport = model::SyslogTransport::tcp;
    forwarding->follow(model);
    CHECK(shown({"show", "log-servers"}).contains("1 without TLS"));
}
