// SPDX-License-Identifier: GPL-2.0-or-later
// A clinic's ports and devices, with the service that judges them on fakes.
#pragma once

#include "firmware/ports/control.hpp"
#include "firmware/services/command_table.hpp"
#include "firmware/services/port_access.hpp"
#include "tests/unit/fakes/authenticators.hpp"
#include "tests/unit/fakes/fakes.hpp"
#include "tests/unit/fakes/stations.hpp"

#include <CppUTest/TestHarness.h>

namespace sekisho::fakes {

/// lan1 and lan2 with mode mab, lan3 closed, lan4 open; the desk (…:50) and the CR unit (…:51) are registered.
struct ClinicAccess {
    FakeClock clock;
    FakeLoop loop;
    FakeStore store;
    FakeStore run_store;
    FakeLogFiles files;
    FakePacketLog frames;
    FakeStationTable table;
    FakeStationFilter filter;
    services::Timekeeper keeper{clock, store, Time{}};
    services::EventLog log{files, store, keeper, "boot"};
    FakeAuthenticators authenticators;
    FakeRadiusServers radius;
    services::PortAccess access{{table, filter, frames, authenticators, radius, loop, clock, run_store}, keeper, log};
    model::Model model;
    const MacAddress desk = MacAddress::parse("00:16:3e:00:00:50").value();
    const MacAddress unit = MacAddress::parse("00:16:3e:00:00:51").value();
    const MacAddress stranger = MacAddress::parse("00:16:3e:00:00:99").value();
    const MacAddress made_up = MacAddress::parse("02:16:3e:00:00:99").value();
    const MacAddress bridge = MacAddress::parse("02:00:00:00:00:01").value();

    ClinicAccess() {
        model::Interface interface;
        interface.name = "br-clinic";
        interface.is_bridge = true;
        interface.ports = {"lan1", "lan2", "lan3", "lan4"};
        model.interfaces.push_back(interface);
        for (const std::string& name : interface.ports) {
            table.there.push_back({name, true, {}});
            model::AccessPort port;
            port.name = name;
            port.mode = name == "lan3"   ? model::AccessMode::closed
                        : name == "lan4" ? model::AccessMode::open
                                         : model::AccessMode::mab;
            port.role = "office";
            model.access.ports.push_back(port);
        }
        table.there.push_back({"br-clinic", true, {bridge}});
        for (const char* role : {"office", "modality", "visitor"}) {
            model.access.roles.push_back(
                {.name = role, .place = {}, .description = {}, .destination_lists = {}, .critical = false});
        }
        add_device(desk, "desk", 41);
        add_device(unit, "CR unit", 42);
        device(1).role = "modality";
        device(1).owner = "radiology";
        device(1).note = "ask first";
    }

    void begin() {
        CHECK(access.start().has_value());
        follow();
    }

    void follow() { CHECK(access.follow(model).has_value()); }

    model::AccessPort& port(std::size_t index) { return model.access.ports[index]; }

    model::Device& device(std::size_t index) { return model.access.devices[index]; }

    void seen(const MacAddress& mac, const char* port = "lan2") {
        events::LogRecord record;
        record.prefix = ruleset::kStrangerPrefix;
        record.ingress_interface = port;
        record.source_mac = mac;
        frames.on_record(record);
    }

    ports::ControlRequest request() const {
        ports::ControlRequest request;
        request.peer.account = "tanaka";
        request.origin = "console";
        return request;
    }

private:
    void add_device(const MacAddress& mac, const char* name, std::size_t line) {
        model::Device device;
        device.mac = mac;
        device.name = name;
        device.place = {line, 5};
        model.access.devices.push_back(device);
    }
};

/// A command as it is typed, without quotes.
inline services::Invocation typed(std::string_view line) {
    const auto words = services::split_line(line).value();
    auto invocation = services::parse_command(words);
    CHECK_TEXT(invocation.has_value(), invocation ? "" : invocation.error().message().c_str());
    return std::move(invocation).value();
}

} // namespace sekisho::fakes
