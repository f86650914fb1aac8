// SPDX-License-Identifier: GPL-2.0-or-later
// The list of devices as a table: CSV with a header whose columns are `mac` and the parameters of a device's entry, as
// the schema has them. It becomes part of a configuration; the configuration stays the only truth.
#pragma once

#include "policy/base/diagnostic.hpp"
#include "policy/config/tree.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace sekisho::config {

struct DeviceTable {
    std::vector<const Parameter*> columns; ///< beside `mac`
    std::vector<Node> devices;             ///< in the table's order, each once; places are the table's
};

/// Reads a table. Every problem is put into `diagnostics` with line and column; with any error there is no table.
/// Needs time in proportion to the text.
[[nodiscard]] std::optional<DeviceTable> read_device_table(std::string_view csv, Diagnostics& diagnostics);

struct DeviceCounts {
    std::size_t added = 0;
    std::size_t changed = 0;
    std::size_t same = 0;
};

/// Puts the devices into a configuration. Of a device that is there already the parameters with a column become the
/// table's, an empty field takes one away, and the others stay; devices that the table lacks stay too. What is missing
/// in an entry then is put into `diagnostics`.
DeviceCounts merge_devices(DeviceTable table, Tree& tree, Diagnostics& diagnostics);

} // namespace sekisho::config
