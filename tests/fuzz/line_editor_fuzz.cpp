// SPDX-License-Identifier: GPL-2.0-or-later
// Anything typed at the serial line or over SSH, before and after a login. The first byte chooses what the line is for.
#include "firmware/cli/line_editor.hpp"
#include "policy/base/text.hpp"
#include "tests/fuzz/require.hpp"

#include <string>

using namespace sekisho;
using cli::Editing;
using cli::LineEditor;
using fuzz::require;
using Outcome = LineEditor::Outcome;

namespace {

constexpr std::size_t kMost = 64;

/// No byte that a terminal could act on, but what takes characters back and ends lines.
bool is_harmless(std::string_view echo) {
    while (!echo.empty()) {
        const text::Character character = text::first_character(echo);
        if (!character.valid ||
            (text::is_control(character.code) && character.code != '\b' && character.code != '\n')) {
            return false;
        }
        echo.remove_prefix(character.length);
    }
    return true;
}

/// The terminal shows the line: columns written less columns taken back.
void check_columns(const LineEditor& editor, std::string_view echo) {
    std::string remaining(echo);
    std::size_t taken_back = 0;
    for (std::size_t at = remaining.find("\b \b"); at != std::string::npos; at = remaining.find("\b \b", at)) {
        remaining.erase(at, 3);
        ++taken_back;
    }
    require(!remaining.contains('\b'), "characters are taken back whole");
    const std::size_t shown = text::columns_of(editor.shown());
    require(text::columns_of(remaining) == taken_back + shown, "the terminal shows the line and nothing else");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const auto editing = static_cast<Editing>(data[0] % 4);
    LineEditor editor(kMost);
    editor.begin(editing);
    std::string echo; // of the line
    for (const char key : fuzz::text_of(data + 1, size - 1)) {
        const std::size_t before = echo.size();
        const Outcome outcome = editor.take(key, echo);
        require(editor.line().size() <= kMost, "no more is kept than may be");
        require(is_harmless(std::string_view(echo).substr(before)), "the echo is safe to show");
        const std::string_view told = std::string_view(echo).substr(before);
        if (editing == Editing::stream) {
            require(told.empty() && (outcome == Outcome::more || outcome == Outcome::line), "a stream has no keys");
            require(outcome != Outcome::line || !editor.line().contains('\n'), "a line has no line feed");
        }
        if (editing == Editing::secret) {
            require(told.empty() || (outcome != Outcome::more && (told == "\n" || told == "^C\n")),
                    "a secret is not shown");
            require(editor.shown().empty(), "a secret is not shown again");
        }
        if (outcome == Outcome::more) {
            continue;
        }
        require(outcome != Outcome::interrupted || editor.is_empty(), "a line that was given up is empty");
        require(outcome != Outcome::end || editor.is_empty(), "the end is on an empty line only");
        if (outcome == Outcome::line && editing != Editing::secret && editing != Editing::stream) {
            require(echo.ends_with('\n'), "the end of a line is shown");
            echo.pop_back();
            check_columns(editor, echo);
        }
        editor.begin(editing);
        require(editor.is_empty(), "a line begins empty");
        echo.clear();
    }
    return 0;
}
