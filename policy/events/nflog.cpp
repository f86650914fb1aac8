// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/events/nflog.hpp"

#include "policy/base/bytes.hpp"

#include <algorithm>
#include <cstring>

namespace sekisho::events {

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kMessageHeader = 4; ///< family, version, group
constexpr std::size_t kAttributeHeader = 4;
constexpr std::size_t kAttributeAlignment = 4;
constexpr std::uint16_t kAttributeTypeMask = 0x3fff; ///< above it: nested, network byte order

/// Attributes of linux/netfilter/nfnetlink_log.h.
namespace nflog {
enum : std::uint16_t {
    kIngressIndex = 4,
    kEgressIndex = 5,
    kHardwareAddress = 8,
    kPayload = 9,
    kPrefix = 10,
    kSequence = 12,
    kConnection = 18,
};
} // namespace nflog

/// Attributes of linux/netfilter/nfnetlink_conntrack.h.
namespace connection {
enum : std::uint16_t { kOriginal = 1, kReply = 2, kMark = 8 };
} // namespace connection

namespace tuple {
enum : std::uint16_t { kAddresses = 1, kProtocol = 2 };
} // namespace tuple

namespace addresses {
enum : std::uint16_t { kV4Source = 1, kV4Destination = 2, kV6Source = 3, kV6Destination = 4 };
} // namespace addresses

namespace protocol {
enum : std::uint16_t {
    kNumber = 1,
    kSourcePort = 2,
    kDestinationPort = 3,
    kIcmpId = 4,
    kIcmpType = 5,
    kIcmpCode = 6,
    kIcmpv6Id = 7,
    kIcmpv6Type = 8,
    kIcmpv6Code = 9,
};
} // namespace protocol

[[nodiscard]] std::uint16_t read_host16(Bytes from, std::size_t at) noexcept {
    std::uint16_t value = 0;
    std::memcpy(&value, from.data() + at, sizeof value);
    return value;
}

struct Attribute {
    std::uint16_t type = 0;
    Bytes value;
};

/// A message's attributes one after the other. Its one property: after next() has returned nothing, good() tells
/// whether that was the end or a damage.
class Attributes {
public:
    explicit Attributes(Bytes bytes) noexcept : m_rest(bytes) {}

    [[nodiscard]] std::optional<Attribute> next() noexcept {
        if (m_rest.empty() || !m_good) {
            return std::nullopt;
        }
        if (m_rest.size() < kAttributeHeader) {
            m_good = false;
            return std::nullopt;
        }
        const std::size_t size = read_host16(m_rest, 0);
        if (size < kAttributeHeader || size > m_rest.size()) {
            m_good = false;
            return std::nullopt;
        }
        const Attribute attribute{static_cast<std::uint16_t>(read_host16(m_rest, 2) & kAttributeTypeMask),
                                  m_rest.subspan(kAttributeHeader, size - kAttributeHeader)};
        const std::size_t padded = (size + kAttributeAlignment - 1) / kAttributeAlignment * kAttributeAlignment;
        m_rest = m_rest.subspan(std::min(padded, m_rest.size()));
        return attribute;
    }

    [[nodiscard]] bool good() const noexcept { return m_good; }

private:
    Bytes m_rest;
    bool m_good = true;
};

/// The first value of an attribute; one that is too short spoils the whole message.
template <typename T>
class First {
public:
    /// Calls `read` on the value if it is the first and has `size` bytes. False: it is too short.
    template <typename Read>
    [[nodiscard]] bool take(Bytes value, std::size_t size, Read read) {
        if (value.size() < size) {
            return false;
        }
        if (!m_value) {
            m_value = read(value);
        }
        return true;
    }

