// SPDX-License-Identifier: GPL-2.0-or-later
// One NFLOG group of the kernel, read by libpcap (`nflog:GROUP`, DLT_NFLOG) and set up beyond what libpcap knows of:
// sequence numbers, the connection of each packet, batches that are small and prompt.
#pragma once

#include "policy/base/error.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

struct pcap;

namespace sekisho::drivers {

class LogGroup {
public:
    /// `receive_buffer` in bytes. Fails without CAP_NET_ADMIN, without nfnetlink_log, or where another process reads
    /// the group.
    static Result<LogGroup> open(std::uint16_t number, int receive_buffer);

    [[nodiscard]] int descriptor() const noexcept;

    /// Whether the kernel puts the connection into the record.
    [[nodiscard]] bool has_connections() const noexcept { return m_has_connections; }

    /// Records that came before the settings were in force, and so without sequence numbers; they were not handed on.
    [[nodiscard]] std::uint64_t lost_at_start() const noexcept { return m_lost_at_start; }

    /// Reads one batch; to be called when the descriptor is readable. `on_message` gets each message from its nfgenmsg
    /// on. False: the batch could not be read.
    [[nodiscard]] bool read(const std::function<void(std::span<const std::uint8_t>)>& on_message);

    /// Times since open() that the socket's buffer was full.
    [[nodiscard]] std::uint64_t overruns() const noexcept;

private:
    struct Close {
        void operator()(pcap* handle) const noexcept;
    };

    explicit LogGroup(pcap* handle) : m_handle(handle) {}

    Result<void> configure(std::uint16_t number);
    Result<int> send_settings(std::uint16_t number, std::uint16_t flags, std::uint32_t sequence);

    std::unique_ptr<pcap, Close> m_handle;
    bool m_has_connections = false;
    std::uint64_t m_lost_at_start = 0;
};

} // namespace sekisho::drivers
