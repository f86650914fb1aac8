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
        auto& addresses = environment.devices[device].addresses;
        if (!std::ranges::contains(addresses, address)) {
            addresses.push_back(address);
        }
    }
    return {};
}

/// What a policy is made from, and the router that it is in force on.
struct Basis {
    std::string name; ///< for messages
    std::string text;
    ClockReading clock;
    model::Purpose purpose = model::Purpose::apply;
    std::string ingress;                 ///< empty: the WAN's
    std::string addresses;               ///< as --address takes them
    std::optional<std::string> database; ///< of countries
};

class Policies {
public:
    explicit Policies(const ReplayWorld& world) : m_world(world) {}

    /// Prints what is wrong with the configuration.
    Result<std::unique_ptr<services::ReplayPolicy>> load(const Basis& basis, std::string_view digest = {});

    [[nodiscard]] ports::GeoDatabase* countries() const noexcept { return m_countries.get(); }

    /// Of the policy that was loaded last.
    [[nodiscard]] const std::string& ingress() const noexcept { return m_ingress; }

    [[nodiscard]] bool has_unknown_address() const noexcept { return m_unknown_address; }

private:
    Result<geo::Contents> contents_of(const model::Model& model, const Basis& basis);

    const ReplayWorld& m_world;
    std::unique_ptr<ports::GeoDatabase> m_countries;
    std::string m_ingress;
    bool m_unknown_address = false;
};

Result<geo::Contents> Policies::contents_of(const model::Model& model, const Basis& basis) {
    const auto selections = selections_of(model);
    if (selections.empty() && m_countries == nullptr && !basis.database) {
        // countries of sources are told where that is possible
        if (auto database = m_world.open_countries(std::nullopt)) {
            m_countries = std::move(*database);
        }
        return geo::Contents{};
    }
    if (m_countries == nullptr) {
        m_countries = TRY(m_world.open_countries(basis.database));
    }
    return selections.empty() ? geo::Contents{} : m_countries->select(selections);
}

/// The device of that name; without a name the first of the WAN.
judge::DeviceIndex ingress_of(const judge::Environment& environment, const std::string& name) {
    if (!name.empty()) {
        return environment.find_device(name);
    }
    const auto found = std::ranges::find(environment.devices, true, &judge::Device::is_wan);
    return found == environment.devices.end() ? judge::kNoDevice
                                              : static_cast<judge::DeviceIndex>(found - environment.devices.begin());
}

