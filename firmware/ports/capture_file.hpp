// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/base/error.hpp"
#include "policy/base/time.hpp"
#include "policy/packet/frame.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace sekisho::ports {

/// A file of captured frames, read from its beginning to its end.
class CaptureFile {
public:
    virtual ~CaptureFile() = default;

    struct Record {
        Time when;                           ///< as the file has it: times may go backwards
        std::span<const std::uint8_t> frame; ///< valid until the next call
        std::size_t wire_size = 0;           ///< at least as many bytes
    };

    /// Of all its records.
    [[nodiscard]] virtual packet::LinkType link_type() const noexcept = 0;

    /// Nothing at the end. An error where the file breaks: what came before stands, nothing comes behind it.
    virtual Result<std::optional<Record>> next() = 0;

    /// How far it is read, from 0 to 1; nothing where that can't be told (a pipe).
    [[nodiscard]] virtual std::optional<double> progress() const noexcept = 0;
};

/// Opens a file by its name; "-" is standard input. The error says what is wrong with it: empty, no capture, of a link
/// type that is not read.
using CaptureOpener = std::function<Result<std::unique_ptr<CaptureFile>>(std::string_view path)>;

} // namespace sekisho::ports