    [[nodiscard]] const std::optional<T>& value() const noexcept { return m_value; }

private:
    std::optional<T> m_value;
};

[[nodiscard]] std::uint8_t as_u8(Bytes value) noexcept {
    return value[0];
}

[[nodiscard]] std::uint16_t as_be16(Bytes value) noexcept {
    return bytes::read_be16(value, 0);
}

[[nodiscard]] std::uint32_t as_be32(Bytes value) noexcept {
    return bytes::read_be32(value, 0);
}

[[nodiscard]] Bytes as_bytes(Bytes value) noexcept {
    return value;
}

struct AddressPair {
    First<IpAddress> source;
    First<IpAddress> destination;
};

[[nodiscard]] bool read_addresses(Bytes value, AddressPair& pair) {
    const auto as_v4 = [](Bytes bytes) { return IpAddress::from_bytes(Family::ipv4, bytes.first(4)); };
    const auto as_v6 = [](Bytes bytes) { return IpAddress::from_bytes(Family::ipv6, bytes.first(16)); };
    Attributes attributes(value);
    while (const std::optional<Attribute> attribute = attributes.next()) {
        bool good = true;
        switch (attribute->type) {
        case addresses::kV4Source:
            good = pair.source.take(attribute->value, 4, as_v4);
            break;
        case addresses::kV4Destination:
            good = pair.destination.take(attribute->value, 4, as_v4);
            break;
        case addresses::kV6Source:
            good = pair.source.take(attribute->value, 16, as_v6);
            break;
        case addresses::kV6Destination:
            good = pair.destination.take(attribute->value, 16, as_v6);
            break;
        default:
            break;
        }
        if (!good) {
            return false;
        }
    }
    return attributes.good();
}

struct ProtocolFields {
    First<std::uint8_t> number;
    First<std::uint16_t> source_port;
    First<std::uint16_t> destination_port;
    First<std::uint16_t> icmp_id;
    First<std::uint8_t> icmp_type;
    First<std::uint8_t> icmp_code;
};

[[nodiscard]] bool read_protocol(Bytes value, ProtocolFields& fields) {
    Attributes attributes(value);
    while (const std::optional<Attribute> attribute = attributes.next()) {
        bool good = true;
        switch (attribute->type) {
        case protocol::kNumber:
            good = fields.number.take(attribute->value, 1, as_u8);
            break;
        case protocol::kSourcePort:
            good = fields.source_port.take(attribute->value, 2, as_be16);
            break;
        case protocol::kDestinationPort:
            good = fields.destination_port.take(attribute->value, 2, as_be16);
            break;
        case protocol::kIcmpId:
        case protocol::kIcmpv6Id:
            good = fields.icmp_id.take(attribute->value, 2, as_be16);
            break;
        case protocol::kIcmpType:
        case protocol::kIcmpv6Type:
            good = fields.icmp_type.take(attribute->value, 1, as_u8);
            break;
        case protocol::kIcmpCode:
        case protocol::kIcmpv6Code:
            good = fields.icmp_code.take(attribute->value, 1, as_u8);
            break;
        default:
            break;
        }
        if (!good) {
            return false;
        }
    }
    return attributes.good();
}

/// A direction of a connection. Without both addresses and the protocol there is none, which is not a damage.
[[nodiscard]] bool read_tuple(Bytes value, std::optional<ConnectionTuple>& result) {
    First<Bytes> address_bytes;
    First<Bytes> protocol_bytes;
    Attributes attributes(value);
    while (const std::optional<Attribute> attribute = attributes.next()) {
        if (attribute->type == tuple::kAddresses) {
            static_cast<void>(address_bytes.take(attribute->value, 0, as_bytes));
        } else if (attribute->type == tuple::kProtocol) {
            static_cast<void>(protocol_bytes.take(attribute->value, 0, as_bytes));
        }
    }
    AddressPair pair;
    ProtocolFields fields;
    if (!attributes.good() || !read_addresses(address_bytes.value().value_or(Bytes()), pair) ||
        !read_protocol(protocol_bytes.value().value_or(Bytes()), fields)) {
        return false;
    }
    const std::optional<IpAddress>& source = pair.source.value();
    const std::optional<IpAddress>& destination = pair.destination.value();
    if (source && destination && source->family() == destination->family() && fields.number.value()) {
        result = ConnectionTuple{*source,
                                 *destination,
                                 *fields.number.value(),
                                 fields.source_port.value().value_or(0),
                                 fields.destination_port.value().value_or(0),
                                 fields.icmp_id.value().value_or(0),
                                 fields.icmp_type.value().value_or(0),
                                 fields.icmp_code.value().value_or(0)};
    }
    return true;
}

[[nodiscard]] bool read_connection(Bytes value, LogRecord& record) {
    First<Bytes> original;
    First<Bytes> reply;
    First<std::uint32_t> mark;
    Attributes attributes(value);
    while (const std::optional<Attribute> attribute = attributes.next()) {
        bool good = true;
        switch (attribute->type) {
        case connection::kOriginal:
            good = original.take(attribute->value, 0, as_bytes);
            break;
        case connection::kReply:
            good = reply.take(attribute->value, 0, as_bytes);
            break;
        case connection::kMark:
            good = mark.take(attribute->value, 4, as_be32);
            break;
        default:
            break;
        }
        if (!good) {
            return false;
        }
    }
    record.mark = mark.value().value_or(0);
    return attributes.good() && read_tuple(original.value().value_or(Bytes()), record.original) &&
           read_tuple(reply.value().value_or(Bytes()), record.reply);
}

/// A length, two bytes of padding, room for eight bytes. Only addresses of six bytes are MAC addresses.
[[nodiscard]] std::optional<MacAddress> as_mac(Bytes value) noexcept {
    MacAddress address;
    if (bytes::read_be16(value, 0) != address.bytes.size()) {
        return std::nullopt;
    }
    std::copy_n(value.begin() + 4, address.bytes.size(), address.bytes.begin());
    return address;
}

/// Text up to its first NUL.
[[nodiscard]] std::string as_text(Bytes value) {
    return {value.begin(), std::find(value.begin(), value.end(), 0)};
}

struct MessageFields {
    First<std::uint32_t> ingress_index;
    First<std::uint32_t> egress_index;
    First<std::optional<MacAddress>> source_mac;
    First<Bytes> payload;
    First<std::string> prefix;
    First<std::uint32_t> sequence;
    First<Bytes> connection;

