# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads pcap and pcapng files record by record, and writes pcap. Broken files give an error that names the place."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Link types (https://www.tcpdump.org/linktypes.html)
NULL, ETHERNET, RAW_OLD, RAW, LOOP, SLL, IPV4, IPV6, SLL2 = 0, 1, 12, 101, 108, 113, 228, 229, 276
MAXIMUM_RECORD = 1 << 20


class CaptureError(Exception):
    """The file is not a capture, or ends or breaks in the middle; the text names the file and the byte."""


@dataclass
class Record:
    time: float  # seconds since 1970
    link_type: int
    data: bytes
    length: int  # on the wire; more than len(data) when the capture cut it


def read(path: Path) -> Iterator[Record]:
    """Every record of the file in its order; raises CaptureError."""
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise CaptureError(f'{path}: {problem.strerror}') from problem
    if len(content) < 24:
        raise CaptureError(f'{path}: {len(content)} bytes are no capture')
    magic = content[:4]
    if magic in (b'\xd4\xc3\xb2\xa1', b'\x4d\x3c\xb2\xa1'):
        return _pcap(path, content, '<', 1e-9 if magic[0] == 0x4d else 1e-6)
    if magic in (b'\xa1\xb2\xc3\xd4', b'\xa1\xb2\x3c\x4d'):
        return _pcap(path, content, '>', 1e-9 if magic[3] == 0x4d else 1e-6)
    if magic == b'\x0a\x0d\x0d\x0a':
        return _pcapng(path, content)
    raise CaptureError(f'{path}: neither pcap nor pcapng (it begins with {magic.hex(" ")})')


def _pcap(path: Path, content: bytes, order: str, unit: float) -> Iterator[Record]:
    link_type = struct.unpack_from(order + 'I', content, 20)[0] & 0xFFFF
    position = 24
    while position < len(content):
        if len(content) - position < 16:
            raise CaptureError(f'{path}: at byte {position}: the file ends in the header of a record')
        seconds, fraction, captured, length = struct.unpack_from(order + 'IIII', content, position)
        if captured > MAXIMUM_RECORD:
            raise CaptureError(f'{path}: at byte {position}: a record of {captured} bytes')
        if len(content) - position - 16 < captured:
            raise CaptureError(f'{path}: at byte {position}: the file ends in a record of {captured} bytes')
        yield Record(seconds + fraction * unit, link_type, content[position + 16:position + 16 + captured], max(length, captured))
        position += 16 + captured


def _pcapng(path: Path, content: bytes) -> Iterator[Record]:
    order = '<'
    interfaces: list[tuple[int, float]] = []  # link type, seconds per tick
    position = 0
    while position < len(content):
        if len(content) - position < 12:
            raise CaptureError(f'{path}: at byte {position}: the file ends in the header of a block')
        if content[position:position + 4] == b'\x0a\x0d\x0d\x0a':
            order = '<' if content[position + 8:position + 12] == b'\x4d\x3c\x2b\x1a' else '>'
            interfaces = []
        kind, length = struct.unpack_from(order + 'II', content, position)
        if length < 12 or length % 4 or length > len(content) - position:
            raise CaptureError(f'{path}: at byte {position}: a block of {length} bytes')
        body = content[position + 8:position + length - 4]
        try:
            if kind == 1:
                interfaces.append((struct.unpack_from(order + 'H', body)[0], _tick(order, body[8:])))
            elif kind == 6:
                number, high, low, captured, original = struct.unpack_from(order + 'IIIII', body)
                yield _block(interfaces, number, (high << 32) | low, body[20:], captured, original)
            elif kind == 2:
                number, _, high, low, captured, original = struct.unpack_from(order + 'HHIIII', body)
                yield _block(interfaces, number, (high << 32) | low, body[20:], captured, original)
            elif kind == 3:
                original, = struct.unpack_from(order + 'I', body)
                yield _block(interfaces, 0, 0, body[4:], min(original, len(body) - 4), original)
        except (struct.error, ValueError) as problem:
            raise CaptureError(f'{path}: at byte {position}: {problem}') from problem
        position += length


def _block(interfaces: list[tuple[int, float]], number: int, ticks: int, data: bytes, captured: int, original: int) -> Record:
    if number >= len(interfaces):
        raise ValueError(f'a packet of interface {number}, which is not described')
    if captured > len(data):
        raise ValueError(f'a packet of {captured} bytes in a block of {len(data)}')
    link_type, tick = interfaces[number]
    return Record(ticks * tick, link_type, data[:captured], max(original, captured))


def _tick(order: str, options: bytes) -> float:
    """The unit of an interface's time stamps, from its options (if_tsresol)."""
    while len(options) >= 4:
        code, length = struct.unpack_from(order + 'HH', options)
        if code == 9 and length == 1:
            value = options[4]
            return 2.0 ** -(value & 0x7F) if value & 0x80 else 10.0 ** -value
        if code == 0:
            break
        options = options[4 + (length + 3) // 4 * 4:]
    return 1e-6


def write(path: Path, records: list[tuple[float, bytes]], link_type: int = ETHERNET) -> None:
    """Writes (time, frame) records as pcap."""
    with path.open('wb') as file:
        file.write(struct.pack('<IHHiIII', 0xA1B2C3D4, 2, 4, 0, 0, 262144, link_type))
        for time, data in records:
            seconds = int(time)
            file.write(struct.pack('<IIII', seconds & 0xFFFFFFFF, int((time - seconds) * 1e6), len(data), len(data)) + data)
