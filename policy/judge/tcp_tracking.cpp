// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel stands in the middle: it sees what passes, not what arrives. It therefore lets doubtful segments pass that
// may tell it where both ends really are (ignored), and takes for invalid what can't be right.
#include "policy/judge/tcp_tracking.hpp"

#include "policy/base/bytes.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace sekisho::judge {

namespace {

constexpr std::uint8_t kFin = 0x01;
constexpr std::uint8_t kSyn = 0x02;
constexpr std::uint8_t kReset = 0x04;
constexpr std::uint8_t kPush = 0x08;
constexpr std::uint8_t kAck = 0x10;
constexpr std::uint8_t kUrgent = 0x20;
constexpr std::uint8_t kEcho = 0x40;
constexpr std::uint8_t kReduced = 0x80;

constexpr std::size_t kStates = 10;
constexpr std::size_t kKinds = 6;

// What a segment of a kind does to a connection, by the state before, in the order of TcpState: S syn_sent, R
// syn_received, E established, F fin_wait, C close_wait, L last_ack, T time_wait, X close, 2 syn_sent_both, '-'
// invalid,
// '.' ignored.
constexpr std::string_view kSteps[2][kKinds] = {
    {
        "SS.....SS2", // SYN
        "--R------R", // SYN and ACK
        "--FFLLLTX-", // FIN
        "E-EECCTTX-", // ACK
        "-XXXXXXXXX", // RST
        "----------", // none of them
    },
    {
        "-2-----S-2",
        "-R.......R",
        "--FFLLLTX-",
        "-.RECCTTX.",
        "-XXXXXXXXX",
        "----------",
    },
};

// nf_conntrack(5)'s defaults, in seconds.
constexpr std::array<std::int64_t, kStates> kTimeouts{0, 120, 60, 432'000, 120, 60, 30, 120, 10, 120};
constexpr std::int64_t kRepeatedTimeout = 300;
constexpr std::int64_t kUnackedTimeout = 300;
constexpr std::uint8_t kMostRepeats = 3;

constexpr std::uint32_t kLeastAckWindow = 66'000;

[[nodiscard]] TcpKind kind_of(std::uint8_t flags) noexcept {
    if ((flags & kReset) != 0) {
        return TcpKind::reset;
    }
    if ((flags & kSyn) != 0) {
        return (flags & kAck) != 0 ? TcpKind::syn_ack : TcpKind::syn;
    }
    if ((flags & kFin) != 0) {
        return TcpKind::fin;
    }
    return (flags & kAck) != 0 ? TcpKind::ack : TcpKind::none;
}

[[nodiscard]] TcpState state_of(char letter) noexcept {
    constexpr std::string_view kLetters = "0SREFCLTX2";
    return static_cast<TcpState>(kLetters.find(letter));
}

// Sequence numbers wrap around (RFC 9293, 3.4).
[[nodiscard]] bool before(std::uint32_t left, std::uint32_t right) noexcept {
    return static_cast<std::int32_t>(left - right) < 0;
}

[[nodiscard]] bool after(std::uint32_t left, std::uint32_t right) noexcept {
    return before(right, left);
}

/// Calls `take` with kind and value of each option, until it says that it has enough or they make no sense.
template <typename Take>
void for_each_option(std::span<const std::uint8_t> options, Take take) {
    while (!options.empty() && options[0] != 0) {
        if (options[0] == 1) {
            options = options.subspan(1);
            continue;
        }
        if (options.size() < 2 || options[1] < 2 || options[1] > options.size()) {
            return;
        }
        if (!take(options[0], options.subspan(2, options[1] - 2U))) {
            return;
        }
        options = options.subspan(options[1]);
    }
}

/// Window scaling (RFC 7323) and selective acknowledgements (RFC 2018), as a SYN offers them.
void read_offers(TcpEnd& end, std::span<const std::uint8_t> options) {
    if (options.empty()) {
        return;
    }
    end.scale = 0;
    end.scales = end.selective = end.closes = end.unacked = end.has_acked = false;
    for_each_option(options, [&end](std::uint8_t kind, std::span<const std::uint8_t> value) {
        if (kind == 4 && value.empty()) {
            end.selective = true;
        } else if (kind == 3 && value.size() == 1) {
            end.scale = std::min<std::uint8_t>(value[0], 14);
            end.scales = true;
        }
        return true;
    });
}

/// The highest sequence number that the segment acknowledges selectively, or `acked`.
[[nodiscard]] std::uint32_t highest_acked(std::uint32_t acked, std::span<const std::uint8_t> options) {
    std::uint32_t highest = acked;
    for_each_option(options, [&highest](std::uint8_t kind, std::span<const std::uint8_t> value) {
        if (kind != 5 || value.size() < 8 || value.size() % 8 != 0) {
            return true;
        }
        for (std::size_t at = 0; at < value.size(); at += 8) {
            const std::uint32_t right = bytes::read_be32(value, at + 4);
            if (after(right, highest)) {
                highest = right;
            }
        }
        return false;
    });
    return highest;
}

void begin_end(TcpEnd& sender, TcpEnd& receiver, const TcpSegment& segment, Way way) {
    sender.end = sender.most_end = segment.end;
    sender.most_window = std::max<std::uint32_t>(segment.window, 1);
    read_offers(sender, segment.options);
    if (way == Way::reply && !(sender.scales && receiver.scales)) { // both must want it
        sender.scale = receiver.scale = 0;
    }
}

void begin_in_the_middle(TcpEnd& sender, TcpEnd& receiver, const TcpSegment& segment, std::uint32_t highest) {
    sender.end = segment.end;
    sender.most_window = std::max<std::uint32_t>(static_cast<std::uint32_t>(segment.window) << sender.scale, 1);
    sender.most_end = segment.end + sender.most_window;
    if (receiver.most_window == 0) {
        receiver.end = receiver.most_end = highest; // nothing came from there yet
    } else if (highest == receiver.end + 1) {
        ++receiver.end; // likely the answer to a keep-alive
    }
}

enum class Window : std::uint8_t { inside, ignored, outside };

/// The numbers of a segment in question.
struct Numbers {
    std::uint32_t sequence;
    std::uint32_t acked;
    std::uint32_t highest; ///< acknowledged, selectively or not
    std::uint32_t end;
    std::uint32_t window;
};

void take_numbers(TcpTrack& tcp, Way way, TcpKind kind, const TcpSegment& segment, Numbers numbers) {
    TcpEnd& sender = tcp.ends[static_cast<std::size_t>(way)];
    TcpEnd& receiver = tcp.ends[static_cast<std::size_t>(opposite(way))];
    if ((segment.flags & kSyn) == 0) {
        numbers.window <<= sender.scale;
    }
    sender.most_window = std::max(sender.most_window, numbers.window + (numbers.highest - numbers.acked));
    if (after(numbers.end, sender.end)) {
        sender.end = numbers.end;
        sender.unacked = true;
    }
    if ((segment.flags & kAck) != 0 && (!sender.has_acked || after(numbers.acked, sender.most_acked))) {
        sender.most_acked = numbers.acked;
        sender.has_acked = true;
    }
    if (receiver.most_window != 0 && after(numbers.end, sender.most_end)) {
        receiver.most_window += numbers.end - sender.most_end;
    }
    if (after(numbers.highest + numbers.window, receiver.most_end - 1)) {
        receiver.most_end = numbers.highest + numbers.window + (numbers.window == 0 ? 1 : 0);
    }
    if (numbers.acked == receiver.end) {
        receiver.unacked = false;
    }
    if (kind == TcpKind::syn) {
        tcp.last_end = numbers.end; // what was remembered before it answers nothing any more
    }
    if (kind != TcpKind::ack) {
        return;
    }
    if (tcp.last_way == way && tcp.last_sequence == numbers.sequence && tcp.last_ack == numbers.acked &&
        tcp.last_end == numbers.end && tcp.last_window == segment.window) {
        ++tcp.repeated;
        return;
    }
    tcp.last_way = way;
    tcp.last_sequence = numbers.sequence;
    tcp.last_ack = numbers.acked;
    tcp.last_end = numbers.end;
    tcp.last_window = segment.window;
    tcp.repeated = 0;
}

[[nodiscard]] Window judge_numbers(TcpTrack& tcp, Way way, TcpKind kind, const TcpSegment& segment,
                                   const Numbers& numbers) {
    TcpEnd& sender = tcp.ends[static_cast<std::size_t>(way)];
    TcpEnd& receiver = tcp.ends[static_cast<std::size_t>(opposite(way))];
    const auto or_liberal = [&sender](Window window) { return sender.liberal ? Window::inside : window; };
    const std::uint32_t ack_window = std::max(sender.most_window, kLeastAckWindow);
    const bool ack_not_old = after(numbers.highest, receiver.end - ack_window - 1);
    const bool ack_seen = before(numbers.highest, receiver.end + 1);
    const bool not_old = after(numbers.end, sender.end - receiver.most_window - 1);
    if (!before(numbers.sequence, sender.most_end + 1)) {
        const std::uint32_t overshot = numbers.end - sender.most_end + 1;
        if (receiver.most_window != 0 && not_old && ack_not_old && overshot <= receiver.most_window && ack_seen) {
            sender.end = numbers.end; // sent more than it may: the acknowledgement must not look wrong
            sender.unacked = true;
            return Window::ignored;
        }
        return or_liberal(Window::outside);
    }
    if (!ack_seen) {
        return or_liberal(Window::outside);
    }
    if ((receiver.most_window != 0 && !not_old) || !ack_not_old) {
        return or_liberal(Window::ignored);
    }
    take_numbers(tcp, way, kind, segment, numbers);
    return Window::inside;
}

[[nodiscard]] Window in_window(TcpTrack& tcp, Way way, TcpKind kind, const TcpSegment& segment) {
    TcpEnd& sender = tcp.ends[static_cast<std::size_t>(way)];
    TcpEnd& receiver = tcp.ends[static_cast<std::size_t>(opposite(way))];
    Numbers numbers{segment.sequence, segment.acked, segment.acked, segment.end, segment.window};
    if (receiver.selective) {
        numbers.highest = highest_acked(segment.acked, segment.options);
    }
    const bool is_syn = (segment.flags & kSyn) != 0;
    const bool has_ack = (segment.flags & kAck) != 0;
    if (sender.most_window == 0) {
        if (is_syn) {
            begin_end(sender, receiver, segment, way);
            if (!has_ack) {
                return Window::inside;
            }
        } else {
            begin_in_the_middle(sender, receiver, segment, numbers.highest);
        }
    } else if (is_syn && after(segment.end, sender.end) &&
               (tcp.state == TcpState::syn_sent || tcp.state == TcpState::syn_received)) {
        begin_end(sender, receiver, segment, way); // begun anew, with other numbers and options
        if (way == Way::reply && !has_ack) {
            return Window::inside;
        }
    }
    const bool is_reset = (segment.flags & kReset) != 0;
    if (!has_ack || (is_reset && numbers.acked == 0)) {
        numbers.acked = numbers.highest = receiver.end;
    }
    if (is_reset && numbers.sequence == 0 && tcp.state == TcpState::syn_sent) {
        numbers.sequence = numbers.end = sender.end; // answers a SYN
    }
    return judge_numbers(tcp, way, kind, segment, numbers);
}

[[nodiscard]] bool begin(Flow& flow, const TcpSegment& segment, bool loose) {
    const char step = kSteps[0][static_cast<std::size_t>(kind_of(segment.flags))][0];
    if (step == '-' || (step != 'S' && !loose)) {
        return false;
    }
    flow.tcp = {};
    TcpEnd& sender = flow.tcp.ends[0];
    sender.end = sender.most_end = segment.end;
    sender.most_window = std::max<std::uint32_t>(segment.window, 1);
    if (step == 'S') {
        read_offers(sender, segment.options);
        return true;
    }
    sender.most_end += sender.most_window;
    for (TcpEnd& end : flow.tcp.ends) {
        end.selective = end.liberal = true;
    }
    return true;
}

/// A segment that may tell more than the table knows: it passes, and is remembered.
void remember(Flow& flow, Way way, TcpKind kind, const TcpSegment& segment) {
    TcpTrack& tcp = flow.tcp;
    tcp.last_kind = kind;
    tcp.last_way = way;
    tcp.last_sequence = segment.sequence;
    tcp.last_end = segment.end;
    tcp.last_window = segment.window;
    if (kind == TcpKind::syn && way == Way::original) {
        TcpEnd offers;
        read_offers(offers, segment.options);
        tcp.last_scales = offers.scales;
        tcp.last_selective = offers.selective;
        tcp.last_scale = offers.scales ? offers.scale : std::uint8_t{0};
        tcp.simultaneous = false;
        tcp.expects_challenge = tcp.state == TcpState::last_ack;
    }
    if (tcp.state == TcpState::syn_sent && kind == TcpKind::ack && way == Way::reply) {
        tcp.last_ack = segment.acked;
    }
}

/// The answer to a SYN that was ignored: both ends are in step, and the table gets there by what was remembered.
[[nodiscard]] bool answers_remembered(const TcpTrack& tcp, Way way, TcpKind kind, const TcpSegment& segment) {
    return kind == TcpKind::syn_ack && tcp.last_kind == TcpKind::syn && tcp.last_way != way &&
           segment.acked == tcp.last_end;
}

void get_in_step(TcpTrack& tcp, Way way) {
    TcpEnd& other = tcp.ends[static_cast<std::size_t>(tcp.last_way)];
    other = {};
    other.end = other.most_end = tcp.last_end;
    other.most_window = std::max<std::uint32_t>(tcp.last_window, 1);
    other.scale = tcp.last_scale;
    other.scales = tcp.last_scales;
    other.selective = tcp.last_selective;
    tcp.expects_challenge = false;
    TcpEnd& own = tcp.ends[static_cast<std::size_t>(way)];
    own = TcpEnd{.liberal = own.liberal};
}

/// What is to be done with a reset.
struct Reset {
    bool is_invalid = false;
    bool asks_window = true;
    bool keeps_state = false; ///< its end may answer with a challenge (RFC 5961)
};

[[nodiscard]] bool is_closing(TcpState state) noexcept {
    return state >= TcpState::fin_wait && state <= TcpState::close;
}

[[nodiscard]] Reset judge_reset(const Flow& flow, Way way, const TcpSegment& segment) {
    const TcpTrack& tcp = flow.tcp;
    const TcpEnd& other = tcp.ends[static_cast<std::size_t>(opposite(way))];
    Reset reset;
    if (is_closing(tcp.state)) {
        return {.asks_window = false}; // the sooner its addresses are free the better
    }
    if (other.has_acked && tcp.last_kind != TcpKind::syn) { // a SYN that was let through may begin other numbers
        const bool is_established = tcp.state == TcpState::established && flow.assured;
        if (!is_established && segment.sequence == 0) {
            return reset; // likely the answer to such a SYN, with an acknowledgement in between
        }
        if (before(segment.sequence, other.most_acked)) {
            return {.is_invalid = true};
        }
        const bool follows = tcp.last_kind == TcpKind::ack && tcp.last_way == way && segment.sequence == tcp.last_end;
        if (!is_established || segment.sequence == other.most_acked || follows) {
            return reset; // follows: right behind what was just sent
        }
        reset.keeps_state = true;
    }
    const bool answers_ignored =
        (flow.answered && tcp.last_kind == TcpKind::syn) || (!flow.assured && tcp.last_kind == TcpKind::ack);
    const bool answers_challenge = tcp.state == TcpState::syn_sent && tcp.last_kind == TcpKind::ack &&
                                   tcp.last_way == Way::reply && segment.sequence == tcp.last_ack;
    reset.asks_window = !(answers_ignored && segment.acked == tcp.last_end) && !answers_challenge;
    return reset;
}

[[nodiscard]] std::int64_t timeout_of(const TcpTrack& tcp, TcpKind kind) {
    const std::int64_t usual = kTimeouts[static_cast<std::size_t>(tcp.state)];
    if (tcp.repeated >= kMostRepeats && usual > kRepeatedTimeout) {
        return kRepeatedTimeout;
    }
    if (kind == TcpKind::reset) {
        return kTimeouts[static_cast<std::size_t>(TcpState::close)];
    }
    if ((tcp.ends[0].unacked || tcp.ends[1].unacked) && usual > kUnackedTimeout) {
        return kUnackedTimeout;
    }
    return tcp.last_window == 0 ? std::min(usual, kRepeatedTimeout) : usual;
}

/// Out of the window: an end that closes all the same is not kept for days.
void note_invalid(Flow& flow, Way way, TcpKind kind, Time now) {
    TcpTrack& tcp = flow.tcp;
    if (!flow.assured || (kind != TcpKind::reset && kind != TcpKind::fin)) {
        return;
    }
    if (tcp.last_way != way && (tcp.last_kind == TcpKind::fin || tcp.last_kind == TcpKind::reset)) {
        const std::int64_t left = flow.expires.microseconds - now.microseconds;
        if (left > kUnackedTimeout * 1'000'000) {
            flow.expires = {now.microseconds + kUnackedTimeout * 1'000'000};
        }
        return;
    }
    tcp.last_kind = kind;
    tcp.last_way = way;
}

void settle(Flow& flow, TcpState before_it, TcpKind kind, Time now) {
    TcpTrack& tcp = flow.tcp;
    std::int64_t timeout = timeout_of(tcp, kind);
    if (!flow.answered) {
        if (kind == TcpKind::reset) {
            flow.ended = true;
            return;
        }
        if (kind == TcpKind::syn && before_it == TcpState::syn_sent) {
            return; // a repeated SYN keeps nothing alive
        }
        if (tcp.state == TcpState::established) {
            timeout = std::min(timeout, kUnackedTimeout); // picked up in the middle
        }
    } else if (!flow.assured && tcp.state == TcpState::established &&
               (before_it == TcpState::syn_received || before_it == TcpState::established)) {
        flow.assured = true;
    }
    flow.expires = {now.microseconds + timeout * 1'000'000};
}

} // namespace

std::optional<TcpSegment> read_tcp(std::span<const std::uint8_t> transport, std::size_t size) noexcept {
    if (transport.size() < 20) {
        return std::nullopt;
    }
    const std::size_t header = (transport[12] >> 4) * std::size_t{4};
    if (header < 20 || header > size) {
        return std::nullopt;
    }
    TcpSegment segment;
    segment.sequence = bytes::read_be32(transport, 4);
    segment.acked = bytes::read_be32(transport, 8);
    segment.flags = transport[13];
    segment.window = bytes::read_be16(transport, 14);
    segment.end = segment.sequence + static_cast<std::uint32_t>(size - header) + ((segment.flags & kSyn) != 0 ? 1 : 0) +
                  ((segment.flags & kFin) != 0 ? 1 : 0);
    if (header <= transport.size()) {
        segment.options = transport.subspan(20, header - 20);
    }
    return segment;
}

bool flags_fit(std::uint8_t flags) noexcept {
    const auto rest = static_cast<std::uint8_t>(flags & ~(kEcho | kReduced | kPush));
    constexpr std::array<std::uint8_t, 9> kFitting{kSyn,          kSyn | kUrgent, kSyn | kAck,           kReset,
                                                   kReset | kAck, kFin | kAck,    kFin | kAck | kUrgent, kAck,
                                                   kAck | kUrgent};
    return std::ranges::contains(kFitting, rest);
}

Tracked track_tcp(Flow& flow, Way way, const TcpSegment& segment, bool loose, Time now) {
    if (!flow.confirmed && !begin(flow, segment, loose)) {
        return Tracked::invalid;
    }
    TcpTrack& tcp = flow.tcp;
    const TcpKind kind = kind_of(segment.flags);
    TcpState old = tcp.state;
    const char step =
        kSteps[static_cast<std::size_t>(way)][static_cast<std::size_t>(kind)][static_cast<std::size_t>(old)];
    if (step == '-') {
        return Tracked::invalid;
    }
    TcpState next = step == '.' ? old : state_of(step);
    bool asks_window = true;
    if (next == TcpState::syn_sent && step == 'S' && old >= TcpState::time_wait &&
        (tcp.ends[0].closes || tcp.ends[1].closes || (tcp.last_way == way && tcp.last_kind == TcpKind::reset))) {
        return Tracked::again;
    }
    if (step == '.' || (step == 'S' && old >= TcpState::time_wait)) {
        if (!answers_remembered(tcp, way, kind, segment)) {
            remember(flow, way, kind, segment);
            return Tracked::accepted;
        }
        get_in_step(tcp, way);
        old = TcpState::syn_sent;
        next = TcpState::syn_received;
    } else if (step == 'T' && old == TcpState::last_ack && kind == TcpKind::ack && tcp.last_way != way &&
               tcp.last_kind == TcpKind::syn && tcp.expects_challenge) {
        tcp.expects_challenge = false; // does not acknowledge the FIN
        return Tracked::accepted;
    } else if (step == '2') {
        tcp.simultaneous = true;
    } else if (step == 'R' && way == Way::reply && kind == TcpKind::ack && tcp.simultaneous) {
        next = TcpState::established;
    } else if (step == 'X' && kind == TcpKind::reset) {
        const Reset reset = judge_reset(flow, way, segment);
        if (reset.is_invalid) {
            return Tracked::invalid;
        }
        asks_window = reset.asks_window;
        next = reset.keeps_state ? old : next;
    }
    switch (asks_window ? in_window(tcp, way, kind, segment) : Window::inside) {
    case Window::ignored:
        return Tracked::accepted;
    case Window::outside:
        note_invalid(flow, way, kind, now);
        return Tracked::invalid;
    case Window::inside:
        break;
    }
    tcp.last_kind = kind;
    tcp.last_way = way;
    tcp.state = next;
    if (old != next && next == TcpState::fin_wait) {
        tcp.ends[static_cast<std::size_t>(way)].closes = true;
    }
    settle(flow, old, kind, now);
    return Tracked::accepted;
}

} // namespace sekisho::judge
