// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/base/error.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sekisho::ports {

/// Who is at the other end of the control socket, as the kernel says (SO_PEERCRED), and what it says of its terminal
/// ("console", "local").
struct Peer {
    std::uint32_t user_id = 0;
    std::uint32_t process_id = 0;
    std::string account; ///< name of the user id, or its number
};

struct ControlRequest {
    Peer peer;
    std::string origin;             ///< "console" or "local": where the client was started, a hint for the log
    std::vector<std::string> words; ///< the command, e.g. {"show", "rules", "--json"}
    std::string payload;            ///< contents that the command takes (a configuration); at most kMostPayload
};

struct ControlResponse {
    int exit_status = 0;
    std::string output; ///< for standard output
    std::string errors; ///< for standard error
};

inline constexpr std::size_t kMostPayload = 4u << 20; ///< a configuration of the largest size

/// The daemon's end of the control socket. Every request is answered once, at once: commands don't wait.
class ControlServer {
public:
    virtual ~ControlServer() = default;
    virtual Result<void> start(std::function<ControlResponse(const ControlRequest&)> on_request) = 0;
};

/// The client's end.
class ControlClient {
public:
    virtual ~ControlClient() = default;
    virtual Result<ControlResponse> call(const std::vector<std::string>& words, std::string_view payload,
                                         std::string_view origin) = 0;
};

} // namespace sekisho::ports