    /// False: the attribute is too short for its kind.
    [[nodiscard]] bool take(const Attribute& attribute) {
        switch (attribute.type) {
        case nflog::kIngressIndex:
            return ingress_index.take(attribute.value, 4, as_be32);
        case nflog::kEgressIndex:
            return egress_index.take(attribute.value, 4, as_be32);
        case nflog::kHardwareAddress:
            return source_mac.take(attribute.value, 12, as_mac);
        case nflog::kPayload:
            return payload.take(attribute.value, 0, as_bytes);
        case nflog::kPrefix:
            return prefix.take(attribute.value, 0, as_text);
        case nflog::kSequence:
            return sequence.take(attribute.value, 4, as_be32);
        case nflog::kConnection:
            return connection.take(attribute.value, 0, as_bytes);
        default:
            return true;
        }
    }
};

} // namespace

std::optional<NflogRecord> parse_nflog(std::span<const std::uint8_t> message) {
    if (message.size() < kMessageHeader || message[1] != 0) { // version: NFNETLINK_V0
        return std::nullopt;
    }
    MessageFields fields;
    Attributes attributes(message.subspan(kMessageHeader));
    while (const std::optional<Attribute> attribute = attributes.next()) {
        if (!fields.take(*attribute)) {
            return std::nullopt;
        }
    }
    NflogRecord result;
    if (!attributes.good() || !read_connection(fields.connection.value().value_or(Bytes()), result.record)) {
        return std::nullopt;
    }
    result.record.prefix = fields.prefix.value().value_or(std::string());
    result.record.group = bytes::read_be16(message, 2);
    result.record.source_mac = fields.source_mac.value().value_or(std::nullopt);
    result.record.packet = fields.payload.value().value_or(Bytes());
    result.ingress_index = fields.ingress_index.value().value_or(0);
    result.egress_index = fields.egress_index.value().value_or(0);
    result.sequence = fields.sequence.value();
    return result;
}

} // namespace sekisho::events
