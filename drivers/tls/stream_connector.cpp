// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/tls/stream_connector.hpp"

#include "drivers/tls/socket.hpp"
#include "drivers/tls/tls_session.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <utility>

#include <sys/socket.h>

namespace sekisho::drivers {

namespace {

constexpr std::uint64_t kConnectMilliseconds = 10'000;
constexpr std::uint64_t kHandshakeMilliseconds = 10'000;
constexpr std::size_t kMostWaiting = 64u << 10; ///< bytes of messages that the kernel has no room for yet
constexpr std::size_t kMostAddresses = 8;       ///< tried at one attempt
constexpr std::size_t kMostToldAddresses = 3;
constexpr int kMostReads = 16; ///< per turn of the loop

/// Calls a copy: the callback may destroy the stream, and itself with it.
template <typename Callback, typename... Arguments>
void call(Callback callback, const Arguments&... arguments) { // NOLINT(performance-unnecessary-value-param)
    callback(arguments...);
}

/// The bytes of a TCP connection, with TLS or without.
class Channel {
public:
    Channel(Descriptor socket, std::unique_ptr<tls::TlsSession> session)
        : m_socket(std::move(socket)), m_session(std::move(session)) {
        if (m_session != nullptr) {
            m_session->attach(m_socket.get());
        }
    }

    ~Channel() {
        if (m_session != nullptr && m_open) {
            m_session->close_notify();
        }
    }

    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    [[nodiscard]] int socket() const noexcept { return m_socket.get(); }

    Result<tls::Progress> handshake() {
        const auto progress = m_session == nullptr ? tls::Progress::done : TRY(m_session->handshake());
        m_open = progress == tls::Progress::done;
        return progress;
    }

    /// What the server sends is dropped; an error when it has ended the connection.
    Result<void> drain(const std::string& place) {
        if (m_session != nullptr) {
            return m_session->drain();
        }
        std::array<char, 4096> dropped; // NOLINT(*-member-init): filled by recv
        for (int reads = 0; reads < kMostReads; ++reads) {
            const ssize_t count = recv(m_socket.get(), dropped.data(), dropped.size(), 0);
            if (count == 0) {
                return std::unexpected(Error(Domain::network, place, "the server closed the connection"));
            }
            if (count < 0) {
                return tls::must_wait(errno)
                           ? Result<void>{}
                           : std::unexpected(Error::from_errno(Domain::network, place, "connection lost", errno));
            }
        }
        return {};
    }

    /// How many of the leading bytes the kernel took; 0 where it has no room.
    Result<std::size_t> write(std::string_view bytes, const std::string& place) {
        if (m_session != nullptr) {
            const std::size_t count = TRY(m_session->write(bytes));
            m_plain += count;
            if (count > 0) {
                m_marks.push_back({m_session->sent(), m_plain});
            }
            return count;
        }
        const ssize_t count = send(m_socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count < 0) {
            return tls::must_wait(errno)
                       ? Result<std::size_t>(std::size_t{0})
                       : std::unexpected(Error::from_errno(Domain::network, place, "connection lost", errno));
        }
        m_plain += static_cast<std::size_t>(count);
        m_marks.push_back({m_plain, m_plain});
        return static_cast<std::size_t>(count);
    }

    std::uint64_t acknowledged() {
        const auto waiting = tls::unacknowledged(m_socket.get());
        if (!waiting || m_marks.empty()) {
            return m_acknowledged;
        }
        const std::uint64_t sent = m_session != nullptr ? m_session->sent() : m_plain;
        const std::uint64_t arrived = sent - std::min(sent, *waiting);
        while (!m_marks.empty() && m_marks.front().sent <= arrived) {
            m_acknowledged = m_marks.front().plain;
            m_marks.pop_front();
        }
        return m_acknowledged;
    }

    [[nodiscard]] std::string description() const { return m_session == nullptr ? "" : m_session->description(); }

private:
    /// When so many bytes of the connection have arrived, so many of the messages have.
    struct Mark {
        std::uint64_t sent;
        std::uint64_t plain;
    };

