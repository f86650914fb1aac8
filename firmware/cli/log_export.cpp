// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/cli/log_export.hpp"

#include "firmware/services/log_page.hpp"
#include "policy/base/text.hpp"

#include <vector>

namespace sekisho::cli {

namespace {

using services::LogPage;

int complain(Dialogue& dialogue, std::string_view text, int status) {
    ignore_error(dialogue.complain(text), "there is nowhere left to say it; the exit status tells");
    return status;
}

/// The words that begin the export.
Result<std::vector<std::string>> first_words(const services::Invocation& invocation) {
    const bool csv = invocation.has("--csv");
    if (csv == invocation.has("--jsonl")) {
        return std::unexpected(Error(Domain::argument, "log export", "needs one format: --jsonl or --csv"));
    }
    std::vector<std::string> words{"log-page", "begin",
                                   std::string(name_of(csv ? services::LogFormat::csv : services::LogFormat::jsonl)),
                                   std::string(invocation.value_of("--from").value_or("-")),
                                   std::string(invocation.value_of("--to").value_or("-"))};
    TRY(services::read_selection(words[2], words[3], words[4]));
    return words;
}

/// One request: the answer's records are written, its page (without them) is told. The error is the exit status.
std::expected<LogPage, int> fetch(const std::vector<std::string>& words, ports::ControlClient& daemon,
                                  const std::string& origin, Dialogue& dialogue) {
    const auto response = daemon.call(words, {}, origin);
    if (!response) {
        return std::unexpected(complain(dialogue, response.error().message() + "\n", 1));
    }
    ignore_error(dialogue.complain(response->errors), "there is nowhere left to say it");
    if (response->exit_status != 0) {
        return std::unexpected(response->exit_status);
    }
    auto page = services::read_page(response->output);
    if (!page) {
        return std::unexpected(complain(dialogue, page.error().message() + "\n", 1));
    }
    if (const auto written = dialogue.say(page->records); !written) {
        return std::unexpected(complain(dialogue, written.error().message() + "\n", 1));
    }
    page->records.clear();
    return *std::move(page);
}

} // namespace

int export_log(const services::Invocation& invocation, ports::ControlClient& daemon, const std::string& origin,
               Dialogue& dialogue) {
    auto words = first_words(invocation);
    if (!words) {
        return complain(dialogue, words.error().message() + "\n", 2);
    }
    std::uint64_t not_events = 0;
    std::uint64_t gone = 0;
    auto page = fetch(*words, daemon, origin, dialogue);
    while (page && page->next < page->end) {
        const std::uint64_t before = page->next;
        page = fetch({"log-page", "next", text::to_text(page->id), text::to_text(before)}, daemon, origin, dialogue);
        if (page && page->next <= before) {
            return complain(dialogue, "control: log-page: the daemon's answers do not go on\n", 1);
        }
        not_events += page ? page->not_events : 0;
        gone += page ? page->gone : 0;
    }
    if (gone > 0) {
        complain(dialogue, text::concat("gap: rotation removed ", text::to_text(gone), " lines during the export\n"),
                 1);
    }
    if (not_events > 0) {
        complain(dialogue,
                 text::concat(text::to_text(not_events), " lines of the log are no events",
                              invocation.has("--csv") ? "; only --jsonl exports them\n" : ", exported as they are\n"),
                 1);
    }
    return page ? (gone > 0 || not_events > 0 ? 1 : 0) : page.error();
}

} // namespace sekisho::cli
