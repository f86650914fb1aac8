// SPDX-License-Identifier: GPL-2.0-or-later
// A forwarder between a log and a connector that are fakes, on a virtual clock.
#pragma once

#include "firmware/services/log_forwarding.hpp"
#include "firmware/services/log_forwarding_report.hpp"
#include "policy/base/text.hpp"
#include "tests/unit/fakes/fake_streams.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <memory>

#include <CppUTest/TestHarness.h>

namespace sekisho::log_forwarding_fixture {

using events::Event;
using events::Field;

inline constexpr std::string_view kCursors = "state/log-servers";

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

TEST_BASE(ForwardingFixture) {
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

} // namespace sekisho::log_forwarding_fixture