    Descriptor m_socket;
    std::unique_ptr<tls::TlsSession> m_session; ///< none with TCP
    bool m_open = false;                        ///< the handshake is done
    std::uint64_t m_plain = 0;                  ///< bytes of messages that were written
    std::uint64_t m_acknowledged = 0;
    std::deque<Mark> m_marks;
};

/// A stream over TLS or TCP. Callbacks are the last thing that each path from the loop does: they may destroy the
/// stream.
class TcpStream final : public ports::Stream {
public:
    TcpStream(UvEventLoop& loop, ports::Resolver& resolver, ports::StreamTarget target,
              ports::StreamCallbacks callbacks)
        : m_loop(loop),
          m_target(std::move(target)),
          m_callbacks(std::move(callbacks)),
          m_timer(loop.make_timer([this] { on_timeout(); })),
          m_failure(loop.make_timer([this] { on_failure(); })) {
        m_lookup = resolver.resolve(m_target.host, [this](auto addresses) { on_addresses(std::move(addresses)); });
    }

    bool send(std::string_view message) override {
        if (m_state != State::open || m_waiting.size() >= kMostWaiting) {
            m_refused = true;
            return false;
        }
        m_waiting.append(message);
        watch_open(); // written in the next turn, with what else comes in this one
        return true;
    }

    std::uint64_t acknowledged() override { return m_channel == nullptr ? 0 : m_channel->acknowledged(); }

    [[nodiscard]] std::string description() const override {
        if (m_state != State::open) {
            return {};
        }
        const std::string protection = m_channel->description();
        return protection.empty() ? m_place : text::concat(m_place, ", ", protection);
    }

private:
    enum class State { resolving, connecting, handshaking, open, closed };
    enum class Watched { nothing, readable, writable, both };

    void on_addresses(Result<std::vector<IpAddress>> addresses) {
        if (!addresses) {
            close(addresses.error());
            return;
        }
        addresses->resize(std::min(addresses->size(), kMostAddresses));
        m_addresses.assign(addresses->begin(), addresses->end());
        try_next();
    }

    void try_next() {
        m_watch.reset();
        m_watched = Watched::nothing;
        m_channel.reset();
        while (!m_addresses.empty()) {
            const IpAddress address = m_addresses.front();
            m_addresses.pop_front();
            if (auto begun = begin(address)) {
                return;
            } else {
                note(begun.error());
            }
        }
        close(Error(m_causes.empty() ? Domain::network : m_domain, "", text::join(m_causes, "; ")));
    }

    Result<void> begin(const IpAddress& address) {
        m_place = tls::place_of(address, m_target.port);
        std::unique_ptr<tls::TlsSession> session;
        if (m_target.transport == ports::Transport::tls) {
            const std::string& name = m_target.server_name.empty() ? m_target.host : m_target.server_name;
            session = TRY(tls::TlsSession::create(name, m_target.authorities, m_target.now));
        }
        m_channel = std::make_unique<Channel>(TRY(tls::open_tcp(address, m_target.port)), std::move(session));
        m_state = State::connecting;
        m_timer->start_once(kConnectMilliseconds);
        return watch(Watched::writable);
    }

    /// Remembers why an address did not work.
    void note(const Error& cause) {
        m_domain = cause.domain();
        if (m_causes.size() < kMostToldAddresses) {
            m_causes.push_back(cause.place().empty() ? cause.cause()
                                                     : text::concat(cause.place(), ": ", cause.cause()));
        }
    }

    void give_up(const Error& cause) {
        note(cause);
        try_next();
    }

    void on_timeout() {
        give_up(Error(Domain::network, m_place,
                      m_state == State::connecting ? "no answer within 10 s"
                                                   : "no TLS handshake within 10 s; does a TLS server listen there?"));
    }

    void on_ready() {
        switch (m_state) {
        case State::connecting:
            return on_connected();
        case State::handshaking:
            return shake_hands();
        case State::open:
            return exchange();
        case State::resolving:
        case State::closed:
            return;
        }
    }

