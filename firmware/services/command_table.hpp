// SPDX-License-Identifier: GPL-2.0-or-later
// Every command of `sekisho`, one row each: parsing, help, where it runs, and the console's prompt come from it.
#pragma once

#include "policy/base/error.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::services {

enum class CommandId {
    access_import,
    access_learn,
    apply,
    authenticate,
    capture_grounds,
    check,
    confirm,
    clear_access_session,
    access_password,
    access_secret,
    store_access_secret,
    console,
    geo_import,
    geo_rollback,
    geo_upload,
    help,
    lease_event,
    log_export,
    log_page,
    login,
    quit,
    render,
    replay,
    session,
    show_access_eap_server,
    show_access_history,
    show_access_learned,
    show_access_ports,
    show_access_sessions,
    show_accounts,
    show_components,
    show_configuration,
    show_enforcement,
    show_geo,
    show_geo_lookup,
    show_interfaces,
    show_lifecycle,
    show_log,
    show_log_servers,
    show_rules,
    show_system,
    show_version,
    show_why,
    test_capture,
    test_packet,
};

enum class CommandPlace {
    local,  ///< in the client, without the daemon
    daemon, ///< sent over the control socket
};

enum class Visibility {
    listed,
    hidden,   ///< for the product's own programs
    internal, ///< the same, and refused to everybody but the superuser, as which they run
};

/// What a command takes beside options.
enum class Operands {
    none,
    file,    ///< one file name, or "-" for standard input; the client sends its contents
    words,   ///< any words
    address, ///< one IPv4 or IPv6 address
    station, ///< a port and a MAC address
    name,    ///< one name out of the configuration
};

/// An option, or a word that means one where it stands ("port lan1"), in any order.
struct OptionRow {
    std::string_view name;  ///< "--json", "port"
    std::string_view value; ///< name of its value, empty for a flag
    std::string_view help;
    bool is_needed = false;
};

struct CommandRow {
    CommandId id;
    std::string_view words; ///< "show rules"
    Operands operands;
    std::span<const OptionRow> options;
    CommandPlace place;
    Visibility visibility;
    std::string_view help;
};

/// Sorted by words.
[[nodiscard]] std::span<const CommandRow> command_table() noexcept;

struct Invocation {
    const CommandRow* command = nullptr;
    std::vector<std::pair<std::string_view, std::string>> options; ///< name, value (empty for a flag)
    std::vector<std::string> operands;

    [[nodiscard]] bool has(std::string_view option) const noexcept;
    [[nodiscard]] std::optional<std::string_view> value_of(std::string_view option) const noexcept;
};

/// Finds the command and reads its options and operands. The error says what is wrong, and the nearest command or
/// option where there is one.
[[nodiscard]] Result<Invocation> parse_command(std::span<const std::string> words);

/// One line per listed command, options below.
[[nodiscard]] std::string help_text();

/// The text of firmware/cli/REFERENCE.md.
[[nodiscard]] std::string command_reference_page();

/// Splits a line of the console into words at blanks; double quotes hold words together. An open quote is an error.
[[nodiscard]] Result<std::vector<std::string>> split_line(std::string_view line);

} // namespace sekisho::services
