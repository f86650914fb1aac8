// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes on the control socket: refused, or a message whose encoding is these very bytes.
#include "drivers/control/frame.hpp"
#include "tests/fuzz/require.hpp"

using namespace sekisho;
using namespace sekisho::drivers;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view body = fuzz::text_of(data, size);
    if (size >= control::kHeaderSize) {
        const auto length = control::decode_header(body.substr(0, control::kHeaderSize), control::kMostRequest);
        require(!length || *length <= control::kMostRequest, "no header announces more than is allowed");
    }
    if (const auto request = control::decode_request(body)) {
        require(request->words.size() <= control::kMostWords && request->origin.size() <= control::kMostOrigin &&
                    request->payload.size() <= ports::kMostPayload,
                "bounds hold");
        const auto frame = control::encode_request(*request);
        require(frame.has_value() && std::string_view(*frame).substr(control::kHeaderSize) == body,
                "a request has one encoding");
    }
    if (const auto response = control::decode_response(body)) {
        const auto frame = control::encode_response(*response);
        require(frame.has_value() && std::string_view(*frame).substr(control::kHeaderSize) == body,
                "a response has one encoding");
        require(!control::decode_request(body), "a response is no request");
    }
    return 0;
}
