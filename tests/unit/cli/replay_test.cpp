// SPDX-License-Identifier: GPL-2.0-or-later
// `replay` from the command line to its table, on captures made here.
#include "firmware/cli/start.hpp"
#include "policy/base/sha256.hpp"
#include "policy/base/text.hpp"
#include "policy/packet/checksum.hpp"
#include "tests/unit/cli/fake_daemon.hpp"
#include "tests/unit/drivers/folder_fixture.hpp"
#include "tests/unit/fakes/fake_terminal.hpp"

#include <deque>

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::string_view kConfiguration = R"(system { host-name clinic; }
interfaces { interface wan0 { address 198.51.100.2/24; gateway 198.51.100.1; } interface lan1 { address 10.0.1.1/24; } }
zones { wan { interface wan0; } clinic { interface lan1; } }
nat { masquerade clinic; }
address-list vendor { address 203.0.113.0/28; }
service web { from wan; protocol tcp; port 8443; forward-to 10.0.1.20; forward-port 443; source { address-list vendor; } }
)";

constexpr std::string_view kWider = R"(system { host-name clinic; }
interfaces { interface wan0 { address 198.51.100.2/24; gateway 198.51.100.1; } interface lan1 { address 10.0.1.1/24; } }
zones { wan { interface wan0; } clinic { interface lan1; } }
nat { masquerade clinic; }
address-list vendor { address 192.0.2.0/28; }
service web { from wan; protocol tcp; port 8443; forward-to 10.0.1.20; forward-port 443; source { address-list vendor; } }
)";

/// Frames in memory, and an end that may be a broken one.
class FakeCapture final : public ports::CaptureFile {
public:
    struct Kept {
        Time when;
        Bytes frame;
    };

    explicit FakeCapture(const std::deque<Kept>& frames, bool breaks) : m_frames(frames), m_breaks(breaks) {}

    [[nodiscard]] packet::LinkType link_type() const noexcept override { return packet::LinkType::raw; }

    Result<std::optional<Record>> next() override {
        if (m_next == m_frames.size()) {
            if (m_breaks) {
                return std::unexpected(Error(Domain::capture, "a.pcap", "truncated"));
            }
            return std::nullopt;
        }
        const Kept& kept = m_frames[m_next++];
        return Record{kept.when, kept.frame, kept.frame.size()};
    }

    [[nodiscard]] std::optional<double> progress() const noexcept override { return std::nullopt; }

private:
    const std::deque<Kept>& m_frames;
    bool m_breaks;
    std::size_t m_next = 0;
};

/// TCP without options, sums left out: the header's is made, the segment's is not looked at.
Bytes tcp(std::uint32_t source, std::uint32_t destination, std::uint16_t port, std::uint8_t flags) {
    Bytes packet{0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0};
    for (const std::uint32_t address : {source, destination}) {
        for (int shift = 24; shift >= 0; shift -= 8) {
            packet.push_back(static_cast<std::uint8_t>(address >> shift));
        }
    }
    packet.insert(packet.end(), {0x9c,
                                 0x40,
                                 static_cast<std::uint8_t>(port >> 8),
                                 static_cast<std::uint8_t>(port),
                                 0,
                                 0,
                                 0,
                                 1,
                                 0,
                                 0,
                                 0,
                                 0,
                                 0x50,
                                 flags,
                                 0xff,
                                 0,
                                 0,
                                 0,
                                 0,
                                 0});
    const auto set_sum = [&packet](std::size_t from, std::size_t to, std::size_t at, std::uint32_t sum) {
        for (std::size_t place = from; place < to; place += 2) {
            sum += static_cast<std::uint32_t>(packet[place] << 8 | packet[place + 1]);
        }
        sum = (sum & 0xffff) + (sum >> 16);
        sum = ~((sum & 0xffff) + (sum >> 16));
        packet[at] = static_cast<std::uint8_t>(sum >> 8);
        packet[at + 1] = static_cast<std::uint8_t>(sum);
    };
    set_sum(0, 20, 10, 0);
    set_sum(12, 40, 36, 6 + 20);
    return packet;
}

