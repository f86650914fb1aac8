// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/json/document.hpp"

#include "policy/base/text.hpp"

namespace sekisho::drivers {

namespace {

/// Whether brackets nest deeper than `most`. yyjson parses without recursion, but nobody writes such a text honestly.
bool is_deeper_than(std::string_view json, int most) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char character = json[i];
        if (in_string) {
            if (character == '\\') {
                ++i;
            } else if (character == '"') {
                in_string = false;
            }
        } else if (character == '"') {
            in_string = true;
        } else if (character == '{' || character == '[') {
            if (++depth > most) {
                return true;
            }
        } else if (character == '}' || character == ']') {
            --depth;
        }
    }
    return false;
}

} // namespace

Result<Document> read_document(std::string_view json, Bounds bounds, Domain domain, std::string_view what) {
    if (json.size() > bounds.bytes) {
        return std::unexpected(
            Error(domain, std::string(what), text::concat("is longer than ", text::to_text(bounds.bytes), " bytes")));
    }
    if (is_deeper_than(json, bounds.depth)) {
        return std::unexpected(Error(domain, std::string(what), "is nested too deeply"));
    }
    yyjson_read_err failure{};
    // without YYJSON_READ_INSITU the text is not written to
    Document document(
        yyjson_read_opts(const_cast<char*>(json.data()), json.size(), YYJSON_READ_NOFLAG, nullptr, &failure),
        yyjson_doc_free);
    if (document == nullptr) {
        return std::unexpected(Error(domain, text::concat("byte ", text::to_text(failure.pos)),
                                     failure.msg != nullptr ? failure.msg : ""));
    }
    return document;
}

} // namespace sekisho::drivers
