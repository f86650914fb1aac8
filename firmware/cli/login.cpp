// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/cli/login.hpp"

#include "firmware/cli/session.hpp"
#include "policy/accounts/password_rules.hpp"
#include "policy/accounts/records.hpp"
#include "policy/base/text.hpp"

#include <algorithm>

namespace sekisho::cli {

namespace {

constexpr std::string_view kOrigin = "console";

/// A prompt waits for as long as nobody touches it; who begins gets a minute for each line.
constexpr Patience kUntouched{.idle_ms = {}, .notice_ms = 0, .notice = {}, .begun_ms = 60'000};
constexpr Patience kAnswer{.idle_ms = 60'000, .notice_ms = 0, .notice = {}, .begun_ms = 60'000};
/// A good password wants some thought.
constexpr Patience kNewPassword{.idle_ms = 300'000, .notice_ms = 0, .notice = {}, .begun_ms = 60'000};

constexpr std::uint64_t kStartingUpMilliseconds =
    15'000; // so long nothing is said of a daemon that does not answer yet
constexpr std::uint64_t kRetryMilliseconds = 500;
constexpr std::uint64_t kSlowRetryMilliseconds = 2'000;
constexpr std::uint64_t kMostWaitSeconds = 3'600;

/// Told to the daemon in place of what can't be an account: people type passwords at the wrong prompt, and the log
/// keeps what was typed as a name.
constexpr std::string_view kNoAccount = "(no account name)";

constexpr std::string_view kGreeting =
    "\nThis router has no password yet. Its WAN port stays down until the account admin has one.\n"
    "このルーターにはまだパスワードがありません。admin のパスワードを設定するまで WAN 側は停止したままです。\n\n";
constexpr std::string_view kRulesInJapanese = "13文字以上で英小文字・英大文字・数字・記号のうち3種類以上、または20文字"
                                              "以上。よくある語句・名前・キーの並び・繰り返しは使えません。\n";
constexpr std::string_view kDiffer = "The two differ; nothing was set. Please begin again.\n"
                                     "2回の入力が一致しません。もう一度入力してください。\n";
constexpr std::string_view kSet = "The password of admin is set.\n"
                                  "admin のパスワードを設定しました。\n";
constexpr std::string_view kNotAnswering =
    "\nThe router's service does not answer. It is asked again every 2 seconds; nobody can log in until then.\n"
    "ルーターのサービスが応答していません。応答するまでログインできません。\n";
constexpr std::string_view kDamaged = "\nNobody can log in here: the stored passwords can't be read.\n"
                                      "保存されたパスワードを読み取れないため、ここからはログインできません。\n";

/// The first line "key value" of an answer.
std::optional<std::string_view> value_of(std::string_view key, std::string_view output) {
    for (const std::string_view line : text::split(output, '\n')) {
        if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ') {
            return line.substr(key.size() + 1);
        }
    }
    return std::nullopt;
}

std::optional<std::uint64_t> number_of(std::string_view key, std::string_view output) {
    const auto value = value_of(key, output);
    return value ? text::parse_unsigned(*value) : std::nullopt;
}

} // namespace

int Login::run() {
    const auto fail = [this](const Error& error) {
        ignore_error(m_dialogue.complain(error.message() + "\n"), "the exit status tells as well");
        return 1;
    };
    if (m_terminal.user_id() != 0 || !m_dialogue.is_interactive()) {
        return fail(Error(Domain::argument, "login", "is for the serial console"));
    }
    if (const auto taken = m_dialogue.take_control(); !taken) {
        return fail(taken.error());
    }
    for (Step step = Step::again; step != Step::in;) {
        const auto state = wait_for_state();
        if (!state) {
            return 1;
        }
        m_dialogue.discard_typed();
        switch (*state) {
        case State::fresh:
            step = set_first_password();
            break;
        case State::ready:
            step = log_in();
            break;
        case State::damaged:
            step = refuse();
            break;
        }
        if (step == Step::gone) {
            return 1;
        }
    }
    if (const auto become = m_terminal.become(m_user, m_group); !become) {
        return fail(become.error());
    }
    return Session(m_daemon, m_clock, m_dialogue, std::string(kOrigin)).prompt();
}

Result<ports::ControlResponse> Login::ask_daemon(std::vector<std::string> words, std::string_view payload) {
    words.insert(words.begin(), "authenticate");
    return m_daemon.call(words, payload, kOrigin);
}

void Login::say(std::string_view text) {
    ignore_error(m_dialogue.say(text), "the next question fails as well");
}

std::optional<Login::State> Login::wait_for_state() {
    const std::int64_t began = m_clock.monotonic_microseconds();
    bool is_told = false;
    bool is_asked = false; // by somebody who pressed Enter
    for (;;) {
        const auto response = ask_daemon({"state"}, {});
        const auto state = response && response->exit_status == 0 ? value_of("state", response->output) : std::nullopt;
        m_reason = response ? response->errors : response.error().message() + "\n";
        if (state && (*state == "new" || *state == "ready" || *state == "damaged")) {
            m_was_answered = true;
            return *state == "new" ? State::fresh : *state == "ready" ? State::ready : State::damaged;
        }
        const std::int64_t waited_ms = (m_clock.monotonic_microseconds() - began) / 1000;
        const bool is_late = m_was_answered || waited_ms >= static_cast<std::int64_t>(kStartingUpMilliseconds);
        if (is_asked || (is_late && !is_told)) {
            say(text::concat(kNotAnswering, m_reason));
            is_told = true;
        }
        const auto paused = m_dialogue.pause(is_told ? kSlowRetryMilliseconds : kRetryMilliseconds, true);
        if (paused == Answer::Kind::hung_up) {
            return std::nullopt;
        }
        is_asked = paused == Answer::Kind::line;
    }
}

/// For an answer that is none.
Login::Step Login::step_after(const Answer& answer) {
    if (answer.kind == Answer::Kind::hung_up) {
        return Step::gone;
    }
    if (answer.kind == Answer::Kind::timed_out) {
        say("This took too long; please begin again.\n時間切れです。もう一度入力してください。\n");
    } else if (answer.kind == Answer::Kind::too_long) {
        say("This is too long.\n");
    }
    return Step::again;
}

Login::Step Login::set_first_password() {
    say(text::concat(kGreeting, accounts::password_rules(), "\n", kRulesInJapanese));
    Patience patience = kUntouched;
    for (;;) {
        const Answer first = m_dialogue.ask("\nNew password for admin: ", Editing::secret, patience);
        if (first.kind != Answer::Kind::line) {
            return step_after(first);
        }
        if (first.text.empty()) {
            continue;
        }
        patience = kNewPassword;
        const Answer second = m_dialogue.ask("Once more: ", Editing::secret, kAnswer);
        if (second.kind != Answer::Kind::line) {
            return step_after(second);
        }
        if (first.text != second.text) {
            say(kDiffer);
            continue;
        }
        const auto response = ask_daemon({"first-password"}, first.text);
        if (!response) {
            return Step::again; // the next question to the daemon says what is wrong
        }
        if (response->exit_status == 0) {
            say(kSet);
            return admit(*response);
        }
        say(response->errors);
        // set by somebody else meanwhile, or not to be stored: the state tells
        const auto state = ask_daemon({"state"}, {});
        if (!state || value_of("state", state->output) != "new") {
            return Step::again;
        }
    }
}

Login::Step Login::log_in() {
    const Answer name = m_dialogue.ask("\nlogin: ", Editing::command, kUntouched);
    if (name.kind != Answer::Kind::line && name.kind != Answer::Kind::too_long) {
        return step_after(name);
    }
    if (name.kind == Answer::Kind::line && name.text.empty()) {
        return Step::again;
    }
    const Answer password = m_dialogue.ask("Password: ", Editing::secret, kAnswer);
    if (password.kind != Answer::Kind::line) {
        return step_after(password);
    }
    return authenticate(accounts::is_account_name(name.text) ? std::string_view(name.text) : kNoAccount, password.text);
}

Login::Step Login::authenticate(std::string_view account, const std::string& password) {
    const auto response = ask_daemon({"password", std::string(account)}, password);
    if (!response) {
        return Step::again;
    }
    if (response->exit_status == 0) {
        return admit(*response);
    }
    say(response->errors);
    const std::uint64_t wait = std::min(number_of("wait", response->output).value_or(0), kMostWaitSeconds);
    if (wait > 0) {
        say(text::concat("Please wait ", text::to_text(wait), wait == 1 ? " second" : " seconds", ". / ",
                         text::to_text(wait), "秒お待ちください。\n"));
    }
    return m_dialogue.pause(wait * 1000) == Answer::Kind::hung_up ? Step::gone : Step::again;
}

/// Takes the account that the daemon let in.
Login::Step Login::admit(const ports::ControlResponse& response) {
    say(response.errors);
    const auto user = number_of("user", response.output);
    const auto group = number_of("group", response.output);
    // an account's ids, whatever an answer says: never those of the superuser or of a service
    if (!user || !group || *user < accounts::kAdminId || *user > accounts::kLastUserId ||
        *group != accounts::kGroupId) {
        say("The router's service gave no account for this login.\n");
        return Step::again;
    }
    m_user = static_cast<std::uint32_t>(*user);
    m_group = static_cast<std::uint32_t>(*group);
    return Step::in;
}

Login::Step Login::refuse() {
    say(text::concat(kDamaged, m_reason));
    const Answer answer = m_dialogue.ask("Press Enter to look again. ", Editing::secret, kUntouched);
    return answer.kind == Answer::Kind::hung_up ? Step::gone : Step::again;
}

} // namespace sekisho::cli
