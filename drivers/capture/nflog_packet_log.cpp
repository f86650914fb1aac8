// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/capture/nflog_packet_log.hpp"

#include "drivers/capture/connection_lookup.hpp"
#include "drivers/capture/log_group.hpp"
#include "drivers/capture/netlink_message.hpp"
#include "drivers/capture/sequence.hpp"
#include "policy/base/text.hpp"
#include "policy/events/nflog.hpp"

#include <array>
#include <map>
#include <optional>
#include <utility>

#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <net/if.h>

namespace sekisho::drivers {

namespace {

/// Names of interfaces by index. An index is never given again soon, a name may change: it is asked for anew after a
/// second. An interface that is gone keeps its last name.
class InterfaceNames {
public:
    std::string_view name_of(std::uint32_t index, std::int64_t monotonic_microseconds) {
        constexpr std::int64_t kFreshMicroseconds = 1'000'000;
        if (index == 0) {
            return {};
        }
        Entry& entry = m_entries[index];
        if (entry.name.empty() || monotonic_microseconds - entry.asked_at > kFreshMicroseconds) {
            std::array<char, IF_NAMESIZE> name{};
            entry.asked_at = monotonic_microseconds;
            if (if_indextoname(index, name.data()) != nullptr) {
                entry.name = name.data();
            } else if (entry.name.empty()) {
                m_entries.erase(index);
                m_unknown = text::concat("#", text::to_text(index));
                return m_unknown;
            }
        }
        return entry.name;
    }

private:
    struct Entry {
        std::string name;
        std::int64_t asked_at = 0;
    };

    std::map<std::uint32_t, Entry> m_entries;
    std::string m_unknown;
};

/// A group that is being read. The watch goes before the descriptor that it watches.
struct Reader {
    LogGroup group;
    Sequence sequence;
    std::uint64_t overruns_told = 0;
    std::unique_ptr<Watch> watch;
};

} // namespace

struct NflogPacketLog::Implementation {
    UvEventLoop& loop;
    ports::Clock& clock;
    NflogOptions options;
    std::function<void(const events::LogRecord&)> on_record;
    std::vector<std::unique_ptr<Reader>> readers;
    std::optional<ConnectionLookup> connections; ///< only where a record does not bring its connection
    InterfaceNames interfaces;
    ports::LogLosses losses;
    std::vector<std::uint8_t> extended; ///< a message with its connection added

    Result<void> open(std::uint16_t number);
    void take(Reader& reader, std::span<const std::uint8_t> message);
    std::optional<events::NflogRecord> with_connection(std::span<const std::uint8_t> message,
                                                       events::NflogRecord&& record);
};

Result<void> NflogPacketLog::Implementation::open(std::uint16_t number) {
    auto reader = std::make_unique<Reader>(TRY(LogGroup::open(number, options.receive_buffer)));
    if (!reader->group.has_connections() && !connections) {
        connections = TRY(ConnectionLookup::open());
    }
    losses.sequence_gaps += reader->group.lost_at_start();
    Reader& watched = *reader;
    reader->watch = loop.watch_readable(watched.group.descriptor(), [this, &watched] {
        const auto take_one = [&](std::span<const std::uint8_t> message) { take(watched, message); };
        if (!watched.group.read(take_one)) {
            ++losses.unreadable;
        }
    });
    if (reader->watch == nullptr) {
        return std::unexpected(Error(Domain::capture, text::concat("nflog:", text::to_text(number)),
                                     "the event loop can't watch its descriptor"));
    }
    readers.push_back(std::move(reader));
    return {};
}

/// The record as it would be on a kernel that adds the connection: the same attribute, taken from the connection table.
std::optional<events::NflogRecord>
NflogPacketLog::Implementation::with_connection(std::span<const std::uint8_t> message, events::NflogRecord&& record) {
    const auto attributes = connections->attributes_of(record.record.packet);
    if (attributes.empty()) {
        return std::move(record);
    }
    extended.assign(message.begin(), message.end());
    extended.resize(NLA_ALIGN(extended.size()));
    append_attribute(extended, NFULA_CT | NLA_F_NESTED, attributes);
    return events::parse_nflog(extended);
}

void NflogPacketLog::Implementation::take(Reader& reader, std::span<const std::uint8_t> message) {
    auto read = events::parse_nflog(message);
    if (read && read->sequence) {
        losses.sequence_gaps += reader.sequence.missing_before(*read->sequence);
    }
    if (read && !reader.group.has_connections()) {
        read = with_connection(message, std::move(*read));
    }
    if (!read) {
        ++losses.unreadable;
        return;
    }
    events::LogRecord& record = read->record;
    const std::int64_t now = clock.monotonic_microseconds();
    record.ingress_interface = interfaces.name_of(read->ingress_index, now);
    record.egress_interface = interfaces.name_of(read->egress_index, now);
    on_record(record);
}

NflogPacketLog::NflogPacketLog(UvEventLoop& loop, ports::Clock& clock, NflogOptions options)
    : m_implementation(std::make_unique<Implementation>(loop, clock, std::move(options))) {}

NflogPacketLog::~NflogPacketLog() = default;

Result<void> NflogPacketLog::start(std::function<void(const events::LogRecord& record)> on_record) {
    m_implementation->on_record = std::move(on_record);
    for (const std::uint16_t number : m_implementation->options.groups) {
        if (auto opened = m_implementation->open(number); !opened) {
            m_implementation->readers.clear();
            return std::unexpected(std::move(opened).error().in("read the kernel's log"));
        }
    }
    return {};
}

ports::LogLosses NflogPacketLog::take_losses() {
    for (const auto& reader : m_implementation->readers) {
        const std::uint64_t overruns = reader->group.overruns();
        m_implementation->losses.buffer_overruns += overruns - reader->overruns_told;
        reader->overruns_told = overruns;
    }
    return std::exchange(m_implementation->losses, {});
}

} // namespace sekisho::drivers
