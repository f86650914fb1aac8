// SPDX-License-Identifier: GPL-2.0-or-later
// The packets of RFC 2865 section 7.1, and answers that a server did not give.
#include "drivers/tls/digests.hpp"
#include "policy/base/text.hpp"
#include "policy/radius/packet.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::radius;

namespace {

constexpr std::string_view kSecret = "xyzzy5461";
constexpr Digest kRequestAuthenticator{0x0f, 0x40, 0x3f, 0x94, 0x73, 0x97, 0x80, 0x57,
                                       0xbd, 0x83, 0xd5, 0xcb, 0x98, 0xf4, 0x22, 0x7a};

Bytes bytes_of(std::string_view hex) {
    Bytes bytes;
    for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
        const auto digit = [](char c) { return static_cast<std::uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10); };
        bytes.push_back(static_cast<std::uint8_t>(digit(hex[at]) << 4 | digit(hex[at + 1])));
    }
    return bytes;
}

std::string hex_of(std::span<const std::uint8_t> bytes) {
    std::string hex;
    for (const std::uint8_t byte : bytes) {
        hex += text::to_hex(byte, 2);
    }
    return hex;
}

const Bytes kAccept = bytes_of("0200002686fe220e7624ba2a1005f6bf9b55e0b20606000000010f06000000000e06c0a80103");

} // namespace

TEST_GROUP(radius) {
    Digests digests = drivers::radius_digests();

    Bytes accept(std::string_view secret, std::string_view user = "tanaka") {
        Request maker(7, kRequestAuthenticator);
        maker.add(Type::user_name, user).add(Type::session_timeout, 3600u);
        Bytes bytes = std::move(maker).finish(secret, digests);
        bytes[0] = static_cast<std::uint8_t>(Code::access_accept);
        return passed_answer(bytes, 7, kRequestAuthenticator, secret, digests);
    }
};

TEST(radius, a_password_is_hidden_as_in_the_rfc) {
    Request request(0, kRequestAuthenticator);
    request.add(Type::user_name, std::string_view("nemo")).add_password("arctangent", kSecret, digests);
    const Bytes bytes = std::move(request).finish(kSecret, digests);
    const auto packet = parse(bytes);
    CHECK(packet.has_value());
    STRCMP_EQUAL("nemo", packet->text(Type::user_name)->c_str());
    STRCMP_EQUAL("0dbe708d93d413ce3196e43f782a0aee", hex_of(*packet->first(Type::user_password)).c_str());
    CHECK(is_request_of(bytes, kSecret, digests));
    CHECK_FALSE(is_request_of(bytes, "another secret", digests));
}

TEST(radius, an_answer_without_a_message_authenticator_is_none) {
    CHECK(parse(kAccept).has_value());
    CHECK(judge_answer(kAccept, kRequestAuthenticator, kSecret, digests) == Verdict::no_message_authenticator);
}

TEST(radius, an_answer_is_the_servers_own_or_it_is_none) {
    const Bytes genuine = accept(kSecret);
    CHECK(judge_answer(genuine, kRequestAuthenticator, kSecret, digests) == Verdict::genuine);
    CHECK(judge_answer(genuine, kRequestAuthenticator, "another secret", digests) == Verdict::not_genuine);
    Digest other = kRequestAuthenticator;
    other[3] ^= 1;
    CHECK(judge_answer(genuine, other, kSecret, digests) == Verdict::not_genuine);
    for (std::size_t at = 0; at < genuine.size(); ++at) {
        Bytes changed = genuine;
        changed[at] ^= 1;
        CHECK(judge_answer(changed, kRequestAuthenticator, kSecret, digests) != Verdict::genuine);
    }
}

TEST(radius, padding_behind_a_packet_is_none_of_it) {
    Bytes padded = accept(kSecret);
    padded.insert(padded.end(), 5, 0xee);
    CHECK(judge_answer(padded, kRequestAuthenticator, kSecret, digests) == Verdict::genuine);
}

TEST(radius, an_answer_is_passed_on_under_another_secret_without_keys) {
    Request maker(7, kRequestAuthenticator);
    maker.add(Type::user_name, std::string_view("tanaka"))
        .add(Type::vendor_specific, std::string_view("\0\0\1\x37\x11\x04xy", 8))
        .add(Type::vendor_specific, std::string_view("\0\0\1\x37\x1a\x04xy", 8));
    Bytes bytes = std::move(maker).finish(kSecret, digests);
    bytes[0] = static_cast<std::uint8_t>(Code::access_accept);
    const Bytes passed = passed_answer(bytes, 42, kRequestAuthenticator, "the other side's", digests);
    CHECK(judge_answer(passed, kRequestAuthenticator, "the other side's", digests) == Verdict::genuine);
    const auto packet = parse(passed);
    LONGS_EQUAL(42, packet->id);
    STRCMP_EQUAL("tanaka", packet->text(Type::user_name)->c_str());
    LONGS_EQUAL(
        1, std::ranges::count(packet->attributes, static_cast<std::uint8_t>(Type::vendor_specific), &Attribute::type));
}

TEST(radius, what_is_no_packet_is_refused) {
    const Bytes genuine = accept(kSecret);
    for (std::size_t size = 0; size < genuine.size(); ++size) {
        CHECK_FALSE(parse(std::span(genuine).first(size)).has_value());
    }
    for (const std::string_view hex : {"02000013", "0200001486fe220e7624ba2a1005f6bf9b55e0", // shorter than it says
                                       "0200001586fe220e7624ba2a1005f6bf9b55e0b206",         // half an attribute
                                       "0200001686fe220e7624ba2a1005f6bf9b55e0b20601",       // of length 1
                                       "0200001686fe220e7624ba2a1005f6bf9b55e0b20609"}) {    // longer than the packet
        CHECK_FALSE(parse(bytes_of(hex)).has_value());
    }
    CHECK(judge_answer(bytes_of("00"), kRequestAuthenticator, kSecret, digests) == Verdict::malformed);
}

TEST(radius, the_first_of_several_attributes_counts) {
    Request maker(7, kRequestAuthenticator);
    maker.add(Type::user_name, std::string_view("first")).add(Type::user_name, std::string_view("second"));
    const Bytes bytes = std::move(maker).finish(kSecret, digests);
    STRCMP_EQUAL("first", parse(bytes)->text(Type::user_name)->c_str());
    CHECK_FALSE(parse(bytes)->number(Type::user_name).has_value());
}
