// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/log_forwarding_window.hpp"

#include <algorithm>
#include <iterator>

namespace sekisho::services {

namespace {

constexpr std::uint64_t kPieceBytes = 8u << 10;
constexpr std::int64_t kPieceMicroseconds = 1'000'000;

} // namespace

void ResendWindow::sent(std::uint64_t bytes, std::int64_t now) {
    const bool fits = !m_pieces.empty() && now - m_pieces.back().begun < kPieceMicroseconds &&
                      m_sent + bytes - m_pieces.back().begin <= kPieceBytes;
    if (!fits) {
        m_pieces.push_back({.begin = m_sent, .begun = now});
    }
    m_sent += bytes;
    ++m_next;
    Piece& piece = m_pieces.back();
    piece.end = m_sent;
    piece.next = m_next;
    piece.completed = now;
}

void ResendWindow::acknowledge(std::uint64_t bytes, std::int64_t now) {
    m_acknowledged = std::clamp(bytes, m_acknowledged, m_sent);
    const auto waiting =
        std::ranges::find_if(m_pieces, [this](const Piece& piece) { return piece.end > m_acknowledged; });
    if (waiting != m_pieces.begin()) {
        m_unacknowledged = std::prev(waiting)->next;
    }
    while (!m_pieces.empty()) {
        const Piece& piece = m_pieces.front();
        const bool is_old = now - piece.completed > kResendMicroseconds;
        const bool is_too_much = m_sent - piece.begin > kMostResendBytes;
        if (piece.end > m_acknowledged || (!is_old && !is_too_much)) {
            break;
        }
        m_first = piece.next;
        m_passed = piece.end;
        m_pieces.pop_front();
    }
}

void ResendWindow::restart() noexcept {
    m_pieces.clear();
    m_next = m_first;
    m_unacknowledged = m_first;
    m_sent = m_acknowledged = m_passed = 0;
}

void ResendWindow::skip_to(std::uint64_t line) {
    m_pieces.clear(); // what was sent before is gone with the gap: it can't be sent again
    m_passed = m_sent;
    m_first = m_next = m_unacknowledged = line;
}

} // namespace sekisho::services
