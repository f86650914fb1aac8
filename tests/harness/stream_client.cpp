// SPDX-License-Identifier: GPL-2.0-or-later
// The TLS driver on its own, for tests: opens one stream, sends numbered messages and tells on standard output, one
// line each, what becomes of it.
//
//   stream-client tls|tcp|udp HOST PORT SERVER-NAME TIME COUNT SIZE [AUTHORITY.pem…]
//
//   open DESCRIPTION        the stream is open
//   taken BYTES             all messages were taken, or no room was left; BYTES of them so far
//   acknowledged BYTES      with every change
//   closed CAUSE            and exit status 1
//
// It ends with status 0 when every byte was acknowledged, and is to be ended otherwise.
#include "drivers/system/files.hpp"
#include "drivers/system/resolver.hpp"
#include "drivers/tls/stream_connector.hpp"
#include "policy/base/text.hpp"

#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace sekisho;

class Client {
public:
    Client(drivers::UvEventLoop& loop, std::uint64_t count, std::uint64_t size)
        : m_loop(loop),
          m_resolver(loop),
          m_connector(loop, m_resolver),
          m_count(count),
          m_size(size),
          m_timer(loop.make_timer([this] { look(); })) {}

    int run(const ports::StreamTarget& target) {
        m_stream = m_connector.open(target, {.on_open =
                                                 [this] {
                                                     tell("open", m_stream->description());
                                                     m_timer->start_repeating(20);
                                                     send();
                                                 },
                                             .on_writable = [this] { send(); },
                                             .on_close =
                                                 [this](const Error& cause) {
                                                     tell("closed", cause.message());
                                                     m_stream.reset();
                                                     m_timer->stop(); // one that is due looks at the stream
                                                     m_status = 1;
                                                     m_loop.stop();
                                                 }});
        m_loop.run();
        return m_status;
    }

private:
    static void tell(std::string_view what, std::string_view how) {
        std::printf("%s %s\n", std::string(what).c_str(), std::string(how).c_str());
        std::fflush(stdout);
    }

    void send() {
        for (; m_next < m_count; ++m_next) {
            std::string message = text::concat(text::to_text(m_next), " ");
            message.append(m_size - std::min<std::size_t>(m_size, message.size() + 1), 'x');
            message += '\n';
            if (!m_stream->send(message)) {
                break;
            }
            m_taken += message.size();
        }
        tell("taken", text::to_text(m_taken));
    }

    void look() {
        const std::uint64_t acknowledged = m_stream->acknowledged();
        if (acknowledged != m_acknowledged) {
            m_acknowledged = acknowledged;
            tell("acknowledged", text::to_text(acknowledged));
        }
        if (m_next == m_count && acknowledged == m_taken) {
            m_stream.reset();
            m_loop.stop();
        }
    }

    drivers::UvEventLoop& m_loop;
    drivers::SystemResolver m_resolver;
    drivers::SocketConnector m_connector;
    std::uint64_t m_count;
    std::uint64_t m_size;
    std::unique_ptr<ports::Timer> m_timer;
    std::unique_ptr<ports::Stream> m_stream;
    std::uint64_t m_next = 0;
    std::uint64_t m_taken = 0;
    std::uint64_t m_acknowledged = 0;
    int m_status = 0;
};

int fail(const char* what) {
    std::fprintf(stderr, "stream-client: %s\n", what);
    return 2;
}

} // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() < 7) {
        return fail("too few arguments");
    }
    const auto now = parse_rfc3339(words[4]);
    const auto port = text::parse_unsigned(words[2]);
    const auto count = text::parse_unsigned(words[5]);
    const auto size = text::parse_unsigned(words[6]);
    if (!now || !port || !count || !size) {
        return fail("TIME, PORT, COUNT or SIZE is none");
    }
    ports::StreamTarget target;
    target.host = words[1];
    target.port = static_cast<std::uint16_t>(*port);
    target.transport = words[0] == "tls"   ? ports::Transport::tls
                       : words[0] == "tcp" ? ports::Transport::tcp
                                           : ports::Transport::udp;
    target.server_name = words[3];
    target.now = *now;
    for (std::size_t i = 7; i < words.size(); ++i) {
        auto pem = drivers::read_file(words[i], 1u << 20, Domain::tls);
        if (!pem) {
            return fail(pem.error().message().c_str());
        }
        target.authorities.push_back(*std::move(pem));
    }
    const auto loop = drivers::UvEventLoop::create();
    if (!loop) {
        return fail(loop.error().message().c_str());
    }
    return Client(**loop, *count, *size).run(target);
}
