// SPDX-License-Identifier: GPL-2.0-or-later
// What is wrong with a configuration, for a person: all problems are collected, any error stops the load.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho {

/// Where in a configuration text something stands. Lines and columns count from 1; columns count bytes. Line 0: no
/// place in the text (the file as a whole, or something that the compiler added by itself).
struct Place {
    std::size_t line = 0;
    std::size_t column = 0;
    friend bool operator==(const Place&, const Place&) = default;
};

enum class Severity { error, warning };

struct Diagnostic {
    Severity severity = Severity::error;
    Place place;
    std::string section; ///< path of the statement, e.g. "service remote-maintenance source"; empty at the top level
    std::string message; ///< what is wrong
    std::string hint;    ///< what to do about it; may be empty
    friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

/// Collects diagnostics up to a bound, so that a hostile file can't make the report itself the problem; further ones
/// are counted.
class Diagnostics {
public:
    static constexpr std::size_t kMost = 200;

    void error(Place place, std::string section, std::string message, std::string hint = {});
    void warning(Place place, std::string section, std::string message, std::string hint = {});

    [[nodiscard]] bool has_errors() const noexcept { return m_errors > 0; }

    [[nodiscard]] std::size_t error_count() const noexcept { return m_errors; }

    [[nodiscard]] std::size_t warning_count() const noexcept { return m_warnings; }

    [[nodiscard]] const std::vector<Diagnostic>& entries() const noexcept { return m_entries; }

    /// Sorted by place, one block per problem:
    ///   clinic.conf:12:5: error: service web: unknown parameter 'prot'
    ///       hint: did you mean 'protocol'?
    /// and a last line "2 errors, 1 warning". Empty where there is nothing to say. Bytes that a terminal could act on
    /// are escaped.
    [[nodiscard]] std::string text(std::string_view file) const;

private:
    void add(Diagnostic diagnostic);

    std::vector<Diagnostic> m_entries;
    std::size_t m_errors = 0;
    std::size_t m_warnings = 0;
};

} // namespace sekisho
