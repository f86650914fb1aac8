// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/radius/packet.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sekisho::radius {

namespace {

constexpr std::size_t kHeader = 20;
constexpr std::size_t kAuthenticator = 4; ///< where it begins
constexpr std::size_t kMostValue = 253;
constexpr std::size_t kMostPassword = 128;

/// Takes as long wherever they differ.
bool equals(std::span<const std::uint8_t> left, std::span<const std::uint8_t> right) {
    unsigned difference = left.size() == right.size() ? 0 : 1;
    for (std::size_t at = 0; at < left.size() && at < right.size(); ++at) {
        difference |= static_cast<unsigned>(left[at] ^ right[at]);
    }
    return difference == 0;
}

/// Sets the length and the Message-Authenticator, which is there and zero, `at` its value.
void seal(Bytes& bytes, std::size_t at, std::string_view secret, const Digests& digests) {
    bytes[2] = static_cast<std::uint8_t>(bytes.size() >> 8);
    bytes[3] = static_cast<std::uint8_t>(bytes.size());
    const Digest code = digests.hmac_md5(secret, bytes);
    std::ranges::copy(code, bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

/// Microsoft's keys and the tunnel's password, which are hidden with the secret.
bool depends_on_secret(const Attribute& attribute) {
    constexpr std::uint8_t kTunnelPassword = 69;
    constexpr std::array<std::uint8_t, 4> kMicrosoft{0, 0, 1, 0x37};
    return attribute.type == kTunnelPassword ||
           (attribute.type == static_cast<std::uint8_t>(Type::vendor_specific) &&
            attribute.value.size() > kMicrosoft.size() &&
            std::ranges::equal(attribute.value.first(kMicrosoft.size()), kMicrosoft) &&
            (attribute.value[kMicrosoft.size()] == 16 || attribute.value[kMicrosoft.size()] == 17));
}

/// Header and attributes, with a Message-Authenticator of zeros in front; where its value is.
constexpr std::size_t kCodeAt = kHeader + 2;

Bytes copy_of(const Packet& packet, std::uint8_t id, const Digest& authenticator) {
    Bytes bytes{packet.code, id, 0, 0};
    std::ranges::copy(authenticator, std::back_inserter(bytes));
    bytes.insert(bytes.end(), {static_cast<std::uint8_t>(Type::message_authenticator), 18});
    bytes.resize(kCodeAt + Digest().size());
    for (const Attribute& attribute : packet.attributes) {
        if (attribute.type != static_cast<std::uint8_t>(Type::message_authenticator) && !depends_on_secret(attribute)) {
            bytes.insert(bytes.end(), {attribute.type, static_cast<std::uint8_t>(attribute.value.size() + 2)});
            std::ranges::copy(attribute.value, std::back_inserter(bytes));
        }
    }
    return bytes;
}

std::uint16_t length_in(std::span<const std::uint8_t> bytes) {
    return static_cast<std::uint16_t>(bytes[2] << 8 | bytes[3]);
}

} // namespace

std::optional<std::span<const std::uint8_t>> Packet::first(Type type) const {
    const auto found = std::ranges::find(attributes, static_cast<std::uint8_t>(type), &Attribute::type);
    return found == attributes.end() ? std::nullopt : std::optional(found->value);
}

std::optional<std::string> Packet::text(Type type) const {
    const auto value = first(type);
    return value ? std::optional(std::string(value->begin(), value->end())) : std::nullopt;
}

std::optional<std::uint32_t> Packet::number(Type type) const {
    const auto value = first(type);
    if (!value || value->size() != 4) {
        return std::nullopt;
    }
    std::uint32_t result = 0;
    for (const std::uint8_t byte : *value) {
        result = result << 8 | byte;
    }
    return result;
}

std::optional<Packet> parse(std::span<const std::uint8_t> bytes) {
    if (bytes.size() < kHeader || length_in(bytes) < kHeader || length_in(bytes) > bytes.size() ||
        length_in(bytes) > kMostPacket) {
        return std::nullopt;
    }
    Packet packet{.code = bytes[0], .id = bytes[1], .authenticator = {}, .length = length_in(bytes), .attributes = {}};
    std::ranges::copy(bytes.subspan(kAuthenticator, packet.authenticator.size()), packet.authenticator.begin());
    auto rest = bytes.first(packet.length).subspan(kHeader);
    while (!rest.empty()) {
        if (rest.size() < 2 || rest[1] < 2 || rest[1] > rest.size()) {
            return std::nullopt;
        }
        packet.attributes.push_back({.type = rest[0], .value = rest.subspan(2, rest[1] - 2u)});
        rest = rest.subspan(rest[1]);
    }
    return packet;
}

std::string_view name_of(Verdict verdict) noexcept {
    switch (verdict) {
    case Verdict::genuine:
        return "genuine";
    case Verdict::malformed:
        return "malformed";
    case Verdict::no_message_authenticator:
        return "no-message-authenticator";
    case Verdict::not_genuine:
        return "not-genuine";
    }
    return {};
}

Verdict judge_answer(std::span<const std::uint8_t> bytes, const Digest& request_authenticator, std::string_view secret,
                     const Digests& digests) {
    const auto packet = parse(bytes);
    if (!packet) {
        return Verdict::malformed;
    }
    const auto given = packet->first(Type::message_authenticator);
    if (!given || given->size() != Digest().size()) {
        return Verdict::no_message_authenticator;
    }
    // both digests are of the packet with the request's authenticator in place of its own
    Bytes text(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(packet->length));
    std::ranges::copy(request_authenticator, text.begin() + kAuthenticator);
    const std::size_t length = text.size();
    std::ranges::copy(secret, std::back_inserter(text));
    const bool is_answer = equals(digests.md5(text), packet->authenticator);
    text.resize(length);
    const auto at = given->data() - bytes.data();
    std::fill_n(text.begin() + at, given->size(), std::uint8_t{0});
    return is_answer && equals(digests.hmac_md5(secret, text), *given) ? Verdict::genuine : Verdict::not_genuine;
}

bool is_request_of(std::span<const std::uint8_t> bytes, std::string_view secret, const Digests& digests) {
    const auto packet = parse(bytes);
    const auto given = packet ? packet->first(Type::message_authenticator) : std::nullopt;
    if (!given || given->size() != Digest().size()) {
        return false;
    }
    Bytes text(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(packet->length));
    std::fill_n(text.begin() + (given->data() - bytes.data()), given->size(), std::uint8_t{0});
    return equals(digests.hmac_md5(secret, text), *given);
}

Bytes passed_request(std::span<const std::uint8_t> bytes, std::uint8_t id, std::string_view secret,
                     const Digests& digests) {
    const auto packet = parse(bytes);
    if (!packet) {
        return {};
    }
    Bytes passed = copy_of(*packet, id, packet->authenticator);
    seal(passed, kCodeAt, secret, digests);
    return passed;
}

Bytes passed_answer(std::span<const std::uint8_t> bytes, std::uint8_t id, const Digest& request_authenticator,
                    std::string_view secret, const Digests& digests) {
    const auto packet = parse(bytes);
    if (!packet) {
        return {};
    }
    Bytes passed = copy_of(*packet, id, request_authenticator);
    seal(passed, kCodeAt, secret, digests);
    Bytes text = passed;
    std::ranges::copy(secret, std::back_inserter(text));
    const Digest authenticator = digests.md5(text);
    std::ranges::copy(authenticator, passed.begin() + kAuthenticator);
    return passed;
}

Request::Request(std::uint8_t id, const Digest& authenticator) : m_authenticator(authenticator) {
    m_bytes = {static_cast<std::uint8_t>(Code::access_request), id, 0, 0};
    std::ranges::copy(authenticator, std::back_inserter(m_bytes));
    // in front, as is asked for since CVE-2024-3596; what it is comes at the end
    put(Type::message_authenticator, Digest{});
}

void Request::put(Type type, std::span<const std::uint8_t> value) {
    value = value.first(std::min(value.size(), kMostValue));
    m_bytes.push_back(static_cast<std::uint8_t>(type));
    m_bytes.push_back(static_cast<std::uint8_t>(value.size() + 2));
    std::ranges::copy(value, std::back_inserter(m_bytes));
}

Request& Request::add(Type type, std::string_view value) {
    put(type, Bytes(value.begin(), value.end()));
    return *this;
}

Request& Request::add(Type type, std::uint32_t value) {
    put(type, std::array{static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
                         static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)});
    return *this;
}

Request& Request::add_password(std::string_view password, std::string_view secret, const Digests& digests) {
    Bytes hidden(password.begin(),
                 password.begin() + static_cast<std::ptrdiff_t>(std::min(password.size(), kMostPassword)));
    hidden.resize(std::max<std::size_t>((hidden.size() + 15) / 16, 1) * 16);
    Digest before = m_authenticator;
    for (std::size_t block = 0; block < hidden.size(); block += before.size()) {
        Bytes text(secret.begin(), secret.end());
        std::ranges::copy(before, std::back_inserter(text));
        const Digest mask = digests.md5(text);
        for (std::size_t at = 0; at < mask.size(); ++at) {
            hidden[block + at] ^= mask[at];
            before[at] = hidden[block + at];
        }
    }
    put(Type::user_password, hidden);
    return *this;
}

Bytes Request::finish(std::string_view secret, const Digests& digests) && {
    seal(m_bytes, kCodeAt, secret, digests);
    return std::move(m_bytes);
}

} // namespace sekisho::radius
