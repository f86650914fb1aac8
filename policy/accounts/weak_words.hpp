// SPDX-License-Identifier: GPL-2.0-or-later
// Words that weak passwords are made of. A small list on purpose: a few dozen bases of the well-known lists of leaked
// passwords, of networks, of hospitals and of Japan; length, names, walks and repetition are judged by themselves.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::accounts {

/// Lower-case ASCII letters, four at least.
[[nodiscard]] std::span<const std::string_view> weak_words() noexcept;

} // namespace sekisho::accounts
