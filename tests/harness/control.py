# SPDX-License-Identifier: GPL-2.0-or-later
"""The control socket's client for what no command line sends: words with a secret beside them, as the login program asks them. The format is that of
drivers/control/frame.hpp, written from its description."""

import socket
import struct
from pathlib import Path
from typing import NamedTuple


class Answer(NamedTuple):
    status: int
    output: str
    errors: str


def _text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack('<I', len(data)) + data


def _received(connection: socket.socket, length: int) -> bytes:
    data = b''
    while len(data) < length:
        piece = connection.recv(length - len(data))
        if not piece:
            raise ConnectionError('the daemon closed the connection without an answer')
        data += piece
    return data


def ask(path: Path, *words: str | bytes, payload: str | bytes = b'', origin: str = 'console', seconds: float = 60) -> Answer:
    """One request to the daemon at this socket, by the caller's own user."""
    body = b'SKQ1' + _text(origin) + struct.pack('<I', len(words)) + b''.join(_text(word) for word in words) + _text(payload)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        connection.connect(str(path))
        connection.sendall(struct.pack('<I', len(body)) + body)
        answer = _received(connection, struct.unpack('<I', _received(connection, 4))[0])
    assert answer[:4] == b'SKR1', answer[:16]
    status, length = struct.unpack_from('<II', answer, 4)
    output = answer[12:12 + length]
    errors = answer[16 + length:]
    return Answer(status, output.decode(), errors.decode())
