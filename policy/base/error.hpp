// SPDX-License-Identifier: GPL-2.0-or-later
// Errors as values. Every function that can fail returns Result<T>; nothing in policy/ or firmware/ throws.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho {

/// The part of the product that an error comes from; printed in front of the message.
enum class Domain {
    argument,
    configuration,
    address,
    time,
    kernel,
    network,
    capture,
    storage,
    control,
    process,
    system,
    event,
    tls,
    account,
    lifecycle,
};

[[nodiscard]] std::string_view name_of(Domain domain) noexcept;

/// What went wrong: domain, the place (file, set, interface, field …; may be empty), the cause, and the operating
/// system's error number where there is one (0 otherwise). Context that callers add goes in front of the message:
/// "apply: load sets: al_emr_4: no buffer space".
class [[nodiscard]] Error {
public:
    Error(Domain domain, std::string place, std::string cause, int number = 0)
        : m_domain(domain), m_number(number), m_place(std::move(place)), m_cause(std::move(cause)) {}

    /// `number` is an errno value; its text becomes the end of the cause.
    static Error from_errno(Domain domain, std::string place, std::string_view what, int number);

    /// The same error with what the caller was doing in front.
    [[nodiscard]] Error in(std::string_view context) &&;

    [[nodiscard]] Domain domain() const noexcept { return m_domain; }

    [[nodiscard]] int number() const noexcept { return m_number; }

    [[nodiscard]] const std::string& place() const noexcept { return m_place; }

    [[nodiscard]] const std::string& cause() const noexcept { return m_cause; }

    /// One line: "kernel: apply: load sets: al_emr_4: no buffer space".
    [[nodiscard]] std::string message() const;

private:
    Domain m_domain;
    int m_number;
    std::string m_context;
    std::string m_place;
    std::string m_cause;
};

template <typename T>
using Result = std::expected<T, Error>;

/// Drops a result on purpose; `why` is for the reader.
template <typename T>
void ignore_error(const Result<T>&, std::string_view /*why*/) noexcept {}

} // namespace sekisho

/// Evaluates a Result expression: its value, or returns its error from the enclosing function.
#define TRY(expression)                                                                                                \
    ({                                                                                                                 \
        auto try_result = (expression);                                                                                \
        if (!try_result) [[unlikely]] {                                                                                \
            return std::unexpected(std::move(try_result).error());                                                     \
        }                                                                                                              \
        std::move(try_result).value();                                                                                 \
    })
