// SPDX-License-Identifier: GPL-2.0-or-later
// Writes JSON (RFC 8259). Reading is a driver's (drivers/json): only writing is needed where nothing but bytes may be
// known.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho {

/// A quoted JSON string: control characters, DEL, C1, bidirectional formatting characters, quote and backslash escaped;
/// bytes that are no UTF-8 become U+FFFD, so the result is always valid UTF-8 on one line.
[[nodiscard]] std::string json_string(std::string_view text);

/// Builds one document piece by piece. Commas and quoting are its business; balanced begin and end calls the caller's.
class JsonWriter {
public:
    JsonWriter& begin_object();
    JsonWriter& end_object();
    JsonWriter& begin_array();
    JsonWriter& end_array();
    JsonWriter& key(std::string_view name);
    JsonWriter& string(std::string_view value);
    JsonWriter& number(std::int64_t value);
    JsonWriter& number_unsigned(std::uint64_t value);
    /// A number as text. What is not in JSON's form (RFC 8259 section 6) becomes a string.
    JsonWriter& number_text(std::string_view value);
    JsonWriter& boolean(bool value);
    JsonWriter& null();

    [[nodiscard]] const std::string& text() const noexcept { return m_text; }

    [[nodiscard]] std::string take() noexcept { return std::move(m_text); }

private:
    void separate();

    std::string m_text;
    std::vector<bool> m_has_items; ///< one per open object or array
    bool m_after_key = false;
};

} // namespace sekisho
