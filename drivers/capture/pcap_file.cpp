// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/capture/pcap_file.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include <pcap/pcap.h>
#include <sys/stat.h>

namespace sekisho::drivers {

namespace {

struct LinkRow {
    int type;
    packet::LinkType read_as;
};

// Raw IP has two numbers by history, and one more per family.
constexpr std::array<LinkRow, 9> kLinks{{
    {DLT_EN10MB, packet::LinkType::ethernet},
    {DLT_RAW, packet::LinkType::raw},
    {DLT_IPV4, packet::LinkType::raw},
    {DLT_IPV6, packet::LinkType::raw},
    {DLT_NULL, packet::LinkType::null},
    {DLT_LOOP, packet::LinkType::loop},
    {DLT_LINUX_SLL, packet::LinkType::linux_cooked},
    {DLT_LINUX_SLL2, packet::LinkType::linux_cooked2},
    {DLT_NFLOG, packet::LinkType::nflog},
}};

struct PcapCloser {
    void operator()(pcap_t* handle) const noexcept { pcap_close(handle); }
};

struct FileCloser {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

using Handle = std::unique_ptr<pcap_t, PcapCloser>;
using File = std::unique_ptr<std::FILE, FileCloser>;

class PcapFile final : public ports::CaptureFile {
public:
    PcapFile(Handle handle, packet::LinkType link_type, std::string place, std::uint64_t bytes)
        : m_handle(std::move(handle)), m_link_type(link_type), m_place(std::move(place)), m_bytes(bytes) {}

    [[nodiscard]] packet::LinkType link_type() const noexcept override { return m_link_type; }

    Result<std::optional<Record>> next() override {
        pcap_pkthdr* header = nullptr;
        const u_char* data = nullptr;
        if (m_has_ended) {
            return std::nullopt;
        }
        const int status = pcap_next_ex(m_handle.get(), &header, &data);
        if (status == 1) {
            const Time when{static_cast<std::int64_t>(header->ts.tv_sec) * 1'000'000 + header->ts.tv_usec};
            return Record{when, {data, header->caplen}, std::max<std::size_t>(header->len, header->caplen)};
        }
        m_has_ended = true;
        if (status == PCAP_ERROR_BREAK) {
            return std::nullopt;
        }
        return std::unexpected(Error(Domain::capture, m_place, pcap_geterr(m_handle.get())));
    }

    [[nodiscard]] std::optional<double> progress() const noexcept override {
        const long position = std::ftell(pcap_file(m_handle.get()));
        if (m_bytes == 0 || position < 0) {
            return std::nullopt;
        }
        return std::min(1.0, static_cast<double>(position) / static_cast<double>(m_bytes));
    }

private:
    Handle m_handle;
    packet::LinkType m_link_type;
    std::string m_place;
    std::uint64_t m_bytes; ///< of the file; 0: not known
    bool m_has_ended = false;
};

/// Takes the file over: libpcap closes it with the handle.
Result<std::unique_ptr<ports::CaptureFile>> open_stream(File file, std::string place, std::uint64_t bytes) {
    std::array<char, PCAP_ERRBUF_SIZE> cause{};
    Handle handle(pcap_fopen_offline_with_tstamp_precision(file.get(), PCAP_TSTAMP_PRECISION_MICRO, cause.data()));
    if (!handle) {
        return std::unexpected(Error(Domain::capture, std::move(place), cause.data()));
    }
    static_cast<void>(file.release());
    const int type = pcap_datalink(handle.get()); // NOLINT(clang-analyzer-unix.Stream): libpcap closes the file
    const auto row = std::ranges::find(kLinks, type, &LinkRow::type);
    if (row == kLinks.end()) {
        const char* name = pcap_datalink_val_to_description(type);
        return std::unexpected(
            Error(Domain::capture, std::move(place),
                  text::concat("has frames of a link type that is not read: ",
                               name != nullptr ? std::string(name) : text::to_text(static_cast<unsigned>(type)))));
    }
    return std::make_unique<PcapFile>(std::move(handle), row->read_as, std::move(place), bytes);
}

} // namespace

Result<std::unique_ptr<ports::CaptureFile>> open_capture_file(std::string_view path) {
    std::string place(path == "-" ? "standard input" : path);
    File file(path == "-" ? fdopen(0, "rb") : std::fopen(place.c_str(), "rbe"));
    if (!file) {
        return std::unexpected(Error::from_errno(Domain::capture, std::move(place), "can't be opened", errno));
    }
    struct stat status{};
    const bool is_known = fstat(fileno(file.get()), &status) == 0;
    if (is_known && S_ISDIR(status.st_mode)) {
        return std::unexpected(Error(Domain::capture, std::move(place), "is a folder"));
    }
    const bool is_file = is_known && S_ISREG(status.st_mode);
    if (is_file && status.st_size == 0) {
        return std::unexpected(Error(Domain::capture, std::move(place), "is empty"));
    }
    return open_stream(std::move(file), std::move(place), is_file ? static_cast<std::uint64_t>(status.st_size) : 0);
}

Result<std::unique_ptr<ports::CaptureFile>> open_capture_bytes(std::span<const std::uint8_t> bytes,
                                                               std::string_view place) {
    if (bytes.empty()) {
        return std::unexpected(Error(Domain::capture, std::string(place), "is empty"));
    }
    // opened for reading: fmemopen writes nothing
    File file(fmemopen(const_cast<std::uint8_t*>(bytes.data()), bytes.size(), "rb"));
    if (!file) {
        return std::unexpected(Error::from_errno(Domain::capture, std::string(place), "can't be read", errno));
    }
    return open_stream(std::move(file), std::string(place), bytes.size());
}

} // namespace sekisho::drivers
