// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/base/error.hpp"

#include <cstdint>
#include <string>

namespace sekisho::ports {

struct MemoryUse {
    std::uint64_t total_bytes = 0;
    std::uint64_t available_bytes = 0;
    std::uint64_t daemon_resident_bytes = 0;
    std::uint64_t daemon_peak_bytes = 0; ///< the most that was ever resident at once
};

struct DataSpace {
    std::uint64_t total_bytes = 0;
    std::uint64_t free_bytes = 0;
};

/// The machine around the daemon.
class System {
public:
    virtual ~System() = default;
    virtual std::string boot_id() = 0; ///< the kernel's random id of this boot
    virtual std::string kernel_release() = 0;
    virtual Result<MemoryUse> memory() = 0;
    virtual Result<DataSpace> data_space() = 0;
    virtual Result<void> set_host_name(const std::string& name) = 0;
    /// Writes /etc/resolv.conf's equivalent for the router's own look-ups.
    virtual Result<void> set_name_servers(const std::string& contents) = 0;
};

} // namespace sekisho::ports
