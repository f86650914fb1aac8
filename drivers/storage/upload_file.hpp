// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "drivers/system/files.hpp"
#include "firmware/ports/upload.hpp"

#include <string>

namespace sekisho::drivers {

/// A file in a folder of the data partition, for every user of the machine to read: what is uploaded is public. The
/// folder is made as it is needed. No symbolic link is followed.
class FileUpload final : public ports::UploadFile {
public:
    FileUpload(std::string data_directory, std::string folder, std::string name)
        : m_data_directory(std::move(data_directory)), m_folder_name(std::move(folder)), m_name(std::move(name)) {}

    Result<void> begin() override;
    Result<void> append(std::string_view bytes) override;
    Result<void> finish() override;

private:
    [[nodiscard]] std::string place() const { return m_folder_name + "/" + m_name; }

    std::string m_data_directory;
    std::string m_folder_name;
    std::string m_name;
    Descriptor m_folder;
    Descriptor m_file;
};

} // namespace sekisho::drivers
