// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/config/parser.hpp"

#include "policy/base/text.hpp"
#include "policy/config/lexer.hpp"
#include "policy/config/value.hpp"

#include <map>
#include <set>
#include <utility>

namespace sekisho::config {

namespace {

/// What one block has seen so far: for duplicates and for what is missing.
struct Seen {
    std::map<std::string, Place, std::less<>> places; ///< first place of each statement that may stand there once
    std::set<const Parameter*> parameters;            ///< present, or meant by a misspelt key
};

class Parser {
public:
    Parser(std::string_view text, Diagnostics& diagnostics) : m_diagnostics(diagnostics), m_lexer(text, diagnostics) {
        take();
    }

    [[nodiscard]] bool at_end() const noexcept { return m_token.kind == TokenKind::end; }

    void parse_statements(const Parameter* parent, std::vector<Node>& into, Place opened);

private:
    void take();

    [[nodiscard]] std::string section() const { return text::join(m_path, " "); }

    void error(Place place, std::string message, std::string hint = {});

    void parse_statement(const Parameter* parent, std::vector<Node>& into, Seen& seen);
    [[nodiscard]] bool take_particle(const Node& node);
    [[nodiscard]] bool read_value(Node& node, const Parameter* parent);
    [[nodiscard]] bool check_quotes(const Parameter& parameter);
    void parse_rest(Node& node);
    void parse_block(Node& node);
    void unexpected_behind(const Node& node);
    void end_leaf(const Node& node);
    void note(const Node& node, Seen& seen);
    void report_missing(const Parameter* parent, const Seen& seen, Place place);
    void unknown(const Parameter* parent, Seen& seen);
    void skip_statement();

    [[nodiscard]] bool on_next_line() const noexcept { return m_token.place.line > m_previous_end.line; }

