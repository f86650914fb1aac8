// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/sekishod/daemon.hpp"

#include "drivers/capture/nflog_packet_log.hpp"
#include "drivers/control/control_server.hpp"
#include "drivers/geoip/country_database.hpp"
#include "drivers/hostapd/hostapd_authenticators.hpp"
#include "drivers/json/event_reader.hpp"
#include "drivers/netfilter/nft_changes.hpp"
#include "drivers/netfilter/nft_packet_filter.hpp"
#include "drivers/network/kernel_programs.hpp"
#include "drivers/network/kernel_station_table.hpp"
#include "drivers/password/yescrypt_hasher.hpp"
#include "drivers/radius/radius_relay.hpp"
#include "drivers/storage/log_files.hpp"
#include "drivers/storage/upload_file.hpp"
#include "drivers/system/files.hpp"
#include "drivers/system/listeners.hpp"
#include "drivers/system/machine.hpp"
#include "drivers/system/processes.hpp"
#include "drivers/system/resolver.hpp"
#include "drivers/tls/digests.hpp"
#include "drivers/tls/key_maker.hpp"
#include "drivers/tls/stream_connector.hpp"
#include "firmware/sekishod/opened.hpp"
#include "firmware/services/access_history.hpp"
#include "firmware/services/access_learning.hpp"
#include "firmware/services/access_report.hpp"
#include "firmware/services/access_secrets.hpp"
#include "firmware/services/accounts_report.hpp"
#include "firmware/services/administration.hpp"
#include "firmware/services/authentication.hpp"
#include "firmware/services/authenticator_programs.hpp"
#include "firmware/services/connection_log.hpp"
#include "firmware/services/countries.hpp"
#include "firmware/services/country_import.hpp"
#include "firmware/services/device_names.hpp"
#include "firmware/services/dhcp_server.hpp"
#include "firmware/services/enforcement.hpp"
#include "firmware/services/flow_cutter.hpp"
#include "firmware/services/geo_report.hpp"
#include "firmware/services/guarded_senders.hpp"
#include "firmware/services/helper_ends.hpp"
#include "firmware/services/helper_programs.hpp"
#include "firmware/services/lifecycle.hpp"
#include "firmware/services/listening.hpp"
#include "firmware/services/lockout_guard.hpp"
#include "firmware/services/log_export.hpp"
#include "firmware/services/log_forwarding.hpp"
#include "firmware/services/log_forwarding_report.hpp"
#include "firmware/services/packet_question.hpp"
#include "firmware/services/policy_service.hpp"
#include "firmware/services/port_access.hpp"
#include "firmware/services/source_binding.hpp"
#include "firmware/services/ssh_server.hpp"
#include "firmware/services/ssh_server_log.hpp"
#include "firmware/services/why_report.hpp"
#include "policy/base/text.hpp"
#include "policy/ruleset/compiler.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>

