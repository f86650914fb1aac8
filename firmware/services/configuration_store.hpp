// SPDX-License-Identifier: GPL-2.0-or-later
// The configuration on the data partition: the committed one, the last good one before it, and the word whether this
// device was ever configured. Each file begins with the digest of what follows, so a damaged one is known.
#pragma once

#include "firmware/ports/store.hpp"

#include <string>
#include <string_view>

namespace sekisho::services {

class ConfigurationStore {
public:
    static constexpr std::string_view kCommitted = "config/committed.conf";
    static constexpr std::string_view kLastGood = "config/last-good.conf";

    explicit ConfigurationStore(ports::Store& store) : m_store(store) {}

    /// The text of one of the two files; an error where it is absent, damaged or unreadable.
    Result<std::string> read(std::string_view name);

    /// Writes the text where commit() finds it. Nothing that is in use changes.
    Result<void> prepare(std::string_view text);
    /// Makes the prepared text the committed one, and the committed one the last good one. A power cut in between
    /// leaves the last good one to start from.
    Result<void> commit();
    void discard_prepared();

    /// True on a device that was never configured: the image's data partition says so until the first commit. A
    /// destroyed data partition does not.
    bool is_factory();

private:
    ports::Store& m_store;
};

} // namespace sekisho::services
