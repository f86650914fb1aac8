// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/base/error.hpp"

#include <functional>
#include <string>
#include <vector>

namespace sekisho::ports {

struct ProcessSpecification {
    std::string name;              ///< "chronyd", "udhcpc wan0": unique
    std::vector<std::string> argv; ///< absolute path first; no shell is involved
    friend bool operator==(const ProcessSpecification&, const ProcessSpecification&) = default;
};

/// Helper programs that the daemon keeps running: restarted with back-off (1 s to 60 s), ended with the daemon (also
/// when it is killed).
class Processes {
public:
    virtual ~Processes() = default;
    /// Starts it, or leaves it alone where the same specification runs already; another one of that name is replaced.
    virtual Result<void> keep_running(const ProcessSpecification& specification) = 0;
    virtual void stop(std::string_view name) = 0;
    virtual std::vector<std::string> running() = 0; ///< names
    /// Called when a process ended by itself, with a sentence that says how.
    virtual void on_exit(std::function<void(std::string_view name, std::string_view how)> callback) = 0;
};

} // namespace sekisho::ports
