// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/address.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <optional>

namespace sekisho {

namespace {

constexpr std::size_t kGroups = 8; ///< 16-bit groups of an IPv6 address
using Groups = std::array<std::uint16_t, kGroups>;

[[nodiscard]] std::unexpected<Error> refuse(std::string_view text, std::string cause) {
    return std::unexpected(Error(Domain::address, text::concat("'", text::escape_for_terminal(text.substr(0, 64)), "'"),
                                 std::move(cause)));
}

[[nodiscard]] std::optional<std::uint8_t> hex_digit(char letter) noexcept {
    if (letter >= '0' && letter <= '9') {
        return static_cast<std::uint8_t>(letter - '0');
    }
    if (letter >= 'a' && letter <= 'f') {
        return static_cast<std::uint8_t>(letter - 'a' + 10);
    }
    if (letter >= 'A' && letter <= 'F') {
        return static_cast<std::uint8_t>(letter - 'A' + 10);
    }
    return std::nullopt;
}

/// Four decimal numbers. A leading zero is refused: some readers take it for octal, so 010.0.0.1 means two addresses.
[[nodiscard]] std::optional<std::uint32_t> parse_v4(std::string_view text) noexcept {
    std::uint32_t value = 0;
    for (int part = 0; part < 4; ++part) {
        const std::size_t end = part < 3 ? text.find('.') : text.size();
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        const std::string_view digits = text.substr(0, end);
        const std::optional<std::uint64_t> number = text::parse_unsigned(digits);
        if (!number || *number > 255 || digits.size() > 3 || (digits.size() > 1 && digits.front() == '0')) {
            return std::nullopt;
        }
        value = value << 8 | static_cast<std::uint32_t>(*number);
        text.remove_prefix(part < 3 ? end + 1 : end);
    }
    return value;
}

[[nodiscard]] std::optional<std::uint16_t> parse_group(std::string_view text) noexcept {
    if (text.empty() || text.size() > 4) {
        return std::nullopt;
    }
    unsigned value = 0;
    for (const char letter : text) {
        const std::optional<std::uint8_t> digit = hex_digit(letter);
        if (!digit) {
            return std::nullopt;
        }
        value = value << 4 | *digit;
    }
    return static_cast<std::uint16_t>(value);
}

/// Groups separated by single colons, on one side of "::"; an IPv4 address may stand for the last two. Their number, or
/// nothing.
[[nodiscard]] std::optional<std::size_t> parse_groups(std::string_view text, bool v4_at_end, Groups& groups) noexcept {
    std::size_t count = 0;
    while (!text.empty()) {
        const std::size_t end = text.find(':');
        const std::string_view part = text.substr(0, end);
        if (end == std::string_view::npos && v4_at_end && part.find('.') != std::string_view::npos) {
            const std::optional<std::uint32_t> embedded = parse_v4(part);
            if (!embedded || count + 2 > kGroups) {
                return std::nullopt;
            }
            groups[count] = static_cast<std::uint16_t>(*embedded >> 16);
            groups[count + 1] = static_cast<std::uint16_t>(*embedded & 0xffff);
            return count + 2;
        }
        const std::optional<std::uint16_t> group = parse_group(part);
        if (!group || count == kGroups) {
            return std::nullopt;
        }
        groups[count++] = *group;
        if (end == std::string_view::npos) {
            return count;
        }
        text.remove_prefix(end + 1);
        if (text.empty()) { // a colon at the end
            return std::nullopt;
        }
    }
    return count;
}

[[nodiscard]] std::optional<Groups> parse_v6(std::string_view text) noexcept {
    Groups groups{};
    const std::size_t gap = text.find("::");
    if (gap == std::string_view::npos) {
        return parse_groups(text, true, groups) == kGroups ? std::optional(groups) : std::nullopt;
    }
    Groups behind{};
    const std::optional<std::size_t> front_count = parse_groups(text.substr(0, gap), false, groups);
    const std::optional<std::size_t> behind_count = parse_groups(text.substr(gap + 2), true, behind);
    // "::" stands for one group of zeros at least (RFC 4291 section 2.2)
    if (!front_count || !behind_count || *front_count + *behind_count >= kGroups) {
        return std::nullopt;
    }
    std::copy_n(behind.begin(), *behind_count, groups.end() - static_cast<std::ptrdiff_t>(*behind_count));
    return groups;
}

[[nodiscard]] std::string v4_text(std::span<const std::uint8_t> bytes) {
    return text::concat(text::to_text(bytes[0]), ".", text::to_text(bytes[1]), ".", text::to_text(bytes[2]), ".",
                        text::to_text(bytes[3]));
}

struct Run {
    std::size_t begin = 0;
    std::size_t length = 0;
};

/// The first of the longest runs of zero groups; a single group is no run (RFC 5952 section 4.2).
[[nodiscard]] Run longest_zero_run(const Groups& groups) noexcept {
    Run best;
    for (std::size_t begin = 0; begin < kGroups; ++begin) {
        std::size_t end = begin;
        while (end < kGroups && groups[end] == 0) {
            ++end;
        }
        if (end - begin > std::max<std::size_t>(best.length, 1)) {
            best = {begin, end - begin};
        }
        begin = std::max(begin, end);
    }
    return best;
}

[[nodiscard]] std::string hex_group(std::uint16_t group) {
    const std::size_t digits = group > 0xfff ? 4 : group > 0xff ? 3 : group > 0xf ? 2 : 1;
    return text::to_hex(group, digits);
}

[[nodiscard]] std::string v6_text(std::span<const std::uint8_t> bytes) {
    Groups groups{};
    for (std::size_t index = 0; index < kGroups; ++index) {
        groups[index] = static_cast<std::uint16_t>(bytes[2 * index] << 8 | bytes[2 * index + 1]);
    }
    const bool mapped =
        std::all_of(groups.begin(), groups.begin() + 5, [](auto group) { return group == 0; }) && groups[5] == 0xffff;
    if (mapped) {
        return "::ffff:" + v4_text(bytes.subspan(12)); // RFC 5952 section 5
    }
    const Run run = longest_zero_run(groups);
    std::string result;
    for (std::size_t index = 0; index < kGroups;) {
        if (run.length > 0 && index == run.begin) {
            result += "::";
            index += run.length;
            continue;
        }
        if (!result.empty() && !result.ends_with(':')) {
            result += ':';
        }
        result += hex_group(groups[index++]);
    }
    return result;
}

/// Whether the first `length` bits are equal.
[[nodiscard]] bool same_bits(std::span<const std::uint8_t> left, std::span<const std::uint8_t> right,
                             unsigned length) noexcept {
    const std::size_t whole = length / 8;
    if (!std::equal(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(whole), right.begin())) {
        return false;
    }
    const unsigned rest = length % 8;
    return rest == 0 || (left[whole] ^ right[whole]) >> (8 - rest) == 0;
}

[[nodiscard]] bool v4_in(const IpAddress& address, std::uint32_t network, unsigned length) noexcept {
    return address.family() == Family::ipv4 && (address.to_v4() ^ network) >> (32 - length) == 0;
}

/// The bits of one byte of a prefix's mask.
[[nodiscard]] std::uint8_t mask_byte(unsigned length, std::size_t index) noexcept {
    const unsigned begin = static_cast<unsigned>(index) * 8;
    if (length <= begin) {
        return 0;
    }
    const unsigned bits = std::min(length - begin, 8U);
    return static_cast<std::uint8_t>(0xff00U >> bits);
}

struct SlashParts {
    IpAddress address;
    unsigned length = 0;
};

/// "ADDRESS/LENGTH", or an address alone with its full length.
[[nodiscard]] Result<SlashParts> parse_slash(std::string_view text) {
    const std::size_t slash = text.find('/');
    const IpAddress address = TRY(IpAddress::parse(text.substr(0, slash)));
    const unsigned most = bits_of(address.family());
    if (slash == std::string_view::npos) {
        return SlashParts{address, most};
    }
    const std::string_view digits = text.substr(slash + 1);
    const std::optional<std::uint64_t> length = text::parse_unsigned(digits);
    if (!length || *length > most || (digits.size() > 1 && digits.front() == '0')) {
        return refuse(text, text::concat("needs a prefix length from 0 to ", text::to_text(most)));
    }
    return SlashParts{address, static_cast<unsigned>(*length)};
}

} // namespace

std::string_view name_of(Family family) noexcept {
    return family == Family::ipv4 ? "ipv4" : "ipv6";
}

IpAddress IpAddress::v4(std::uint32_t host_order) noexcept {
    IpAddress address;
    for (std::size_t index = 0; index < 4; ++index) {
        address.m_bytes[index] = static_cast<std::uint8_t>(host_order >> (24 - 8 * index));
    }
    return address;
}

IpAddress IpAddress::from_bytes(Family family, std::span<const std::uint8_t> bytes) noexcept {
    IpAddress address;
    address.m_family = family;
    std::copy_n(bytes.begin(), bits_of(family) / 8, address.m_bytes.begin());
    return address;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
    if (text.find(':') == std::string_view::npos) {
        if (const std::optional<std::uint32_t> value = parse_v4(text)) {
            return v4(*value);
        }
        return refuse(text, "is not an IP address");
    }
    if (text.find('%') != std::string_view::npos) {
        return refuse(text, "is an address with a zone, which has no meaning here");
    }
    const std::optional<Groups> groups = parse_v6(text);
    if (!groups) {
        return refuse(text, "is not an IPv6 address");
    }
    IpAddress address;
    address.m_family = Family::ipv6;
    for (std::size_t index = 0; index < kGroups; ++index) {
        address.m_bytes[2 * index] = static_cast<std::uint8_t>((*groups)[index] >> 8);
        address.m_bytes[2 * index + 1] = static_cast<std::uint8_t>((*groups)[index] & 0xff);
    }
    return address;
}

std::span<const std::uint8_t> IpAddress::bytes() const noexcept {
    return std::span(m_bytes).first(bits_of(m_family) / 8);
}

std::uint32_t IpAddress::to_v4() const noexcept {
    std::uint32_t value = 0;
    for (std::size_t index = 0; index < 4; ++index) {
        value = value << 8 | m_bytes[index];
    }
    return value;
}

std::string IpAddress::text() const {
    return m_family == Family::ipv4 ? v4_text(m_bytes) : v6_text(m_bytes);
}

bool IpAddress::is_loopback() const noexcept {
    if (m_family == Family::ipv4) {
        return m_bytes[0] == 127;
    }
    return m_bytes[15] == 1 && std::all_of(m_bytes.begin(), m_bytes.end() - 1, [](auto byte) { return byte == 0; });
}

bool IpAddress::is_link_local() const noexcept {
    if (m_family == Family::ipv4) {
        return v4_in(*this, 0xa9fe'0000, 16); // 169.254.0.0/16
    }
    return m_bytes[0] == 0xfe && (m_bytes[1] & 0xc0) == 0x80; // fe80::/10
}

bool IpAddress::is_multicast() const noexcept {
    return m_family == Family::ipv4 ? (m_bytes[0] & 0xf0) == 0xe0 : m_bytes[0] == 0xff;
}

bool IpAddress::is_unspecified() const noexcept {
    return std::all_of(m_bytes.begin(), m_bytes.end(), [](auto byte) { return byte == 0; });
}

bool IpAddress::is_private() const noexcept {
    if (is_loopback() || is_link_local()) {
        return true;
    }
    if (m_family == Family::ipv6) {
        return (m_bytes[0] & 0xfe) == 0xfc; // fc00::/7
    }
    return v4_in(*this, 0x0a00'0000, 8) ||  // 10.0.0.0/8
           v4_in(*this, 0xac10'0000, 12) || // 172.16.0.0/12
           v4_in(*this, 0xc0a8'0000, 16) || // 192.168.0.0/16
           v4_in(*this, 0x6440'0000, 10);   // 100.64.0.0/10
}

bool IpAddress::increment() noexcept {
    const std::size_t size = bits_of(m_family) / 8;
    IpAddress next = *this;
    for (std::size_t index = size; index-- > 0;) {
        if (++next.m_bytes[index] != 0) {
            *this = next;
            return true;
        }
    }
    return false;
}

bool IpAddress::decrement() noexcept {
    const std::size_t size = bits_of(m_family) / 8;
    IpAddress previous = *this;
    for (std::size_t index = size; index-- > 0;) {
        if (previous.m_bytes[index]-- != 0) {
            *this = previous;
            return true;
        }
    }
    return false;
}

IpPrefix::IpPrefix(IpAddress address, unsigned length) noexcept
    : m_length(std::min(length, bits_of(address.family()))) {
    std::array<std::uint8_t, 16> bytes{};
    for (std::size_t index = 0; index < address.bytes().size(); ++index) {
        bytes[index] = address.bytes()[index] & mask_byte(m_length, index);
    }
    m_address = IpAddress::from_bytes(address.family(), bytes);
}

Result<IpPrefix> IpPrefix::parse(std::string_view text) {
    const SlashParts parts = TRY(parse_slash(text));
    const IpPrefix prefix(parts.address, parts.length);
    if (prefix.address() != parts.address) {
        return refuse(text, text::concat("has bits set behind the prefix length; the network is ", prefix.text()));
    }
    return prefix;
}

IpAddress IpPrefix::last() const noexcept {
    std::array<std::uint8_t, 16> bytes{};
    for (std::size_t index = 0; index < m_address.bytes().size(); ++index) {
        bytes[index] = m_address.bytes()[index] | static_cast<std::uint8_t>(~mask_byte(m_length, index));
    }
    return IpAddress::from_bytes(family(), bytes);
}

bool IpPrefix::contains(const IpAddress& address) const noexcept {
    return address.family() == family() && same_bits(address.bytes(), m_address.bytes(), m_length);
}

bool IpPrefix::overlaps(const IpPrefix& other) const noexcept {
    return other.family() == family() &&
           same_bits(other.m_address.bytes(), m_address.bytes(), std::min(m_length, other.m_length));
}

std::string IpPrefix::text() const {
    return text::concat(m_address.text(), "/", text::to_text(m_length));
}

Result<InterfaceAddress> InterfaceAddress::parse(std::string_view text) {
    if (text.find('/') == std::string_view::npos) {
        const IpAddress address = TRY(IpAddress::parse(text));
        return refuse(text, text::concat("needs a prefix length, like ", address.text(),
                                         address.family() == Family::ipv4 ? "/24" : "/64"));
    }
    const SlashParts parts = TRY(parse_slash(text));
    return InterfaceAddress{parts.address, parts.length};
}

std::string InterfaceAddress::text() const {
    return text::concat(address.text(), "/", text::to_text(length));
}

Result<IpRange> IpRange::parse(std::string_view text) {
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos) {
        return of(TRY(IpPrefix::parse(text)));
    }
    const IpAddress first = TRY(IpAddress::parse(text.substr(0, dash)));
    const IpAddress last = TRY(IpAddress::parse(text.substr(dash + 1)));
    if (first.family() != last.family()) {
        return refuse(text, "begins and ends in different address families");
    }
    if (last < first) {
        return refuse(text, "ends before it begins");
    }
    return IpRange{first, last};
}

bool IpRange::contains(const IpAddress& address) const noexcept {
    return address.family() == family() && first <= address && address <= last;
}

std::string IpRange::text() const {
    if (first == last) {
        return first.text();
    }
    // the bits in which both ends agree: it is a prefix if they are all zero behind in `first` and all one in `last`
    unsigned length = 0;
    while (length < bits_of(family()) && same_bits(first.bytes(), last.bytes(), length + 1)) {
        ++length;
    }
    const IpPrefix prefix(first, length);
    return prefix.first() == first && prefix.last() == last ? prefix.text()
                                                            : text::concat(first.text(), "-", last.text());
}

Result<MacAddress> MacAddress::parse(std::string_view text) {
    static constexpr std::string_view kCause = "is not a MAC address like 00:11:22:33:44:55";
    MacAddress address;
    if (text.size() != 17 || (text[2] != ':' && text[2] != '-')) {
        return refuse(text, std::string(kCause));
    }
    for (std::size_t index = 0; index < address.bytes.size(); ++index) {
        const std::optional<std::uint8_t> high = hex_digit(text[3 * index]);
        const std::optional<std::uint8_t> low = hex_digit(text[3 * index + 1]);
        if (!high || !low || (index > 0 && text[3 * index - 1] != text[2])) {
            return refuse(text, std::string(kCause));
        }
        address.bytes[index] = static_cast<std::uint8_t>(*high << 4 | *low);
    }
    return address;
}

std::string MacAddress::text() const {
    std::string result;
    for (const std::uint8_t byte : bytes) {
        if (!result.empty()) {
            result += ':';
        }
        result += text::to_hex(byte, 2);
    }
    return result;
}

} // namespace sekisho
