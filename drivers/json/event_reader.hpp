// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "firmware/ports/event_reader.hpp"

#include <cstddef>

namespace sekisho::drivers {

/// Reads events with yyjson. A known member of another kind than its field, or text that isn't strict JSON (RFC 8259)
/// in UTF-8, is an error.
class YyjsonEventReader final : public ports::EventReader {
public:
    Result<events::Event> read(std::string_view line) override;

    static constexpr std::size_t kMostBytes = 256u << 10;
    static constexpr int kMostDepth = 16; ///< objects and arrays within each other
};

} // namespace sekisho::drivers
