// SPDX-License-Identifier: GPL-2.0-or-later
// Compares the evaluator with the kernel, packet by packet. tests/netns/test_differential.py makes the router:
//
//   judge-packets --config FILE [--geo DATABASE] --router NETNS --rules FILE --seed N --count N
//                 --cable DEVICE,NETNS,FAR-DEVICE,MAC… [--address DEVICE=ADDRESS…] [CAPTURE…]
//
// Prints each disagreement, each capture that can't be sent, and last a line "compared N packets …". Exit status 0
// where all agree, 1 where not, 2 where nothing could be compared.
#include "drivers/capture/pcap_file.hpp"
#include "drivers/geoip/country_database.hpp"
#include "firmware/services/configuration.hpp"
#include "policy/base/text.hpp"
#include "policy/judge/judge.hpp"
#include "policy/packet/packet.hpp"
#include "policy/ruleset/compiler.hpp"
#include "tests/harness/kernel_court.hpp"
#include "tests/harness/packet_maker.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <tuple>

using namespace sekisho;
using test::Cable;
using test::KernelVerdict;

namespace {

constexpr std::size_t kBatch = 128;
constexpr std::uint64_t kConnectionsPerRound =
    20'000; // packets, then all connections are forgotten: no table gets full
constexpr std::size_t kMostShown = 40;

struct Options {
    std::string config, geo, router, rules;
    std::uint64_t seed = 1;
    std::uint64_t count = 0;
    std::vector<Cable> cables;
    std::vector<std::pair<std::string, std::string>> addresses;
    std::vector<std::string> captures;
};

[[noreturn]] void give_up(const std::string& what) {
    std::fprintf(stderr, "%s\n", what.c_str());
    std::exit(2);
}

std::string contents_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

Time now() {
    using namespace std::chrono;
    return {duration_cast<microseconds>(system_clock::now().time_since_epoch()).count()};
}

Options read_options(int argc, char** argv) {
    Options options;
    for (int at = 1; at < argc; ++at) {
        const std::string_view name = argv[at];
        if (!name.starts_with("--")) {
            options.captures.emplace_back(name);
            continue;
        }
        if (at + 1 == argc) {
            give_up("an option needs a value");
        }
        const std::string value = argv[++at];
        if (name == "--config") {
            options.config = value;
        } else if (name == "--geo") {
            options.geo = value;
        } else if (name == "--router") {
            options.router = value;
        } else if (name == "--rules") {
            options.rules = value;
        } else if (name == "--seed") {
            options.seed = std::stoull(value);
        } else if (name == "--count") {
            options.count = std::stoull(value);
        } else if (name == "--cable") {
            const auto parts = text::split(value, ',');
            options.cables.push_back({std::string(parts.at(0)), std::string(parts.at(1)), std::string(parts.at(2)),
                                      MacAddress::parse(parts.at(3)).value()});
        } else if (name == "--address") {
            const auto parts = text::split(value, '=');
            options.addresses.emplace_back(parts.at(0), parts.at(1));
        } else {
            give_up("unknown option");
        }
    }
    return options;
}

class Comparison {
public:
    Comparison(const ruleset::Ruleset& ruleset, const judge::Environment& environment, const Options& options)
        : m_environment(environment),
          m_cables(options.cables),
          m_court(options.router, options.cables, contents_of(options.rules)),
          m_judge(ruleset, environment) {
        m_court.forget_connections();
    }

    /// Sends the frame and judges it; the reason where it can't be sent. `learn` gets the judgement.
    template <typename Learn>
    std::string take(judge::DeviceIndex device, std::vector<std::uint8_t> frame, std::size_t cut, Learn learn);
    void settle();

    void forget() {
        settle();
        m_court.forget_connections();
        m_flows.clear();
        m_by_chance.clear();
    }

    std::uint64_t compared = 0;
    std::uint64_t disagreed = 0;
    std::uint64_t by_chance = 0;                ///< left out: of sources for which the kernel chose a port
    std::map<std::string, std::uint64_t> kinds; ///< of disagreement
    std::map<std::string, std::uint64_t> verdicts;

private:
    struct Sent {
        std::uint64_t number;
        judge::DeviceIndex device;
        judge::Judgement judgement;
        bool by_chance;         ///< of a source whose port the kernel chose: which one, nobody knows
        std::uint64_t heard_as; ///< number of the frame that the kernel's verdict is told of
        std::vector<std::uint8_t> frame;
    };

    std::uint64_t number_of_first(const packet::Frame& frame, const judge::Judgement& judgement, std::uint64_t number);
    void compare(const Sent& sent, const KernelVerdict& kernel);
    void show(const Sent& sent, const KernelVerdict& kernel, const std::string& kind);

