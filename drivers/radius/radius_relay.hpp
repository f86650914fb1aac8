// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "drivers/radius/udp_socket.hpp"
#include "drivers/system/event_loop.hpp"
#include "drivers/system/files.hpp"
#include "firmware/ports/clock.hpp"
#include "firmware/ports/radius_servers.hpp"
#include "policy/radius/packet.hpp"

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sekisho::drivers {

/// Passes RADIUS between authenticators on the loopback and servers, each side under its own secret, and asks servers
/// for MAC addresses itself.
class RadiusRelay final : public ports::RadiusServers {
public:
    /// `random` fills its argument. The loop and the clock outlive this.
    RadiusRelay(UvEventLoop& loop, ports::Clock& clock, radius::Digests digests,
                std::function<Result<void>(std::span<std::uint8_t>)> random);
    ~RadiusRelay() override;

    Result<std::uint16_t> follow(const Settings& settings) override;
    void judge_mac(const access::Station& station) override;
    std::optional<ports::RadiusAcceptance> take_acceptance(const access::Station& station) override;
    [[nodiscard]] std::vector<ports::RadiusServerState> states() const override;

    void on_event(std::function<void(const access::Event&)> callback) override { m_on_event = std::move(callback); }

    void on_server(std::function<void(const std::string&, std::string_view)> callback) override {
        m_on_server = std::move(callback);
    }

private:
    enum class Purpose : std::uint8_t {
        passed, ///< an authenticator's
        mac,    ///< the router's own, about a MAC address
        probe,  ///< whether a server that was silent is back
    };

    struct Pending {
        Purpose purpose = Purpose::passed;
        radius::Digest authenticator{};
        access::Station station;
        sockaddr_in from{};       ///< passed
        std::uint8_t from_id = 0; ///< passed
        radius::Bytes packet;     ///< to be sent again
        std::int64_t begun = 0;   ///< milliseconds
        std::int64_t sent = 0;
        unsigned tries = 1;
    };

    struct Server {
        ports::RadiusServerTarget target;
        Descriptor socket;
        std::unique_ptr<Watch> watch;
        std::array<std::optional<Pending>, 256> pending; ///< by id
        std::uint8_t next_id = 0;
        bool answers = true;
        std::int64_t heard = 0;  ///< when it last answered
        std::int64_t probed = 0; ///< when it was last probed
        std::uint64_t refused = 0;
        std::int64_t told = 0; ///< when it was last told of one that was refused
    };

    Result<void> open_server(Server& server, std::size_t index);
    void on_request();
    void pass(const radius::Packet& packet, std::span<const std::uint8_t> bytes, const sockaddr_in& from);
    [[nodiscard]] std::size_t server_for(const radius::Packet& packet, const access::Station& station) const;
    [[nodiscard]] std::size_t first_answering() const;
    bool send_again(const radius::Packet& packet, const sockaddr_in& from);
    void pass_on(std::size_t index);
    void on_answers(std::size_t index);
    void on_answer(Server& server, std::span<const std::uint8_t> bytes);
    void take(const Pending& asked, const radius::Packet& packet, std::span<const std::uint8_t> bytes);
    void ask(std::size_t index, Purpose purpose, const access::Station& station);
    void send(Server& server, Pending pending);
    void tick();
    void tick(std::size_t index, std::int64_t now);
    void set_answering(Server& server, bool answers);
    void tell_if_changed();
    void tell(std::string_view name, std::string_view what);
    [[nodiscard]] std::int64_t now() const;

    UvEventLoop& m_loop;
    ports::Clock& m_clock;
    radius::Digests m_digests;
    std::function<Result<void>(std::span<std::uint8_t>)> m_random;
    Settings m_settings;
    radius_sockets::LocalSocket m_local;
    std::unique_ptr<Watch> m_local_watch;
    std::vector<std::unique_ptr<Server>> m_servers;
    std::map<access::Station, std::size_t> m_conversations; ///< with which server a station's goes on
    std::map<access::Station, ports::RadiusAcceptance> m_acceptances;
    std::function<void(const access::Event&)> m_on_event;
    std::function<void(const std::string&, std::string_view)> m_on_server;
    std::unique_ptr<ports::Timer> m_timer;
    bool m_any_answers = true;
};

} // namespace sekisho::drivers
