// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/cli/start.hpp"

#include "firmware/cli/login.hpp"
#include "firmware/cli/session.hpp"

#include <vector>

namespace sekisho::cli {

int start(std::string_view name, std::span<const std::string> words, World world) {
    Dialogue dialogue(world.terminal, world.clock);
    const auto session = [&](std::string_view fallback) {
        return Session(world.daemon, world.clock, dialogue, origin_of(world.terminal.ssh_connection(), fallback),
                       world.open_countries, world.open_capture);
    };
    const std::string_view only = words.size() == 1 ? std::string_view(words.front()) : std::string_view();
    const bool is_account = world.terminal.user_id() != 0;
    if (words.empty() && (name.starts_with('-') || (is_account && dialogue.is_interactive()))) {
        return session("local").prompt();
    }
    if (words.size() == 2 && words.front() == "-c") {
        return session("local").one_line(words.back());
    }
    if (only == "console") {
        return session("console").prompt();
    }
    if (only == "login") {
        return Login(world.daemon, world.clock, world.terminal, dialogue).run();
    }
    const std::vector<std::string> help{"help"};
    return Client(world.daemon, world.clock, dialogue, Source::program, "local", world.open_countries,
                  world.open_capture)
        .run(words.empty() ? help : words);
}

} // namespace sekisho::cli
