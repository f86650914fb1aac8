// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/control/frame.hpp"

#include "policy/base/text.hpp"

namespace sekisho::drivers::control {

namespace {

constexpr std::string_view kRequestMark = "SKQ1";
constexpr std::string_view kResponseMark = "SKR1";

void put_number(std::string& bytes, std::uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
        bytes += static_cast<char>((value >> shift) & 0xff);
    }
}

void put_text(std::string& bytes, std::string_view text) {
    put_number(bytes, static_cast<std::uint32_t>(text.size()));
    bytes += text;
}

std::uint32_t number_in(std::string_view bytes) {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < 4; ++i) {
        value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    }
    return value;
}

/// Takes pieces off a body; after a piece that isn't there, everything is absent.
class Reader {
public:
    explicit Reader(std::string_view bytes) : m_bytes(bytes) {}

    void skip(std::string_view mark) {
        if (!m_bytes.starts_with(mark)) {
            m_failed = true;
            return;
        }
        m_bytes.remove_prefix(mark.size());
    }

    std::uint32_t number() {
        if (m_failed || m_bytes.size() < 4) {
            m_failed = true;
            return 0;
        }
        const std::uint32_t value = number_in(m_bytes);
        m_bytes.remove_prefix(4);
        return value;
    }

    std::string text(std::size_t most) {
        const std::size_t length = number();
        if (m_failed || length > most || length > m_bytes.size()) {
            m_failed = true;
            return {};
        }
        std::string result(m_bytes.substr(0, length));
        m_bytes.remove_prefix(length);
        return result;
    }

    /// Whether everything was there and nothing is left over.
    [[nodiscard]] bool is_complete() const { return !m_failed && m_bytes.empty(); }

    [[nodiscard]] bool has_failed() const { return m_failed; }

private:
    std::string_view m_bytes;
    bool m_failed = false;
};

Error control_error(std::string cause) {
    return Error(Domain::control, "control socket", std::move(cause));
}

Result<std::string> framed(const std::string& body, std::size_t most) {
    if (body.size() > most) {
        return std::unexpected(
            control_error(text::concat("a message may have ", text::to_text(most), " bytes at most")));
    }
    std::string frame;
    frame.reserve(kHeaderSize + body.size());
    put_number(frame, static_cast<std::uint32_t>(body.size()));
    frame += body;
    return frame;
}

} // namespace

Result<std::string> encode_request(const Request& request) {
    if (request.payload.size() > ports::kMostPayload) {
        return std::unexpected(
            control_error(text::concat("contents may have ", text::to_text(ports::kMostPayload), " bytes at most")));
    }
    if (request.words.size() > kMostWords || request.origin.size() > kMostOrigin) {
        return std::unexpected(control_error("the command has too many words"));
    }
    std::string body(kRequestMark);
    put_text(body, request.origin);
    put_number(body, static_cast<std::uint32_t>(request.words.size()));
    for (const auto& word : request.words) {
        put_text(body, word);
    }
    put_text(body, request.payload);
    return framed(body, kMostRequest);
}

Result<std::string> encode_response(const ports::ControlResponse& response) {
    if (response.output.size() > kMostResponse || response.errors.size() > kMostResponse) {
        return std::unexpected(control_error("the answer is too long"));
    }
    std::string body(kResponseMark);
    put_number(body, static_cast<std::uint32_t>(response.exit_status));
    put_text(body, response.output);
    put_text(body, response.errors);
    return framed(body, kMostResponse);
}

Result<std::size_t> decode_header(std::string_view header, std::size_t most) {
    const std::size_t length = number_in(header);
    if (length > most) {
        return std::unexpected(control_error(text::concat(
            "a message of ", text::to_text(length), " bytes is announced, ", text::to_text(most), " are the most")));
    }
    return length;
}

Result<Request> decode_request(std::string_view body) {
    Reader reader(body);
    Request request;
    reader.skip(kRequestMark);
    request.origin = reader.text(kMostOrigin);
    const std::uint32_t count = reader.number();
    if (count > kMostWords) {
        return std::unexpected(control_error("a request has too many words"));
    }
    for (std::uint32_t i = 0; i < count && !reader.has_failed(); ++i) {
        request.words.push_back(reader.text(kMostRequest));
    }
    request.payload = reader.text(ports::kMostPayload);
    if (!reader.is_complete()) {
        return std::unexpected(control_error("a request is malformed"));
    }
    return request;
}

Result<ports::ControlResponse> decode_response(std::string_view body) {
    Reader reader(body);
    ports::ControlResponse response;
    reader.skip(kResponseMark);
    response.exit_status = static_cast<int>(reader.number());
    response.output = reader.text(kMostResponse);
    response.errors = reader.text(kMostResponse);
    if (!reader.is_complete()) {
        return std::unexpected(control_error("an answer is malformed"));
    }
    return response;
}

} // namespace sekisho::drivers::control