namespace sekisho::daemon {

namespace {

using events::Event;
using events::Field;

constexpr std::uint64_t kMostLogInMemory = 4u << 20;

int fail(const Error& error) {
    std::fprintf(stderr, "sekishod: %s\n", error.message().c_str());
    return 1;
}

/// An event about the machine, with a message for a person.
void record_host(services::EventLog& log, std::string_view action, std::string message, bool success) {
    Event event;
    event.set(Field::event_kind, success ? "event" : "alert");
    event.set(Field::event_category, "host");
    event.set(Field::event_action, std::string(action));
    event.set(Field::event_outcome, success ? "success" : "failure");
    event.set(Field::message, std::move(message));
    log.record(std::move(event), services::Durability::immediate);
}

/// Tells of a step that failed and goes on: the packet filter protects whether or not the rest works. Gives what it
/// told.
std::vector<std::string> note(services::EventLog& log, std::string_view what, const Result<void>& result) {
    if (result) {
        return {};
    }
    std::string told = text::concat(what, ": ", result.error().message());
    record_host(log, "start", told, false);
    std::fprintf(stderr, "sekishod: %s\n", told.c_str());
    return {std::move(told)};
}

std::string resolver_text(const model::Model& model, const std::vector<IpAddress>& leased) {
    std::string text;
    for (const IpAddress& server : model.system.name_servers.empty() ? leased : model.system.name_servers) {
        text += text::concat("nameserver ", server.text(), "\n");
    }
    return text;
}

/// Drivers and services of one run, in the order of their dependence.
struct Daemon {
    Daemon(const Options& options, drivers::UvEventLoop& loop, ports::Clock& clock_port, Opened opened_drivers)
        : clock(clock_port),
          opened(std::move(opened_drivers)),
          machine(options.data_directory, options.resolv_conf),
          processes(loop),
          packet_log(loop, clock_port),
          station_log(loop, clock_port, {.groups = {ruleset::kLogGroupStations}}),
          station_table(loop),
          filter_changes(loop),
          authenticators(loop, options.run_directory + "/hostapd-control"),
          radius(loop, clock_port, drivers::radius_digests(), drivers::MbedtlsKeyMaker::fill_random),
          resolver(loop),
          databases(options.country_database, options.data_directory),
          upload(options.data_directory, "geo", "upload"),
          connector(loop, resolver),
          server(loop, text::concat(options.run_directory, "/control.sock"), {}, accounts::kGroupId),
          timekeeper(clock, *opened.store, opened.image.identity.build_time),
          log(*opened.files, *opened.store, timekeeper, machine.boot_id()),
          credentials(*opened.store),
          accounts(*opened.store, credentials, log),
          authentication({hasher, clock}, accounts, credentials, timekeeper, log, opened.image.identity.product),
          countries({databases, *opened.store, loop}, timekeeper, log),
          policy({*opened.filter, *opened.network, *opened.store, *opened.run_store, loop, clock}, timekeeper, log,
                 countries, opened.default_configuration),
          connections({packet_log, *opened.filter, loop, *opened.run_store}, log,
                      [this](const IpAddress& address) { return countries.country_of(address); }),
          cutter(
              {*opened.connections, *opened.cut_flows, loop, *opened.run_store}, timekeeper, log,
              [this](const IpAddress& address) { return countries.country_of(address); },
              [this] {
                  const auto& configuration = policy.configuration(); // none while everything stays closed
                  return configuration ? services::guarded_senders(configuration->model, port_access.sessions(),
                                                                   source_binding.leases())
                                       : services::FlowCutter::Senders{};
              }),
          access_secrets(*opened.store, hasher, log),
          authenticator_programs({processes, *opened.store, *opened.run_store, key_maker, radius}, access_secrets,
                                 {options.hostapd, options.data_directory, options.run_directory},
                                 opened.image.identity.build_time),
          port_access({station_table, *opened.station_filter, station_log, authenticators, radius, loop, clock,
                       *opened.run_store},
                      timekeeper, log),
          source_binding({*opened.station_filter, loop, clock, *opened.run_store}, log),
          device_names(*opened.store, loop, log, port_access),
          helpers(processes, *opened.run_store,
                  {options.chronyd, options.busybox, options.lease_script, options.run_directory}),
          dhcp_server(processes, *opened.run_store, {options.dnsmasq, options.resolv_conf, options.run_directory}),
          helper_ends(log, clock),
          ssh({processes, *opened.run_store, loop}, log,
              {.start_script = options.ssh_server,
               .shell = options.shell,
               .data_directory = options.data_directory,
               .run_directory = options.run_directory},
              opened.users.value_or(services::UserTables{})),
          ssh_log(log, clock, loop),
          forwarding({log, timekeeper, reader, connector, loop, clock,
                      // line numbers of a log in memory are not those of the log on the data partition
                      opened.data_trouble.empty() ? *opened.store : *opened.run_store},
                     opened.image.identity.product, opened.image.identity.version),
          enforcement({*opened.filter, loop}, log),
          lifecycle({machine, clock, loop}, opened.image, timekeeper, log, [this] { return utc_offset(); }),
          administration({*opened.filter, *opened.network, machine, clock, reader}, policy, log, timekeeper) {}

