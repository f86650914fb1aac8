// SPDX-License-Identifier: GPL-2.0-or-later
// Whatever is typed as a password, with a host name before a line feed: what is taken is long enough and whole text,
// and no objection repeats anything of it.
#include "policy/accounts/password_rules.hpp"
#include "policy/accounts/ssh_key.hpp"
#include "policy/base/text.hpp"
#include "tests/fuzz/require.hpp"

using namespace sekisho;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input = fuzz::text_of(data, size);
    const std::size_t end = std::min(input.find('\n'), input.size());
    const std::string_view host_name = input.substr(0, end);
    const std::string_view password = input.substr(std::min(end + 1, input.size()));
    const auto objections =
        accounts::objections_to_password(password, {.account = "admin", .host_name = host_name, .product = "Sekisho"});
    // The sentences are the same for every password: only the number of its characters is in them.
    static const std::string kTexts =
        "The password is longer than 128 bytes. The password is not valid UTF-8: set the terminal to UTF-8, or use "
        "ASCII "
        "characters. The password contains control or invisible characters. With fewer than 20 characters the password "
        "needs three of lower-case letters, upper-case letters, digits and other characters. The password contains the "
        "name of the account. The password contains the host name of the router. The password contains the name of the "
        "product. The password is made of words that are tried first by everybody. The password follows the keys of a "
        "keyboard, the alphabet or the digits. The password repeats itself.";
    for (const std::string& objection : objections) {
        const bool is_count = objection.starts_with("The password has ") && objection.ends_with(" are needed.");
        require(is_count ? objection.size() < 70 : kTexts.contains(objection), "a known sentence");
    }
    if (objections.empty()) {
        require(password.size() >= accounts::kMixedLength && password.size() <= accounts::kMostPasswordBytes,
                "long enough and within bounds");
        for (std::string_view rest = password; !rest.empty();) {
            const text::Character character = text::first_character(rest);
            require(character.valid && !text::is_control(character.code), "text that a keyboard types");
            rest.remove_prefix(character.length);
        }
    }
    if (const auto facts = accounts::facts_of_ssh_key(input)) {
        require(facts->fingerprint.size() == 7 + 43, "SHA256: and 43 characters");
    }
    return 0;
}
