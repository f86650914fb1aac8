// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/cli/access_secret.hpp"

#include "policy/base/text.hpp"

namespace sekisho::cli {

namespace {

constexpr std::size_t kMostInput = 1024;

int complain(Dialogue& dialogue, std::string_view text) {
    ignore_error(dialogue.complain(text), "there is nowhere left to say it; the exit status tells");
    return 1;
}

Error refused(std::string cause) {
    return Error(Domain::argument, "", std::move(cause));
}

Result<std::string> asked(Dialogue& dialogue, std::string_view what) {
    const Answer first = dialogue.ask(text::concat("New ", what, ": "), Editing::secret, kSessionPatience);
    if (first.kind != Answer::Kind::line) {
        return std::unexpected(refused("nothing was stored"));
    }
    const Answer second = dialogue.ask(text::concat("The same ", what, " again: "), Editing::secret, kSessionPatience);
    if (second.kind != Answer::Kind::line || second.text != first.text) {
        return std::unexpected(refused("the two are not the same; nothing was stored"));
    }
    return first.text;
}

Result<std::string> piped(Dialogue& dialogue, Source source) {
    std::string text = TRY(dialogue.read_all(kMostInput, "standard input", source == Source::line));
    if (text.ends_with('\n')) {
        text.pop_back();
    }
    if (text.ends_with('\r')) {
        text.pop_back();
    }
    return text;
}

} // namespace

int store_access_secret(const services::Invocation& invocation, Source source, ports::ControlClient& daemon,
                        const std::string& origin, Dialogue& dialogue) {
    const bool is_user = invocation.command->id == services::CommandId::access_password;
    const std::string& name = invocation.operands.front();
    const auto secret = source == Source::prompt || dialogue.is_interactive()
                            ? asked(dialogue, is_user ? "password" : "secret")
                            : piped(dialogue, source);
    if (!secret) {
        return complain(dialogue, secret.error().message() + "\n");
    }
    const auto response = daemon.call({"access-secret", is_user ? "user" : "radius", name}, *secret, origin);
    if (!response) {
        return complain(dialogue, response.error().message() + "\n");
    }
    if (!response->errors.empty()) {
        complain(dialogue, response->errors);
    }
    const auto said = dialogue.say(response->output);
    return said ? response->exit_status : 1;
}

} // namespace sekisho::cli