    void on_connected() {
        if (auto result = tls::connection_result(m_channel->socket(), m_place); !result) {
            return give_up(result.error());
        }
        m_state = State::handshaking;
        m_timer->start_once(kHandshakeMilliseconds);
        shake_hands();
    }

    void shake_hands() {
        const auto progress = m_channel->handshake();
        if (!progress) {
            return give_up(progress.error());
        }
        if (*progress != tls::Progress::done) {
            const auto wanted = *progress == tls::Progress::wants_read ? Watched::readable : Watched::writable;
            if (auto watched = watch(wanted); !watched) {
                give_up(watched.error());
            }
            return;
        }
        m_timer->stop();
        m_state = State::open;
        watch_open();
        call(m_callbacks.on_open);
    }

    void exchange() {
        auto went_on = m_channel->drain(m_place);
        if (went_on) {
            went_on = flush();
        }
        if (!went_on) {
            return close(went_on.error());
        }
        watch_open();
        if (m_refused && m_waiting.size() < kMostWaiting / 2) {
            m_refused = false;
            call(m_callbacks.on_writable);
        }
    }

    Result<void> flush() {
        std::size_t written = 0;
        while (written < m_waiting.size()) {
            const std::size_t count = TRY(m_channel->write(std::string_view(m_waiting).substr(written), m_place));
            if (count == 0) {
                break;
            }
            written += count;
        }
        m_waiting.erase(0, written);
        return {};
    }

    void watch_open() {
        if (m_state == State::open) {
            if (auto watched = watch(m_waiting.empty() ? Watched::readable : Watched::both); !watched) {
                fail_later(watched.error());
            }
        }
    }

    Result<void> watch(Watched wanted) {
        if (wanted == m_watched) {
            return {};
        }
        m_watched = wanted;
        m_watch.reset(); // one watch per descriptor
        const auto ready = [this] { on_ready(); };
        m_watch = wanted == Watched::readable   ? m_loop.watch_readable(m_channel->socket(), ready)
                  : wanted == Watched::writable ? m_loop.watch_writable(m_channel->socket(), ready)
                                                : m_loop.watch_ready(m_channel->socket(), ready);
        if (m_watch == nullptr) {
            m_watched = Watched::nothing;
            return std::unexpected(Error(Domain::network, m_place, "the socket can't be watched"));
        }
        return {};
    }

    /// For where no callback may be called.
    void fail_later(const Error& cause) {
        m_state = State::closed;
        m_watch.reset();
        m_causes = {cause.place().empty() ? cause.cause() : text::concat(cause.place(), ": ", cause.cause())};
        m_domain = cause.domain();
        m_failure->start_once(0);
    }

    void on_failure() { close(Error(m_domain, "", text::join(m_causes, "; "))); }

    void close(const Error& cause) {
        m_state = State::closed;
        m_watch.reset();
        m_timer->stop();
        m_failure->stop();
        call(m_callbacks.on_close, cause);
    }

    UvEventLoop& m_loop;
    ports::StreamTarget m_target;
    ports::StreamCallbacks m_callbacks;
    std::unique_ptr<ports::Timer> m_timer;
    std::unique_ptr<ports::Timer> m_failure;
    std::unique_ptr<ports::Lookup> m_lookup;
    State m_state = State::resolving;
    std::deque<IpAddress> m_addresses; ///< not tried yet
    std::vector<std::string> m_causes; ///< of the addresses that failed
    Domain m_domain = Domain::network; ///< of the last of them
    std::string m_place;               ///< the address that is being tried or is connected
    std::unique_ptr<Channel> m_channel;
    std::unique_ptr<Watch> m_watch; ///< on the channel's socket: ends first
    Watched m_watched = Watched::nothing;
    std::string m_waiting; ///< bytes that the kernel had no room for
    bool m_refused = false;
};

/// Datagrams to one peer.
class UdpStream final : public ports::Stream {
public:
    UdpStream(UvEventLoop& loop, ports::Resolver& resolver, const ports::StreamTarget& target,
              ports::StreamCallbacks callbacks)
        : m_loop(loop),
          m_port(target.port),
          m_callbacks(std::move(callbacks)),
          m_failure(loop.make_timer([this] { close(Error(*m_cause)); })) {
        m_lookup = resolver.resolve(target.host, [this](auto addresses) { on_addresses(std::move(addresses)); });
    }

