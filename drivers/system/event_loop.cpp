// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/system/event_loop.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <utility>

#include <uv.h>

namespace sekisho::drivers {

namespace {

/// A libuv handle with its callback. libuv needs the memory until its close callback, which comes in a later turn of
/// the loop: that is what deletes it, so that a callback may destroy its own timer or watch.
template <typename Handle>
struct Registration {
    Handle handle{};
    std::function<void()> callback;

    static void close(Registration* registration) {
        uv_close(reinterpret_cast<uv_handle_t*>(&registration->handle),
                 [](uv_handle_t* handle) { delete static_cast<Registration*>(handle->data); });
    }
};

class UvTimer final : public ports::Timer {
public:
    UvTimer(uv_loop_t* loop, std::function<void()> on_time) : m_timer(new Registration<uv_timer_t>) {
        uv_timer_init(loop, &m_timer->handle); // can't fail
        m_timer->handle.data = m_timer;
        m_timer->callback = std::move(on_time);
    }

    ~UvTimer() override { Registration<uv_timer_t>::close(m_timer); }

    UvTimer(const UvTimer&) = delete;
    UvTimer& operator=(const UvTimer&) = delete;

    void start_once(std::uint64_t milliseconds) override { start(milliseconds, 0); }

    // libuv takes a period of 0 for "once"
    void start_repeating(std::uint64_t milliseconds) override {
        start(milliseconds, milliseconds == 0 ? 1 : milliseconds);
    }

    void stop() override { uv_timer_stop(&m_timer->handle); }

private:
    void start(std::uint64_t milliseconds, std::uint64_t period) {
        uv_update_time(m_timer->handle.loop); // libuv counts from the beginning of the turn otherwise
        uv_timer_start(
            &m_timer->handle,
            [](uv_timer_t* handle) { static_cast<Registration<uv_timer_t>*>(handle->data)->callback(); }, milliseconds,
            period);
    }

    Registration<uv_timer_t>* m_timer;
};

class UvWatch final : public Watch {
public:
    explicit UvWatch(Registration<uv_poll_t>* poll) : m_poll(poll) {}

    ~UvWatch() override { Registration<uv_poll_t>::close(m_poll); }

    UvWatch(const UvWatch&) = delete;
    UvWatch& operator=(const UvWatch&) = delete;

private:
    Registration<uv_poll_t>* m_poll;
};

/// `kEvents` is UV_READABLE, UV_WRITABLE or both. An error that waits on the descriptor is for the callback to find
/// when it reads; libuv ends the watch on one (a full netlink socket is enough), so it is started again.
template <int kEvents>
void on_poll(uv_poll_t* handle, int status, int /*events*/) {
    if (status < 0) {
        uv_poll_start(handle, kEvents, on_poll<kEvents>);
    }
    static_cast<Registration<uv_poll_t>*>(handle->data)->callback();
}

template <int kEvents>
std::unique_ptr<Watch> watch(uv_loop_t* loop, int fd, std::function<void()> callback) {
    auto poll = std::make_unique<Registration<uv_poll_t>>();
    if (uv_poll_init(loop, &poll->handle, fd) != 0) {
        return nullptr;
    }
    poll->handle.data = poll.get();
    poll->callback = std::move(callback);
    Registration<uv_poll_t>* started = poll.release();
    auto result = std::make_unique<UvWatch>(started);
    const int status = uv_poll_start(&started->handle, kEvents, on_poll<kEvents>);
    return status == 0 ? std::move(result) : nullptr;
}

} // namespace

struct UvEventLoop::Implementation {
    uv_loop_t loop{};
    std::array<Registration<uv_signal_t>*, 2> signals{};

    void close_signals() {
        for (auto*& signal : signals) {
            if (signal != nullptr) {
                Registration<uv_signal_t>::close(std::exchange(signal, nullptr));
            }
        }
    }
};

UvEventLoop::UvEventLoop(std::unique_ptr<Implementation> implementation)
    : m_implementation(std::move(implementation)) {}

Result<std::unique_ptr<UvEventLoop>> UvEventLoop::create() {
    auto implementation = std::make_unique<Implementation>();
    if (const int status = uv_loop_init(&implementation->loop); status != 0) {
        return std::unexpected(Error::from_errno(Domain::system, "event loop", "can't be made", -status));
    }
    return std::unique_ptr<UvEventLoop>(new UvEventLoop(std::move(implementation)));
}

UvEventLoop::~UvEventLoop() {
    m_implementation->close_signals();
    uv_run(&m_implementation->loop, UV_RUN_NOWAIT); // the close callbacks
    if (uv_loop_close(&m_implementation->loop) != 0) {
        std::abort(); // a timer or watch outlived the loop: it would write to freed memory
    }
}

std::unique_ptr<ports::Timer> UvEventLoop::make_timer(std::function<void()> on_time) {
    return std::make_unique<UvTimer>(&m_implementation->loop, std::move(on_time));
}

std::unique_ptr<Watch> UvEventLoop::watch_readable(int fd, std::function<void()> on_readable) {
    return watch<UV_READABLE>(&m_implementation->loop, fd, std::move(on_readable));
}

std::unique_ptr<Watch> UvEventLoop::watch_writable(int fd, std::function<void()> on_writable) {
    return watch<UV_WRITABLE>(&m_implementation->loop, fd, std::move(on_writable));
}

std::unique_ptr<Watch> UvEventLoop::watch_ready(int fd, std::function<void()> on_ready) {
    return watch < UV_READABLE | UV_WRITABLE > (&m_implementation->loop, fd, std::move(on_ready));
}

Result<void> UvEventLoop::on_termination(const std::function<void()>& callback) {
    static constexpr std::array<int, 2> kSignals{SIGTERM, SIGINT};
    m_implementation->close_signals();
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
        auto* signal = new Registration<uv_signal_t>;
        uv_signal_init(&m_implementation->loop, &signal->handle); // can't fail once the loop is made
        signal->handle.data = signal;
        signal->callback = callback;
        m_implementation->signals[i] = signal;
        const int status = uv_signal_start(
            &signal->handle,
            [](uv_signal_t* handle, int /*number*/) {
                static_cast<Registration<uv_signal_t>*>(handle->data)->callback();
            },
            kSignals[i]);
        if (status != 0) {
            m_implementation->close_signals();
            return std::unexpected(Error::from_errno(Domain::system, "signals", "can't be received", -status));
        }
    }
    return {};
}

void UvEventLoop::run() {
    uv_run(&m_implementation->loop, UV_RUN_DEFAULT);
}

void UvEventLoop::stop() {
    uv_stop(&m_implementation->loop);
}

} // namespace sekisho::drivers
