// SPDX-License-Identifier: GPL-2.0-or-later
// A configuration as a tree of statements, each with its row of the schema and its place in the text.
#pragma once

#include "policy/base/diagnostic.hpp"
#include "policy/config/schema.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::config {

/// One statement. Values are in canonical spelling ("FD00::1" reads "fd00::1") and conform to the row's type; what they
/// refer to is not checked here.
struct Node {
    const Parameter* parameter = nullptr;
    std::string key;   ///< first word; the name itself for a keyed block
    std::string value; ///< leaf's value or block's name, without quotes; empty for flags and plain blocks
    Place place;       ///< of the key
    Place value_place; ///< of the value; of the key where there is none
    std::vector<Node> children;

    [[nodiscard]] const Node* find(std::string_view child_key) const noexcept; ///< the first child with that key
    [[nodiscard]] std::vector<const Node*> all(std::string_view child_key) const;
    /// The name of a named or keyed block.
    [[nodiscard]] const std::string& name() const noexcept;
    /// Equal content; places don't count.
    friend bool operator==(const Node& left, const Node& right);
};

struct Tree {
    std::vector<Node> statements;

    [[nodiscard]] const Node* find(std::string_view key) const noexcept;
    [[nodiscard]] std::vector<const Node*> all(std::string_view key) const;
    friend bool operator==(const Tree& left, const Tree& right);
};

} // namespace sekisho::config
