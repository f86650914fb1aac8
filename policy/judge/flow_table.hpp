// SPDX-License-Identifier: GPL-2.0-or-later
// The connections that live, found by the addresses of either direction. Bounded: a table that is full lets go of the
// connection that was longest without a packet. Nothing is allocated once the table has grown to its bound.
#pragma once

#include "policy/base/address.hpp"
#include "policy/base/time.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace sekisho::judge {

/// One direction of a connection. What has no ports has other things in their place: ICMP its identifier as source,
/// type and code as destination; everything else 0.
struct Tuple {
    IpAddress source;
    IpAddress destination;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint8_t protocol = 0;
    friend bool operator==(const Tuple&, const Tuple&) = default;
};

enum class Way : std::uint8_t { original, reply };

[[nodiscard]] constexpr Way opposite(Way way) noexcept {
    return way == Way::original ? Way::reply : Way::original;
}

enum class TcpState : std::uint8_t {
    none,
    syn_sent,
    syn_received,
    established,
    fin_wait,
    close_wait,
    last_ack,
    time_wait,
    close,
    syn_sent_both, ///< a simultaneous open (RFC 9293, 3.5)
};

/// Kind of a segment, as far as a connection's state depends on it.
enum class TcpKind : std::uint8_t { syn, syn_ack, fin, ack, reset, none };

/// What one end of a TCP connection has sent, and may send.
struct TcpEnd {
    std::uint32_t end = 0;         ///< behind the last byte that it sent
    std::uint32_t most_end = 0;    ///< as far as it may send
    std::uint32_t most_window = 0; ///< largest window that it offered; 0: nothing came from it yet
    std::uint32_t most_acked = 0;
    std::uint8_t scale = 0;
    bool scales = false;    ///< asked for window scaling
    bool selective = false; ///< allows selective acknowledgements
    bool closes = false;    ///< began to close the connection
    bool liberal = false;   ///< its windows are not known
    bool unacked = false;   ///< its data is not acknowledged
    bool has_acked = false;
};

struct TcpTrack {
    std::array<TcpEnd, 2> ends; ///< by Way
    TcpState state = TcpState::none;
    TcpKind last_kind = TcpKind::none;
    Way last_way = Way::original;
    std::uint8_t repeated = 0;
    std::uint8_t last_scale = 0;
    bool last_scales = false;
    bool last_selective = false;
    bool expects_challenge = false; ///< RFC 5961: an acknowledgement may answer a SYN out of place
    bool simultaneous = false;
    std::uint16_t last_window = 0;
    std::uint32_t last_sequence = 0;
    std::uint32_t last_ack = 0;
    std::uint32_t last_end = 0;
};

struct Flow {
    std::array<Tuple, 2> tuples; ///< by Way, as the packets of that direction come in; the reply's has the translation
    Time expires;
    Time stream_from; ///< UDP: from here on answers make it a stream
    std::uint32_t mark = 0;
    bool confirmed = false; ///< in the table: its first packet passed
    bool answered = false;  ///< a packet of the other direction was seen
    bool assured = false;   ///< worth keeping
    bool source_translated = false;
    bool destination_translated = false;
    bool source_done = false; ///< it is settled whether the source is translated
    bool destination_done = false;
    bool ended = false;       ///< to be forgotten
    bool assumed = false;     ///< its beginning was not seen
    bool port_chosen = false; ///< translation had to choose a free port: which one the kernel takes is chance
    TcpTrack tcp;
};

class FlowTable {
public:
    /// Room for `capacity` connections; what is not used takes no memory.
    explicit FlowTable(std::size_t capacity = kDefaultCapacity);

    static constexpr std::size_t kDefaultCapacity = 262'144; ///< the kernel's nf_conntrack_max on machines of 4 GB

    struct Found {
        Flow* flow = nullptr; ///< valid until the next add(), forget() or clear()
        Way way = Way::original;
    };

    /// The connection that the tuple is a direction of; none where its time has passed by `now`.
    [[nodiscard]] Found find(const Tuple& tuple, Time now);
    /// Whether answers by this tuple belong to another connection already.
    [[nodiscard]] bool is_taken(const Tuple& tuple, Time now);
    /// Keeps a connection. `flow` must not be in the table.
    Flow& add(const Flow& flow);
    /// A packet of it came: it is the last one to be let go of.
    void touch(Flow& flow);
    void forget(Flow& flow);
    void clear();

    [[nodiscard]] std::size_t size() const noexcept { return m_size; }

    [[nodiscard]] std::size_t capacity() const noexcept { return m_capacity; }

    /// Connections let go of because the table was full.
    [[nodiscard]] std::uint64_t evicted() const noexcept { return m_evicted; }

private:
    using Index = std::uint32_t;
    static constexpr Index kNone = 0xffff'ffff;

    struct Entry {
        Flow flow;
        std::array<Index, 2> next{kNone, kNone}; ///< in the chain of each direction: entry times two plus the way
        std::array<std::uint32_t, 2> bucket{};
        Index newer = kNone;
        Index older = kNone;
    };

    [[nodiscard]] Entry& entry_of(Flow& flow) noexcept;
    [[nodiscard]] Index index_of(const Entry& entry) const noexcept;
    [[nodiscard]] std::uint32_t bucket_of(const Tuple& tuple) const noexcept;
    void link(Entry& entry, Way way);
    void unlink(Entry& entry, Way way);
    void enqueue(Entry& entry);
    void dequeue(Entry& entry);

    std::size_t m_capacity;
    std::size_t m_size = 0;
    std::uint64_t m_evicted = 0;
    std::vector<Entry> m_entries;
    std::vector<Index> m_buckets;
    std::vector<Index> m_free;
    Index m_newest = kNone;
    Index m_oldest = kNone;
};

} // namespace sekisho::judge