    bool send(std::string_view message) override {
        if (!m_open) {
            m_refused = true;
            return false;
        }
        const ssize_t count = ::send(m_socket.get(), message.data(), message.size(), MSG_NOSIGNAL);
        if (count < 0 && tls::must_wait(errno)) {
            m_refused = true;
            watch();
            return false;
        }
        if (count < 0) {
            // An error of an earlier datagram mostly (ICMP): this one was not sent.
            m_cause = Error::from_errno(Domain::network, m_place, "datagrams are refused", errno);
            m_open = false;
            m_failure->start_once(0);
            return false;
        }
        m_sent += message.size();
        return true;
    }

    std::uint64_t acknowledged() override { return m_sent; }

    [[nodiscard]] std::string description() const override { return m_open ? m_place : std::string(); }

private:
    void on_addresses(Result<std::vector<IpAddress>> addresses) {
        if (!addresses) {
            return close(addresses.error());
        }
        // Whether anybody listens is not known with UDP: the first address that there is a way to is taken.
        for (const IpAddress& address : *addresses) {
            auto socket = tls::open_udp(address, m_port);
            if (!socket) {
                m_cause = std::move(socket).error();
                continue;
            }
            m_socket = *std::move(socket);
            m_place = tls::place_of(address, m_port);
            m_open = true;
            watch();
            return call(m_callbacks.on_open);
        }
        close(Error(*m_cause));
    }

    void watch() {
        m_watch.reset(); // one watch per descriptor
        const auto ready = [this] { on_ready(); };
        m_watch = m_refused ? m_loop.watch_ready(m_socket.get(), ready) : m_loop.watch_readable(m_socket.get(), ready);
        if (m_watch == nullptr) {
            m_cause = Error(Domain::network, m_place, "the socket can't be watched");
            m_open = false;
            m_failure->start_once(0);
        }
    }

    void on_ready() {
        std::array<char, 2048> dropped; // NOLINT(*-member-init): filled by recv
        for (int reads = 0; reads < kMostReads; ++reads) {
            if (recv(m_socket.get(), dropped.data(), dropped.size(), 0) >= 0) {
                continue;
            }
            if (!tls::must_wait(errno)) {
                return close(Error::from_errno(Domain::network, m_place, "datagrams are refused", errno));
            }
            break;
        }
        if (std::exchange(m_refused, false)) {
            watch();
            call(m_callbacks.on_writable);
        }
    }

    /// `cause` must not be in this object, which the callback may destroy.
    void close(const Error& cause) {
        m_open = false;
        m_watch.reset();
        m_failure->stop();
        call(m_callbacks.on_close, cause);
    }

    UvEventLoop& m_loop;
    std::uint16_t m_port;
    ports::StreamCallbacks m_callbacks;
    std::unique_ptr<ports::Timer> m_failure;
    std::optional<Error> m_cause;
    std::unique_ptr<ports::Lookup> m_lookup;
    std::string m_place;
    Descriptor m_socket;
    std::unique_ptr<Watch> m_watch; ///< on the socket: ends first
    bool m_open = false;
    bool m_refused = false;
    std::uint64_t m_sent = 0;
};

} // namespace

std::unique_ptr<ports::Stream> SocketConnector::open(const ports::StreamTarget& target,
                                                     ports::StreamCallbacks callbacks) {
    if (target.transport == ports::Transport::udp) {
        return std::make_unique<UdpStream>(m_loop, m_resolver, target, std::move(callbacks));
    }
    return std::make_unique<TcpStream>(m_loop, m_resolver, target, std::move(callbacks));
}

} // namespace sekisho::drivers
