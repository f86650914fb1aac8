// SPDX-License-Identifier: GPL-2.0-or-later
// Authenticators and RADIUS servers that note what they are told.
#pragma once

#include "firmware/ports/authenticators.hpp"
#include "firmware/ports/radius_servers.hpp"

#include <map>
#include <string>
#include <vector>

namespace sekisho::fakes {

class FakeAuthenticators final : public ports::Authenticators {
public:
    void follow(const std::vector<std::string>& wanted) override { ports = wanted; }

    void invite(const access::Station& station) override {
        said.push_back("invite " + station.port + " " + station.mac.text());
    }

    void forget(const access::Station& station) override {
        said.push_back("forget " + station.port + " " + station.mac.text());
    }

    [[nodiscard]] bool is_present(const std::string& /*port*/) const override { return true; }

    void on_event(std::function<void(const access::Event&)> callback) override { tell = std::move(callback); }

    std::vector<std::string> ports;
    std::vector<std::string> said;
    std::function<void(const access::Event&)> tell;
};

class FakeRadiusServers final : public ports::RadiusServers {
public:
    Result<std::uint16_t> follow(const Settings& wanted) override {
        settings = wanted;
        return std::uint16_t{40'000};
    }

    void judge_mac(const access::Station& station) override {
        asked.push_back(station.port + " " + station.mac.text());
    }

    std::optional<ports::RadiusAcceptance> take_acceptance(const access::Station& station) override {
        const auto found = acceptances.find(station);
        if (found == acceptances.end()) {
            return std::nullopt;
        }
        auto acceptance = found->second;
        acceptances.erase(found);
        return acceptance;
    }

    [[nodiscard]] std::vector<ports::RadiusServerState> states() const override { return {}; }

    void on_event(std::function<void(const access::Event&)> callback) override { tell = std::move(callback); }

    void on_server(std::function<void(const std::string&, std::string_view)> callback) override {
        say = std::move(callback);
    }

    Settings settings;
    std::vector<std::string> asked;
    std::map<access::Station, ports::RadiusAcceptance> acceptances;
    std::function<void(const access::Event&)> tell;
    std::function<void(const std::string&, std::string_view)> say;
};

} // namespace sekisho::fakes