    Diagnostics& m_diagnostics;
    Lexer m_lexer;
    Token m_token;
    Place m_previous_end;
    bool m_previous_damaged = false;
    bool m_stopped = false; ///< nothing sensible can follow
    std::vector<std::string> m_path;
};

/// As much of a text as a message may hold. What goes over several lines may be a private key.
[[nodiscard]] std::string shown(const Token& token) {
    if (token.several_lines) {
        return "-----BEGIN …";
    }
    return token.text.size() > kMostKeyBytes ? token.text.substr(0, kMostKeyBytes) + "…" : token.text;
}

/// What tells a statement from others in its block: "port 443", "service web", "dhcp".
[[nodiscard]] std::string identity_of(const Node& node) {
    return node.value.empty() ? node.key : text::concat(node.key, " ", node.value);
}

/// The same for messages, where keys and certificates would take too much room.
[[nodiscard]] std::string title_of(const Node& node) {
    const bool is_long = node.parameter->type == Type::ssh_key || has_lines(node.parameter->type);
    return is_long ? node.key : identity_of(node);
}

void Parser::take() {
    m_previous_end = m_token.end;
    m_previous_damaged = m_token.damaged;
    m_token = m_lexer.next();
    if (m_stopped) {
        m_token = Token{.kind = TokenKind::end, .text = {}, .place = m_token.place, .end = m_token.place};
    }
}

void Parser::error(Place place, std::string message, std::string hint) {
    m_diagnostics.error(place, section(), std::move(message), std::move(hint));
    m_stopped = m_stopped ||
                m_diagnostics.error_count() > Diagnostics::kMost; // nobody reads more, and this is no configuration
}

/// Reads up to the "}" of the block (which it takes) or the end of the text. Recursion is as deep as the schema;
/// unknown blocks are passed over by a loop.
void Parser::parse_statements(const Parameter* parent, std::vector<Node>& into, Place opened) {
    Seen seen;
    while (true) {
        switch (m_token.kind) {
        case TokenKind::word:
            parse_statement(parent, into, seen);
            continue;
        case TokenKind::string:
            if (!m_token.damaged) {
                error(m_token.place, "expected a parameter, found a text in quotes");
            }
            skip_statement();
            continue;
        case TokenKind::open:
            error(m_token.place, "'{' without a parameter in front of it");
            skip_statement();
            continue;
        case TokenKind::semicolon:
            error(m_token.place, "';' without a statement in front of it");
            take();
            continue;
        case TokenKind::close:
            if (parent == nullptr) {
                error(m_token.place, "'}' closes nothing");
                take();
                continue;
            }
            take();
            break;
        case TokenKind::end:
            if (parent != nullptr && !m_stopped) {
                error(opened, "the block that begins here is not closed", "close it with '}'");
                m_stopped = true;
            }
            break;
        }
        break;
    }
    if (!m_stopped) {
        report_missing(parent, seen, opened);
    }
}

void Parser::parse_statement(const Parameter* parent, std::vector<Node>& into, Seen& seen) {
    const Parameter* parameter = m_token.damaged ? nullptr : find_child(parent, m_token.text);
    if (parameter == nullptr) {
        unknown(parent, seen);
        return;
    }
    seen.parameters.insert(parameter);
    Node node{.parameter = parameter,
              .key = m_token.text,
              .value = {},
              .place = m_token.place,
              .value_place = m_token.place,
              .children = {}};
    if (parameter->shape == Shape::keyed_block) {
        if (const auto name = canonical(*parameter, node.key); !name) {
            error(node.place, name.error().why, name.error().hint);
        }
    }
    take();
    if (!take_particle(node) || (has_value(parameter->shape) && !read_value(node, parent))) {
        return;
    }
    note(node, seen);
    parse_rest(node);
    into.push_back(std::move(node));
}

/// The word between key and value, where the parameter has one. False where it is not there; the statement has been
/// passed over then.
bool Parser::take_particle(const Node& node) {
    const std::string_view particle = node.parameter->particle;
    if (particle.empty()) {
        return true;
    }
    if (m_token.kind == TokenKind::word && m_token.text == particle) {
        take();
        return true;
    }
    error(m_previous_end, text::concat("expected '", particle, "' behind '", node.key, "'"),
          text::concat("it is written: ", form_of(*node.parameter)));
    skip_statement();
    return false;
}

/// False where the statement is of no use; it has been passed over then.
bool Parser::read_value(Node& node, const Parameter* parent) {
    const Parameter& parameter = *node.parameter;
    const bool is_value = m_token.kind == TokenKind::word || m_token.kind == TokenKind::string;
    // a statement that ends without value or ';' must not swallow the next one
    const bool next_statement =
        m_token.kind == TokenKind::word && on_next_line() && find_child(parent, m_token.text) != nullptr;
    if (!is_value || next_statement) {
        const std::string_view what = parameter.shape == Shape::named_block ? "a name" : "a value";
        error(m_previous_end, text::concat("'", node.key, "' needs ", what),
              text::concat("expected: ", describe(parameter)));
        if (!next_statement) {
            skip_statement();
        }
        return false;
    }
    if (m_token.damaged) {
        take();
        if (!on_next_line() || m_token.kind == TokenKind::semicolon) { // an unclosed text may have swallowed its ';'
            skip_statement();
        }
        return false;
    }
    if (!check_quotes(parameter)) {
        take();
        skip_statement();
        return false;
    }
    Canonical value = canonical(parameter, m_token.text);
    node.value_place = m_token.place;
    if (!value) {
        error(m_token.place, text::concat(node.key, ": ", value.error().why), value.error().hint);
        if (!has_block(parameter.shape)) {
            take();
            skip_statement();
            return false;
        }
        node.value = m_token.text.substr(0, kMostKeyBytes); // the block behind it is still worth reading
    } else {
        node.value = *std::move(value);
    }
    take();
    return true;
}

/// Whether the value is in quotes where it must be, and on one line where it must be.
bool Parser::check_quotes(const Parameter& parameter) {
    const bool is_pasted = has_lines(parameter.type) || parameter.type == Type::ssh_key;
    if (is_pasted && m_token.kind == TokenKind::word) {
        error(m_token.place, text::concat(key_of(parameter), ": the value is not in quotes"),
              text::concat("expected: ", describe(parameter)));
        return false;
    }
    if (!is_pasted && m_token.several_lines) {
        error(m_token.place, text::concat(key_of(parameter), ": the text that begins here is not closed on its line"),
              "close it with \"");
        return false;
    }
    return true;
}

void Parser::parse_rest(Node& node) {
    switch (node.parameter->shape) {
    case Shape::leaf:
    case Shape::flag:
        end_leaf(node);
        break;
    case Shape::entry:
        if (m_token.kind == TokenKind::open) {
            parse_block(node);
        } else {
            end_leaf(node);
        }
        break;
    case Shape::block:
    case Shape::named_block:
    case Shape::keyed_block:
        if (m_token.kind == TokenKind::open) {
            parse_block(node);
        } else {
            error(m_previous_end, text::concat("expected '{' behind '", title_of(node), "'"),
                  text::concat("it is written: ", form_of(*node.parameter)));
            skip_statement();
        }
        break;
    }
}

void Parser::parse_block(Node& node) {
    take();
    m_path.push_back(title_of(node));
    parse_statements(node.parameter, node.children, node.place);
    m_path.pop_back();
}

void Parser::end_leaf(const Node& node) {
    if (m_token.kind == TokenKind::semicolon) {
        take();
        return;
    }
    const bool another_value =
        (m_token.kind == TokenKind::word || m_token.kind == TokenKind::string) && !on_next_line();
    if (another_value || m_token.kind == TokenKind::open) {
        unexpected_behind(node);
        skip_statement();
        return;
    }
    if (!m_previous_damaged) {
        error(m_previous_end, text::concat("missing ';' behind '", title_of(node), "'"));
    }
}

void Parser::unexpected_behind(const Node& node) {
    if (m_token.kind == TokenKind::open) {
        error(m_token.place, text::concat("'", title_of(node), "' has no block"),
              text::concat("it is written: ", form_of(*node.parameter)));
        return;
    }
    if (m_token.damaged) {
        return;
    }
    std::string hint = text::concat("it is written: ", form_of(*node.parameter));
    if (node.parameter->count == Count::many) {
        hint = text::concat("write one statement for each: ", title_of(node), "; ", node.key, " ",
                            title_of(node) == node.key ? "VALUE" : shown(m_token), ";");
    }
    error(m_token.place, text::concat("unexpected '", shown(m_token), "' behind '", title_of(node), "'"),
          std::move(hint));
}

/// Refuses what may stand once and stands again. Entries may repeat: what overlaps is the model's business.
void Parser::note(const Node& node, Seen& seen) {
    if (node.parameter->shape == Shape::entry) {
        return;
    }
    const bool many = node.parameter->count == Count::many;
    const std::string identity = many ? identity_of(node) : node.key;
    const auto [first, fresh] = seen.places.emplace(identity, node.place);
    if (fresh) {
        return;
    }
    const std::string line = text::to_text(first->second.line);
    error(node.place, text::concat("'", many ? title_of(node) : node.key, "' stands already on line ", line),
          many ? std::string("take one of them away") : text::concat("'", node.key, "' can stand once here"));
}

void Parser::report_missing(const Parameter* parent, const Seen& seen, Place place) {
    for (const Parameter* parameter : children_of(parent)) {
        if (parameter->need == Need::required && !seen.parameters.contains(parameter)) {
            const bool keyed = parameter->shape == Shape::keyed_block;
            error(parent == nullptr ? Place{} : place,
                  text::concat("'", keyed ? form_of(*parameter) : std::string(key_of(*parameter)), "' is missing"),
                  text::concat("it is written: ", form_of(*parameter),
                               parameter->type == Type::none ? std::string()
                                                             : text::concat(" (", describe(*parameter), ")")));
        }
    }
}

void Parser::unknown(const Parameter* parent, Seen& seen) {
    if (!m_token.damaged) {
        const std::vector<const Parameter*> known = children_of(parent);
        std::vector<std::string_view> keys;
        for (const Parameter* parameter : known) {
            keys.push_back(key_of(*parameter));
        }
        std::string hint;
        if (const auto near = m_token.text.size() <= kMostKeyBytes ? text::nearest(m_token.text, keys) : std::nullopt) {
            hint = text::concat("did you mean '", *near, "'?");
            seen.parameters.insert(find_child(parent, *near));
        } else {
            for (const std::string_view key : keys) {
                hint += text::concat(hint.empty() ? "known here: " : ", ", key);
            }
        }
        error(m_token.place,
              text::concat("unknown parameter '", m_token.text.substr(0, kMostKeyBytes),
                           m_token.text.size() > kMostKeyBytes ? "…'" : "'"),
              std::move(hint));
    }
    take();
    skip_statement();
}

/// Passes over the rest of a statement: to its ';', or to the '}' of its block. A loop, so that nesting costs no stack.
void Parser::skip_statement() {
    std::size_t depth = 0;
    Place outermost;
    while (m_token.kind != TokenKind::end) {
        switch (m_token.kind) {
        case TokenKind::open:
            if (depth++ == 0) {
                outermost = m_token.place;
            }
            if (depth + m_path.size() > kMostDepth) {
                error(m_token.place, text::concat("blocks are nested more than ", text::to_text(kMostDepth), " deep"));
                m_stopped = true;
            }
            break;
        case TokenKind::close:
            if (depth == 0) {
                return; // the enclosing block's
            }
            if (--depth == 0) {
                take();
                return;
            }
            break;
        case TokenKind::semicolon:
            if (depth == 0) {
                take();
                return;
            }
            break;
        case TokenKind::word:
        case TokenKind::string:
        case TokenKind::end:
            break;
        }
        take();
    }
    if (depth > 0 && !m_stopped) {
        error(outermost, "the block that begins here is not closed", "close it with '}'");
        m_stopped = true;
    }
}

[[nodiscard]] bool has_content(std::string_view text) {
    Diagnostics ignored; // the same comments are read again, and reported, by the parser
    return Lexer(text, ignored).next().kind != TokenKind::end || ignored.has_errors();
}

} // namespace

std::optional<Tree> parse(std::string_view bytes, Diagnostics& diagnostics) {
    const std::size_t before = diagnostics.error_count();
    if (!check_text(bytes, kMostBytes, diagnostics)) {
        return std::nullopt;
    }
    if (!has_content(bytes)) {
        diagnostics.error({}, {}, "the configuration is empty", "it needs at least interfaces and zones");
        return std::nullopt;
    }
    Tree tree;
    Parser parser(bytes, diagnostics);
    parser.parse_statements(nullptr, tree.statements, {});
    if (diagnostics.error_count() != before) {
        return std::nullopt;
    }
    return tree;
}

} // namespace sekisho::config
