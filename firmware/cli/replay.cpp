// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/cli/replay.hpp"

#include "firmware/services/replay.hpp"
#include "policy/base/text.hpp"
#include "policy/ruleset/compiler.hpp"

#include <algorithm>
#include <memory>

namespace sekisho::cli {

namespace {

constexpr std::int64_t kProgressEvery = 500'000;  // microseconds
constexpr std::uint64_t kLookAtClockEvery = 4096; // packets

void complain(const ReplayWorld& world, std::string_view text) {
    ignore_error(world.dialogue.complain(text), "there is nowhere left to say it; the exit status tells");
}

int fail(const ReplayWorld& world, const Error& error, int status = 1) {
    complain(world, error.message() + "\n");
    return status;
}

/// "wan0=198.51.100.2", "wan0=198.51.100.2/24"; several with commas.
Result<void> add_addresses(judge::Environment& environment, std::string_view texts) {
    for (const std::string_view text : text::split(texts, ',')) {
        const std::size_t equals = text.find('=');
        if (equals == std::string_view::npos) {
            return std::unexpected(
                Error(Domain::argument, "--address", "takes INTERFACE=ADDRESS, as in wan0=198.51.100.2"));
        }
        const auto device = environment.find_device(text.substr(0, equals));
        if (device == judge::kNoDevice) {
            return std::unexpected(
                Error(Domain::argument, "--address",
                      text::concat("the configuration has no interface '",
                                   text::escape_for_terminal(text.substr(0, equals)), "' in a zone")));
        }
        const std::string_view value = text.substr(equals + 1);
        InterfaceAddress address;
        if (value.contains('/')) {
            address = TRY(InterfaceAddress::parse(value));
        } else {
            address.address = TRY(IpAddress::parse(value));
            address.length = bits_of(address.address.family());
        }
        environment.devices[device].addresses.push_back(address);
    }
    return {};
}

/// One that the command compares or judges by; made for the time of the first packet.
class Policies {
public:
    Policies(const services::Invocation& invocation, const ReplayWorld& world)
        : m_invocation(invocation), m_world(world) {}

    /// Prints what is wrong with the file.
    Result<std::unique_ptr<services::ReplayPolicy>> load(const std::string& path, Time when);

    [[nodiscard]] ports::GeoDatabase* countries() const noexcept { return m_countries.get(); }

    [[nodiscard]] bool has_unknown_address() const noexcept { return m_unknown_address; }

private:
    Result<geo::Contents> contents_of(const model::Model& model);

    const services::Invocation& m_invocation;
    const ReplayWorld& m_world;
    std::unique_ptr<ports::GeoDatabase> m_countries;
    bool m_unknown_address = false;
};

Result<geo::Contents> Policies::contents_of(const model::Model& model) {
    const auto selections = selections_of(model);
    const bool is_named = m_invocation.has("--geo");
    if (selections.empty() && m_countries == nullptr && !is_named) {
        // countries of sources are told where that is possible
        if (auto database = m_world.open_countries(std::nullopt)) {
            m_countries = std::move(*database);
        }
        return geo::Contents{};
    }
    if (m_countries == nullptr) {
        m_countries = TRY(m_world.open_countries(m_invocation.value_of("--geo")));
    }
    return selections.empty() ? geo::Contents{} : m_countries->select(selections);
}

Result<std::unique_ptr<services::ReplayPolicy>> Policies::load(const std::string& path, Time when) {
    const std::string text = TRY(m_world.read(path));
    Diagnostics diagnostics;
    const auto configuration =
        services::load_configuration(text, {m_world.clock.now(), true}, diagnostics, model::Purpose::apply);
    complain(m_world, diagnostics.text(path));
    if (!configuration) {
        return std::unexpected(Error(Domain::argument, path, "is no configuration that would be accepted"));
    }
    const model::Model& model = configuration->model;
    const geo::Contents contents = TRY(contents_of(model));
    auto policy = std::make_unique<services::ReplayPolicy>();
    policy->ruleset = TRY(ruleset::compile(model, {when, true}, contents));
    policy->environment = judge::environment_of(model, policy->ruleset);
    const std::string ingress(m_invocation.value_of("--ingress").value_or(""));
    if (policy->environment.find_device(ingress) == judge::kNoDevice) {
        return std::unexpected(
            Error(Domain::argument, "--ingress",
                  text::concat(path, " has no interface '", text::escape_for_terminal(ingress), "' in a zone")));
    }
    if (const auto addresses = m_invocation.value_of("--address")) {
        TRY(add_addresses(policy->environment, *addresses));
    }
    const model::Interface* interface = model.find_interface(ingress);
    const auto& own = policy->environment.devices[policy->environment.find_device(ingress)].addresses;
    m_unknown_address =
        m_unknown_address || (interface->dhcp && !std::ranges::any_of(own, [](const InterfaceAddress& each) {
                                  return each.address.family() == Family::ipv4;
                              }));
    return policy;
}

/// On a terminal alone, and not for short captures.
class Progress {
public:
    Progress(const ReplayWorld& world, const ports::CaptureFile& file) : m_world(world), m_file(file) {}

