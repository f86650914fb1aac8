// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/twin_file.hpp"

#include "policy/base/text.hpp"

namespace sekisho::services {

TwinFile::TwinFile(ports::Store& store, std::string name, std::size_t most)
    : m_store(store), m_name(std::move(name)), m_copy(m_name + "-copy"), m_most(most) {}

Result<std::string> TwinFile::read_one(const std::string& name, const Check& check) {
    if (!m_store.exists(name)) {
        return std::unexpected(Error(Domain::storage, name, "is missing"));
    }
    std::string text = TRY(m_store.read(name, m_most));
    if (auto whole = check(text); !whole) {
        return std::unexpected(std::move(whole).error().in(name));
    }
    return text;
}

Result<TwinFile::Reading> TwinFile::read(const Check& check) {
    const auto file = read_one(m_name, check);
    const auto copy = read_one(m_copy, check);
    if (!file && !copy) {
        if (!m_store.exists(m_name) && !m_store.exists(m_copy)) {
            return Reading{};
        }
        return std::unexpected(
            Error(Domain::storage, m_name, text::concat(file.error().message(), "; ", copy.error().message())));
    }
    Reading reading{.text = file ? *file : *copy, .trouble = {}};
    if (!file) {
        reading.trouble = text::concat(file.error().message(), "; its copy is used");
    }
    if (!file || !copy || *file != *copy) {
        if (auto mended = m_store.write(file ? m_copy : m_name, *reading.text); !mended) {
            reading.trouble += text::concat(reading.trouble.empty() ? "" : "; ", mended.error().message());
        }
    }
    return reading;
}

Result<std::string> TwinFile::write(std::string_view text) {
    TRY(m_store.remove(m_copy));
    TRY(m_store.write(m_name, text));
    const auto copied = m_store.write(m_copy, text);
    return copied ? std::string() : copied.error().message();
}

} // namespace sekisho::services
