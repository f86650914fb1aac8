// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/control/control_client.hpp"

#include "drivers/control/frame.hpp"
#include "drivers/control/unix_socket.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>

namespace sekisho::drivers {

namespace {

constexpr std::size_t kBlock = 256u << 10;

Error control_error(const std::string& path, std::string_view what) {
    const bool timed_out = errno == EAGAIN || errno == EWOULDBLOCK;
    return timed_out ? Error(Domain::control, path, "the daemon didn't answer in time", ETIMEDOUT)
                     : Error::from_errno(Domain::control, path, what, errno);
}

Result<void> send_all(int socket, std::string_view bytes, const std::string& path) {
    while (!bytes.empty()) {
        const ssize_t count = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return std::unexpected(control_error(path, "the daemon took no request"));
        }
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

/// Memory grows with what has come, not with what was announced.
Result<std::string> receive(int socket, std::size_t size, const std::string& path) {
    std::string bytes;
    while (bytes.size() < size) {
        const std::size_t before = bytes.size();
        bytes.resize(before + std::min(size - before, kBlock));
        const ssize_t count = recv(socket, bytes.data() + before, bytes.size() - before, 0);
        bytes.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return std::unexpected(control_error(path, "no answer"));
        }
        if (count == 0) {
            return std::unexpected(Error(Domain::control, path, "the daemon closed the connection without an answer"));
        }
    }
    return bytes;
}

} // namespace

Result<ports::ControlResponse> UnixControlClient::call(const std::vector<std::string>& words, std::string_view payload,
                                                       std::string_view origin) {
    const std::string frame = TRY(control::encode_request({std::string(origin), words, std::string(payload)}));
    const Descriptor socket = TRY(control::connect_to(m_path, m_timeout_ms));
    TRY(send_all(socket.get(), frame, m_path));
    const std::string header = TRY(receive(socket.get(), control::kHeaderSize, m_path));
    const std::size_t length = TRY(control::decode_header(header, control::kMostResponse));
    return control::decode_response(TRY(receive(socket.get(), length, m_path)));
}

} // namespace sekisho::drivers