    void tell(std::uint64_t packets) {
        if (!m_world.dialogue.is_interactive()) {
            return;
        }
        const std::int64_t now = m_world.clock.monotonic_microseconds();
        if (m_next == 0) {
            m_next = now + kProgressEvery;
        }
        if (now < m_next) {
            return;
        }
        m_next = now + kProgressEvery;
        m_is_shown = true;
        const auto part = m_file.progress();
        const std::string percent =
            part ? text::concat(", ", text::to_text(static_cast<std::uint64_t>(*part * 100)), " %") : std::string();
        complain(m_world, text::concat("\r", text::to_text(packets), " packets", percent, "   "));
    }

    void end() {
        if (m_is_shown) {
            complain(m_world, "\r\x1b[K");
        }
    }

private:
    const ReplayWorld& m_world;
    const ports::CaptureFile& m_file;
    std::int64_t m_next = 0;
    bool m_is_shown = false;
};

} // namespace

int replay(const services::Invocation& invocation, const ReplayWorld& world) {
    if (!world.open_capture || !world.open_countries) {
        return fail(world, Error(Domain::argument, "replay", "a session names no files"));
    }
    const auto file = world.open_capture(invocation.operands.front());
    if (!file) {
        return fail(world, file.error());
    }
    auto record = (*file)->next();
    Time from = record && *record ? (*record)->when : world.clock.now();
    if (const auto time = invocation.value_of("--now")) {
        const auto parsed = parse_rfc3339(*time);
        if (!parsed) {
            return fail(world, parsed.error(), 2);
        }
        from = *parsed;
    }
    Policies policies(invocation, world);
    const auto policy = policies.load(std::string(*invocation.value_of("--config")), from);
    if (!policy) {
        return fail(world, policy.error());
    }
    std::unique_ptr<services::ReplayPolicy> against;
    if (const auto other = invocation.value_of("--against")) {
        auto loaded = policies.load(std::string(*other), from);
        if (!loaded) {
            return fail(world, loaded.error());
        }
        against = std::move(*loaded);
    }
    const services::ReplayOptions options{.ingress = *invocation.value_of("--ingress"),
                                          .has_unknown_address = policies.has_unknown_address()};
    services::Replay replay(**policy, against.get(), options, policies.countries());
    Progress progress(world, **file);
    const packet::LinkType link_type = (*file)->link_type();
    for (; record && *record; record = (*file)->next()) {
        replay.take(link_type, (*record)->frame, (*record)->wire_size, (*record)->when);
        if (replay.packets() % kLookAtClockEvery == 0) {
            progress.tell(replay.packets());
        }
    }
    progress.end();
    const Table table = replay.flows();
    const auto written = world.dialogue.say(invocation.has("--json") ? table.json() : table.text());
    if (!written) {
        return fail(world, written.error());
    }
    for (const std::string& remark : replay.remarks()) {
        complain(world, remark + "\n");
    }
    if (options.has_unknown_address) {
        complain(world, text::concat("The address of ", options.ingress,
                                     " comes from a DHCP server and is not known here: say it with --address ",
                                     options.ingress, "=ADDRESS\n"));
    }
    if (!record) {
        complain(world, text::concat("The capture breaks behind ", text::to_text(replay.packets()),
                                     " packets; what is shown is partial.\n"));
        return fail(world, record.error());
    }
    return 0;
}

} // namespace sekisho::cli
