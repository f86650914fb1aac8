// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/accounts/password_rules.hpp"

#include "policy/accounts/weak_words.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

namespace sekisho::accounts {

namespace {

constexpr std::size_t kShortestName = 4;    ///< shorter names occur in too many words to be refused anywhere
constexpr std::size_t kMostFreeLetters = 3; ///< beside weak words; with more the password has something of its own
constexpr std::size_t kShortestWalk = 3;    ///< keys in a straight line that count towards the share of walks
constexpr std::size_t kLongWalk = 5;        ///< refused wherever it stands
constexpr std::size_t kLongRun = 4;         ///< of one character
constexpr std::size_t kFewestDifferent = 6; ///< characters

/// Rows and columns of keyboards, Japanese and American, and what is recited: a walk goes along one of them, either
/// way.
constexpr auto kPaths = std::to_array<std::u32string_view>({
    U"1234567890", U"0123456789", U"!\"#$%&'()", U"!@#$%^&*()",
    U"qwertyuiop", U"asdfghjkl",  U"zxcvbnm",    U"abcdefghijklmnopqrstuvwxyz",
    U"1qaz",       U"2wsx",       U"3edc",       U"4rfv",
    U"5tgb",       U"6yhn",       U"7ujm",       U"8ik,",
    U"9ol.",       U"0p;/",       U"!qaz",
});

bool is_letter(char32_t c) {
    return c >= U'a' && c <= U'z';
}

char32_t lower(char32_t c) {
    return c >= U'A' && c <= U'Z' ? c - U'A' + U'a' : c;
}

/// Characters with ASCII letters in lower case; nothing where the text is no UTF-8 or has what no keyboard types.
std::optional<std::u32string> characters_of(std::string_view text, bool& has_control) {
    std::u32string characters;
    while (!text.empty()) {
        const text::Character character = text::first_character(text);
        if (!character.valid) {
            return std::nullopt;
        }
        has_control = has_control || text::is_control(character.code);
        characters += character.code;
        text.remove_prefix(character.length);
    }
    return characters;
}

unsigned kinds_of(std::u32string_view characters) {
    const auto any = [&](auto predicate) { return std::ranges::any_of(characters, predicate) ? 1u : 0u; };
    const auto is_upper = [](char32_t c) { return c >= U'A' && c <= U'Z'; };
    const auto is_digit = [](char32_t c) { return c >= U'0' && c <= U'9'; };
    return any(is_letter) + any(is_upper) + any(is_digit) +
           any([&](char32_t c) { return !is_letter(c) && !is_upper(c) && !is_digit(c); });
}

/// The letter that a digit or sign is written for. l becomes i: the sign 1 stands for either.
char32_t unmasked(char32_t c) {
    switch (c) {
    case U'4':
    case U'@':
        return U'a';
    case U'3':
        return U'e';
    case U'1':
    case U'!':
    case U'|':
    case U'l':
        return U'i';
    case U'0':
        return U'o';
    case U'5':
    case U'$':
        return U's';
    case U'7':
    case U'+':
        return U't';
    default:
        return c;
    }
}

std::string folded(std::u32string_view characters, bool unmask) {
    std::string letters;
    for (const char32_t c : characters) {
        const char32_t letter = unmask || c == U'l' ? unmasked(c) : c;
        if (is_letter(letter)) {
            letters += static_cast<char>(letter);
        }
    }
    return letters;
}

std::string folded(std::string_view word) {
    std::u32string characters;
    for (const char c : word) {
        characters += lower(static_cast<unsigned char>(c));
    }
    return folded(characters, false);
}

/// The password's letters, as they stand and with signs and digits read as letters; those behind and before the first
/// and last letter are more often a number and an exclamation mark.
std::vector<std::string> readings_of(std::u32string_view characters) {
    const auto first = std::ranges::find_if(characters, is_letter);
    std::size_t begin = static_cast<std::size_t>(first - characters.begin());
    std::size_t end = characters.size();
    while (end > begin && !is_letter(characters[end - 1])) {
        --end;
    }
    return {folded(characters, false), folded(characters, true), folded(characters.substr(0, end), true),
            folded(characters.substr(begin, end - begin), true)};
}

/// Letters that are left when as much as possible is taken for weak words.
std::size_t free_letters(std::string_view letters) {
    std::vector<std::string> words;
    std::ranges::transform(weak_words(), std::back_inserter(words), [](std::string_view word) { return folded(word); });
    std::vector<std::size_t> fewest(letters.size() + 1, 0);
    for (std::size_t end = 1; end <= letters.size(); ++end) {
        fewest[end] = fewest[end - 1] + 1;
        for (const std::string& word : words) {
            if (letters.substr(0, end).ends_with(word)) {
                fewest[end] = std::min(fewest[end], fewest[end - word.size()]);
            }
        }
    }
    return fewest.back();
}

bool is_of_weak_words(const std::vector<std::string>& readings) {
    return std::ranges::any_of(readings, [](const std::string& letters) {
        const std::size_t left = free_letters(letters);
        return left < letters.size() && left <= kMostFreeLetters;
    });
}

bool has_name(const std::vector<std::string>& readings, std::string_view name) {
    const std::string letters = folded(name);
    return letters.size() >= kShortestName &&
           std::ranges::any_of(readings, [&](const std::string& reading) { return reading.contains(letters); });
}

std::size_t walk_at(std::u32string_view characters) {
    std::size_t longest = 0;
    for (const std::u32string_view path : kPaths) {
        const std::u32string back(path.rbegin(), path.rend());
        for (const std::u32string_view way : {path, std::u32string_view(back)}) {
            const std::size_t start = way.find(characters.front());
            if (start != std::u32string_view::npos) {
                const std::u32string_view keys = way.substr(start);
                const auto [key, character] = std::ranges::mismatch(keys, characters);
                longest = std::max(longest, static_cast<std::size_t>(key - keys.begin()));
            }
        }
    }
    return longest;
}

bool is_walk(std::u32string_view characters) {
    std::size_t walked = 0;
    for (std::size_t position = 0; position < characters.size();) {
        const std::size_t length = walk_at(characters.substr(position));
        if (length >= kLongWalk) {
            return true;
        }
        walked += length >= kShortestWalk ? length : 0;
        position += length >= kShortestWalk ? length : 1;
    }
    return walked > 0 && walked * 2 >= characters.size();
}

bool is_repetition(std::u32string_view characters) {
    const std::size_t size = characters.size();
    std::size_t run = 0;
    for (std::size_t position = 0; position < size; ++position) {
        run = position > 0 && characters[position] == characters[position - 1] ? run + 1 : 1;
        if (run >= kLongRun) {
            return true;
        }
    }
    if (std::set<char32_t>(characters.begin(), characters.end()).size() < kFewestDifferent) {
        return true;
    }
    for (std::size_t period = 1; period * 2 <= size; ++period) {
        if (characters.substr(period) == characters.substr(0, size - period)) {
            return true;
        }
    }
    return false;
}

} // namespace

std::string_view password_rules() noexcept {
    return "At least 13 characters with three of lower-case letters, upper-case letters, digits and other characters, "
           "or at least 20 characters of any kind; no well-known word, name, keyboard walk or repetition.";
}

std::vector<std::string> objections_to_password(std::string_view password, const PasswordContext& context) {
    if (password.size() > kMostPasswordBytes) {
        return {text::concat("The password is longer than ", text::to_text(kMostPasswordBytes), " bytes.")};
    }
    bool has_control = false;
    const auto typed = characters_of(password, has_control);
    if (!typed) {
        return {"The password is not valid UTF-8: set the terminal to UTF-8, or use ASCII characters."};
    }
    if (has_control) {
        return {"The password contains control or invisible characters."};
    }
    std::vector<std::string> objections;
    const std::size_t length = typed->size();
    if (length < kMixedLength) {
        objections.push_back(text::concat("The password has ", text::to_text(length), " characters; at least ",
                                          text::to_text(kMixedLength), " are needed."));
    } else if (length < kPlainLength && kinds_of(*typed) < 3) {
        objections.push_back(text::concat("With fewer than ", text::to_text(kPlainLength),
                                          " characters the password needs three of lower-case letters, upper-case "
                                          "letters, digits and other characters."));
    }
    std::u32string characters(*typed);
    std::ranges::transform(characters, characters.begin(), lower);
    const std::vector<std::string> readings = readings_of(characters);
    if (has_name(readings, context.account)) {
        objections.emplace_back("The password contains the name of the account.");
    }
    if (has_name(readings, context.host_name)) {
        objections.emplace_back("The password contains the host name of the router.");
    }
    if (has_name(readings, context.product)) {
        objections.emplace_back("The password contains the name of the product.");
    }
    if (is_of_weak_words(readings)) {
        objections.emplace_back("The password is made of words that are tried first by everybody.");
    }
    if (!characters.empty() && is_walk(characters)) {
        objections.emplace_back("The password follows the keys of a keyboard, the alphabet or the digits.");
    }
    if (length >= kMixedLength && is_repetition(characters)) {
        objections.emplace_back("The password repeats itself.");
    }
    return objections;
}

} // namespace sekisho::accounts
