// SPDX-License-Identifier: GPL-2.0-or-later
// Anything typed at the prompt: refused with an error that is safe to show, or a command of the table with options that
// it has.
#include "firmware/services/command_table.hpp"
#include "tests/fuzz/require.hpp"

#include <algorithm>

using namespace sekisho;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto words = services::split_line(fuzz::text_of(data, size));
    if (!words) {
        require(!words.error().message().empty(), "a refusal says why");
        return 0;
    }
    std::string joined;
    for (const std::string& word : *words) {
        if (word.contains('"')) {
            return 0;
        }
        joined += "\"" + word + "\" ";
    }
    const auto again = services::split_line(joined);
    require(again.has_value() && *again == *words, "words survive being quoted");
    const auto invocation = services::parse_command(*words);
    if (!invocation) {
        require(fuzz::is_plain(invocation.error().message()), "an error is safe to show");
        return 0;
    }
    require(invocation->command != nullptr, "a command of the table");
    for (const auto& [name, value] : invocation->options) {
        require(std::ranges::any_of(invocation->command->options,
                                    [&](const services::OptionRow& row) {
                                        return row.name == name && (!row.value.empty() || value.empty());
                                    }),
                "options of this command");
    }
    require(invocation->command->operands != services::Operands::none || invocation->operands.empty(),
            "operands only where they belong");
    return 0;
}
