// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "drivers/system/files.hpp"
#include "firmware/ports/geo_database.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace sekisho::drivers {

/// Opens a file and judges it: a MaxMind DB whose records hold countries. `place` names it in errors. The file may be
/// renamed, replaced and removed while it is open, but not cut: it is mapped.
Result<std::unique_ptr<ports::GeoDatabase>> open_country_database(const std::string& path, const std::string& place);
Result<std::unique_ptr<ports::GeoDatabase>> open_country_database(const Descriptor& opened, const std::string& place);

/// The image's database and files of the data partition.
class CountryDatabases final : public ports::GeoDatabases {
public:
    CountryDatabases(std::string built_in, std::string data_directory)
        : m_built_in(std::move(built_in)), m_data_directory(std::move(data_directory)) {}

    Result<std::unique_ptr<ports::GeoDatabase>> open_built_in() override;
    Result<std::unique_ptr<ports::GeoDatabase>> open(std::string_view name) override;
    [[nodiscard]] std::string path_of(std::string_view name) const override;

private:
    std::string m_built_in;
    std::string m_data_directory;
};

} // namespace sekisho::drivers
