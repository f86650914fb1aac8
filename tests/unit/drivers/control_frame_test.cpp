// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/control/frame.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::drivers::control;

namespace {

std::string body_of(const std::string& frame) {
    return frame.substr(kHeaderSize);
}

const Request kRequest{"console", {"show", "rules", "", "--json"}, std::string("contents\0\xff\n", 11)};

} // namespace

TEST_GROUP(control_frame){};

TEST(control_frame, request_comes_back) {
    const std::string frame = encode_request(kRequest).value();
    CHECK_EQUAL(frame.size() - kHeaderSize, decode_header(frame, kMostRequest).value());
    CHECK_TRUE(decode_request(body_of(frame)).value() == kRequest);
}

TEST(control_frame, empty_request_comes_back) {
    CHECK_TRUE(decode_request(body_of(encode_request({}).value())).value() == Request{});
}

TEST(control_frame, response_comes_back) {
    const auto response = decode_response(body_of(encode_response({-1, "out\n", "err\n"}).value())).value();
    CHECK_EQUAL(-1, response.exit_status);
    STRCMP_EQUAL("out\n", response.output.c_str());
    STRCMP_EQUAL("err\n", response.errors.c_str());
}

TEST(control_frame, bytes_on_the_wire) {
    const std::string frame = encode_response({2, "a", ""}).value();
    CHECK_TRUE(frame == std::string("\x11\0\0\0SKR1\x02\0\0\0\x01\0\0\0a\0\0\0\0", 21));
}

TEST(control_frame, largest_payload) {
    Request request = kRequest;
    request.payload.assign(ports::kMostPayload, 'x');
    CHECK_TRUE(decode_request(body_of(encode_request(request).value())).value() == request);
    request.payload += 'x';
    CHECK_FALSE(encode_request(request).has_value());
}

TEST(control_frame, too_many_or_too_long_words) {
    Request request;
    request.words.assign(kMostWords, "w");
    CHECK_TRUE(encode_request(request).has_value());
    request.words.emplace_back("w");
    CHECK_FALSE(encode_request(request).has_value());
    request.words = {std::string(kMostRequest, 'w')};
    CHECK_FALSE(encode_request(request).has_value());
    CHECK_FALSE(encode_request({std::string(kMostOrigin + 1, 'o'), {}, {}}).has_value());
}

TEST(control_frame, announced_length_above_the_bound) {
    CHECK_EQUAL(0x10, decode_header(std::string("\x10\0\0\0", 4), 0x10).value());
    CHECK_FALSE(decode_header(std::string("\x11\0\0\0", 4), 0x10).has_value());
    CHECK_FALSE(decode_header("\xff\xff\xff\xff", kMostResponse).has_value());
}

TEST(control_frame, every_cut_is_refused) {
    const std::string request = body_of(encode_request(kRequest).value());
    const std::string response = body_of(encode_response({0, "out", "err"}).value());
    for (std::size_t size = 0; size < request.size(); ++size) {
        CHECK_FALSE(decode_request(request.substr(0, size)).has_value());
    }
    for (std::size_t size = 0; size < response.size(); ++size) {
        CHECK_FALSE(decode_response(response.substr(0, size)).has_value());
    }
}

TEST(control_frame, what_follows_is_refused) {
    CHECK_FALSE(decode_request(body_of(encode_request(kRequest).value()) + "x").has_value());
    CHECK_FALSE(decode_response(body_of(encode_response({}).value()) + "x").has_value());
}

TEST(control_frame, request_and_response_are_not_taken_for_each_other) {
    CHECK_FALSE(decode_response(body_of(encode_request(kRequest).value())).has_value());
    CHECK_FALSE(decode_request(body_of(encode_response({}).value())).has_value());
}

TEST(control_frame, a_word_count_without_words) {
    CHECK_FALSE(decode_request(std::string("SKQ1\0\0\0\0\xff\xff\xff\xff", 12)).has_value());
    CHECK_FALSE(decode_request(std::string("SKQ1\0\0\0\0\xff\0\0\0", 12)).has_value());
}

TEST(control_frame, any_changed_byte_is_refused_or_a_request) {
    const std::string body = body_of(encode_request(kRequest).value());
    for (std::size_t i = 0; i < body.size(); ++i) {
        for (const char value : {'\0', '\x01', '\x7f', '\xff'}) {
            std::string changed = body;
            changed[i] = value;
            if (const auto request = decode_request(changed)) {
                CHECK_TRUE(body_of(encode_request(*request).value()) == changed);
            }
        }
    }
}
