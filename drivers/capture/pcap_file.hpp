// SPDX-License-Identifier: GPL-2.0-or-later
// Capture files of pcap and pcapng form, by libpcap.
#pragma once

#include "firmware/ports/capture_file.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace sekisho::drivers {

/// As ports::CaptureOpener wants it.
[[nodiscard]] Result<std::unique_ptr<ports::CaptureFile>> open_capture_file(std::string_view path);

/// The same of bytes in memory, which must outlive it; `place` stands for them in errors.
[[nodiscard]] Result<std::unique_ptr<ports::CaptureFile>> open_capture_bytes(std::span<const std::uint8_t> bytes,
                                                                             std::string_view place);

} // namespace sekisho::drivers
