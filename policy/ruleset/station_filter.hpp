// SPDX-License-Identifier: GPL-2.0-or-later
// Port access where frames come in and go out: a table of the netdev family on the ports of guarded bridges. It gives
// every packet the mark of its sender's role, lets nothing else pass, and tells of strangers; and it lets nothing out
// to a port where nobody is in force (a bridge sends its own broadcasts to every port, whatever the port's flags say).
// The table's map of roles and its set of lively ports are filled with leases that end by themselves; its rules are
// made anew when ports come and go, and leave the map alone. The map counts what each station sent: who is silent shows
// nowhere else, since a bridge's table, on a port that does not learn, knows only what was sent to a station.
#pragma once

#include "policy/model/model.hpp"
#include "policy/ruleset/source_binding.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::ruleset {

inline constexpr std::string_view kStationTable = "sekisho_ports"; ///< family netdev
inline constexpr std::string_view kRoleMap = "roles";              ///< device name . MAC address : packet mark
inline constexpr std::uint16_t kLogGroupStations = 3;
inline constexpr std::string_view kLivelySet = "lively"; ///< names of ports with somebody in force
/// What a log prefix of the table says, beside the port that the record names.
inline constexpr std::string_view kStrangerPrefix = "station.stranger";
inline constexpr std::string_view kTaggedPrefix = "station.tagged";

/// A lease in the kernel ends so long after it was put there or renewed.
inline constexpr unsigned kRoleLeaseSeconds = 60;

/// A device that may be woken on its port.
struct Sleeper {
    std::string port;
    MacAddress mac;
    friend bool operator==(const Sleeper&, const Sleeper&) = default;
};

/// The ports that are there; the others have no table to be in.
struct StationFilter {
    std::vector<std::string> locked;
    std::vector<std::string> open; ///< on the same bridges
    std::vector<MacAddress> known; ///< registered: told of whatever strangers do
    /// What is addressed to them, and broadcasts, go out to their ports though nobody is in force there (Wake-on-LAN).
    std::vector<Sleeper> woken;
    BindingRules binding; ///< of what is admitted
    friend bool operator==(const StationFilter&, const StationFilter&) = default;
};

/// All ports of the model's guarded bridges, whether or not they are there.
[[nodiscard]] StationFilter station_filter_of(const model::Model& model);

/// One transaction for nft that puts the rules in force, in place of former ones. With no ports, takes the table away.
[[nodiscard]] std::string station_filter_text(const StationFilter& filter);

/// The same for readers, as comments; empty where there is none.
[[nodiscard]] std::string station_filter_comment(const StationFilter& filter);

} // namespace sekisho::ruleset