    /// The log must leave room for configurations and the time on the data partition, or for programs in memory.
    void limit_log() {
        if (!opened.data_trouble.empty()) {
            log.limit(kMostLogInMemory);
        } else if (const auto space = machine.data_space()) {
            log.limit(space->total_bytes / 2);
        } else {
            note(log, "size of the data partition", std::unexpected(space.error()));
        }
    }

    /// Who may log in, and what stays down until somebody can.
    void open_accounts() {
        note(log, "credentials", credentials.load());
        accounts.load();
        if (credentials.state() == services::CredentialState::fresh) {
            policy.hold_wan();
            helpers.hold_wan(true);
        }
        authentication.host_name_from(
            [this] { return policy.configuration() ? policy.configuration()->model.system.host_name : std::string(); });
        const auto release_wan = [this] {
            helpers.hold_wan(false);
            policy.release_wan();
        };
        authentication.on_first_password(release_wan);
        policy.before_commit([this, release_wan]() -> Result<void> {
            if (TRY(credentials.store_unsaved())) {
                release_wan();
            }
            return {};
        });
        administration.admit({[this](std::uint32_t user_id) { return accounts.name_of(user_id); },
                              [this](std::uint32_t user_id) { return accounts.recorded_name_of(user_id); }});
        administration.on_session(
            [this](const std::string& account) { accounts.note_login(account, timekeeper.reading().now); });
        administration.serve(services::CommandId::authenticate, [this](const auto& invocation, const auto& request) {
            return authentication.authenticate(invocation, request);
        });
        administration.serve(services::CommandId::show_accounts, [this](const auto& invocation, const auto&) {
            return services::show_accounts(invocation, accounts, credentials, utc_offset());
        });
    }

    /// Without the image's own users there is no table to add accounts to: nobody gets in over SSH then.
    Result<void> follow_ssh(const model::Model& model) {
        if (opened.users) {
            return ssh.follow(model, accounts.logins());
        }
        return model.management.ssh_zones.empty() ? Result<void>{} : std::unexpected(opened.users.error());
    }

    /// What sshd tells, and what people compare when they first meet the router.
    void open_ssh() {
        processes.on_output([this](std::string_view name, const ports::OutputLine& line) {
            if (name == services::SshServer::kHelper) {
                ssh_log.take(line);
            }
        });
        administration.add_to_system([this](Facts& facts) {
            facts.facts.push_back({{"ssh_listens_on", "SSH listens on", Column::Kind::text}, ssh.listens_on()});
            facts.facts.push_back({{"ssh_host_key", "SSH host key", Column::Kind::text}, ssh.host_key_fingerprint()});
        });
    }

    /// What the router says of itself.
    void start_lifecycle() {
        if (!opened.image.components) {
            note(log, "list of components", std::unexpected(opened.image.components.error()));
        }
        administration.greet_with([this] { return lifecycle.greeting(); });
        administration.serve(services::CommandId::show_version, [this](const auto& invocation, const auto&) {
            return lifecycle.show_version(invocation);
        });
        administration.serve(services::CommandId::show_lifecycle, [this](const auto& invocation, const auto&) {
            return lifecycle.show_lifecycle(invocation);
        });
        administration.serve(services::CommandId::show_components, [this](const auto& invocation, const auto&) {
            return lifecycle.show_components(invocation);
        });
        lifecycle.start();
    }

    /// The country database in force.
    void start_countries() {
        administration.serve(services::CommandId::geo_upload, [this](const auto& invocation, const auto& request) {
            return country_import.upload(invocation, request);
        });
        administration.serve(services::CommandId::geo_rollback,
                             [this](const auto&, const auto& request) { return country_import.roll_back(request); });
        administration.serve(services::CommandId::show_geo,
                             [this](const auto& invocation, const auto&) { return geo_report.show(invocation); });
        administration.serve(services::CommandId::show_geo_lookup,
                             [this](const auto& invocation, const auto&) { return geo_report.look_up(invocation); });
        administration.serve(services::CommandId::show_why, [this](const auto& invocation, const auto& request) {
            return why_report.show(invocation, request, utc_offset());
        });
        administration.serve(services::CommandId::capture_grounds,
                             [this](const auto&, const auto&) { return packet_question.grounds(); });
        administration.serve(services::CommandId::test_packet, [this](const auto& invocation, const auto&) {
            return packet_question.answer(invocation);
        });
        countries.start();
    }

