// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/cli/country_import.hpp"

#include "firmware/services/country_import.hpp"
#include "policy/base/sha256.hpp"
#include "policy/base/text.hpp"

#include <cerrno>
#include <cstdio>
#include <functional>
#include <memory>

namespace sekisho::cli {

namespace {

constexpr std::size_t kPiece = services::CountryImport::kMostPiece;
constexpr std::size_t kRead = 64u << 10;

/// Gives the bytes that come next; none at the end.
using Reader = std::function<Result<std::string>()>;

int complain(Dialogue& dialogue, std::string_view text) {
    ignore_error(dialogue.complain(text), "there is nowhere left to say it; the exit status tells");
    return 1;
}

Result<Reader> open_input(const std::string& operand, Source source, Dialogue& dialogue) {
    if (operand == "-") {
        if (source == Source::prompt || dialogue.is_interactive()) {
            return std::unexpected(Error(Domain::argument, "geo import",
                                         "a database can't be typed: send it over SSH, as in: ssh admin@ROUTER geo "
                                         "import - < FILE"));
        }
        return [&dialogue, source] { return dialogue.read_some("standard input", source == Source::line); };
    }
    if (source != Source::program) {
        return std::unexpected(
            Error(Domain::argument, operand, "a session takes a database from its own input only: use -"));
    }
    const std::shared_ptr<std::FILE> file(std::fopen(operand.c_str(), "re"), [](std::FILE* opened) {
        if (opened != nullptr) {
            std::fclose(opened);
        }
    });
    if (!file) {
        return std::unexpected(Error::from_errno(Domain::argument, operand, "can't be opened", errno));
    }
    return [file, operand]() -> Result<std::string> {
        std::string bytes(kRead, '\0');
        bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file.get()));
        if (std::ferror(file.get()) != 0) {
            return std::unexpected(Error::from_errno(Domain::argument, operand, "can't be read", errno));
        }
        return bytes;
    };
}

/// One upload to the daemon.
class Upload {
public:
    explicit Upload(const ImportWorld& world) : m_world(world) {}

    /// Each sends a request and tells what the daemon has to say; false where it refused or did not answer.
    bool begin();
    bool send(std::string_view bytes);
    bool end(bool force);
    void abandon();

private:
    bool call(std::vector<std::string> words, std::string_view payload = {});

    const ImportWorld& m_world;
    std::string m_number;
    std::string m_answer;
    std::uint64_t m_sent = 0;
    Sha256 m_digest;
};

bool Upload::call(std::vector<std::string> words, std::string_view payload) {
    words.insert(words.begin(), "geo-upload");
    auto response = m_world.daemon.call(words, payload, m_world.origin);
    if (!response) {
        complain(m_world.dialogue, response.error().message() + "\n");
        return false;
    }
    complain(m_world.dialogue, response->errors);
    m_answer = std::move(response->output);
    return response->exit_status == 0;
}

bool Upload::begin() {
    if (!call({"begin"})) {
        return false;
    }
    m_number = m_answer.substr(0, m_answer.find('\n'));
    return true;
}

bool Upload::send(std::string_view bytes) {
    m_digest.update(bytes);
    const bool taken = call({"piece", m_number, text::to_text(m_sent)}, bytes);
    m_sent += bytes.size();
    return taken;
}

bool Upload::end(bool force) {
    std::string digits;
    for (const std::uint8_t byte : m_digest.finish()) {
        digits += text::to_hex(byte, 2);
    }
    std::vector<std::string> words{"end", m_number, text::to_text(m_sent), std::move(digits)};
    if (force) {
        words.emplace_back("force");
    }
    return call(std::move(words)) && m_world.dialogue.say(m_answer).has_value();
}

void Upload::abandon() {
    call({"abandon", m_number});
}

} // namespace

int import_countries(const services::Invocation& invocation, Source source, ImportWorld world) {
    const auto input = open_input(invocation.operands.front(), source, world.dialogue);
    if (!input) {
        return complain(world.dialogue, input.error().message() + "\n");
    }
    Upload upload(world);
    if (!upload.begin()) {
        return 1;
    }
    std::string pending;
    for (;;) {
        const auto bytes = (*input)();
        if (!bytes) {
            complain(world.dialogue, bytes.error().message() + "\n");
            upload.abandon();
            return 1;
        }
        pending += *bytes;
        const bool is_end = bytes->empty();
        while (pending.size() >= kPiece || (is_end && !pending.empty())) {
            if (!upload.send(std::string_view(pending).substr(0, kPiece))) {
                return 1;
            }
            pending.erase(0, kPiece);
        }
        if (is_end) {
            return upload.end(invocation.has("--force")) ? 0 : 1;
        }
    }
}

} // namespace sekisho::cli
