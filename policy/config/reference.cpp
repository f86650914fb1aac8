// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/config/reference.hpp"

#include "policy/base/text.hpp"
#include "policy/config/schema.hpp"
#include "policy/config/value.hpp"

namespace sekisho::config {

namespace {

constexpr std::string_view kHead =
    R"(# Configuration reference

Made from the table in schema.cpp; `toolchain/run env SEKISHO_REGENERATE=1 build/debug/tests/unit/config/config_reference_test` writes it anew.

A statement is `key value;` or `key name { … }`. `#` begins a comment that ends with its line; `/*` and `*/` enclose one. Text stands in double quotes, in which `\"` and
`\\` are the only escapes, on one line; a certificate alone has several. The file is UTF-8 without byte order mark, at most 4 MiB. A statement stands once unless the table says "many".
)";

[[nodiscard]] std::string_view top_of(std::string_view path) {
    return path.substr(0, path.find(' '));
}

[[nodiscard]] std::string indent_of(const Parameter& parameter) {
    // a keyed block is a level of its own; the name of a named block is not
    std::size_t level = 0;
    for (const std::string_view word : text::split(parameter.path, ' ')) {
        level += word == "*" ? 0 : 1;
    }
    if (parameter.path.starts_with("zones *")) {
        ++level;
    }
    std::string indent;
    for (std::size_t step = 1; step < level; ++step) {
        indent += "&emsp;";
    }
    return indent;
}

[[nodiscard]] std::string how_often(const Parameter& parameter) {
    const std::string_view count = parameter.count == Count::many ? "many" : "once";
    return text::concat(count, parameter.need == Need::required ? ", needed" : "");
}

} // namespace

std::string reference_page() {
    std::string page(kHead);
    std::string_view top;
    for (const Parameter& parameter : schema()) {
        if (top_of(parameter.path) != top) {
            top = top_of(parameter.path);
            page += text::concat("\n## ", top,
                                 "\n\n| statement | value | how often | default | meaning |\n|---|---|---|---|---|\n");
        }
        page += text::concat("| ", indent_of(parameter), "`", form_of(parameter), "` | ",
                             parameter.type == Type::none ? std::string() : describe(parameter), " | ",
                             how_often(parameter), " | ",
                             parameter.fallback.empty() ? std::string() : text::concat("`", parameter.fallback, "`"),
                             " | ", parameter.help, " |\n");
    }
    return page;
}

} // namespace sekisho::config
