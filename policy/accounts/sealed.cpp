// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/accounts/sealed.hpp"

#include "policy/base/sha256.hpp"
#include "policy/base/text.hpp"

namespace sekisho::accounts {

namespace {

constexpr std::string_view kDigestPrefix = "# sha256 ";
constexpr std::size_t kDigestLine = kDigestPrefix.size() + 64 + 1;

std::unexpected<Error> refuse(std::string_view name, std::string cause) {
    return std::unexpected(Error(Domain::account, std::string(name), std::move(cause)));
}

} // namespace

std::string sealed(std::string_view kind, std::string_view lines) {
    const std::string body = text::concat(kind, "\n", lines);
    return text::concat(kDigestPrefix, sha256_hex(body), "\n", body);
}

Result<std::vector<std::vector<std::string_view>>> unsealed(std::string_view kind, std::string_view text) {
    const std::string_view name = kind.substr(0, kind.find(' '));
    if (text.size() < kDigestLine || !text.starts_with(kDigestPrefix) || text[kDigestLine - 1] != '\n' ||
        sha256_hex(text.substr(kDigestLine)) != text.substr(kDigestPrefix.size(), 64)) {
        return refuse(name, "is damaged: its digest does not match its contents");
    }
    text.remove_prefix(kDigestLine);
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos || text.substr(0, end) != kind) {
        return refuse(name, text::concat("is not of the kind '", kind, "'"));
    }
    text.remove_prefix(end + 1);
    std::vector<std::vector<std::string_view>> lines;
    while (!text.empty()) {
        const std::size_t length = text.find('\n');
        if (length == std::string_view::npos) {
            return refuse(name, "does not end with a whole line");
        }
        lines.push_back(text::split(text.substr(0, length), ' '));
        text.remove_prefix(length + 1);
    }
    return lines;
}

} // namespace sekisho::accounts
