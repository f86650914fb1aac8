// SPDX-License-Identifier: GPL-2.0-or-later
// The typed ruleset: what the compiler makes of a model, and what the renderer, the evaluator and the explainer read. A
// rule's matches must all hold; rules of one hook are tried in order; the first verdict that is not `Continue` decides.
// IPv4 and IPv6 go through the same rules: a rule without an address match holds for both.
#pragma once

#include "policy/address/range_set.hpp"
#include "policy/base/address.hpp"
#include "policy/base/diagnostic.hpp"
#include "policy/base/time.hpp"
#include "policy/geo/selection.hpp"
#include "policy/model/model.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sekisho::ruleset {

using ZoneIndex = std::uint8_t; ///< number of a zone in marks: 1 to 127, see mark.hpp

/// Where in the packet's way a rule stands (netfilter hook and priority are the renderer's).
enum class Hook : std::uint8_t {
    early,          ///< ingress of the WAN's devices, before anything else: an optimisation that changes no verdict
    screen,         ///< prerouting before connection tracking: spoofed and martian sources
    translate,      ///< destination translation of forwarded services
    input,          ///< to the router itself
    forward,        ///< through the router
    output,         ///< from the router itself
    record_input,   ///< accepted on `input`: recorded once per connection
    masquerade,     ///< source translation
    record_forward, ///< accepted on `forward` or `output`, after source translation: recorded once per connection
};
inline constexpr std::size_t kHookCount = 9;

enum class Reason : std::uint8_t {
    accepted,
    invalid,
    spoofed,
    blocked_list,
    country,
    not_allowed,
    no_service,
    zone,
    port_unauthorized,
    binding,
};
/// "accepted", "invalid", "blocked-list" … as in the log.
[[nodiscard]] std::string_view name_of(Reason reason) noexcept;
[[nodiscard]] std::string_view name_of(Hook hook) noexcept;

enum class Side : std::uint8_t { source, destination };

// ---- matches
// -----------------------------------------------------------------------------------------------------------------------------------------
// One struct per kind. Readers visit the variant without a default, so a kind that one of them lacks does not compile.

struct IngressZone { ///< the packet came in through an interface of the zone
    ZoneIndex zone = 0;
};

struct IngressDevice { ///< the packet came in through this interface (of a port of a bridge: through the bridge)
    std::string name;
};

/// What the sender was admitted as on its port; 0: not at all (mark.hpp).
struct RoleIs {
    std::uint32_t role = 0;
};

struct EgressZone { ///< it leaves through an interface of the zone
    ZoneIndex zone = 0;
};

struct IngressLoopback {};

struct EgressLoopback {};

struct FamilyIs {
    Family family = Family::ipv4;
};

/// The address is (not) in one of the prefixes, all of one family. Packets of the other family never match, negated or
/// not.
struct AddressIn {
    Side side = Side::source;
    bool negated = false;
    std::vector<IpPrefix> prefixes; ///< not empty, sorted, without overlap

    [[nodiscard]] bool holds(const IpAddress& address) const noexcept;
};

/// The address is (not) in the named set. Packets of the set's other family never match, negated or not.
struct AddressInSet {
    Side side = Side::source;
    std::size_t set = 0; ///< index into Ruleset::sets
    bool negated = false;
};

/// A TCP segment that opens a connection: SYN and none of ACK, RST and FIN.
struct OpensTcp {};

/// The packet is no fragment, first ones included: what it says of itself is all there is.
struct NotFragment {
    Family family = Family::ipv4;
};

struct ProtocolIs { ///< the transport protocol after IPv6 extension headers
    model::Protocol protocol = model::Protocol::tcp;
};

/// Whether one of the ranges holds the port.
[[nodiscard]] bool is_in(const std::vector<model::PortRange>& ranges, std::uint16_t port) noexcept;

struct DestinationPortIn { ///< needs a ProtocolIs with ports before it
    std::vector<model::PortRange> ports;
};

struct SourcePortIn {
    std::vector<model::PortRange> ports;
};

struct IcmpTypeIn { ///< ICMP types of `family`
    Family family = Family::ipv4;
    std::vector<std::uint8_t> types;
};

struct HopLimitIs { ///< IPv6 hop limit
    std::uint8_t value = 255;
};

/// What kind of address it is to this router; with `by_interface`, to the interface that the packet came in through.
struct AddressKind {
    enum class Kind : std::uint8_t { local, broadcast, multicast };
    Side side = Side::destination;
    Kind kind = Kind::local;
    bool by_interface = false;
    bool negated = false;
};

struct ConnectionState { ///< any of the given states
    bool established = false;
    bool related = false;
    bool fresh = false; ///< "new"
    bool invalid = false;
};

