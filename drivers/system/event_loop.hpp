// SPDX-License-Identifier: GPL-2.0-or-later
// The daemon's event loop (libuv 1.x). One thread: every callback runs from run().
#pragma once

#include "firmware/ports/event_loop.hpp"
#include "policy/base/error.hpp"

#include <functional>
#include <memory>

namespace sekisho::drivers {

/// A registration with the loop; ends with the object. It may be destroyed from its own callback.
class Watch {
public:
    virtual ~Watch() = default;
};

/// Timers and watches must be destroyed before the loop is.
class UvEventLoop final : public ports::EventLoop {
public:
    /// Fails where the kernel has no descriptors or memory left.
    static Result<std::unique_ptr<UvEventLoop>> create();
    ~UvEventLoop() override;
    UvEventLoop(const UvEventLoop&) = delete;
    UvEventLoop& operator=(const UvEventLoop&) = delete;

    std::unique_ptr<ports::Timer> make_timer(std::function<void()> on_time) override;

    /// Calls back as long as `fd` is readable (level-triggered; also when the other end has closed or an error waits).
    /// The descriptor stays the caller's and must outlive the watch; the loop makes it non-blocking. One watch per
    /// descriptor at a time. A null pointer where the kernel can't poll it (a regular file) or it is watched already.
    std::unique_ptr<Watch> watch_readable(int fd, std::function<void()> on_readable);
    /// The same for room to write.
    std::unique_ptr<Watch> watch_writable(int fd, std::function<void()> on_writable);
    /// The same for either.
    std::unique_ptr<Watch> watch_ready(int fd, std::function<void()> on_ready);

    /// Calls back when the process is asked to end (SIGTERM, SIGINT), instead of ending. Replaces an earlier callback.
    Result<void> on_termination(const std::function<void()>& callback);

    /// Runs until stop(), or until nothing is left to wait for.
    void run();
    /// Ends run() after the current callback.
    void stop();

private:
    struct Implementation;
    explicit UvEventLoop(std::unique_ptr<Implementation> implementation);
    std::unique_ptr<Implementation> m_implementation;
};

} // namespace sekisho::drivers
