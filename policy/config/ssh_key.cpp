// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/config/ssh_key.hpp"

#include "policy/base/base64.hpp"
#include "policy/base/bytes.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace sekisho::config {

namespace {

constexpr std::size_t kMostComment = 255; ///< bytes

enum class Fields : std::uint8_t { ed25519, ecdsa, rsa };

struct KeyType {
    std::string_view name;
    Fields fields = Fields::ed25519;
    std::string_view curve = {};  ///< ecdsa: its name in the blob (RFC 5656 section 6.1)
    std::size_t point = 0;        ///< ecdsa: bytes of the uncompressed point
    bool has_application = false; ///< FIDO: the name of what the key is for stands behind it
};

constexpr std::array kTypes{
    KeyType{.name = "ssh-ed25519"},
    KeyType{.name = "ecdsa-sha2-nistp256", .fields = Fields::ecdsa, .curve = "nistp256", .point = 65},
    KeyType{.name = "ecdsa-sha2-nistp384", .fields = Fields::ecdsa, .curve = "nistp384", .point = 97},
    KeyType{.name = "ecdsa-sha2-nistp521", .fields = Fields::ecdsa, .curve = "nistp521", .point = 133},
    KeyType{.name = "ssh-rsa", .fields = Fields::rsa},
    KeyType{.name = "sk-ssh-ed25519@openssh.com", .has_application = true},
    KeyType{.name = "sk-ecdsa-sha2-nistp256@openssh.com",
            .fields = Fields::ecdsa,
            .curve = "nistp256",
            .point = 65,
            .has_application = true},
};

constexpr std::string_view kForm =
    "it is written: ssh-key \"ssh-ed25519 AAAA… name\"; the line of the .pub file that ssh-keygen made";

[[nodiscard]] std::unexpected<Refusal> refuse(std::string why, std::string_view hint = kForm) {
    return std::unexpected(Refusal{std::move(why), std::string(hint)});
}

[[nodiscard]] const KeyType* find_type(std::string_view name) noexcept {
    const auto* const found = std::ranges::find(kTypes, name, &KeyType::name);
    return found == kTypes.end() ? nullptr : found;
}

/// Takes the next word; blanks around it go too.
[[nodiscard]] std::string_view take_word(std::string_view& text) noexcept {
    constexpr std::string_view kBlanks = " \t";
    const std::size_t end = std::min(text.find_first_of(kBlanks), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(text.find_first_not_of(kBlanks, end), text.size()));
    return word;
}

[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view kBlanks = " \t\n";
    const std::size_t first = text.find_first_not_of(kBlanks);
    return first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// Takes a string of RFC 4251 section 5 off the front.
[[nodiscard]] std::optional<std::string_view> take_field(std::string_view& blob) noexcept {
    if (blob.size() < 4) {
        return std::nullopt;
    }
    const std::size_t length =
        bytes::read_be32(std::span(reinterpret_cast<const std::uint8_t*>(blob.data()), blob.size()), 0);
    if (length > blob.size() - 4) {
        return std::nullopt;
    }
    const std::string_view field = blob.substr(4, length);
    blob.remove_prefix(4 + length);
    return field;
}

[[nodiscard]] std::uint8_t byte_of(char byte) noexcept {
    return static_cast<std::uint8_t>(byte);
}

/// Bits of a positive odd number in mpint form (RFC 4251 section 5: big-endian, no needless zero in front); 0 where it
/// is none. Modulus and exponent of an RSA key are odd.
[[nodiscard]] std::size_t bits_of_odd(std::string_view number) noexcept {
    if (number.empty() || (byte_of(number.back()) & 1) == 0 || (byte_of(number.front()) & 0x80) != 0) {
        return 0;
    }
    if (number.front() == '\0') {
        number.remove_prefix(1);
        if (number.empty() || (byte_of(number.front()) & 0x80) == 0) {
            return 0;
        }
    }
    return (number.size() - 1) * 8 + static_cast<std::size_t>(std::bit_width(byte_of(number.front())));
}

[[nodiscard]] std::unexpected<Refusal> refuse_cut_off() {
    return refuse("the key is damaged: its parts don't fill it exactly", "copy the line of the .pub file again, whole");
}

using Checked = std::expected<void, Refusal>;

[[nodiscard]] Checked check_rsa(std::string_view& blob) {
    const auto exponent = take_field(blob);
    const auto modulus = take_field(blob);
    if (!exponent || !modulus || bits_of_odd(*exponent) < 2 || bits_of_odd(*exponent) > 64 ||
        bits_of_odd(*modulus) == 0) {
        return refuse_cut_off();
    }
    const std::size_t bits = bits_of_odd(*modulus);
    if (bits < kLeastRsaBits || bits > kMostRsaBits) {
        return refuse(text::concat("the RSA key has ", text::to_text(bits), " bits, and ",
                                   bits < kLeastRsaBits ? "at least " : "at most ",
                                   text::to_text(bits < kLeastRsaBits ? kLeastRsaBits : kMostRsaBits), " are wanted"),
                      "ssh-keygen -t ed25519 makes a better one");
    }
    return {};
}

[[nodiscard]] Checked check_ecdsa(std::string_view& blob, const KeyType& type) {
    constexpr char kUncompressed = '\x04'; // SEC 1 section 2.3.3; OpenSSH takes no other
    const auto curve = take_field(blob);
    const auto point = take_field(blob);
    if (curve != type.curve || !point || point->size() != type.point || point->front() != kUncompressed) {
        return refuse_cut_off();
    }
    return {};
}

[[nodiscard]] Checked check_ed25519(std::string_view& blob) {
    constexpr std::size_t kKeyBytes = 32;
    const auto key = take_field(blob);
    if (!key || key->size() != kKeyBytes) {
        return refuse_cut_off();
    }
    return {};
}

[[nodiscard]] Checked check_fields(std::string_view& blob, const KeyType& type) {
    switch (type.fields) {
    case Fields::ed25519:
        return check_ed25519(blob);
    case Fields::ecdsa:
        return check_ecdsa(blob, type);
    case Fields::rsa:
        return check_rsa(blob);
    }
    return {};
}

[[nodiscard]] Checked check_blob(std::string_view blob, const KeyType& type) {
    const auto name = take_field(blob);
    if (!name) {
        return refuse_cut_off();
    }
    if (*name != type.name) {
        return refuse(text::concat("the key is not of the type that stands in front of it, ", type.name));
    }
    if (Checked fields = check_fields(blob, type); !fields) {
        return fields;
    }
    if (type.has_application) {
        const auto application = take_field(blob);
        const bool printable =
            application && std::ranges::all_of(*application, [](char byte) { return byte > ' ' && byte < '\x7f'; });
        if (!printable || application->empty()) {
            return refuse_cut_off();
        }
    }
    return blob.empty() ? Checked{} : Checked(refuse_cut_off());
}

/// What else people have in their hands when they are asked for a key.
[[nodiscard]] std::unexpected<Refusal> refuse_other(std::string_view text) {
    constexpr std::string_view kPrivateBody = "b3BlbnNzaC1rZXktdjE"; // base64 of "openssh-key-v1"
    if (text.contains("PRIVATE KEY") || text.contains("PuTTY-User-Key-File") || text.starts_with(kPrivateBody)) {
        return refuse("this is a private key, and the public one is wanted",
                      "write the line of the .pub file; if this text was shown to anyone else, make a new key pair");
    }
    if (text.starts_with("-----BEGIN ") || text.starts_with("---- BEGIN ")) {
        return refuse("the key is not in OpenSSH's form, which is one line",
                      "ssh-keygen -i -f FILE writes it in that form");
    }
    std::string_view rest = text;
    const std::string_view first = take_word(rest);
    if (first == "ssh-dss") {
        return refuse("DSA keys are too weak", "ssh-keygen -t ed25519 makes a better one");
    }
    if (first.ends_with("-cert-v01@openssh.com")) {
        return refuse("this is an SSH certificate, and a public key is wanted");
    }
    while (!rest.empty()) {
        if (find_type(take_word(rest)) != nullptr) {
            return refuse("something stands in front of the key, as options do in authorized_keys",
                          "begin with the key's type; from where and for what SSH is open is not a key's business");
        }
    }
    std::string known;
    for (const KeyType& type : kTypes) {
        known += text::concat(known.empty() ? "" : ", ", type.name);
    }
    return refuse("the text does not begin with a type of key that is known", text::concat("known are: ", known));
}

} // namespace

Canonical canonical_ssh_key(std::string_view text) {
    text = trimmed(text);
    std::string_view rest = text;
    const KeyType* const type = find_type(take_word(rest));
    if (type == nullptr) {
        return refuse_other(text);
    }
    const std::string_view key = take_word(rest);
    if (key.empty()) {
        return refuse(text::concat("behind ", type->name, " the key itself is missing"));
    }
    const std::optional<std::string> blob = base64::decode(key);
    if (!blob) {
        return refuse(text::concat("what stands behind ", type->name, " is not base64"),
                      "copy the line of the .pub file again, whole and as one line");
    }
    if (Checked checked = check_blob(*blob, *type); !checked) {
        return std::unexpected(std::move(checked).error());
    }
    if (rest.size() > kMostComment || text::escape_for_terminal(rest) != rest) {
        return refuse("the comment behind the key is longer than 255 bytes or has characters that can't be shown",
                      "shorten it, or leave it out");
    }
    return text::concat(type->name, " ", key, rest.empty() ? "" : " ", rest);
}

std::string_view ssh_key_without_comment(std::string_view canonical) noexcept {
    const std::size_t type_end = canonical.find(' ');
    return type_end == std::string_view::npos ? canonical : canonical.substr(0, canonical.find(' ', type_end + 1));
}

} // namespace sekisho::config
