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
    return m_store.write(kPrepared, text::concat(kDigestPrefix, sha256_hex(text), "\n", text));
}

Result<void> ConfigurationStore::commit() {
    if (m_store.exists(kCommitted)) {
        TRY(m_store.rename(kCommitted, kLastGood));
    }
    if (auto renamed = m_store.rename(kPrepared, kCommitted); !renamed) {
        ignore_error(m_store.rename(kLastGood, kCommitted), "the last good copy starts where this fails too");
        return renamed;
    }
    if (m_store.exists(kFactory)) {
        return m_store.remove(kFactory);
    }
    return {};
}

void ConfigurationStore::discard_prepared() {
    ignore_error(m_store.remove(kPrepared), "a prepared configuration that stays is overwritten by the next");
}

bool ConfigurationStore::is_factory() {
    return m_store.exists(kFactory);
}

} // namespace sekisho::services
