# SPDX-License-Identifier: GPL-2.0-or-later
"""The prefixes of a country database as they stand in it, by country: what peers get. Reads the MaxMind DB format by itself, nothing of the product's."""

import ipaddress
import subprocess
from collections import defaultdict
from pathlib import Path

MARKER = b'\xab\xcd\xefMaxMind.com'


def _number(contents: bytes, name: bytes) -> int:
    """An unsigned integer of the metadata, which is small: looked up by its key."""
    at = contents.index(name, contents.rindex(MARKER)) + len(name)
    control = contents[at]
    size, extended = control & 0x1f, control >> 5 == 0
    at += 2 if extended else 1
    return int.from_bytes(contents[at:at + size], 'big')


def _country(path: Path, address: str) -> str | None:
    for where in (('country', 'iso_code'), ('country_code',), ('country',)):
        run = subprocess.run(['mmdblookup', '--file', str(path), '--ip', address, *where], capture_output=True, text=True)
        if run.returncode == 0 and '"' in run.stdout:
            return run.stdout.split('"')[1]
    return None


def by_country(path: Path) -> dict[str, list[str]]:
    """"JP" -> prefixes of both families; IPv4 first, ascending."""
    contents = path.read_bytes()
    nodes, size = _number(contents, b'node_count'), _number(contents, b'record_size')
    if size not in (24, 32) or _number(contents, b'ip_version') != 6:
        raise SystemExit(f'bench: {path}: only trees of both families with whole bytes are read here')
    width = size // 8
    records = [int.from_bytes(contents[at:at + width], 'big') for at in range(0, nodes * 2 * width, width)]
    start = 0
    for _ in range(96):
        start = records[2 * start]
    found: dict[int, list[str]] = defaultdict(list)
    first: dict[int, str] = {}
    for root, bits, make in ((start, 32, ipaddress.IPv4Address), (0, 128, ipaddress.IPv6Address)):
        waiting = [(root, 0, 0)]
        while waiting:
            value, length, address = waiting.pop()
            while value < nodes and (root == start or value != start):
                length += 1
                waiting.append((records[2 * value + 1], length, address | 1 << (bits - length)))
                value = records[2 * value]
            if value > nodes:
                text = str(make(address))
                found[value].append(f'{text}/{length}')
                first.setdefault(value, text)
    result: dict[str, list[str]] = defaultdict(list)
    for value, prefixes in found.items():
        if code := _country(path, first[value]):
            result[code] += prefixes
    return result
