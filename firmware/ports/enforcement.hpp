// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/base/error.hpp"

#include <functional>
#include <string>
#include <vector>

namespace sekisho::ports {

/// One thing of the kernel beside what the policy in force wants of it. The texts are for people, and equal exactly
/// where the thing is as wanted.
struct Comparison {
    std::string item; ///< the same at each look: "rules of inet sekisho, chain input", "setting net.ipv4.ip_forward"
    std::string expected;
    std::string found;

    [[nodiscard]] bool matches() const noexcept { return expected == found; }

    friend bool operator==(const Comparison&, const Comparison&) = default;
};

using Comparisons = std::vector<Comparison>;

/// What a text says where there is nothing.
inline constexpr const char* kNothing = "none";

/// Things that the policy knows nothing of and that could lead packets around it, or change them.
class Bypasses {
public:
    virtual ~Bypasses() = default;

    /// One row per kind that is not there, and one per thing that is. Wanted is always kNothing.
    virtual Result<Comparisons> compare() = 0;

    /// Takes away what is there. Where a part can't be taken away, the rest still is; the error is the first one.
    virtual Result<void> remove() = 0;
};

/// Tells of changes of the kernel's packet filter.
class FilterChanges {
public:
    virtual ~FilterChanges() = default;

    /// Calls back, on the event loop, after rules or sets changed, by whomever (bursts are joined).
    virtual Result<void> watch(std::function<void()> on_change) = 0;
};

} // namespace sekisho::ports
