// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/identity.hpp"

#include "policy/base/text.hpp"

namespace sekisho::services {

namespace {

constexpr std::size_t kHashDigits = 64; // SHA-256

bool is_hash(std::string_view text) {
    return text.size() == kHashDigits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

} // namespace

Result<Identity> Identity::parse(std::string_view text) {
    Identity identity;
    bool has_time = false;
    for (const std::string_view line : text::split(text, '\n')) {
        const std::size_t space = line.find(' ');
        if (line.empty() || space == std::string_view::npos) {
            continue;
        }
        const std::string_view key = line.substr(0, space);
        const std::string value(line.substr(space + 1));
        if (key == "product") {
            identity.product = value;
        } else if (key == "board") {
            identity.board = value;
        } else if (key == "version") {
            identity.version = value;
        } else if (key == "build") {
            identity.build = value;
        } else if (key == "image-hash") {
            if (!is_hash(value)) {
                return std::unexpected(Error(Domain::system, "identity: image-hash", "is not 64 hexadecimal digits"));
            }
            identity.image_hash = value;
        } else if (key == "build-time") {
            identity.build_time = TRY(parse_rfc3339(value));
            has_time = true;
        }
    }
    if (identity.version.empty() || !has_time) {
        return std::unexpected(Error(Domain::system, "identity", "names no version or no build time"));
    }
    return identity;
}

} // namespace sekisho::services
