// SPDX-License-Identifier: GPL-2.0-or-later
// What the daemon opens before it begins, and can't do without.
#pragma once

#include "drivers/storage/log_files.hpp"
#include "drivers/system/event_loop.hpp"
#include "firmware/ports/connections.hpp"
#include "firmware/ports/cut_flows.hpp"
#include "firmware/ports/enforcement.hpp"
#include "firmware/ports/network.hpp"
#include "firmware/ports/packet_filter.hpp"
#include "firmware/ports/station_filter.hpp"
#include "firmware/ports/store.hpp"
#include "firmware/sekishod/options.hpp"
#include "firmware/services/lifecycle.hpp"
#include "firmware/services/ssh_server.hpp"

#include <memory>
#include <string>

namespace sekisho::daemon {

/// What can fail to open, opened.
struct Opened {
    std::unique_ptr<ports::PacketFilter> filter;
    std::unique_ptr<ports::Connections> connections;
    std::unique_ptr<ports::CutFlows> cut_flows;
    std::unique_ptr<ports::StationFilter> station_filter;
    std::unique_ptr<ports::Bypasses> filter_bypasses;
    std::unique_ptr<ports::Network> network;
    std::unique_ptr<ports::Store> store;
    std::unique_ptr<ports::Store> run_store;
    std::unique_ptr<drivers::JsonLogFiles> files;
    std::string data_trouble; ///< why the log is not on the data partition; empty where it is
    services::ImageFacts image;
    Result<services::UserTables> users;
    std::string default_configuration;
};

[[nodiscard]] Result<Opened> open_drivers(const Options& options, drivers::UvEventLoop& loop);

} // namespace sekisho::daemon