    /// Who may be on which port. Before the policy: its ports are closed until this has judged who is there.
    void start_port_access() {
        administration.serve(services::CommandId::show_access_sessions, [this](const auto& invocation, const auto&) {
            return services::show_access_sessions(invocation, port_access, device_names, timekeeper.reading().now,
                                                  utc_offset());
        });
        administration.serve(services::CommandId::show_access_ports, [this](const auto& invocation, const auto&) {
            return services::show_access_ports(invocation, port_access);
        });
        administration.serve(services::CommandId::show_access_history,
                             [this](const auto& invocation, const auto& request) {
                                 return access_history.show(invocation, request, utc_offset());
                             });
        administration.serve(services::CommandId::access_learn, [this](const auto& invocation, const auto& request) {
            return access_learning.learn(invocation, request, utc_offset());
        });
        administration.serve(services::CommandId::show_access_learned, [this](const auto& invocation, const auto&) {
            return access_learning.show(invocation, utc_offset());
        });
        administration.serve(services::CommandId::clear_access_session, [this](const auto& invocation, const auto&) {
            return services::clear_access_session(invocation, port_access);
        });
        administration.serve(services::CommandId::store_access_secret,
                             [this](const auto& invocation, const auto& request) {
                                 return access_secrets.store_secret(invocation, request, port_access.policy());
                             });
        administration.serve(services::CommandId::show_access_eap_server, [this](const auto&, const auto&) {
            return services::show_access_eap_server(authenticator_programs.server_certificate());
        });
        access_secrets.on_change([this] {
            if (policy.configuration()) {
                note(log, "802.1X", authenticator_programs.follow(policy.configuration()->model));
            }
        });
        note(log, "secrets of 802.1X", access_secrets.load());
        note(log, "host names of devices", device_names.load());
        port_access.on_request([this](const auto& record) { device_names.take(record); });
        port_access.on_binding([this](const auto& record) { source_binding.take(record); });
        note(log, "port access", port_access.start());
    }

    /// What is looked at to prove that the configuration is in force.
    void start_enforcement() {
        enforcement.before_look([this] {
            policy.follow_links();
            port_access.check_links();
        });
        enforcement.add({.name = "packet filter",
                         .compare = [this] { return policy.compare_rules(); },
                         .restore = [this] { return policy.restore_rules(); },
                         .follows_generation = true});
        enforcement.add({.name = "port access",
                         .compare = [this] { return port_access.compare_filter(); },
                         .restore =
                             [this] {
                                 auto restored = port_access.restore_filter();
                                 source_binding.renew();
                                 return restored;
                             },
                         .follows_generation = true});
        enforcement.add({.name = "foreign tables",
                         .compare = [this] { return opened.filter_bypasses->compare(); },
                         .restore = [this] { return opened.filter_bypasses->remove(); },
                         .follows_generation = true});
        enforcement.add({.name = "programs on links",
                         .compare = [this] { return link_programs.compare(); },
                         .restore = [this] { return link_programs.remove(); }});
        enforcement.add({.name = "network",
                         .compare = [this] { return policy.compare_network(); },
                         .restore = [this] { return policy.restore_network(); }});
        enforcement.add({.name = "flooding of locked ports",
                         .compare = [this] { return port_access.compare_flooding(); },
                         .restore = [this] { return port_access.restore_flooding(); }});
        // Not the router's to end: a program that serves a service of the router is nobody's that it knows.
        enforcement.add({.name = "listening sockets",
                         .compare = [this]() -> Result<ports::Comparisons> {
                             if (!policy.configuration()) {
                                 return ports::Comparisons{};
                             }
                             return services::compare_listeners(policy.configuration()->model,
                                                                TRY(listeners.listeners()));
                         },
                         .restore = {}});
        administration.serve(services::CommandId::show_enforcement,
                             [this](const auto& invocation, const auto&) { return enforcement.show(invocation); });
        note(log, "packet filter watch", filter_changes.watch([this] { enforcement.look_soon(); }));
        enforcement.start();
    }

