// SPDX-License-Identifier: GPL-2.0-or-later
// A small file on the data partition that bears its own digest, and a copy of it, so that a damaged block loses
// nothing.
#pragma once

#include "firmware/ports/store.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::services {

class TwinFile {
public:
    /// The copy is NAME-copy. `most` bounds what is read.
    TwinFile(ports::Store& store, std::string name, std::size_t most);

    /// Whether a text is whole; an error says what is wrong with it.
    using Check = std::function<Result<void>(std::string_view text)>;

    struct Reading {
        std::optional<std::string> text; ///< nothing where neither file was ever written
        std::string trouble;             ///< why the copy was taken, or why a file could not be mended; mostly empty
    };

    /// The file, or its copy where the file is missing or damaged; the other is mended. An error where both are not
    /// whole.
    Result<Reading> read(const Check& check);

    /// Replaces both. The copy goes first and comes last, so it is never of an older text: what was revoked does not
    /// come back from it. An error means that the file is what it was; a copy that could not be written is told by
    /// `trouble` and mended by the next read().
    Result<std::string> write(std::string_view text);

private:
    Result<std::string> read_one(const std::string& name, const Check& check);

    ports::Store& m_store;
    std::string m_name;
    std::string m_copy;
    std::size_t m_most;
};

} // namespace sekisho::services
