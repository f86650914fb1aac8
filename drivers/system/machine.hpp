// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "firmware/ports/system.hpp"

#include <string>

namespace sekisho::drivers {

/// The machine as /proc, statvfs(2) and uname(2) show it.
class Machine final : public ports::System {
public:
    /// `data_directory` lies on the data partition; `resolver_file` is what the C library reads as /etc/resolv.conf (on
    /// the router a file in memory that /etc/resolv.conf points to).
    Machine(std::string data_directory, std::string resolver_file)
        : m_data_directory(std::move(data_directory)), m_resolver_file(std::move(resolver_file)) {}

    std::string boot_id() override; ///< empty where /proc isn't mounted
    std::string kernel_release() override;
    Result<ports::MemoryUse> memory() override;
    Result<ports::DataSpace> data_space() override;
    Result<void> set_host_name(const std::string& name) override;
    Result<void> set_name_servers(const std::string& contents) override;

private:
    std::string m_data_directory;
    std::string m_resolver_file;
};

} // namespace sekisho::drivers
