// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/sekishod/opened.hpp"

#include "drivers/json/component_list.hpp"
#include "drivers/json/support_record.hpp"
#include "drivers/netfilter/kernel_connections.hpp"
#include "drivers/netfilter/nft_bypasses.hpp"
#include "drivers/netfilter/nft_cut_flows.hpp"
#include "drivers/netfilter/nft_packet_filter.hpp"
#include "drivers/netfilter/nft_station_filter.hpp"
#include "drivers/network/kernel_network.hpp"
#include "drivers/storage/file_store.hpp"
#include "drivers/system/files.hpp"
#include "firmware/ports/control.hpp"

#include <cerrno>

namespace sekisho::daemon {

namespace {

constexpr std::size_t kMostIdentity = 4096;
constexpr std::size_t kMostUsers = 64u << 10;

/// An image need not have a record; one that is there has to be one.
lifecycle::RecordOrCause read_support(const std::string& file) {
    const auto text = drivers::read_file(file, drivers::kMostSupportRecord, Domain::lifecycle);
    if (!text && text.error().number() == ENOENT) {
        return std::nullopt;
    }
    return drivers::read_support_record(TRY(text));
}

Result<std::vector<lifecycle::Component>> read_components(const std::string& file) {
    return drivers::read_component_list(TRY(drivers::read_file(file, drivers::kMostComponentList, Domain::lifecycle)));
}

Result<services::UserTables> read_users(const std::string& folder) {
    services::UserTables users;
    users.passwd = TRY(drivers::read_file(folder + "/passwd", kMostUsers, Domain::account));
    users.group = TRY(drivers::read_file(folder + "/group", kMostUsers, Domain::account));
    return users;
}

} // namespace

Result<Opened> open_drivers(const Options& options, drivers::UvEventLoop& loop) {
    Opened opened;
    opened.filter = TRY(drivers::NftPacketFilter::create());
    opened.connections = TRY(drivers::KernelConnections::create());
    opened.cut_flows = TRY(drivers::NftCutFlows::create());
    opened.station_filter = TRY(drivers::NftStationFilter::create());
    opened.filter_bypasses = TRY(drivers::NftBypasses::create());
    opened.network = std::make_unique<drivers::KernelNetwork>(loop);
    const std::string identity = TRY(drivers::read_file(options.identity, kMostIdentity, Domain::system));
    opened.image.identity = TRY(services::Identity::parse(identity));
    opened.image.support = read_support(options.support);
    opened.image.components = read_components(options.components);
    opened.users = read_users(options.users);
    opened.default_configuration =
        TRY(drivers::read_file(options.default_configuration, ports::kMostPayload, Domain::system));
    opened.store = TRY(drivers::FileStore::open(options.data_directory));
    opened.run_store = TRY(drivers::FileStore::open(options.run_directory));
    auto files = drivers::JsonLogFiles::open(options.data_directory);
    if (!files) {
        // A broken data partition must not silence the log: until the next boot it is kept in memory, and says so.
        opened.data_trouble = files.error().message();
        files = drivers::JsonLogFiles::open(options.run_directory);
    }
    opened.files = TRY(std::move(files));
    return opened;
}

} // namespace sekisho::daemon
