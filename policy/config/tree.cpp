// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/config/tree.hpp"

namespace sekisho::config {

namespace {

const Node* find_in(const std::vector<Node>& nodes, std::string_view key) noexcept {
    for (const Node& node : nodes) {
        if (node.key == key) {
            return &node;
        }
    }
    return nullptr;
}

std::vector<const Node*> all_in(const std::vector<Node>& nodes, std::string_view key) {
    std::vector<const Node*> found;
    for (const Node& node : nodes) {
        if (node.key == key) {
            found.push_back(&node);
        }
    }
    return found;
}

} // namespace

const Node* Node::find(std::string_view child_key) const noexcept {
    return find_in(children, child_key);
}

std::vector<const Node*> Node::all(std::string_view child_key) const {
    return all_in(children, child_key);
}

const std::string& Node::name() const noexcept {
    return parameter != nullptr && parameter->shape == Shape::keyed_block ? key : value;
}

bool operator==(const Node& left, const Node& right) {
    return left.parameter == right.parameter && left.key == right.key && left.value == right.value &&
           left.children == right.children;
}

const Node* Tree::find(std::string_view key) const noexcept {
    return find_in(statements, key);
}

std::vector<const Node*> Tree::all(std::string_view key) const {
    return all_in(statements, key);
}

bool operator==(const Tree& left, const Tree& right) {
    return left.statements == right.statements;
}

} // namespace sekisho::config
