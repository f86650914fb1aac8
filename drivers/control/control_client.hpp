// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "firmware/ports/control.hpp"

namespace sekisho::drivers {

/// Calls the daemon: one connection per call, blocking. Needs no event loop.
class UnixControlClient final : public ports::ControlClient {
public:
    /// `timeout_ms` bounds each wait for the daemon; an apply takes some seconds on the router.
    explicit UnixControlClient(std::string path, std::uint64_t timeout_ms = 60'000)
        : m_path(std::move(path)), m_timeout_ms(timeout_ms) {}

    Result<ports::ControlResponse> call(const std::vector<std::string>& words, std::string_view payload,
                                        std::string_view origin) override;

private:
    std::string m_path;
    std::uint64_t m_timeout_ms;
};

} // namespace sekisho::drivers
