// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "drivers/system/files.hpp"
#include "firmware/ports/store.hpp"

#include <memory>

#include <sys/types.h>

namespace sekisho::drivers {

/// Small files below one folder. Names are relative: parts of letters, digits and "._-" that begin with none of "." and
/// "-", joined by "/"; the ending ".new" is the store's own. Every part is opened below its folder without following
/// symbolic links. Folders are made as a write needs them: 0700 and files 0600, or 0755 and 0644 for all to read,
/// whatever the umask is.
class FileStore final : public ports::Store {
public:
    /// `data_directory` must exist and be the product's own. Files that an earlier process was still writing when it
    /// ended (NAME.new) are removed.
    static Result<std::unique_ptr<FileStore>> open(const std::string& data_directory);

    bool exists(std::string_view name) override;
    Result<std::string> read(std::string_view name, std::size_t most) override;
    Result<void> write(std::string_view name, std::string_view bytes) override;
    Result<void> write_readable(std::string_view name, std::string_view bytes) override;
    Result<void> rename(std::string_view from, std::string_view to) override;
    Result<void> remove(std::string_view name) override;

private:
    /// A file's folder, open, and its name in there.
    struct Place {
        Descriptor folder;
        std::string file;
    };
    enum class Missing { is_error, is_made, is_made_readable };

    explicit FileStore(Descriptor root) : m_root(std::move(root)) {}

    Result<Place> find(std::string_view name, Missing folders);
    Result<void> replace(const Place& place, std::string_view name, std::string_view bytes, mode_t mode);

    Descriptor m_root;
};

} // namespace sekisho::drivers
