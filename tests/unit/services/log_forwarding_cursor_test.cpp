// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/services/log_forwarding_fixture.hpp"

using namespace sekisho;
using namespace sekisho::log_forwarding_fixture;

TEST_GROUP_BASE(log_forwarding_cursor, ForwardingFixture){};

// ---- rotation ------------------------------------------------------------------------------------------------------

TEST(log_forwarding_cursor, what_rotation_took_is_told_and_the_rest_is_sent) {
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

TEST(log_forwarding_cursor, a_restart_goes_on_at_the_window) {
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

TEST(log_forwarding_cursor, a_start_without_a_configuration_keeps_the_cursors) {
    record(5);
    start_and_follow();
    connector.accept();
    pass(40'000);
    const std::string before = store.files.at(std::string(kCursors));
    start();
    CHECK(forwarding->load().has_value());
    forwarding.reset(); // an orderly end
    STRCMP_EQUAL(before.c_str(), store.files.at(std::string(kCursors)).c_str());
}

TEST(log_forwarding_cursor, the_cursor_is_written_every_few_seconds_at_most) {
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

TEST(log_forwarding_cursor, a_kill_adds_a_quarter_of_a_mebibyte_at_most) {
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

TEST(log_forwarding_cursor, lines_that_a_power_cut_may_take_are_not_passed_over) {
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

TEST(log_forwarding_cursor, a_full_data_partition_stops_nothing) {
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

TEST(log_forwarding_cursor, a_damaged_file_of_cursors_means_everything_again) {
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

TEST(log_forwarding_cursor, a_cursor_beyond_the_log_before_this_process_is_another_logs) {
    record(5);
    store.files[std::string(kCursors)] = "archive 7 0\n";
    start();
    record(4); // now it is not beyond any more
    CHECK_FALSE(forwarding->load().has_value());
    forwarding->follow(model);
    connector.accept();
    check_counts(sequences(connector.all), 1, 9);
}

TEST(log_forwarding_cursor, a_server_that_is_gone_is_forgotten) {
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

TEST(log_forwarding_cursor, a_server_that_went_between_two_runs_is_forgotten) {
    store.files[std::string(kCursors)] = "former 0 0\n";
    start_and_follow();
    STRCMP_EQUAL("archive 0 0\n", store.files.at(std::string(kCursors)).c_str());
}

TEST(log_forwarding_cursor, each_server_has_a_cursor_of_its_own) {
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

TEST(log_forwarding_cursor, changed_settings_reconnect_and_others_do_not) {
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

TEST(log_forwarding_cursor, changed_settings_do_not_wait_for_the_next_attempt) {
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

TEST(log_forwarding_cursor, what_a_server_acknowledged_is_not_unread) {
    record(5);
    start_and_follow();
    connector.accept();
    pass(120'000);
    CHECK(files.rotate(0).has_value());
    LONGS_EQUAL(0, log.unread_gap());
}

TEST(log_forwarding_cursor, datagrams_count_as_unread) {
    model.syslog_servers[0].transport = model::SyslogTransport::udp;
    record(5);
    start_and_follow();
    connector.accept();
    pass(120'000);
    CHECK(files.rotate(0).has_value());
    LONGS_EQUAL(5, log.unread_gap());
}

// ---- show ----------------------------------------------------------------------------------------------------------

TEST(log_forwarding_cursor, show_says_where_it_is) {
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
