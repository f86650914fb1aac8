// SPDX-License-Identifier: GPL-2.0-or-later
// What an image is made of, as far as versions go.
#pragma once

#include <string>

namespace sekisho::lifecycle {

/// One package of the image. Advisories name sources, so the version of the source stands beside the package's own.
struct Component {
    std::string name;
    std::string version;
    std::string source;
    std::string source_version;
    std::string built_using; ///< other sources in its files, as of a static program: "glibc 2.41-12, …"; may be empty
    friend bool operator==(const Component&, const Component&) = default;
};

} // namespace sekisho::lifecycle