    const judge::Environment& m_environment;
    const std::vector<Cable>& m_cables;
    test::KernelCourt m_court;
    judge::Judge m_judge;
    judge::FlowTable m_flows;
    std::vector<Sent> m_sent;
    std::map<std::string, std::uint64_t> m_first_fragments;
    std::set<std::string> m_broken; ///< datagrams of which a fragment was turned away
    std::set<std::tuple<std::string, std::uint16_t, std::uint8_t>> m_by_chance; ///< sources whose port the kernel chose
};

/// A datagram's verdict is told of its first fragment, whichever came last.
std::uint64_t Comparison::number_of_first(const packet::Frame& frame, const judge::Judgement& judgement,
                                          std::uint64_t number) {
    const auto headers = packet::read_headers(frame.packet);
    const auto bytes = frame.packet;
    if (!headers || frame.content != packet::Frame::Content::ip) {
        return number;
    }
    const bool v4 = headers->family == Family::ipv4;
    std::string key;
    bool first = false;
    if (v4 && headers->fragment) {
        key.assign(bytes.begin() + 4, bytes.begin() + 6);
        key.append(bytes.begin() + 9, bytes.begin() + 10);
        key.append(bytes.begin() + 12, bytes.begin() + 20);
        first = !headers->later_fragment;
    } else if (!v4) {
        std::size_t at = 40;
        std::uint8_t next = bytes[6];
        while ((next == 0 || next == 43 || next == 60 || next == 51) && bytes.size() >= at + 8) {
            const std::size_t size = next == 51 ? (bytes[at + 1] + 2U) * 4 : (bytes[at + 1] + 1U) * 8;
            next = bytes[at];
            at += size;
        }
        if (next == 44 && bytes.size() >= at + 8) {
            key.assign(bytes.begin() + static_cast<std::ptrdiff_t>(at) + 4,
                       bytes.begin() + static_cast<std::ptrdiff_t>(at) + 8);
            key.append(bytes.begin() + 8, bytes.begin() + 40);
            first = bytes[at + 2] == 0 && (bytes[at + 3] & 0xf8) == 0;
        }
    }
    if (key.empty()) {
        return number;
    }
    if (judgement.cause == judge::StackCause::fragment) {
        m_broken.insert(key); // it may be gone as a whole
        return number;
    }
    if (first && m_broken.erase(key) > 0) {
        m_first_fragments.erase(key);
    }
    if (first) {
        m_first_fragments.try_emplace(key, number); // what comes twice counts once
    }
    if (judgement.verdict == judge::Verdict::waiting) {
        return number;
    }
    const auto found = m_first_fragments.find(key);
    const std::uint64_t heard_as = found == m_first_fragments.end() ? number : found->second;
    m_first_fragments.erase(key);
    return heard_as;
}

template <typename Learn>
std::string Comparison::take(judge::DeviceIndex device, std::vector<std::uint8_t> bytes, std::size_t cut, Learn learn) {
    if (bytes.size() < 14) {
        return "shorter than a frame";
    }
    if ((bytes[0] & 1) == 0) {
        const std::string& name = m_environment.devices[device].name;
        const auto cable = std::ranges::find(m_cables, name, &Cable::name);
        std::ranges::copy(cable->mac.bytes, bytes.begin());
    }
    if (cut != 0) {
        bytes.resize(bytes.size() + cut); // nobody knows what was there
    }
    const auto cable = std::ranges::find(m_cables, m_environment.devices[device].name, &Cable::name);
    std::string reason;
    const auto number = m_court.send(static_cast<std::size_t>(cable - m_cables.begin()), bytes, reason);
    if (!number) {
        return reason;
    }
    const packet::Frame frame = packet::read_frame(packet::LinkType::ethernet, bytes);
    judge::Judgement judgement{.verdict = judge::Verdict::stack, .cause = judge::StackCause::not_ip};
    if (frame.content == packet::Frame::Content::ip) {
        judgement = m_judge.judge(m_flows, {.packet = frame.packet,
                                            .wire_size = frame.packet.size(),
                                            .device = device,
                                            .addressed = frame.addressed,
                                            .is_foreign_vlan = frame.vlan != 0 || frame.tags > 1,
                                            .when = now()});
    }
    bool is_by_chance = judgement.flow != nullptr && judgement.flow->port_chosen;
    if (judgement.flow != nullptr) {
        // once the kernel has chosen a port for a source, it keeps to it
        const judge::Tuple& original = judgement.flow->tuples[0];
        const auto key = std::make_tuple(original.source.text(), original.source_port, original.protocol);
        if (is_by_chance) {
            m_by_chance.insert(key);
        }
        is_by_chance = is_by_chance || m_by_chance.contains(key);
    }
    if (!is_by_chance) {
        learn(judgement);
    }
    m_sent.push_back(
        {*number, device, judgement, is_by_chance, number_of_first(frame, judgement, *number), std::move(bytes)});
    if (m_sent.size() >= kBatch) {
        settle();
    }
    return {};
}

void Comparison::settle() {
    auto told = m_court.collect();
    std::set<std::uint64_t> claimed; // the verdict of a datagram is compared where it is complete
    for (const Sent& sent : m_sent) {
        if (sent.heard_as != sent.number) {
            claimed.insert(sent.heard_as);
        }
    }
    for (const Sent& sent : m_sent) {
        const bool is_claimed = sent.judgement.verdict == judge::Verdict::waiting && claimed.contains(sent.number);
        compare(sent, is_claimed ? KernelVerdict{} : told[sent.heard_as]);
    }
    m_sent.clear();
}

void Comparison::compare(const Sent& sent, const KernelVerdict& kernel) {
    compared += sent.by_chance ? 0 : 1;
    const judge::Judgement& own = sent.judgement;
    // what is lost behind the rules was let through by them
    const bool lost = own.verdict == judge::Verdict::stack && own.rule != nullptr;
    const bool decided = own.verdict != judge::Verdict::stack && own.verdict != judge::Verdict::waiting;
    const std::string rule = own.rule != nullptr ? own.rule->id : std::string();
    const std::string_view verdict = lost      ? judge::name_of(judge::Verdict::accepted)
                                     : decided ? judge::name_of(own.verdict)
                                               : std::string_view();
    ++verdicts[text::concat(judge::name_of(own.verdict), " ",
                            decided ? std::string_view(rule) : judge::name_of(own.cause))];
    if (sent.by_chance) {
        ++by_chance;
        return;
    }
    if (rule != kernel.rule || verdict != kernel.verdict) {
        show(sent, kernel,
             text::concat("kernel ", kernel.verdict.empty() ? "none" : kernel.verdict, " ", kernel.rule, " evaluator ",
                          judge::name_of(own.verdict), " ", rule, judge::name_of(own.cause), " ",
                          judge::name_of(own.state)));
        return;
    }
    if (kernel.left && own.verdict == judge::Verdict::accepted) {
        judge::Tuple left = *kernel.left;
        const judge::Tuple& tuple = own.tuple;
        const bool has_ports = tuple.protocol == 6 || tuple.protocol == 17;
        const bool agree =
            left.source == tuple.source && left.destination == tuple.destination &&
            (!has_ports || (left.source_port == tuple.source_port && left.destination_port == tuple.destination_port));
        if (!agree) {
            show(sent, kernel,
                 text::concat("translated otherwise: kernel ", left.source.text(), ":", text::to_text(left.source_port),
                              " > ", left.destination.text(), ":", text::to_text(left.destination_port), " evaluator ",
                              tuple.source.text(), ":", text::to_text(tuple.source_port), " > ",
                              tuple.destination.text(), ":", text::to_text(tuple.destination_port)));
        }
    }
}

void Comparison::show(const Sent& sent, const KernelVerdict& kernel, const std::string& kind) {
    static_cast<void>(kernel);
    ++disagreed;
    std::uint64_t& count = kinds[kind.starts_with("translated") ? "translated otherwise" : kind];
    if (++count > 3 || disagreed > kMostShown) {
        return;
    }
    std::string hex;
    for (std::size_t at = 12; at < std::min<std::size_t>(sent.frame.size(), 140); ++at) {
        hex += text::to_hex(sent.frame[at], 2);
    }
    std::printf("disagreement: #%llu on %s: %s; frame …%s\n", static_cast<unsigned long long>(sent.number),
                m_environment.devices[sent.device].name.c_str(), kind.c_str(), hex.c_str());
}

/// The IP packet of a captured frame in an Ethernet frame, or what of it can be sent.
std::vector<std::uint8_t> as_ethernet(packet::LinkType type, std::span<const std::uint8_t> bytes) {
    if (type == packet::LinkType::ethernet) {
        return {bytes.begin(), bytes.end()};
    }
    const packet::Frame frame = packet::read_frame(type, bytes);
    if (frame.content != packet::Frame::Content::ip || frame.packet.empty()) {
        return {};
    }
    std::vector<std::uint8_t> result(12, 0);
    const bool v6 = frame.packet[0] >> 4 == 6;
    result.push_back(v6 ? 0x86 : 0x08);
    result.push_back(v6 ? 0xdd : 0x00);
    result.insert(result.end(), frame.packet.begin(), frame.packet.end());
    return result;
}

struct Captures {
    std::size_t compared = 0;
    std::uint64_t packets = 0;
};

/// From the outside, and once more from the inside: most of what is captured was sent by somebody inside.
void compare_capture(Comparison& comparison, const judge::Environment& environment, const std::string& path,
                     Captures& total) {
    std::uint64_t sent = 0;
    std::map<std::string, std::uint64_t> reasons;
    for (std::size_t device = 0; device < std::min<std::size_t>(environment.devices.size(), 2); ++device) {
        auto file = drivers::open_capture_file(path);
        if (!file) {
            std::printf("not sent: %s\n", file.error().message().c_str());
            return;
        }
        for (;;) {
            const auto record = (*file)->next();
            if (!record) {
                ++reasons[record.error().cause()];
                break;
            }
            if (!*record) {
                break;
            }
            auto frame = as_ethernet((*file)->link_type(), (*record)->frame);
            if (frame.empty()) {
                ++reasons["no IP packet to send"];
                continue;
            }
            // a capture that was cut is filled up with zeros; where its length is a lie, what is there is the frame
            constexpr std::size_t kLongest = 65'000;
            const bool lies = (*record)->wire_size > kLongest;
            const std::size_t cut = lies ? 0 : (*record)->wire_size - (*record)->frame.size();
            const auto problem = comparison.take(static_cast<judge::DeviceIndex>(device), std::move(frame), cut,
                                                 [](const judge::Judgement&) {});
            if (problem.empty()) {
                ++sent;
            } else {
                ++reasons[problem];
            }
        }
        comparison.forget();
    }
    if (!reasons.empty() || sent == 0) {
        std::printf("%s: %s: %llu packets sent", sent == 0 ? "not sent" : "in part", path.c_str(),
                    static_cast<unsigned long long>(sent));
        for (const auto& [reason, count] : reasons) {
            std::printf(", %llu not: %s", static_cast<unsigned long long>(count), reason.c_str());
        }
        std::printf("\n");
    }
    total.packets += sent;
    total.compared += sent > 0 ? 1 : 0;
}

void compare_made(Comparison& comparison, test::PacketMaker& maker, std::uint64_t count) {
    std::uint64_t made = 0;
    std::uint64_t round = 0;
    while (made < count) {
        for (test::MadeFrame& frame : maker.next()) {
            const auto problem = comparison.take(frame.device, std::move(frame.bytes), 0,
                                                 [&](const auto& judgement) { maker.learn(judgement, frame.device); });
            made += problem.empty() ? 1 : 0;
        }
        if (made / kConnectionsPerRound != round) {
            round = made / kConnectionsPerRound;
            comparison.forget();
        }
    }
    comparison.forget();
}

} // namespace

