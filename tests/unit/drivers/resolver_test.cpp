// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/system/resolver.hpp"
#include "tests/unit/drivers/loop_fixture.hpp"

#include <cerrno>
#include <optional>

#include <CppUTest/TestHarness.h>
#include <sys/wait.h>

using namespace sekisho;
using namespace sekisho::drivers;

TEST_GROUP(resolver) {
    std::unique_ptr<UvEventLoop> loop = UvEventLoop::create().value();
    std::optional<Result<std::vector<IpAddress>>> answer;

    std::unique_ptr<ports::Lookup> resolve(const std::string& host) {
        SystemResolver resolver(*loop);
        return resolver.resolve(host, [this](auto result) { answer = std::move(result); });
    }
    static bool has_children() {
        return waitpid(-1, nullptr, WNOHANG) >= 0 || errno != ECHILD;
    }
};

TEST(resolver, addresses_need_no_name_server) {
    const auto lookup = resolve("2001:db8::20");
    CHECK_FALSE(answer.has_value()); // never from within the call
    CHECK_FALSE(has_children());
    CHECK_TRUE(tests::run_until(*loop, [&] { return answer.has_value(); }));
    CHECK_TRUE(answer->value() == std::vector{IpAddress::parse("2001:db8::20").value()});
}

TEST(resolver, names_are_looked_up) {
    const auto lookup = resolve("localhost");
    CHECK_FALSE(answer.has_value());
    CHECK_TRUE(tests::run_until(*loop, [&] { return answer.has_value(); }));
    CHECK_TRUE(answer->has_value());
    for (const IpAddress& address : answer->value()) {
        CHECK_TRUE(address.is_loopback());
    }
    CHECK_FALSE(has_children());
}

TEST(resolver, a_name_that_is_none_is_an_error) {
    const auto lookup = resolve("no host\x1b name");
    CHECK_TRUE(tests::run_until(*loop, [&] { return answer.has_value(); }));
    CHECK_FALSE(answer->has_value());
    CHECK_FALSE(answer->error().message().contains('\x1b'));
    CHECK_FALSE(has_children());
}

TEST(resolver, destroying_the_lookup_ends_it) {
    auto lookup = resolve("localhost");
    lookup.reset();
    CHECK_FALSE(has_children());
    auto timer = loop->make_timer([&] { loop->stop(); });
    timer->start_once(20);
    loop->run();
    CHECK_FALSE(answer.has_value());
}

TEST(resolver, the_lookup_may_be_destroyed_in_its_own_callback) {
    std::unique_ptr<ports::Lookup> lookup;
    bool done = false;
    SystemResolver resolver(*loop);
    for (const char* host : {"192.0.2.1", "localhost"}) {
        done = false;
        lookup = resolver.resolve(host, [&](const auto&) {
            lookup.reset();
            done = true;
        });
        CHECK_TRUE(tests::run_until(*loop, [&] { return done; }));
    }
}
