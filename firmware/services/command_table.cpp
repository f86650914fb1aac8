// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/command_table.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sekisho::services {

namespace {

constexpr OptionRow kJson{"--json", "", "JSON instead of a table"};
constexpr OptionRow kNow{"--now", "TIME", "judge expiries at this time (RFC 3339) with a synchronised clock"};
constexpr OptionRow kUnsynchronised{"--unsynchronised", "", "judge expiries as with an unsynchronised clock"};
constexpr std::array kJsonOnly{kJson};
constexpr std::array kTimeOptions{kNow, kUnsynchronised};
constexpr std::array kRenderOptions{kNow, kUnsynchronised,
                                    OptionRow{"--geo", "FILE", "country database instead of the image's own"},
                                    OptionRow{"--closed", "", "the ruleset before any policy, instead of a file's"}};
constexpr std::array kImportOptions{
    OptionRow{"--force", "",
              "also an older one, one from the future, or one that covers much less or more than the one in force"}};
constexpr OptionRow kFrom{"--from", "TIME", "events from this time on (RFC 3339)"};
constexpr OptionRow kTo{"--to", "TIME", "events before this time (RFC 3339)"};
constexpr std::array kExportOptions{OptionRow{"--jsonl", "", "JSON Lines with names of the Elastic Common Schema"},
                                    OptionRow{"--csv", "", "CSV (RFC 4180, UTF-8) for a spreadsheet"}, kFrom, kTo};
constexpr std::array kLogOptions{kJson, OptionRow{"--last", "COUNT", "this many events (default 50, at most 100000)"},
                                 OptionRow{"--by-source", "", "one line per source, verdict and rule, with counts"}};
constexpr std::array kDeviceImportOptions{
    OptionRow{"--merge", "", "print the configuration in force with the devices in it; comments are not kept"},
    OptionRow{"--into", "CONFIGURATION", "the same with the configuration in a file"}};
constexpr std::array kSessionOptions{OptionRow{"port", "PORT", "of this port"},
                                     OptionRow{"mac", "MAC", "of this MAC address"},
                                     OptionRow{"role", "ROLE", "with this role; of several conditions all must hold"},
                                     OptionRow{"detail", "", "everything that is known of each"}, kJson};
constexpr std::array kHistoryOptions{OptionRow{"mac", "MAC", "the device's MAC address", true},
                                     OptionRow{"--last", "COUNT", "this many events (default 50, at most 1000)"},
                                     kJson};
constexpr std::array kLearnOptions{OptionRow{"port", "PORT", "a port under port-access", true},
                                   OptionRow{"for", "TIME", "for so long, as 90s, 10m or 2h (default 10m)"}};
constexpr std::array kLearnedOptions{OptionRow{"port", "PORT", "of this port"}, kJson};

constexpr std::array kApplyOptions{
    OptionRow{"--confirm", "MINUTES",
              "commit nothing yet: the policy before it comes back by itself unless 'confirm' follows in time"}};
constexpr std::array kPacketOptions{
    OptionRow{"from", "ADDRESS", "source; it comes in where that address is, or on the WAN", true},
    OptionRow{"source-port", "PORT", "source port (default 49152)"},
    OptionRow{"to", "ADDRESS", "destination as the sender writes it: for a service, the router's address", true},
    OptionRow{"port", "PORT", "destination port, for protocols that have ports"},
    OptionRow{"protocol", "NAME", "tcp (default), udp, icmp, gre, esp, ah or sctp"},
    OptionRow{"role", "ROLE", "what the sender was admitted as on a guarded port"},
    OptionRow{"at", "TIME", "at a time to come (RFC 3339)"},
    kJson};
constexpr std::array kCaptureOptions{
    OptionRow{"--ingress", "INTERFACE", "interface that the capture was taken on (default: the WAN's)"}, kJson};
constexpr std::array kReplayOptions{
    OptionRow{"--config", "FILE", "the configuration to judge by", true},
    OptionRow{"--ingress", "INTERFACE", "interface that the capture was taken on", true},
    OptionRow{"--address", "LIST", "addresses not in the configuration, as wan0=198.51.100.2,wan0=2001:db8::2/64"},
    OptionRow{"--against", "FILE", "another configuration: show what it would newly admit and block"},
    OptionRow{"--geo", "FILE", "country database instead of the image's own"},
    OptionRow{"--now", "TIME", "load lists as of this time (RFC 3339) instead of the first packet's"},
    kJson};

using enum Operands;
using enum CommandPlace;
using enum Visibility;

constexpr std::array<CommandRow, 45> kCommands{{
    {CommandId::access_import, "access import", file, kDeviceImportOptions, local, listed,
     "turn a CSV of devices into entries of a configuration, and print them; changes nothing"},
    {CommandId::access_learn, "access learn", none, kLearnOptions, daemon, listed,
     "list what appears on a port as device entries, for a time; admits nothing"},
    {CommandId::access_password,
     "access password",
     name,
     {},
     local,
     listed,
     "store the password of a user of 802.1X, asked for unseen"},
    {CommandId::access_secret,
     "access secret",
     name,
     {},
     local,
     listed,
     "store the secret that a RADIUS server shares with the router"},
    {CommandId::store_access_secret, "access-secret", words, {}, daemon, hidden, "a secret that was asked for"},
    {CommandId::apply, "apply", file, kApplyOptions, daemon, listed,
     "check a configuration, put it in force and commit it"},
    {CommandId::authenticate, "authenticate", words, {}, daemon, internal, "the login's questions to the daemon"},
    {CommandId::capture_grounds, "capture-grounds", none, {}, daemon, hidden, "what a capture is judged by"},
    {CommandId::check, "check", file, kTimeOptions, local, listed, "check a configuration without applying it"},
    {CommandId::clear_access_session,
     "clear access session",
     station,
     {},
     daemon,
     listed,
     "end the session of a device, which may come again"},
    {CommandId::confirm, "confirm", none, {}, daemon, listed, "commit what 'apply --confirm' put in force"},
    {CommandId::console, "console", none, {}, local, hidden, "read commands from the terminal, one per line"},
    {CommandId::geo_import, "geo import", file, kImportOptions, local, listed,
     "put another country database (.mmdb) in force"},
    {CommandId::geo_rollback, "geo rollback", none, {}, daemon, listed, "go back to the country database before"},
    {CommandId::geo_upload, "geo-upload", words, {}, daemon, hidden, "a piece of a country database"},
    {CommandId::help, "help", none, {}, local, listed, "list the commands"},
    {CommandId::lease_event, "lease-event", words, {}, daemon, internal, "report of the DHCP client"},
    {CommandId::log_export, "log export", none, kExportOptions, local, listed,
     "write the access log to standard output"},
    {CommandId::log_page, "log-page", words, {}, daemon, hidden, "a piece of the exported log"},
    {CommandId::login, "login", none, {}, local, hidden, "ask for account and password, then read commands"},
    {CommandId::quit, "quit", none, {}, local, listed, "end the session"},
    {CommandId::render, "render", file, kRenderOptions, local, listed,
     "print the packet filter rules of a configuration"},
    {CommandId::replay, "replay", file, kReplayOptions, local, listed,
     "judge a capture (pcap, pcapng) by a configuration, without router and kernel"},
    {CommandId::session, "session", words, {}, daemon, hidden, "report of the console: a session began or ended"},
    {CommandId::show_access_eap_server,
     "show access eap-server",
     none,
     {},
     daemon,
     listed,
     "certificate of the router's EAP server, for devices to expect"},
    {CommandId::show_access_history, "show access history", none, kHistoryOptions, daemon, listed,
     "what happened to a device on the ports, from the access log"},
    {CommandId::show_access_learned, "show access learned", none, kLearnedOptions, daemon, listed,
     "what appeared on ports, lately and while they learn, as device entries"},
    {CommandId::show_access_ports, "show access ports", none, kJsonOnly, daemon, listed,
     "ports under port access: mode, link, devices"},
    {CommandId::show_access_sessions, "show access sessions", none, kSessionOptions, daemon, listed,
     "devices in force: how they proved themselves, role, since when"},
    {CommandId::show_accounts, "show accounts", none, kJsonOnly, daemon, listed, "accounts and how they may log in"},
    {CommandId::show_components, "show components", none, kJsonOnly, daemon, listed,
     "software in the image with its versions"},
    {CommandId::show_configuration, "show configuration", none, {}, daemon, listed, "the configuration in force"},
    {CommandId::show_enforcement, "show enforcement", none, kJsonOnly, daemon, listed,
     "what the kernel has beside what the policy in force wants; exit status 1 where something differs"},
    {CommandId::show_geo, "show geo", none, kJsonOnly, daemon, listed,
     "country database, lists of countries and what they hold, early drop, last import"},
    {CommandId::show_geo_lookup, "show geo lookup", address, kJsonOnly, daemon, listed,
     "country of an address, lists that hold it, and what gate and services say to it"},
    {CommandId::show_interfaces, "show interfaces", none, kJsonOnly, daemon, listed, "interfaces, zones and addresses"},
    {CommandId::show_lifecycle, "show lifecycle", none, kJsonOnly, daemon, listed,
     "support status; exit status 0 supported, 3 security-only, 4 ended, 5 unknown"},
    {CommandId::show_log, "show log", none, kLogOptions, daemon, listed, "the access log"},
    {CommandId::show_log_servers, "show log-servers", none, kJsonOnly, daemon, listed,
     "syslog servers and how far they have the log"},
    {CommandId::show_rules, "show rules", none, kJsonOnly, daemon, listed,
     "rules in force with their hits and configuration lines"},
    {CommandId::show_system, "show system", none, kJsonOnly, daemon, listed,
     "clock, memory, data partition, policy in force"},
    {CommandId::show_version, "show version", none, kJsonOnly, daemon, listed, "product, version and build"},
    {CommandId::show_why, "show why", address, kJsonOnly, daemon, listed,
     "what log, lists and countries say of an address, and the lines of an exception for it"},
    {CommandId::test_capture, "test capture", file, kCaptureOptions, local, listed,
     "judge a capture (pcap, pcapng) by the policy in force"},
    {CommandId::test_packet, "test packet", none, kPacketOptions, daemon, listed,
     "what the rules in force say to a packet; exit status 0 passes, 3 does not"},
}};
static_assert(std::ranges::is_sorted(kCommands, {}, &CommandRow::words));

Error argument_error(std::string cause) {
    return Error(Domain::argument, "", std::move(cause));
}

bool is_word(const OptionRow& option) {
    return !option.name.starts_with("--");
}

std::string suggestion(std::string_view word, const std::vector<std::string_view>& candidates) {
    const auto near = text::nearest(word, candidates);
    return near ? text::concat("; did you mean '", *near, "'?") : std::string();
}

std::string shown(std::string_view word) {
    return text::concat("'", text::escape_for_terminal(word), "'");
}

/// The longest row whose words begin the given ones; `used` is how many they are.
const CommandRow* find_row(std::span<const std::string> words, std::size_t& used) {
    const CommandRow* found = nullptr;
    used = 0;
    for (const CommandRow& row : kCommands) {
        const auto parts = text::split(row.words, ' ');
        if (parts.size() <= words.size() && parts.size() > used &&
            std::equal(parts.begin(), parts.end(), words.begin())) {
            found = &row;
            used = parts.size();
        }
    }
    return found;
}

Result<void> read_option(Invocation& invocation, std::span<const std::string> words, std::size_t& position) {
    const std::string& word = words[position];
    const auto& options = invocation.command->options;
    const auto row = std::ranges::find(options, std::string_view(word), &OptionRow::name);
    if (row == options.end()) {
        std::vector<std::string_view> names;
        std::ranges::transform(options, std::back_inserter(names), &OptionRow::name);
        return std::unexpected(argument_error(
            text::concat("'", invocation.command->words, "' has no option ", shown(word), suggestion(word, names))));
    }
    if (invocation.has(row->name)) {
        return std::unexpected(argument_error(text::concat("option ", row->name, " is given twice")));
    }
    std::string value;
    if (!row->value.empty()) {
        if (++position == words.size()) {
            return std::unexpected(
                argument_error(text::concat("option ", row->name, " needs a value (", row->value, ")")));
        }
        value = words[position];
    }
    invocation.options.emplace_back(row->name, std::move(value));
    return {};
}

std::size_t count_of(Operands operands) {
    switch (operands) {
    case none:
    case words:
        return 0;
    case file:
    case address:
    case name:
        return 1;
    case station:
        return 2;
    }
    std::unreachable();
}

std::string_view description_of(Operands operands) {
    switch (operands) {
    case none:
    case words:
        return {};
    case file:
        return "a file name, or - for standard input";
    case address:
        return "an IPv4 or IPv6 address";
    case station:
        return "a port and a MAC address";
    case name:
        return "a name out of the configuration";
    }
    std::unreachable();
}

Result<void> check_operands(const Invocation& invocation) {
    const CommandRow& row = *invocation.command;
    const bool without_file = row.id == CommandId::render && invocation.has("--closed");
    const std::size_t wanted = without_file ? 0 : count_of(row.operands);
    if (row.operands != words && invocation.operands.size() > wanted) {
        const std::string& word = invocation.operands[wanted];
        std::vector<std::string_view> names;
        for (const OptionRow& option : row.options) {
            if (is_word(option)) {
                names.push_back(option.name);
            }
        }
        return std::unexpected(
            argument_error(text::concat("'", row.words, "' does not take ", shown(word), suggestion(word, names))));
    }
    if (invocation.operands.size() < wanted) {
        return std::unexpected(argument_error(text::concat("'", row.words, "' needs ", description_of(row.operands))));
    }
    for (const OptionRow& option : row.options) {
        if (option.is_needed && !invocation.has(option.name)) {
            return std::unexpected(
                argument_error(text::concat("'", row.words, "' needs ", option.name, " ", option.value)));
        }
    }
    return {};
}

} // namespace

