// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a capture file: records come until its end or one error, and each is what it says.
#include "drivers/capture/pcap_file.hpp"
#include "tests/fuzz/require.hpp"

using namespace sekisho;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto file = drivers::open_capture_bytes({data, size}, "input");
    if (!file) {
        require(fuzz::is_plain(file.error().message()), "an error can be shown");
        return 0;
    }
    std::uint32_t sum = 0;
    for (std::size_t records = 0;; ++records) {
        require(records <= size, "a record takes bytes of the file");
        const auto record = (*file)->next();
        if (!record) {
            require(fuzz::is_plain(record.error().message()), "an error can be shown");
            const auto behind = (*file)->next();
            require(behind.has_value() && !behind->has_value(), "nothing comes behind an error");
            break;
        }
        if (!*record) {
            break;
        }
        require((*record)->wire_size >= (*record)->frame.size(), "a frame is no larger than it was on the wire");
        for (const std::uint8_t byte : (*record)->frame) {
            sum += byte; // all of it can be read
        }
        const packet::Frame frame = packet::read_frame((*file)->link_type(), (*record)->frame);
        require(frame.packet.size() <= (*record)->frame.size(), "a packet is inside its frame");
    }
    const auto progress = (*file)->progress();
    require(!progress || (*progress >= 0 && *progress <= 1), "progress is a part of the whole");
    return sum == 0xffff'ffff ? 1 : 0;
}