constexpr std::uint32_t kVendor = 0xcb007105;   // 203.0.113.5
constexpr std::uint32_t kStranger = 0xc0000205; // 192.0.2.5
constexpr std::uint32_t kWan = 0xc6336402;      // 198.51.100.2

} // namespace

TEST_GROUP(replay) {
    cli::FakeDaemon daemon;
    fakes::FakeClock clock;
    fakes::FakeTerminal terminal{clock};
    tests::Folder folder;
    std::deque<FakeCapture::Kept> frames;
    bool breaks = false;

    void setup() override {
        terminal.interactive = false;
        folder.put("router.conf", std::string(kConfiguration));
        folder.put("wider.conf", std::string(kWider));
    }

    void add(const Bytes& frame, std::int64_t seconds = 1'000'000'000) {
        frames.push_back({Time::from_seconds(seconds), frame});
    }

    int ask(std::vector<std::string> more = {}) {
        std::vector<std::string> words{"replay", "a.pcap", "--config", folder.path("router.conf"), "--ingress", "wan0"};
        words.insert(words.end(), more.begin(), more.end());
        return run(words);
    }

    int run(const std::vector<std::string>& words) {
        const auto open_countries = [](std::optional<std::string_view>) -> Result<std::unique_ptr<ports::GeoDatabase>> {
            return std::unexpected(Error(Domain::storage, "country.mmdb", "is not there"));
        };
        const auto open_capture = [this](std::string_view path) -> Result<std::unique_ptr<ports::CaptureFile>> {
            if (path != "a.pcap" && path != "-") {
                return std::unexpected(Error(Domain::capture, std::string(path), "can't be opened"));
            }
            return std::make_unique<FakeCapture>(frames, breaks);
        };
        return cli::start("sekisho", words, {daemon, clock, terminal, open_countries, open_capture});
    }

    /// As the daemon has it in force.
    void put_in_force(std::string_view text, std::string_view more = "") {
        daemon.answers["show"] = text;
        daemon.answers["capture-grounds"] =
            text::concat("policy ", sha256_hex(text), "\ntime 2026-05-01T00:00:00.000000Z synchronised\n", more);
    }

    void says(std::string_view part) {
        if (!terminal.output.contains(part)) {
            STRCMP_EQUAL(std::string(part).c_str(), terminal.output.c_str());
        }
    }
};

TEST(replay, flows_are_shown_by_verdict_and_rule) {
    add(tcp(kVendor, kWan, 8443, 2));
    add(tcp(kStranger, kWan, 8443, 2));
    add(tcp(kStranger, kWan, 8443, 2));
    LONGS_EQUAL(0, ask({"--json"}));
    says(R"("verdict":"accepted","rule":"service.web.allow","reason":"accepted","country":null,"flows":1,"packets":1)");
    says(R"("verdict":"denied","rule":"service.web.deny","reason":"not-allowed","country":null,"flows":1,"packets":2)");
    LONGS_EQUAL(0, daemon.calls.size());
}

TEST(replay, people_see_a_table_that_ends_with_its_sum) {
    add(tcp(kVendor, kWan, 8443, 2));
    LONGS_EQUAL(0, ask());
    says("tcp 203.0.113.5:40000 > 198.51.100.2:8443");
    says("1 packets, 1 flows\n");
}

TEST(replay, another_configuration_shows_what_it_would_change_and_nothing_else) {
    add(tcp(kVendor, kWan, 8443, 2));
    add(tcp(kStranger, kWan, 8443, 2));
    add(tcp(kStranger, kWan, 22, 2));
    LONGS_EQUAL(0, ask({"--against", folder.path("wider.conf"), "--json"}));
    says(
        R"("change":"newly admitted","verdict":"denied","rule":"service.web.deny","reason":"not-allowed","new_rule":"service.web.allow")");
    says(
        R"("change":"newly blocked","verdict":"accepted","rule":"service.web.allow","reason":"accepted","new_rule":"service.web.deny")");
    CHECK(!terminal.output.contains("zone.wan.deny"));
}

