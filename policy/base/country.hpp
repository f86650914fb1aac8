// SPDX-License-Identifier: GPL-2.0-or-later
// Countries by their two-letter codes (ISO 3166-1 alpha-2).
#pragma once

#include "policy/base/error.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho {

/// Two capital letters. Databases know codes beside the assigned ones (EU, AP, CS): such a value can be read, shown and
/// compared, and is_assigned() tells it apart.
class CountryCode {
public:
    static constexpr std::size_t kCount = 26 * 26; ///< values of index()

    /// An assigned code, in capitals. The error of another one has a hint where a common mistake is known (UK: GB).
    static Result<CountryCode> parse(std::string_view text);
    /// Any two ASCII letters; nothing otherwise.
    static std::optional<CountryCode> from_letters(std::string_view text) noexcept;

    [[nodiscard]] std::string text() const;

    [[nodiscard]] constexpr std::size_t index() const noexcept { return m_index; }

    [[nodiscard]] bool is_assigned() const noexcept;
    [[nodiscard]] std::string_view name() const noexcept; ///< short English name; empty where not assigned

    friend constexpr auto operator<=>(const CountryCode&, const CountryCode&) = default;

private:
    explicit constexpr CountryCode(std::uint16_t index) noexcept : m_index(index) {}

    std::uint16_t m_index;
};

} // namespace sekisho
