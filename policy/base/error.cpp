// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/error.hpp"

#include <array>
#include <cstring>

namespace sekisho {

std::string_view name_of(Domain domain) noexcept {
    static constexpr std::array<std::string_view, 15> kNames{
        "argument", "configuration", "address", "time",  "kernel", "network", "capture",  "storage",
        "control",  "process",       "system",  "event", "tls",    "account", "lifecycle"};
    static_assert(static_cast<std::size_t>(Domain::lifecycle) + 1 == kNames.size());
    return kNames[static_cast<std::size_t>(domain)];
}

Error Error::from_errno(Domain domain, std::string place, std::string_view what, int number) {
    std::string cause(what);
    if (!cause.empty()) {
        cause += ": ";
    }
    const char* description = strerrordesc_np(number);
    cause += description != nullptr ? description : "unknown error";
    return Error(domain, std::move(place), std::move(cause), number);
}

Error Error::in(std::string_view context) && {
    m_context = m_context.empty() ? std::string(context) : std::string(context) + ": " + m_context;
    return std::move(*this);
}

std::string Error::message() const {
    std::string text(name_of(m_domain));
    for (const std::string* part : {&m_context, &m_place, &m_cause}) {
        if (!part->empty()) {
            text += ": ";
            text += *part;
        }
    }
    return text;
}

} // namespace sekisho