TEST(replay, what_the_router_sent_opens_its_connections) {
    add(tcp(kWan, kStranger, 443, 2));
    Bytes answer = tcp(kStranger, kWan, 40'000, 0x14);
    answer[20] = 1; // from port 443
    answer[21] = 0xbb;
    add(answer);
    LONGS_EQUAL(0, ask({"--json"}));
    says(R"("rule":"router.output")");
}

TEST(replay, the_middle_of_a_connection_is_told_as_an_assumption) {
    add(tcp(kVendor, kWan, 8443, 0x10));
    LONGS_EQUAL(0, ask({"--json"}));
    says(R"("rule":"flow.invalid","reason":"invalid","country":null,"flows":1,"packets":1,"assumed":true)");
}

TEST(replay, a_checksum_that_was_made_behind_the_capture_is_an_assumption) {
    Bytes packet = tcp(kVendor, kWan, 8443, 2);
    packet[36] = 0;
    packet[37] = 0;
    const std::uint16_t pseudo = packet::ones_sum(std::span(packet).subspan(12, 8), 6 + 20);
    packet[36] = static_cast<std::uint8_t>(pseudo >> 8);
    packet[37] = static_cast<std::uint8_t>(pseudo);
    add(packet);
    packet[37] ^= 1; // wrong indeed
    packet[15] ^= 1;
    add(packet);
    LONGS_EQUAL(0, ask({"--json"}));
    says(R"("rule":"service.web.allow","reason":"accepted","country":null,"flows":1,"packets":1,"assumed":true)");
}

TEST(replay, times_that_go_backwards_are_told) {
    add(tcp(kVendor, kWan, 8443, 2), 1'000'000'010);
    add(tcp(kStranger, kWan, 8443, 2), 1'000'000'000);
    LONGS_EQUAL(0, ask());
    CHECK(terminal.errors.contains("1 packets have a time before that of the packet before"));
}

TEST(replay, a_capture_that_breaks_is_told_with_what_was_read) {
    breaks = true;
    add(tcp(kVendor, kWan, 8443, 2));
    LONGS_EQUAL(1, ask({"--json"}));
    says("service.web.allow");
    CHECK(terminal.errors.contains("The capture breaks behind 1 packets; what is shown is partial."));
    CHECK(terminal.errors.contains("truncated"));
}

TEST(replay, an_empty_capture_has_no_flows) {
    LONGS_EQUAL(0, ask());
    says("0 packets, 0 flows\n");
}

TEST(replay, an_address_that_comes_by_dhcp_has_to_be_said) {
    std::string text(kConfiguration);
    const std::string fixed = "address 198.51.100.2/24; gateway 198.51.100.1;";
    text.replace(text.find(fixed), fixed.size(), "dhcp;");
    folder.put("router.conf", text);
    add(tcp(kVendor, kWan, 8443, 2));
    LONGS_EQUAL(0, ask({"--json"}));
    CHECK(terminal.errors.contains("say it with --address wan0=ADDRESS"));
    says(R"("assumed":true)");
    terminal.output.clear();
    LONGS_EQUAL(0, ask({"--json", "--address", "wan0=198.51.100.2"}));
    says(R"("rule":"service.web.allow","reason":"accepted","country":null,"flows":1,"packets":1,"assumed":false)");
}

TEST(replay, what_is_asked_wrongly_is_refused) {
    LONGS_EQUAL(1, ask({"--address", "wan0"}));
    CHECK(terminal.errors.contains("takes INTERFACE=ADDRESS"));
    LONGS_EQUAL(1, ask({"--address", "wan9=198.51.100.2"}));
    CHECK(terminal.errors.contains("no interface 'wan9'"));
    LONGS_EQUAL(2, ask({"--now", "yesterday"}));
    LONGS_EQUAL(1, ask({"--against", folder.path("none.conf")}));
    CHECK(terminal.errors.contains("none.conf"));
}

TEST(replay, the_policy_in_force_judges_a_capture_as_well) {
    put_in_force(kConfiguration);
    add(tcp(kVendor, kWan, 8443, 2));
    add(tcp(kStranger, kWan, 8443, 2));
    LONGS_EQUAL(0, run({"test", "capture", "a.pcap", "--json"}));
    says(R"("verdict":"accepted","rule":"service.web.allow","reason":"accepted","country":null,"flows":1,"packets":1)");
    says(R"("verdict":"denied","rule":"service.web.deny","reason":"not-allowed")");
}

TEST(replay, the_policy_in_force_is_that_of_the_daemon_s_time) {
    std::string text(kConfiguration);
    text.replace(text.find("203.0.113.0/28"), 15, "203.0.113.0/28 { expires 2026-05-02; }");
    add(tcp(kVendor, kWan, 8443, 2), 1'800'000'000); // a clock that is ahead
    put_in_force(text);
    LONGS_EQUAL(0, run({"test", "capture", "a.pcap", "--json"}));
    says(R"("rule":"service.web.allow")");
    terminal.output.clear();
    std::string& grounds = daemon.answers["capture-grounds"];
    grounds.replace(grounds.find("05-01"), 5, "05-03");
    LONGS_EQUAL(0, run({"test", "capture", "a.pcap", "--json"}));
    says(R"("rule":"service.web.deny")");
}

TEST(replay, addresses_that_the_router_was_given_are_known) {
    std::string text(kConfiguration);
    const std::string fixed = "address 198.51.100.2/24; gateway 198.51.100.1;";
    text.replace(text.find(fixed), fixed.size(), "dhcp;");
    put_in_force(text, "address wan0=198.51.100.2/24\naddress lan1=10.0.1.1/24\n");
    add(tcp(kVendor, kWan, 8443, 2));
    LONGS_EQUAL(0, run({"test", "capture", "a.pcap", "--json"}));
    says(R"("rule":"service.web.allow","reason":"accepted","country":null,"flows":1,"packets":1,"assumed":false)");
}

TEST(replay, a_policy_that_changes_meanwhile_is_not_judged_by) {
    put_in_force(kConfiguration);
    daemon.answers["show"] = kWider;
    LONGS_EQUAL(1, run({"test", "capture", "a.pcap"}));
    CHECK(terminal.errors.contains("an apply came in between; ask again"));
}

TEST(replay, a_database_that_the_daemon_names_has_to_be_readable) {
    put_in_force(kConfiguration, "database /data/geo/current.mmdb\n");
    LONGS_EQUAL(1, run({"test", "capture", "a.pcap"}));
    CHECK(terminal.errors.contains("country.mmdb: is not there"));
}

TEST(replay, a_session_gives_a_capture_on_its_input_alone) {
    put_in_force(kConfiguration);
    add(tcp(kVendor, kWan, 8443, 2));
    LONGS_EQUAL(1, run({"-c", "test capture a.pcap"}));
    CHECK(terminal.errors.contains("from its standard input only"));
    LONGS_EQUAL(0, run({"-c", "test capture - --json"}));
    says(R"("rule":"service.web.allow")");
    LONGS_EQUAL(1, run({"-c", "replay - --config - --ingress wan0"}));
    CHECK(terminal.errors.contains("a session names no files"));
}

TEST(replay, a_daemon_without_a_policy_says_why) {
    daemon.status = 1;
    LONGS_EQUAL(1, run({"test", "capture", "a.pcap"}));
}

TEST(replay, needs_a_configuration_and_an_interface) {
    LONGS_EQUAL(2, cli::start("sekisho", std::vector<std::string>{"replay", "a.pcap"}, {daemon, clock, terminal}));
    LONGS_EQUAL(1, cli::start("sekisho",
                              std::vector<std::string>{"replay", "a.pcap", "--config", "x", "--ingress", "wan0"},
                              {daemon, clock, terminal}));
}