    void serve_log() {
        administration.serve(services::CommandId::log_page, [this](const auto& invocation, const auto& request) {
            return log_export.page(invocation, request);
        });
        administration.serve(services::CommandId::show_log_servers, [this](const auto& invocation, const auto&) {
            return services::show_log_servers(invocation, forwarding, utc_offset());
        });
    }

    /// Minutes east of UTC, where the clinic is.
    [[nodiscard]] int utc_offset() const {
        return policy.configuration() ? policy.configuration()->model.system.utc_offset_minutes : 0;
    }

    /// Everything beside the packet filter and the network follows the configuration in force; what could not is told.
    std::vector<std::string> follow(const model::Model& model) {
        std::vector<std::string> told;
        const auto add = [&](std::string_view what, const Result<void>& result) {
            std::ranges::move(note(log, what, result), std::back_inserter(told));
        };
        log.configure(model.log.file_size, model.log.files);
        connections.learn(policy.ruleset());
        add("port access", port_access.follow(model));
        add("802.1X", authenticator_programs.follow(model));
        source_binding.follow(model);
        add("accounts", accounts.follow(model));
        add("SSH", follow_ssh(model));
        add("helper programs", helpers.follow(model));
        if (!model.system.host_name.empty()) {
            add("host name", machine.set_host_name(model.system.host_name));
        }
        add("name servers", machine.set_name_servers(resolver_text(model, policy.leased_name_servers())));
        add("DHCP server", dhcp_server.follow(model)); // behind the name servers, which it asks
        forwarding.follow(model);
        countries.follow(model);
        return told;
    }

