// SPDX-License-Identifier: GPL-2.0-or-later
// An event as a syslog message (RFC 5424).
#pragma once

#include "policy/events/event.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace sekisho::events {

/// What a message says of its sender.
struct SyslogContext {
    std::string host_name; ///< from the configuration
    std::string software;  ///< the product's name
    std::string version;
};

/// Bytes of a message. RFC 5424 lets a receiver cut what is above 2,048; RFC 5425 wants 8,192 to be taken over TLS.
inline constexpr std::size_t kMostSyslogMessage = 8'192;

/// SD-ID of the event's own fields. 32473 is the enterprise number for documentation (RFC 5612).
inline constexpr std::string_view kEventElement = "event@32473";

/// One message, without framing and newline, of at most `most` bytes (2,048 or more; only an event with nearly every
/// field may be longer): well-formed UTF-8 in one line whatever bytes the fields hold. Each field stands where its row
/// says; its value is shown as text::escape_for_terminal() does. Where the message would be too long, the longest
/// values are cut at a character's end, and the parameter `truncated` names their fields.
[[nodiscard]] std::string to_rfc5424(const Event& event, const SyslogContext& context,
                                     std::size_t most = kMostSyslogMessage);

} // namespace sekisho::events
