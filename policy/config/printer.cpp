// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/config/printer.hpp"

#include "policy/base/text.hpp"
#include "policy/config/certificate.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace sekisho::config {

namespace {

constexpr std::string_view kIndent = "    ";
constexpr std::string_view kOrdered = "policy"; ///< the one top-level statement whose order has a meaning

[[nodiscard]] std::string quote(std::string_view text) {
    std::string quoted = "\"";
    for (const char byte : text) {
        if (byte == '"' || byte == '\\') {
            quoted += '\\';
        }
        quoted += byte;
    }
    return quoted + '"';
}

/// Key and value as they stand in a statement.
[[nodiscard]] std::string head_of(const Node& node) {
    if (node.parameter == nullptr || !has_value(node.parameter->shape)) {
        return node.key;
    }
    return text::concat(node.key, " ", node.parameter->particle, node.parameter->particle.empty() ? "" : " ",
                        is_quoted(node.parameter->type) ? quote(node.value) : node.value);
}

/// The same on one line. What has several is named by what people compare it by.
[[nodiscard]] std::string line_of(const Node& node) {
    if (node.parameter != nullptr && has_lines(node.parameter->type)) {
        return text::concat(node.key, " SHA-256=", pem_fingerprint(node.value));
    }
    return head_of(node);
}

void print_nodes(const std::vector<Node>& nodes, std::size_t level, std::string& into) {
    for (const Node& node : nodes) {
        if (level == 0 && !into.empty()) {
            into += '\n';
        }
        for (std::size_t step = 0; step < level; ++step) {
            into += kIndent;
        }
        into += head_of(node);
        const bool braces =
            has_block(node.parameter->shape) && (node.parameter->shape != Shape::entry || !node.children.empty());
        if (!braces) {
            into += ";\n";
            continue;
        }
        into += " {\n";
        print_nodes(node.children, level + 1, into);
        for (std::size_t step = 0; step < level; ++step) {
            into += kIndent;
        }
        into += "}\n";
    }
}

void collect_lines(const std::vector<Node>& nodes, const std::string& prefix, std::vector<std::string>& into) {
    for (const Node& node : nodes) {
        const std::string line = text::concat(prefix, " ", line_of(node));
        if (node.children.empty()) {
            into.push_back(line);
        } else {
            collect_lines(node.children, line, into);
        }
    }
}

[[nodiscard]] std::vector<std::string_view> ordered_names(const Tree& tree) {
    std::vector<std::string_view> names;
    for (const Node* node : tree.all(kOrdered)) {
        names.emplace_back(node->value);
    }
    return names;
}

/// Names that `after` shares with `before` and that keep their order among each other: a longest increasing run of
/// their old positions.
[[nodiscard]] std::set<std::string_view> kept_in_order(const std::vector<std::string_view>& before,
                                                       const std::vector<std::string_view>& after) {
    constexpr std::size_t kNone = static_cast<std::size_t>(-1);
    std::map<std::string_view, std::size_t> old_position;
    for (std::size_t index = 0; index < before.size(); ++index) {
        old_position.emplace(before[index], index);
    }
    std::vector<std::size_t> tails; // tails[n]: index in `after` that ends the best run of n + 1
    std::vector<std::size_t> previous(after.size(), kNone);
    for (std::size_t index = 0; index < after.size(); ++index) {
        const auto found = old_position.find(after[index]);
        if (found == old_position.end()) {
            continue;
        }
        const auto place =
            std::lower_bound(tails.begin(), tails.end(), found->second, [&](std::size_t tail, std::size_t position) {
                return old_position.find(after[tail])->second < position;
            });
        previous[index] = place == tails.begin() ? kNone : *(place - 1);
        if (place == tails.end()) {
            tails.push_back(index);
        } else {
            *place = index;
        }
    }
    std::set<std::string_view> kept;
    for (std::size_t index = tails.empty() ? kNone : tails.back(); index != kNone; index = previous[index]) {
        kept.insert(after[index]);
    }
    return kept;
}

/// Lines that bring the policies into their new order once the set lines have been followed: those leave the old order,
/// with new policies behind it.
void diff_order(const Tree& before, const Tree& after, std::vector<std::string>& into) {
    const std::vector<std::string_view> old_names = ordered_names(before);
    const std::vector<std::string_view> new_names = ordered_names(after);
    const std::set<std::string_view> survivors(new_names.begin(), new_names.end());
    std::vector<std::string_view> unordered;
    for (const std::string_view name : old_names) {
        if (survivors.contains(name)) {
            unordered.push_back(name);
        }
    }
    const std::set<std::string_view> known(old_names.begin(), old_names.end());
    for (const std::string_view name : new_names) {
        if (!known.contains(name)) {
            unordered.push_back(name);
        }
    }
    const std::set<std::string_view> kept = kept_in_order(unordered, new_names);
    for (std::size_t index = 0; index < new_names.size(); ++index) {
        if (kept.contains(new_names[index])) {
            continue;
        }
        into.push_back(
            index == 0 ? text::concat("+ insert ", kOrdered, " ", new_names[0], " before ", kOrdered, " ", new_names[1])
                       : text::concat("+ insert ", kOrdered, " ", new_names[index], " after ", kOrdered, " ",
                                      new_names[index - 1]));
    }
}

} // namespace

std::string print(const Tree& tree) {
    std::string text;
    print_nodes(tree.statements, 0, text);
    return text;
}

std::vector<std::string> set_lines(const Tree& tree) {
    std::vector<std::string> lines;
    collect_lines(tree.statements, "set", lines);
    return lines;
}

std::vector<std::string> diff(const Tree& before, const Tree& after) {
    const std::vector<std::string> old_lines = set_lines(before);
    const std::vector<std::string> new_lines = set_lines(after);
    const std::set<std::string_view> old_set(old_lines.begin(), old_lines.end());
    const std::set<std::string_view> new_set(new_lines.begin(), new_lines.end());
    std::vector<std::string> changes;
    for (const std::string& line : old_lines) {
        if (!new_set.contains(line)) {
            changes.push_back("- " + line);
        }
    }
    for (const std::string& line : new_lines) {
        if (!old_set.contains(line)) {
            changes.push_back("+ " + line);
        }
    }
    diff_order(before, after, changes);
    return changes;
}

} // namespace sekisho::config
