// SPDX-License-Identifier: GPL-2.0-or-later
// Connections under the test's hand: it says when they open, how much arrives and when they end.
#pragma once

#include "firmware/ports/stream.hpp"

#include <memory>
#include <string>
#include <vector>

namespace sekisho::fakes {

class FakeConnector final : public ports::StreamConnector {
public:
    class FakeStream final : public ports::Stream {
    public:
        FakeStream(FakeConnector& connector, ports::StreamCallbacks stream_callbacks)
            : callbacks(std::move(stream_callbacks)), m_connector(connector) {}

        ~FakeStream() override {
            if (m_connector.current == this) {
                m_connector.current = nullptr;
            }
        }

        bool send(std::string_view message) override {
            if (!is_open || m_connector.room < message.size()) {
                return false;
            }
            m_connector.room -= message.size();
            sent += message.size();
            messages.emplace_back(message);
            m_connector.all.emplace_back(message);
            return true;
        }

        std::uint64_t acknowledged() override {
            if (m_connector.acknowledges) {
                arrived = sent;
            }
            return arrived;
        }

        [[nodiscard]] std::string description() const override { return is_open ? "192.0.2.1 port 6514, TLS" : ""; }

        ports::StreamCallbacks callbacks;
        bool is_open = false;
        std::uint64_t sent = 0;
        std::uint64_t arrived = 0;
        std::vector<std::string> messages; ///< on this connection

    private:
        FakeConnector& m_connector;
    };

    std::unique_ptr<ports::Stream> open(const ports::StreamTarget& target, ports::StreamCallbacks callbacks) override {
        targets.push_back(target);
        auto stream = std::make_unique<FakeStream>(*this, std::move(callbacks));
        current = stream.get();
        return stream;
    }

    /// The connection that was asked for last opens.
    void accept() {
        current->is_open = true;
        const auto callback = current->callbacks.on_open;
        callback();
    }

    void end(std::string cause, Domain domain = Domain::network) {
        const auto callback = current->callbacks.on_close; // the stream doesn't outlive it
        callback(Error(domain, "", std::move(cause)));
    }

    void become_writable() {
        const auto callback = current->callbacks.on_writable;
        callback();
    }

    FakeStream* current = nullptr; ///< none after it was closed
    std::vector<ports::StreamTarget> targets;
    std::vector<std::string> all;            ///< messages on all connections
    bool acknowledges = true;                ///< at once
    std::size_t room = std::size_t{1} << 40; ///< bytes that are taken
};

} // namespace sekisho::fakes
