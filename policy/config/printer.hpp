// SPDX-License-Identifier: GPL-2.0-or-later
// Tree to text: braces for people and files, `set` lines for comparing and for records.
#pragma once

#include "policy/config/tree.hpp"

#include <string>
#include <vector>

namespace sekisho::config {

/// The canonical text: four spaces per level, statements in the order of the tree, free text in quotes. parse() of it
/// gives an equal tree. Comments are not part of a tree.
/// Indentation may bring a text that was close to kMostBytes above it.
[[nodiscard]] std::string print(const Tree& tree);

/// One line per leaf: "set service web port 443". A block without contents is a line of its own. A certificate is
/// written as the SHA-256 fingerprint by which people compare it.
[[nodiscard]] std::vector<std::string> set_lines(const Tree& tree);

/// What has to change to get from one tree to the other: first "- set …" lines that only `before` has, then "+ set …"
/// lines that only `after` has. Order counts for policies alone, because the first that matches decides: "+ insert
/// policy b before policy c" where it differs. Empty exactly when both mean the same.
[[nodiscard]] std::vector<std::string> diff(const Tree& before, const Tree& after);

} // namespace sekisho::config