std::span<const CommandRow> command_table() noexcept {
    return kCommands;
}

bool Invocation::has(std::string_view option) const noexcept {
    return value_of(option).has_value();
}

std::optional<std::string_view> Invocation::value_of(std::string_view option) const noexcept {
    for (const auto& [name, value] : options) {
        if (name == option) {
            return value;
        }
    }
    return std::nullopt;
}

Result<Invocation> parse_command(std::span<const std::string> words) {
    std::size_t used = 0;
    Invocation invocation;
    invocation.command = find_row(words, used);
    if (invocation.command == nullptr) {
        std::vector<std::string_view> names;
        for (const CommandRow& row : kCommands) {
            if (row.visibility == listed) {
                names.push_back(row.words);
            }
        }
        const std::string given = text::join({words.begin(), words.end()}, " ");
        return std::unexpected(argument_error(
            text::concat("unknown command ", shown(given), suggestion(given, names), " ('help' lists the commands)")));
    }
    const bool takes_options = invocation.command->operands != Operands::words;
    const auto is_option = [&](const std::string& word) {
        const auto& options = invocation.command->options;
        return word.starts_with("--") || std::ranges::contains(options, std::string_view(word), &OptionRow::name);
    };
    for (std::size_t position = used; position < words.size(); ++position) {
        if (takes_options && is_option(words[position])) {
            TRY(read_option(invocation, words, position));
        } else {
            invocation.operands.push_back(words[position]);
        }
    }
    TRY(check_operands(invocation));
    return invocation;
}

