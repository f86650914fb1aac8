// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/system/listeners.hpp"
#include "policy/base/text.hpp"

#include <algorithm>

#include <CppUTest/TestHarness.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace sekisho;

namespace {

/// A line as the kernel writes it.
std::string line(std::string_view local, std::string_view state, std::string_view inode = "4711") {
    return text::concat("   0: ", local, " 00000000:0000 ", state,
                        " 00000000:00000000 00:00000000 00000000     0        0 ", inode,
                        " 1 0000000000000000 100 0 0 10 0");
}

} // namespace

TEST_GROUP(listeners){};

TEST(listeners, of_tcp_listen_and_those_of_udp_have_no_peer) {
    const auto tcp = drivers::listening_socket(line("00000000:0016", "0A"), true);
    CHECK(tcp.has_value());
    LONGS_EQUAL(22, tcp->port);
    LONGS_EQUAL(4711, tcp->inode);
    CHECK_FALSE(drivers::listening_socket(line("0201A8C0:0016", "01"), true).has_value()); // a connection
    CHECK(drivers::listening_socket(line("0201A8C0:0043", "07"), false).has_value());
    CHECK_FALSE(drivers::listening_socket(line("0201A8C0:0043", "01"), false).has_value());
}

TEST(listeners, on_the_loopback_reach_nobody) {
    for (const char* local : {"0100007F:0016", "3500007F:0016", "00000000000000000000000001000000:0016",
                              "0000000000000000FFFF00000100007F:0016"}) {
        CHECK_FALSE_TEXT(drivers::listening_socket(line(local, "0A"), true).has_value(), local);
    }
    for (const char* local : {"00000000000000000000000000000000:0016", "0000000000000000FFFF00000201A8C0:0016"}) {
        CHECK_TRUE_TEXT(drivers::listening_socket(line(local, "0A"), true).has_value(), local);
    }
}

TEST(listeners, of_lines_that_are_none_are_none) {
    for (const std::string& text : {std::string(), std::string("  sl  local_address rem_address   st"), line("", "0A"),
                                    line("00000000", "0A"), line("00000000:", "0A"), line("00000000:12345", "0A"),
                                    line("00000000:00zz", "0A"), line("00000000:0016", "0A", "-1")}) {
        CHECK_FALSE_TEXT(drivers::listening_socket(text, true).has_value(), text.c_str());
    }
}

TEST(listeners, of_this_process_are_found_and_known_as_its_own) {
    const int server = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET; // any address, any port
    LONGS_EQUAL(0, bind(server, reinterpret_cast<sockaddr*>(&address), sizeof address));
    LONGS_EQUAL(0, listen(server, 1));
    socklen_t size = sizeof address;
    LONGS_EQUAL(0, getsockname(server, reinterpret_cast<sockaddr*>(&address), &size));
    const auto found = drivers::KernelListeners().listeners();
    close(server);
    CHECK(found.has_value());
    const auto own = std::ranges::find(*found, ntohs(address.sin_port), &ports::Listener::port);
    CHECK(own != found->end());
    CHECK(own->is_tcp && own->is_own);
    CHECK_FALSE(own->program.empty());
}