int main(int argc, char** argv) {
    const Options options = read_options(argc, argv);
    Diagnostics diagnostics;
    const auto configuration =
        services::load_configuration(contents_of(options.config), {now(), true}, diagnostics, model::Purpose::apply);
    if (!configuration) {
        give_up(diagnostics.text(options.config));
    }
    geo::Contents countries;
    if (const auto selections = selections_of(configuration->model); !selections.empty()) {
        auto database = drivers::open_country_database(options.geo, options.geo);
        if (!database) {
            give_up(database.error().message());
        }
        countries = (*database)->select(selections).value();
    }
    const auto ruleset = ruleset::compile(configuration->model, {now(), true}, countries);
    if (!ruleset) {
        give_up(ruleset.error().message());
    }
    judge::Environment environment = judge::environment_of(configuration->model, *ruleset);
    for (const auto& [device, address] : options.addresses) {
        const auto index = environment.find_device(device);
        if (index == judge::kNoDevice) {
            give_up(device);
        }
        environment.devices[index].addresses.push_back(InterfaceAddress::parse(address).value());
    }
    Comparison comparison(*ruleset, environment, options);
    Captures captures;
    for (const std::string& capture : options.captures) {
        compare_capture(comparison, environment, capture, captures);
    }
    test::PacketMaker maker(*ruleset, environment, options.seed);
    compare_made(comparison, maker, options.count);
    for (const auto& [verdict, count] : comparison.verdicts) {
        std::printf("verdict: %s: %llu\n", verdict.c_str(), static_cast<unsigned long long>(count));
    }
    for (const auto& [kind, count] : comparison.kinds) {
        std::printf("disagreed: %llu times: %s\n", static_cast<unsigned long long>(count), kind.c_str());
    }
    std::printf("compared %llu packets, %llu of them from %zu captures; %llu more with a port that the kernel chose; "
                "%llu disagreements\n",
                static_cast<unsigned long long>(comparison.compared), static_cast<unsigned long long>(captures.packets),
                captures.compared, static_cast<unsigned long long>(comparison.by_chance),
                static_cast<unsigned long long>(comparison.disagreed));
    return comparison.disagreed == 0 ? 0 : 1;
}
