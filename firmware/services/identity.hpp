// SPDX-License-Identifier: GPL-2.0-or-later
// Which image this is.
#pragma once

#include "policy/base/error.hpp"
#include "policy/base/time.hpp"

#include <string>
#include <string_view>

namespace sekisho::services {

/// "key value" lines of the image's identity file: product, board, version (X.Y.Z), build, build-time (RFC 3339),
/// image-hash (SHA-256 over what the image is made of; board/NOTES.md says how to compute it again).
struct Identity {
    std::string product = "Sekisho";
    std::string board;
    std::string version;
    std::string build;
    std::string image_hash; ///< 64 lower-case hexadecimal digits, or empty
    Time build_time;

    /// Version and build time must be there, and an image hash in its form if at all; keys of newer images are passed
    /// over.
    static Result<Identity> parse(std::string_view text);
};

} // namespace sekisho::services
