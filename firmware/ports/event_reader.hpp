// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/events/event.hpp"

namespace sekisho::ports {

/// Reads back a line that to_json_line() wrote. Unknown members are left out (a newer version may have written them).
class EventReader {
public:
    virtual ~EventReader() = default;
    virtual Result<events::Event> read(std::string_view line) = 0;
};

} // namespace sekisho::ports
