// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/system/event_loop.hpp"
#include "drivers/system/files.hpp"
#include "tests/unit/drivers/loop_fixture.hpp"

#include <array>
#include <csignal>
#include <vector>

#include <CppUTest/TestHarness.h>
#include <fcntl.h>
#include <unistd.h>

using namespace sekisho;
using namespace sekisho::drivers;

TEST_GROUP(event_loop) {
    std::unique_ptr<UvEventLoop> loop;
    Descriptor reader;
    Descriptor writer;

    void setup() override {
        loop = UvEventLoop::create().value();
        std::array<int, 2> ends{};
        CHECK_EQUAL(0, pipe2(ends.data(), O_CLOEXEC));
        reader = Descriptor(ends[0]);
        writer = Descriptor(ends[1]);
    }
    void teardown() override {
        reader.reset();
        writer.reset();
        loop.reset();
    }
};

TEST(event_loop, runs_out_when_nothing_is_left) {
    loop->run();
    CHECK_TRUE(loop != nullptr);
}

TEST(event_loop, once_is_once) {
    int calls = 0;
    auto timer = loop->make_timer([&] { ++calls; });
    timer->start_once(1);
    loop->run();
    CHECK_EQUAL(1, calls);
}

TEST(event_loop, timers_come_in_the_order_of_their_times) {
    std::vector<int> order;
    auto late = loop->make_timer([&] { order.push_back(2); });
    auto early = loop->make_timer([&] { order.push_back(1); });
    late->start_once(40);
    early->start_once(1);
    loop->run();
    CHECK_TRUE((order == std::vector<int>{1, 2}));
}

TEST(event_loop, repeats_until_stopped_from_its_own_callback) {
    int calls = 0;
    std::unique_ptr<ports::Timer> timer;
    timer = loop->make_timer([&] {
        if (++calls == 3) {
            timer->stop();
        }
    });
    timer->start_repeating(1);
    loop->run();
    CHECK_EQUAL(3, calls);
}

TEST(event_loop, a_period_of_zero_repeats_too) {
    int calls = 0;
    std::unique_ptr<ports::Timer> timer;
    timer = loop->make_timer([&] {
        if (++calls == 2) {
            timer->stop();
        }
    });
    timer->start_repeating(0);
    loop->run();
    CHECK_EQUAL(2, calls);
}

TEST(event_loop, a_timer_may_end_itself) {
    int calls = 0;
    std::unique_ptr<ports::Timer> timer;
    timer = loop->make_timer([&] {
        timer.reset();
        ++calls; // captures are alive until the callback has returned
    });
    timer->start_repeating(1);
    loop->run();
    CHECK_EQUAL(1, calls);
}

TEST(event_loop, a_stopped_timer_does_not_fire) {
    int calls = 0;
    auto timer = loop->make_timer([&] { ++calls; });
    timer->start_once(1);
    timer->stop();
    loop->run();
    CHECK_EQUAL(0, calls);
}

TEST(event_loop, a_readable_descriptor_calls_back_until_it_is_read) {
    int calls = 0;
    auto watch = loop->watch_readable(reader.get(), [&] {
        ++calls;
        if (calls == 2) { // level-triggered: the byte is still there
            char byte = 0;
            CHECK_EQUAL(1, read(reader.get(), &byte, 1));
            loop->stop();
        }
    });
    CHECK_TRUE(watch != nullptr);
    CHECK_EQUAL(1, write(writer.get(), "x", 1));
    loop->run();
    CHECK_EQUAL(2, calls);
}

TEST(event_loop, a_closed_other_end_is_readable) {
    int calls = 0;
    std::unique_ptr<Watch> watch;
    watch = loop->watch_readable(reader.get(), [&] {
        ++calls;
        watch.reset();
    });
    writer.reset();
    loop->run();
    CHECK_EQUAL(1, calls);
}

TEST(event_loop, a_watch_that_ended_frees_its_descriptor_for_another) {
    auto watch = loop->watch_readable(reader.get(), [] {});
    watch.reset();
    watch = loop->watch_readable(reader.get(), [] {});
    CHECK_TRUE(watch != nullptr);
}

TEST(event_loop, room_to_write_calls_back) {
    int calls = 0;
    std::unique_ptr<Watch> watch;
    watch = loop->watch_writable(writer.get(), [&] {
        ++calls;
        watch.reset();
    });
    loop->run();
    CHECK_EQUAL(1, calls);
}

TEST(event_loop, a_second_watch_of_a_descriptor_is_refused) {
    auto watch = loop->watch_readable(reader.get(), [] {});
    CHECK_TRUE(loop->watch_readable(reader.get(), [] {}) == nullptr);
}

TEST(event_loop, a_regular_file_is_refused) {
    const Descriptor file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    CHECK_TRUE(loop->watch_readable(file.get(), [] {}) == nullptr);
}

TEST(event_loop, being_asked_to_end_calls_back) {
    int calls = 0;
    CHECK_TRUE(loop->on_termination([&] {
                       if (++calls == 2) {
                           loop->stop();
                       }
                   })
                   .has_value());
    raise(SIGTERM);
    raise(SIGINT);
    loop->run();
    CHECK_EQUAL(2, calls);
}

TEST(event_loop, a_second_termination_callback_replaces_the_first) {
    int first = 0;
    int second = 0;
    CHECK_TRUE(loop->on_termination([&] { ++first; }).has_value());
    CHECK_TRUE(loop->on_termination([&] {
                       ++second;
                       loop->stop();
                   })
                   .has_value());
    raise(SIGTERM);
    loop->run();
    CHECK_EQUAL(0, first);
    CHECK_EQUAL(1, second);
}