    ports::Clock& clock;
    Opened opened;
    drivers::Machine machine;
    drivers::ChildProcesses processes;
    drivers::NflogPacketLog packet_log;
    drivers::NflogPacketLog station_log;
    drivers::KernelStationTable station_table;
    drivers::NftChanges filter_changes;
    drivers::KernelPrograms link_programs;
    drivers::KernelListeners listeners;
    drivers::HostapdAuthenticators authenticators;
    drivers::RadiusRelay radius;
    drivers::MbedtlsKeyMaker key_maker;
    drivers::SystemResolver resolver;
    drivers::CountryDatabases databases;
    drivers::FileUpload upload;
    drivers::SocketConnector connector;
    drivers::YyjsonEventReader reader;
    drivers::YescryptHasher hasher;
    drivers::UnixControlServer server;
    services::Timekeeper timekeeper;
    services::EventLog log;
    services::Credentials credentials;
    services::Accounts accounts;
    services::Authentication authentication;
    services::Countries countries;
    services::PolicyService policy;
    services::CountryImport country_import{
        {upload, databases, *opened.store, machine}, countries, policy, log, timekeeper};
    services::GeoReport geo_report{countries, policy, country_import, timekeeper};
    services::WhyReport why_report{log, reader, geo_report, policy, timekeeper};
    services::PacketQuestion packet_question{*opened.network, policy, countries, timekeeper};
    services::ConnectionLog connections;
    services::FlowCutter cutter;
    services::LockoutGuard guard{*opened.connections, timekeeper};
    services::AccessSecrets access_secrets;
    services::AuthenticatorPrograms authenticator_programs;
    services::PortAccess port_access;
    services::SourceBinding source_binding;
    services::DeviceNames device_names;
    services::HelperPrograms helpers;
    services::DhcpServer dhcp_server;
    services::HelperEnds helper_ends;
    services::SshServer ssh;
    services::SshServerLog ssh_log;
    services::LogForwarding forwarding;
    services::Enforcement enforcement;
    services::Lifecycle lifecycle;
    services::LogExport log_export{log, reader};
    services::AccessHistory access_history{log, reader};
    services::AccessLearning access_learning{port_access, timekeeper, log};
    services::Administration administration;
};

} // namespace

int close(const Options&) {
    const auto filter = drivers::NftPacketFilter::create();
    if (!filter) {
        return fail(filter.error());
    }
    const auto loaded = (*filter)->is_loaded();
    if (!loaded) {
        return fail(loaded.error());
    }
    if (!*loaded) {
        if (const auto closed = (*filter)->apply(ruleset::closed_ruleset(), Time{}); !closed) {
            return fail(closed.error());
        }
    }
    return 0;
}

int run(const Options& options, drivers::UvEventLoop& loop, ports::Clock& clock) {
    auto opened = open_drivers(options, loop);
    if (!opened) {
        return fail(opened.error());
    }
    Daemon daemon(options, loop, clock, std::move(*opened));
    // Time and marks first: the log may have something to tell of its former end.
    const auto time = daemon.timekeeper.load();
    const auto marks = daemon.log.load();
    const auto cursors = daemon.forwarding.load();
    note(daemon.log, "log sequence", daemon.log.start(daemon.reader, loop, *daemon.opened.run_store));
    note(daemon.log, "recorded time", time);
    note(daemon.log, "log marks", marks);
    note(daemon.log, "syslog servers", cursors);
    if (!daemon.opened.data_trouble.empty()) {
        note(daemon.log, "the access log is in memory only",
             std::unexpected(Error(Domain::storage, "", daemon.opened.data_trouble)));
    }
    if (const std::uint64_t torn = daemon.opened.files->torn_bytes(); torn > 0) {
        record_host(daemon.log, "log-torn",
                    text::concat("the log ended in ", text::to_text(torn),
                                 " bytes of an event that was not written whole; they were cut off"),
                    false);
    }
    daemon.processes.on_exit(
        [&daemon](std::string_view name, std::string_view how) { daemon.helper_ends.on_end(name, how); });
    daemon.policy.before_switch([&daemon] { daemon.connections.check_losses(); });
    daemon.policy.guard_with([&daemon](const services::Actor& actor, const model::Model& model, const auto& wanted) {
        return daemon.guard.judge(actor, model, wanted);
    });
    daemon.policy.after_switch([&daemon](const ruleset::Ruleset& rules) { daemon.cutter.cut_unadmitted(rules); });
    daemon.policy.on_change([&daemon](const model::Model& model) { return daemon.follow(model); });
    note(daemon.log, "connection log", daemon.connections.start());
    daemon.limit_log();
    daemon.open_accounts();
    daemon.open_ssh();
    daemon.start_countries();
    daemon.start_port_access();
    daemon.policy.start();
    if (daemon.policy.configuration() == nullptr) {
        constexpr model::LogSettings kDefault; // denials are logged without a policy too
        daemon.log.configure(kDefault.file_size, kDefault.files);
    }
    daemon.start_lifecycle();
    daemon.serve_log();
    daemon.start_enforcement();
    note(daemon.log, "clock", clock.watch_steps([&daemon] {
        daemon.policy.check_clock();
        daemon.lifecycle.check();
        daemon.countries.check_age();
        daemon.port_access.check_clock();
    }));
    note(daemon.log, "network watch", daemon.opened.network->watch([&daemon] {
        daemon.policy.follow_links();
        daemon.port_access.check_links();
        daemon.enforcement.look_soon();
    }));
    const auto started = daemon.server.start(
        [&daemon](const ports::ControlRequest& request) { return daemon.administration.handle(request); });
    if (!started) {
        return fail(started.error());
    }
    if (const auto termination = loop.on_termination([&loop] { loop.stop(); }); !termination) {
        return fail(termination.error());
    }
    loop.run();
    daemon.connections.check_losses();
    record_host(daemon.log, "stop", "the daemon ends; the policy in force stays in the kernel", true);
    return 0;
}

} // namespace sekisho::daemon
