// SPDX-License-Identifier: GPL-2.0-or-later
// The bytes on the control socket. Pure functions: what comes in is from any local process and is fuzzed.
//
//   frame    = u32 length of the body, body           (all numbers little-endian)
//   request  = "SKQ1", text origin, u32 count, count × text word, text payload
//   response = "SKR1", u32 exit status, text output, text errors
//   text     = u32 length, bytes
#pragma once

#include "firmware/ports/control.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::drivers::control {

inline constexpr std::size_t kHeaderSize = 4;
inline constexpr std::size_t kMostWords = 256;
inline constexpr std::size_t kMostOrigin = 256;
/// Of a body, in bytes.
inline constexpr std::size_t kMostRequest = ports::kMostPayload + (64u << 10);
inline constexpr std::size_t kMostResponse = 64u << 20;

struct Request {
    std::string origin;
    std::vector<std::string> words;
    std::string payload;
    friend bool operator==(const Request&, const Request&) = default;
};

/// Whole frames, header included. An error where a bound would be exceeded.
Result<std::string> encode_request(const Request& request);
Result<std::string> encode_response(const ports::ControlResponse& response);

/// The body's length that a header announces; an error above `most`. Needs kHeaderSize bytes.
Result<std::size_t> decode_header(std::string_view header, std::size_t most);

/// Bodies. Anything but exactly one well-formed message is an error.
Result<Request> decode_request(std::string_view body);
Result<ports::ControlResponse> decode_response(std::string_view body);

} // namespace sekisho::drivers::control
