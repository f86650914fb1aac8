// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/control/control_client.hpp"
#include "drivers/control/control_server.hpp"
#include "drivers/control/frame.hpp"
#include "drivers/control/unix_socket.hpp"
#include "tests/unit/drivers/folder_fixture.hpp"
#include "tests/unit/drivers/loop_fixture.hpp"

#include <array>
#include <cerrno>
#include <string>

#include <CppUTest/TestHarness.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace sekisho;
using namespace sekisho::drivers;

TEST_GROUP(control) {
    std::unique_ptr<tests::Folder> folder;
    std::unique_ptr<UvEventLoop> loop;
    std::unique_ptr<UnixControlServer> server;
    std::string path;
    std::vector<ports::ControlRequest> requests;
    ports::ControlResponse response{3, "output\n", "errors\n"};

    void setup() override {
        folder = std::make_unique<tests::Folder>();
        loop = UvEventLoop::create().value();
        path = folder->path("run/control");
        serve({});
    }
    void teardown() override {
        server.reset();
        loop.reset();
        requests = {};
        folder.reset();
    }

    void serve(ControlLimits limits) {
        server.reset();
        server = std::make_unique<UnixControlServer>(*loop, path, limits);
        CHECK_TRUE(start().has_value());
    }
    Result<void> start() {
        return server->start([this](const ports::ControlRequest& request) {
            requests.push_back(request);
            return response;
        });
    }
    Descriptor connect() {
        return control::connect_to(path, 5000).value();
    }
    static void send_text(const Descriptor& socket, const std::string& bytes) {
        CHECK_TRUE(send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
    }
    static std::string request_frame() {
        return control::encode_request({"local", {"show", "rules"}, "contents"}).value();
    }
    /// Takes everything that the server sends until it closes.
    std::string receive_all(const Descriptor& socket) {
        std::string bytes;
        bool closed = false;
        CHECK_TRUE(tests::run_until(*loop, [&] {
            std::array<char, 65536> block{};
            for (ssize_t count = 0; !closed; bytes.append(block.data(), static_cast<std::size_t>(count))) {
                count = recv(socket.get(), block.data(), block.size(), MSG_DONTWAIT);
                if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
                    break;
                }
                closed = count <= 0; // a server that drops what it hasn't read resets the connection
                count = std::max<ssize_t>(count, 0);
            }
            return closed;
        }));
        return bytes;
    }
    /// Runs a client in another process; its exit status is what `call` returns.
    int in_client(const std::function<int(UnixControlClient&)>& call) {
        const pid_t child = fork();
        if (child == 0) {
            UnixControlClient client(path, 20'000);
            _exit(call(client));
        }
        int status = -1;
        CHECK_TRUE(tests::run_until(*loop, [&] { return waitpid(child, &status, WNOHANG) == child; }));
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
};

TEST(control, request_is_answered) {
    const int status = in_client([](UnixControlClient& client) {
        const auto answer = client.call({"apply", "-"}, "system {}\n", "console");
        return answer && answer->exit_status == 3 && answer->output == "output\n" && answer->errors == "errors\n" ? 0
                                                                                                                  : 1;
    });
    CHECK_EQUAL(0, status);
    CHECK_EQUAL(1, requests.size());
    CHECK_TRUE((requests[0].words == std::vector<std::string>{"apply", "-"}));
    STRCMP_EQUAL("system {}\n", requests[0].payload.c_str());
    STRCMP_EQUAL("console", requests[0].origin.c_str());
    CHECK_EQUAL(0, server->connected_clients());
}

TEST(control, the_kernel_names_the_caller) {
    const Descriptor socket = connect();
    send_text(socket, request_frame());
    receive_all(socket);
    CHECK_EQUAL(1, requests.size());
    CHECK_EQUAL(geteuid(), requests[0].peer.user_id);
    CHECK_EQUAL(static_cast<std::uint32_t>(getpid()), requests[0].peer.process_id);
    CHECK_FALSE(requests[0].peer.account.empty());
}

TEST(control, another_user_is_named_by_number_where_it_has_no_name) {
    if (geteuid() != 0) {
        UT_PRINT("skipped: only root can become somebody else");
        return;
    }
    CHECK_EQUAL(0, chmod(path.c_str(), 0666));
    CHECK_EQUAL(0, chmod(folder->path().c_str(), 0755));
    CHECK_EQUAL(0, in_client([](UnixControlClient& client) {
                    return setuid(54321) == 0 && client.call({"x"}, "", "local") ? 0 : 1;
                }));
    CHECK_EQUAL(1, requests.size());
    CHECK_EQUAL(54321, requests[0].peer.user_id);
    STRCMP_EQUAL("54321", requests[0].peer.account.c_str());
}

TEST(control, another_user_may_not_connect) {
    struct stat status{};
    CHECK_EQUAL(0, stat(path.c_str(), &status));
    CHECK_EQUAL(0660, status.st_mode & 07777);
    CHECK_EQUAL(0, stat(folder->path("run").c_str(), &status));
    CHECK_EQUAL(0755, status.st_mode & 07777);
    if (geteuid() != 0) {
        UT_PRINT("skipped: only root can become somebody else");
        return;
    }
    CHECK_EQUAL(0, chmod(folder->path().c_str(), 0755));
    CHECK_EQUAL(0, in_client([](UnixControlClient& client) {
                    if (setgid(54321) != 0 || setuid(54321) != 0) {
                        return 2;
                    }
                    const auto answer = client.call({"x"}, "", "local");
                    return !answer && answer.error().number() == EACCES ? 0 : 1;
                }));
}

TEST(control, a_member_of_the_group_may_connect) {
    if (geteuid() != 0) {
        UT_PRINT("skipped: only root can become somebody else");
        return;
    }
    CHECK_EQUAL(0, chmod(folder->path().c_str(), 0755));
    server.reset();
    server = std::make_unique<UnixControlServer>(*loop, path, ControlLimits{}, 54320u);
    CHECK_TRUE(start().has_value());
    struct stat status{};
    CHECK_EQUAL(0, stat(path.c_str(), &status));
    CHECK_EQUAL(0660, status.st_mode & 07777);
    CHECK_EQUAL(geteuid(), status.st_uid);
    CHECK_EQUAL(54320, status.st_gid);
    const auto as = [this](gid_t group) {
        return in_client([group](UnixControlClient& client) {
            if (setgroups(0, nullptr) != 0 || setgid(group) != 0 || setuid(54321) != 0) {
                return 2;
            }
            const auto answer = client.call({"x"}, "", "local");
            return answer ? 0 : answer.error().number() == EACCES ? 1 : 3;
        });
    };
    CHECK_EQUAL(0, as(54320));
    CHECK_EQUAL(1, as(54319));
    CHECK_EQUAL(1, requests.size());
    CHECK_EQUAL(54321, requests[0].peer.user_id);
}

TEST(control, largest_request_and_large_answer) {
    response.output.assign(5u << 20, 'o');
    CHECK_EQUAL(0, in_client([](UnixControlClient& client) {
                    const auto answer = client.call({"x"}, std::string(ports::kMostPayload, 'p'), "local");
                    return answer && answer->output == std::string(5u << 20, 'o') ? 0 : 1;
                }));
    CHECK_EQUAL(ports::kMostPayload, requests[0].payload.size());
}

TEST(control, a_payload_above_the_bound_is_not_sent) {
    UnixControlClient client(path);
    CHECK_FALSE(client.call({"x"}, std::string(ports::kMostPayload + 1, 'p'), "local").has_value());
}

TEST(control, an_answer_above_the_bound_is_an_error_for_the_client) {
    response.output.assign(control::kMostResponse, 'o');
    CHECK_EQUAL(0, in_client([](UnixControlClient& client) {
                    const auto answer = client.call({"x"}, "", "local");
                    return answer && answer->exit_status == 1 && answer->errors.contains("may have") ? 0 : 1;
                }));
}

TEST(control, a_request_byte_by_byte) {
    const Descriptor socket = connect();
    for (const char byte : request_frame()) {
        send_text(socket, std::string(1, byte));
        CHECK_TRUE(tests::run_until(*loop, [turn = 0]() mutable { return ++turn > 2; }));
    }
    CHECK_TRUE(control::decode_response(receive_all(socket).substr(control::kHeaderSize)).has_value());
    CHECK_EQUAL(1, requests.size());
}

TEST(control, half_a_request_and_gone) {
    Descriptor socket = connect();
    send_text(socket, request_frame().substr(0, 20));
    CHECK_TRUE(tests::run_until(*loop, [&] { return server->connected_clients() == 1; }));
    socket.reset();
    CHECK_TRUE(tests::run_until(*loop, [&] { return server->connected_clients() == 0; }));
    CHECK_TRUE(requests.empty());
}

TEST(control, half_a_request_and_silence) {
    serve({16, 50});
    const Descriptor socket = connect();
    send_text(socket, request_frame().substr(0, 20));
    STRCMP_EQUAL("", receive_all(socket).c_str());
    CHECK_TRUE(requests.empty());
}

TEST(control, garbage) {
    for (const std::string& bytes :
         {std::string("GET / HTTP/1.0\r\n\r\n"), std::string("\xff\xff\xff\xff"), std::string("\x08\0\0\0xxxxxxxx", 12),
          std::string("\0\0\0\0more", 8), request_frame().replace(4, 4, "SKQ9")}) {
        const Descriptor socket = connect();
        send_text(socket, bytes);
        STRCMP_EQUAL("", receive_all(socket).c_str());
    }
    CHECK_TRUE(requests.empty());
    CHECK_EQUAL(0, server->connected_clients());
}

TEST(control, a_second_request_on_a_connection_is_not_served) {
    const Descriptor socket = connect();
    send_text(socket, request_frame() + request_frame());
    receive_all(socket);
    CHECK_EQUAL(1, requests.size());
}

TEST(control, too_many_clients) {
    serve({2, 10'000});
    const Descriptor first = connect();
    const Descriptor second = connect();
    CHECK_TRUE(tests::run_until(*loop, [&] { return server->connected_clients() == 2; }));
    const Descriptor third = connect();
    STRCMP_EQUAL("", receive_all(third).c_str());
    CHECK_EQUAL(2, server->connected_clients());
    send_text(first, request_frame()); // those before are served still
    CHECK_FALSE(receive_all(first).empty());
    const Descriptor fourth = connect();
    send_text(fourth, request_frame());
    CHECK_FALSE(receive_all(fourth).empty());
}

TEST(control, a_reader_that_takes_nothing_is_dropped) {
    serve({16, 50});
    response.output.assign(8u << 20, 'o'); // more than the socket holds
    const Descriptor socket = connect();
    send_text(socket, request_frame());
    CHECK_TRUE(tests::run_until(*loop, [&] { return requests.size() == 1 && server->connected_clients() == 0; }));
    CHECK_TRUE(receive_all(socket).size() < response.output.size());
}

TEST(control, a_reader_that_goes_away_in_the_middle) {
    response.output.assign(8u << 20, 'o');
    Descriptor socket = connect();
    send_text(socket, request_frame());
    CHECK_TRUE(tests::run_until(*loop, [&] { return requests.size() == 1; }));
    socket.reset();
    CHECK_TRUE(tests::run_until(*loop, [&] { return server->connected_clients() == 0; }));
}

TEST(control, the_socket_of_a_dead_server_is_replaced) {
    const pid_t child = fork();
    if (child == 0) {
        const auto address = control::address_of(folder->path("run/stale")).value();
        const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
        _exit(bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : 1);
    }
    waitpid(child, nullptr, 0);
    CHECK_TRUE(folder->has("run/stale"));
    UnixControlServer other(*loop, folder->path("run/stale"));
    CHECK_TRUE(other.start([](const ports::ControlRequest&) { return ports::ControlResponse{}; }).has_value());
}

TEST(control, the_socket_of_a_living_server_is_not_replaced) {
    UnixControlServer other(*loop, path);
    const auto result = other.start([](const ports::ControlRequest&) { return ports::ControlResponse{}; });
    CHECK_FALSE(result.has_value());
    CHECK_TRUE(result.error().message().ends_with("is served by another process"));
    CHECK_TRUE(folder->has("run/control"));
}

TEST(control, what_is_no_socket_is_not_replaced) {
    folder->put("run/file", "precious");
    UnixControlServer other(*loop, folder->path("run/file"));
    CHECK_FALSE(other.start([](const ports::ControlRequest&) { return ports::ControlResponse{}; }).has_value());
    STRCMP_EQUAL("precious", folder->get("run/file").c_str());
}

TEST(control, a_path_too_long_for_a_socket) {
    UnixControlServer other(*loop, folder->path(std::string(200, 'x')));
    CHECK_FALSE(other.start([](const ports::ControlRequest&) { return ports::ControlResponse{}; }).has_value());
}

TEST(control, the_socket_goes_with_the_server) {
    server.reset();
    CHECK_FALSE(folder->has("run/control"));
}

TEST(control, no_daemon) {
    server.reset();
    UnixControlClient client(path);
    const auto answer = client.call({"x"}, "", "local");
    CHECK_FALSE(answer.has_value());
    CHECK_EQUAL(ENOENT, answer.error().number());
}

TEST(control, a_daemon_that_does_not_answer) {
    UnixControlClient client(path, 50); // the loop doesn't run
    const auto answer = client.call({"x"}, "", "local");
    CHECK_FALSE(answer.has_value());
    CHECK_EQUAL(ETIMEDOUT, answer.error().number());
}
