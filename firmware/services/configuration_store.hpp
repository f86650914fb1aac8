// SPDX-License-Identifier: GPL-2.0-or-later
// The configuration on the data partition: the committed one and its copy, the last good one before it, and the word
// whether this device was ever configured. Each file begins with the digest of what follows, so a damaged one is known.
#pragma once

#include "firmware/ports/store.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::services {

class ConfigurationStore {
public:
    static constexpr std::string_view kCommitted = "config/committed.conf";
    static constexpr std::string_view kCopy = "config/committed-copy.conf"; ///< of the committed one
    static constexpr std::string_view kLastGood = "config/last-good.conf";

    explicit ConfigurationStore(ports::Store& store) : m_store(store) {}

    /// The text of one of the three files; an error where it is absent, damaged or unreadable.
    Result<std::string> read(std::string_view name);

    /// Writes the text where commit() finds it. Nothing that is in use changes.
    Result<void> prepare(std::string_view text);
    /// Makes the prepared text the committed one, and the committed one the last good one. A power cut in between
    /// leaves the last good one to start from. An error means that the committed one is what it was; what failed after
    /// the switch (the copy, the factory mark) is returned.
    Result<std::vector<Error>> commit();
    void discard_prepared();
    /// Whether a text was prepared and neither committed nor discarded.
    [[nodiscard]] bool has_prepared();
    /// Makes the copy hold the text of the committed one, where it does not.
    Result<void> keep_copy(std::string_view text);

    /// True on a device that was never configured: the image's data partition says so until the first commit. A
    /// destroyed data partition does not, and neither does one that holds any configuration.
    bool is_factory();
    /// Takes away a mark that is left beside a configuration, so that losing that one later makes no new device.
    Result<void> leave_factory_state();

private:
    bool was_configured();

    ports::Store& m_store;
};

} // namespace sekisho::services
