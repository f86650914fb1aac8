// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/configuration_store.hpp"

#include "firmware/ports/control.hpp"
#include "policy/base/sha256.hpp"
#include "policy/base/text.hpp"

namespace sekisho::services {

namespace {
constexpr std::string_view kPrepared = "config/prepared.conf";
constexpr std::string_view kFactory = "state/factory";
constexpr std::string_view kDigestPrefix = "# sha256 ";
constexpr std::size_t kDigestDigits = 64;
constexpr std::size_t kHeader = kDigestPrefix.size() + kDigestDigits + 1;

std::string with_digest(std::string_view text) {
    return text::concat(kDigestPrefix, sha256_hex(text), "\n", text);
}

} // namespace

Result<std::string> ConfigurationStore::read(std::string_view name) {
    std::string contents = TRY(m_store.read(name, ports::kMostPayload + kHeader));
    const std::string_view view(contents);
    if (view.size() < kHeader || !view.starts_with(kDigestPrefix) || view[kHeader - 1] != '\n' ||
        sha256_hex(view.substr(kHeader)) != view.substr(kDigestPrefix.size(), kDigestDigits)) {
        return std::unexpected(
            Error(Domain::storage, std::string(name), "is damaged: its digest does not match its contents"));
    }
    contents.erase(0, kHeader);
    return contents;
}

Result<void> ConfigurationStore::prepare(std::string_view text) {
    return m_store.write(kPrepared, with_digest(text));
}

Result<std::vector<Error>> ConfigurationStore::commit() {
    // The copy goes first, by becoming the last good one where its original is damaged: one of an older text must never
    // be what a damaged new one starts from.
    std::vector<Error> shortcomings;
    const auto note = [&](Result<void> result) {
        if (!result) {
            shortcomings.push_back(std::move(result).error());
        }
    };
    const bool is_whole = read(kCommitted).has_value();
    const bool is_moved = is_whole || read(kCopy).has_value();
    if (is_moved) {
        TRY(m_store.rename(is_whole ? kCommitted : kCopy, kLastGood));
    }
    if (is_whole || !is_moved) {
        note(m_store.remove(kCopy));
    }
    if (auto renamed = m_store.rename(kPrepared, kCommitted); !renamed) {
        if (is_moved) {
            ignore_error(m_store.rename(kLastGood, kCommitted), "the last good one starts where this fails too");
        }
        return std::unexpected(std::move(renamed).error());
    }
    const auto committed = read(kCommitted);
    note(committed ? keep_copy(*committed) : std::unexpected(committed.error()));
    note(leave_factory_state());
    return shortcomings;
}

Result<void> ConfigurationStore::keep_copy(std::string_view text) {
    if (const auto copy = read(kCopy); copy && *copy == text) {
        return {};
    }
    return m_store.write(kCopy, with_digest(text));
}

void ConfigurationStore::discard_prepared() {
    ignore_error(m_store.remove(kPrepared), "a prepared configuration that stays is overwritten by the next");
}

bool ConfigurationStore::has_prepared() {
    return m_store.exists(kPrepared);
}

bool ConfigurationStore::is_factory() {
    return m_store.exists(kFactory) && !was_configured();
}

Result<void> ConfigurationStore::leave_factory_state() {
    if (!m_store.exists(kFactory) || !was_configured()) {
        return {};
    }
    return m_store.remove(kFactory);
}

bool ConfigurationStore::was_configured() {
    return m_store.exists(kCommitted) || m_store.exists(kCopy) || m_store.exists(kLastGood);
}

} // namespace sekisho::services
