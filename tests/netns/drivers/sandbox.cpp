// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/netns/drivers/sandbox.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <CppUTest/TestHarness.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sekisho::test {

namespace {

constexpr int kLongestWaitMilliseconds = 10'000;

int new_namespace() {
    CHECK_EQUAL_TEXT(0, unshare(CLONE_NEWNET), "unshare needs root");
    const int descriptor = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    CHECK(descriptor >= 0);
    // on hosts with br_netfilter the host's settings would judge bridged frames
    for (const char* name : {"iptables", "ip6tables", "arptables"}) {
        const std::string path = std::string("/proc/sys/net/bridge/bridge-nf-call-") + name;
        if (const int setting = open(path.c_str(), O_WRONLY | O_CLOEXEC); setting >= 0) {
            CHECK_EQUAL(1, write(setting, "0", 1));
            close(setting);
        }
    }
    return descriptor;
}

/// A command as the shell of a namespace that has a name among this process' descriptors.
std::string path_of(int descriptor) {
    return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(descriptor);
}

sockaddr_storage to_socket_address(std::string_view text, std::uint16_t port, socklen_t& size) {
    sockaddr_storage storage{};
    const std::string address(text);
    if (text.find(':') != std::string_view::npos) {
        auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        CHECK_EQUAL(1, inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr));
        size = sizeof *v6;
    } else {
        auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        CHECK_EQUAL(1, inet_pton(AF_INET, address.c_str(), &v4->sin_addr));
        size = sizeof *v4;
    }
    return storage;
}

} // namespace

Sandbox::Sandbox() : m_router(new_namespace()), m_outside(new_namespace()), m_inside(new_namespace()) {
    CHECK_EQUAL(0, setns(m_router, CLONE_NEWNET));
    run(Host::router, "ip link set lo up"
                      " && ip link add lan0 type veth peer name eth0 netns " +
                          path_of(m_inside) +
                          " && ip link set lan0 up && ip address add 10.0.1.1/24 dev lan0"
                          " && echo 1 > /proc/sys/net/ipv4/ip_forward");
    run(Host::outside, "ip link set lo up");
    connect_outside();
    run(Host::inside, "ip link set lo up && ip link set eth0 up && ip address add 10.0.1.20/24 dev eth0"
                      " && ip route add default via 10.0.1.1");
}

void Sandbox::connect_outside() const {
    run(Host::router, "ip link add wan0 type veth peer name eth0 netns " + path_of(m_outside) +
                          " && echo 0 > /proc/sys/net/ipv6/conf/wan0/accept_dad && ip link set wan0 up"
                          " && ip address add 198.51.100.1/24 dev wan0"
                          " && ip address add 2001:db8::1/64 dev wan0 nodad");
    run(Host::outside, "echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_dad && ip link set eth0 up"
                       " && for n in 2 3 4; do ip address add 198.51.100.$n/24 dev eth0 || exit; done"
                       " && ip address add 2001:db8::2/64 dev eth0 nodad");
}

Sandbox::~Sandbox() {
    for (const int descriptor : {m_router, m_outside, m_inside}) {
        close(descriptor);
    }
}

void Sandbox::at(Host host, const std::function<void()>& action) const {
    const int there = host == Host::router ? m_router : host == Host::outside ? m_outside : m_inside;
    CHECK_EQUAL(0, setns(there, CLONE_NEWNET));
    action();
    CHECK_EQUAL(0, setns(m_router, CLONE_NEWNET));
}

void Sandbox::run(Host host, const std::string& command) const {
    static_cast<void>(output(host, command));
}

std::string Sandbox::output(Host host, const std::string& command) const {
    std::string text;
    int status = -1;
    at(host, [&] {
        FILE* stream = popen(("exec 2>&1\n" + command).c_str(), "re");
        std::array<char, 4096> buffer{};
        for (std::size_t size = 0; (size = fread(buffer.data(), 1, buffer.size(), stream)) > 0;) {
            text.append(buffer.data(), size);
        }
        status = pclose(stream);
    });
    CHECK_EQUAL_TEXT(0, status, (command + ": " + text).c_str());
    return text;
}

UdpSocket::UdpSocket(const Sandbox& sandbox, Host host, std::string_view address, std::uint16_t port)
    : m_descriptor(-1), m_family(address.find(':') == std::string_view::npos ? AF_INET : AF_INET6) {
    sandbox.at(host, [this] { m_descriptor = socket(m_family, SOCK_DGRAM | SOCK_CLOEXEC, 0); });
    CHECK(m_descriptor >= 0);
    const int size = 4 << 20;
    CHECK_EQUAL(0, setsockopt(m_descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size));
    socklen_t length = 0;
    const sockaddr_storage own = to_socket_address(address, port, length);
    CHECK_EQUAL(0, bind(m_descriptor, reinterpret_cast<const sockaddr*>(&own), length));
}

UdpSocket::~UdpSocket() {
    close(m_descriptor);
}

void UdpSocket::send(std::string_view to, std::uint16_t port, std::string_view text) const {
    socklen_t length = 0;
    const sockaddr_storage there = to_socket_address(to, port, length);
    const auto sent =
        sendto(m_descriptor, text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&there), length);
    CHECK_EQUAL_TEXT(static_cast<ssize_t>(text.size()), sent, strerror(errno));
}

std::optional<std::string> UdpSocket::receive() const {
    pollfd waiting{.fd = m_descriptor, .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, kLongestWaitMilliseconds) != 1) {
        return std::nullopt;
    }
    std::array<char, 2048> buffer{};
    sockaddr_storage from{};
    socklen_t length = sizeof from;
    const ssize_t size =
        recvfrom(m_descriptor, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
    if (size < 0) {
        return std::nullopt;
    }
    std::array<char, INET6_ADDRSTRLEN> name{};
    const void* address = from.ss_family == AF_INET
                              ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(&from)->sin_addr)
                              : &reinterpret_cast<const sockaddr_in6*>(&from)->sin6_addr;
    inet_ntop(from.ss_family, address, name.data(), name.size());
    return std::string(buffer.data(), static_cast<std::size_t>(size)) + " from " + name.data();
}

std::size_t UdpSocket::drain() const {
    std::size_t count = 0;
    std::array<char, 2048> buffer{};
    while (recv(m_descriptor, buffer.data(), buffer.size(), MSG_DONTWAIT) >= 0) {
        ++count;
    }
    return count;
}

pid_t start_process(const std::function<void()>& body) {
    const pid_t id = fork();
    if (id == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        body();
        _exit(EXIT_SUCCESS);
    }
    CHECK(id > 0);
    return id;
}

int wait_for_end(pid_t id) {
    int status = 0;
    while (waitpid(id, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

} // namespace sekisho::test