Result<std::unique_ptr<services::ReplayPolicy>> Policies::load(const Basis& basis, std::string_view digest) {
    Diagnostics diagnostics;
    const bool is_new = basis.purpose == model::Purpose::apply;
    const ClockReading checked = is_new ? ClockReading{m_world.clock.now(), true} : basis.clock;
    const auto configuration = services::load_configuration(basis.text, checked, diagnostics, basis.purpose);
    if (is_new || !configuration) {
        complain(m_world, diagnostics.text(basis.name));
    }
    if (!configuration) {
        return std::unexpected(Error(Domain::argument, basis.name, "is no configuration that would be accepted"));
    }
    if (!digest.empty() && configuration->digest != digest) {
        return std::unexpected(
            Error(Domain::argument, basis.name, "is another by now: an apply came in between; ask again"));
    }
    const model::Model& model = configuration->model;
    const geo::Contents contents = TRY(contents_of(model, basis));
    auto policy = std::make_unique<services::ReplayPolicy>();
    policy->ruleset = TRY(ruleset::compile(model, basis.clock, contents));
    if (!is_new) {
        // what is in force now judges all of the capture, whatever its clock says
        for (ruleset::Set& set : policy->ruleset.sets) {
            for (auto& element : set.elements) {
                element.expires.reset();
            }
        }
    }
    policy->environment = judge::environment_of(model, policy->ruleset);
    const judge::DeviceIndex ingress = ingress_of(policy->environment, basis.ingress);
    if (ingress == judge::kNoDevice) {
        return std::unexpected(Error(
            Domain::argument, "--ingress",
            text::concat(basis.name, " has no interface '", text::escape_for_terminal(basis.ingress), "' in a zone")));
    }
    if (!basis.addresses.empty()) {
        TRY(add_addresses(policy->environment, basis.addresses));
    }
    const judge::Device& device = policy->environment.devices[ingress];
    m_ingress = device.name;
    const model::Interface* interface = model.find_interface(m_ingress);
    m_unknown_address =
        m_unknown_address || (interface->dhcp && !std::ranges::any_of(device.addresses, [](const auto& own) {
                                  return own.address.family() == Family::ipv4;
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

/// Judges the capture to its end or where it breaks, and prints what came of it.
class Trial {
public:
    Trial(const ReplayWorld& world, ports::CaptureFile& file) : m_world(world), m_file(file), m_record(file.next()) {}

    /// Of the first packet, where there is one.
    [[nodiscard]] Time begins() const { return m_record && *m_record ? (*m_record)->when : m_world.clock.now(); }

    int judge(const services::ReplayPolicy& policy, const services::ReplayPolicy* against, const Policies& policies,
              bool as_json);

private:
    const ReplayWorld& m_world;
    ports::CaptureFile& m_file;
    Result<std::optional<ports::CaptureFile::Record>> m_record;
};

int Trial::judge(const services::ReplayPolicy& policy, const services::ReplayPolicy* against, const Policies& policies,
                 bool as_json) {
    const services::ReplayOptions options{.ingress = policies.ingress(),
                                          .has_unknown_address = policies.has_unknown_address()};
    services::Replay replay(policy, against, options, policies.countries());
    Progress progress(m_world, m_file);
    const packet::LinkType link_type = m_file.link_type();
    for (; m_record && *m_record; m_record = m_file.next()) {
        replay.take(link_type, (*m_record)->frame, (*m_record)->wire_size, (*m_record)->when);
        if (replay.packets() % kLookAtClockEvery == 0) {
            progress.tell(replay.packets());
        }
    }
    progress.end();
    const Table table = replay.flows();
    const auto written = m_world.dialogue.say(as_json ? table.json() : table.text());
    if (!written) {
        return fail(m_world, written.error());
    }
    for (const std::string& remark : replay.remarks()) {
        complain(m_world, remark + "\n");
    }
    if (options.has_unknown_address) {
        complain(m_world, text::concat("The address of ", options.ingress,
                                       " comes from a DHCP server and is not known here: say it with --address ",
                                       options.ingress, "=ADDRESS\n"));
    }
    if (!m_record) {
        complain(m_world, text::concat("The capture breaks behind ", text::to_text(replay.packets()),
                                       " packets; what is shown is partial.\n"));
        return fail(m_world, m_record.error());
    }
    return 0;
}

/// A line per thing: see PacketQuestion::grounds().
Result<std::string> read_grounds(const std::string& answer, Basis& basis) {
    std::string digest;
    for (const std::string_view line : text::split(answer, '\n')) {
        const auto words = text::split(line, ' ');
        if (words.size() == 2 && words[0] == "policy") {
            digest = words[1];
        } else if (words.size() == 3 && words[0] == "time") {
            basis.clock = {TRY(parse_rfc3339(words[1])), words[2] == "synchronised"};
        } else if (words.size() == 2 && words[0] == "address") {
            basis.addresses += text::concat(basis.addresses.empty() ? "" : ",", words[1]);
        } else if (line.starts_with("database ")) {
            basis.database = line.substr(std::string_view("database ").size());
        }
    }
    return digest;
}

Result<int> judge_by_policy_in_force(const services::Invocation& invocation, const ReplayWorld& world) {
    const auto file = TRY(world.open_capture(invocation.operands.front()));
    Basis basis{.name = "the policy in force",
                .purpose = model::Purpose::start,
                .ingress = std::string(invocation.value_of("--ingress").value_or(""))};
    basis.text = TRY(world.ask({"show", "configuration"}));
    const std::string grounds = TRY(world.ask({"capture-grounds"}));
    const std::string digest = TRY(read_grounds(grounds, basis));
    Policies policies(world);
    const auto policy = TRY(policies.load(basis, digest));
    return Trial(world, *file).judge(*policy, nullptr, policies, invocation.has("--json"));
}

Result<int> judge_by_files(const services::Invocation& invocation, const ReplayWorld& world) {
    const auto file = TRY(world.open_capture(invocation.operands.front()));
    Trial trial(world, *file);
    const auto from = invocation.value_of("--now") ? parse_rfc3339(*invocation.value_of("--now")) : trial.begins();
    if (!from) {
        return fail(world, from.error(), 2);
    }
    Policies policies(world);
    const auto load = [&](std::string_view path) -> Result<std::unique_ptr<services::ReplayPolicy>> {
        std::string text = TRY(world.read(std::string(path)));
        Basis basis{.name = std::string(path),
                    .text = std::move(text),
                    .clock = {*from, true},
                    .ingress = std::string(*invocation.value_of("--ingress")),
                    .addresses = std::string(invocation.value_of("--address").value_or(""))};
        if (const auto database = invocation.value_of("--geo")) {
            basis.database = *database;
        }
        return policies.load(basis);
    };
    const auto policy = TRY(load(*invocation.value_of("--config")));
    std::unique_ptr<services::ReplayPolicy> against;
    if (const auto other = invocation.value_of("--against")) {
        against = TRY(load(*other));
    }
    return trial.judge(*policy, against.get(), policies, invocation.has("--json"));
}

} // namespace

int replay(const services::Invocation& invocation, const ReplayWorld& world) {
    if (world.source != Source::program || !world.open_capture || !world.open_countries) {
        return fail(world, Error(Domain::argument, "replay", "a session names no files; 'test capture -' judges one"));
    }
    const auto status = judge_by_files(invocation, world);
    return status ? *status : fail(world, status.error());
}

int test_capture(const services::Invocation& invocation, const ReplayWorld& world) {
    const bool is_on_input = world.source == Source::line && invocation.operands.front() == "-";
    if ((world.source != Source::program && !is_on_input) || !world.open_capture || !world.open_countries) {
        return fail(world, Error(Domain::argument, "test capture",
                                 "a session takes a capture from its standard input only: "
                                 "ssh ACCOUNT@ROUTER test capture - <FILE"));
    }
    const auto status = judge_by_policy_in_force(invocation, world);
    return status ? *status : fail(world, status.error());
}

} // namespace sekisho::cli
