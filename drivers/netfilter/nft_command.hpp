// SPDX-License-Identifier: GPL-2.0-or-later
// One run of libnftables over a text. The library calls exit() and abort() when memory or a socket fails, so it runs in
// a child process that lives for this one text; whatever becomes of the child, the caller gets an answer within a
// bounded time.
#pragma once

#include "policy/base/error.hpp"

#include <chrono>
#include <string>

namespace sekisho::drivers {

/// What became of a text handed to libnftables.
struct NftOutcome {
    enum class Kind {
        accepted, ///< parsed, evaluated and committed
        refused,  ///< the library or the kernel said no; the whole text was without effect
        unknown,  ///< the child ended or was stopped without a report: the kernel may have committed or not
    };
    Kind kind = Kind::unknown;
    std::string report; ///< nft's own words (refused), or what happened to the child (unknown)
};

inline constexpr std::chrono::milliseconds kNftTimeout{20'000};

/// Runs `text` as one transaction. Fails only where no child could be started, in which case nothing has happened.
[[nodiscard]] Result<NftOutcome> run_nft(const std::string& text, std::chrono::milliseconds timeout = kNftTimeout);

/// Makes an error of nft's report on `text`: the place is the id of the rule (its comment) where the report's line has
/// one, else the line; the cause is the first message with the words that it points at.
[[nodiscard]] Error error_from_report(const std::string& text, const std::string& report);

} // namespace sekisho::drivers