struct DestinationTranslated { ///< the connection's destination was (not) translated
    bool negated = false;
};

/// The destination port that the connection's first packet was sent to, before translation.
struct OriginalDestinationPortIn {
    std::vector<model::PortRange> ports;
};

/// The connection bears (not) the mark bit "recorded" (kMarkRecorded in mark.hpp).
struct Recorded {
    bool negated = false;
};

/// The packet's protocol, addresses and ports, in this direction, are those of a connection that was cut off (kCutSets
/// in renderer.hpp). Of protocols without ports, the protocol and the addresses.
struct OfCutFlow {
    Family family = Family::ipv4;
    bool with_ports = true;
};

using Match = std::variant<IngressZone, IngressDevice, RoleIs, EgressZone, IngressLoopback, EgressLoopback, FamilyIs,
                           AddressIn, AddressInSet, OpensTcp, NotFragment, ProtocolIs, DestinationPortIn, SourcePortIn,
                           IcmpTypeIn, HopLimitIs, AddressKind, ConnectionState, DestinationTranslated,
                           OriginalDestinationPortIn, Recorded, OfCutFlow>;

// ---- verdicts and logging
// ------------------------------------------------------------------------------------------------------------------------------

struct Accept {};

struct Drop {}; ///< silent

struct Reject {}; ///< TCP reset, ICMP administratively prohibited otherwise

struct Continue {}; ///< no verdict: the rule only counts, marks or records

struct TranslateDestination {
    IpAddress address;
    std::optional<std::uint16_t> port;
};

struct Masquerade {};

using Verdict = std::variant<Accept, Drop, Reject, Continue, TranslateDestination, Masquerade>;

/// How a match of the rule gets into the access log. Logging never decides a verdict.
enum class LogKind : std::uint8_t {
    none,
    limited,  ///< denials: limited per source prefix, then per rule; what is suppressed is counted
    recorded, ///< accepted connections: every one, once, by the record hooks
};

struct Rule {
    std::string id; ///< from the configuration path: "service.web.allow"; several rules may share one (one per list,
                    ///< family or zone), and its counter
    std::uint32_t number =
        0; ///< of the id, in marks and log limits (mark.hpp); 0 in the closed ruleset: it has neither
    Reason reason = Reason::accepted;
    Place place; ///< statement of the configuration that it comes from; line 0 where the compiler adds it by itself
    Hook hook = Hook::forward;
    std::vector<Match> matches;
    LogKind log = LogKind::none;
    /// Connection mark (mark.hpp) that the connection gets; 0: none. A mark of kMarkRecorded alone adds that bit; any
    /// other replaces zone and rule number and never clears the bit, so that a repeated first packet leaves a recorded
    /// connection recorded.
    std::uint32_t mark = 0;
    Verdict verdict;
};

// ---- sets
// ----------------------------------------------------------------------------------------------------------------------------------------------

/// An immutable set, named by its content (`al_vendor_4_<hash>`, `geo_jp_4_<hash>`): the same name always means the
/// same elements with the same absolute expiry. It has either entries of address lists, which may expire, or ranges of
/// countries, which are many, never expire and are shared with whoever else knows them.
struct Set {
    std::string name;
    Family family = Family::ipv4;
    std::vector<address::TimedRange> elements;          ///< sorted, no overlap; adjacent ones differ in expiry
    std::shared_ptr<const std::vector<IpRange>> ranges; ///< sorted, merged; null where it has `elements`

    [[nodiscard]] std::size_t size() const noexcept { return ranges ? ranges->size() : elements.size(); }

    [[nodiscard]] bool contains(const IpAddress& address, Time now) const noexcept;
};

struct ZoneEntry {
    ZoneIndex index = 0;
    std::string name;
    std::vector<std::string> interfaces;
    bool is_wan = false;
};

struct Ruleset {
    // out of line, as copying and destroying a variant of so many kinds takes seconds to compile
    Ruleset();
    Ruleset(const Ruleset&);
    Ruleset(Ruleset&&) noexcept;
    Ruleset& operator=(const Ruleset&);
    Ruleset& operator=(Ruleset&&) noexcept;
    ~Ruleset();

    std::vector<ZoneEntry> zones; ///< `router` among them, without interfaces
    std::vector<Set> sets;        ///< only those that a rule names
    std::vector<Rule> rules;
    model::LogSettings log;

    [[nodiscard]] const ZoneEntry* find_zone(ZoneIndex index) const noexcept;
};

} // namespace sekisho::ruleset

// for the same reason
extern template class std::vector<sekisho::ruleset::Match>;
extern template class std::vector<sekisho::ruleset::Rule>;