namespace {

std::string_view operand_of(const CommandRow& row) {
    switch (row.operands) {
    case none:
    case words:
        return {};
    case file:
        return " FILE|-";
    case address:
        return " ADDRESS";
    case station:
        return " PORT MAC";
    case name:
        return " NAME";
    }
    std::unreachable();
}

} // namespace

std::string help_text() {
    std::string text;
    for (const CommandRow& row : kCommands) {
        if (row.visibility != listed) {
            continue;
        }
        const std::string call = text::concat(row.words, operand_of(row));
        text += text::concat("  ", text::pad_right(call, 22), row.help, "\n");
        for (const OptionRow& option : row.options) {
            const std::string form =
                option.value.empty() ? std::string(option.name) : text::concat(option.name, " ", option.value);
            text += text::concat("    ", text::pad_right(form, 20), option.help, "\n");
        }
    }
    return text;
}

std::string command_reference_page() {
    std::string page =
        "# Commands\n\n"
        "Made from the command table; after a change: `SEKISHO_REGENERATE=1` and run `commands_reference_test`.\n\n"
        "Exit status: 0 done, 1 failed, 2 not understood. Commands that run in the client need no router.\n\n"
        "| command | runs in | what it does |\n|---|---|---|\n";
    for (const CommandRow& row : kCommands) {
        if (row.visibility != listed) {
            continue;
        }
        page += text::concat("| `", row.words, row.operands == file ? " FILE` or `-" : operand_of(row), "` | ",
                             row.place == local ? "the client" : "the daemon", " | ", row.help, " |\n");
        for (const OptionRow& option : row.options) {
            page += text::concat("| &nbsp;&nbsp;`", option.name, option.value.empty() ? "" : " ", option.value,
                                 "` | | ", option.help, " |\n");
        }
    }
    return page;
}

Result<std::vector<std::string>> split_line(std::string_view line) {
    std::vector<std::string> result;
    bool in_word = false;
    bool quoted = false;
    for (const char c : line) {
        if (c == '"') {
            quoted = !quoted;
            if (!in_word) {
                result.emplace_back();
                in_word = true;
            }
        } else if (!quoted && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
            in_word = false;
        } else {
            if (!in_word) {
                result.emplace_back();
                in_word = true;
            }
            result.back() += c;
        }
    }
    if (quoted) {
        return std::unexpected(argument_error("a double quote is not closed"));
    }
    return result;
}

} // namespace sekisho::services
