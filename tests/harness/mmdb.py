# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes MaxMind DB files (format 2.0) as tests need them, sound and damaged. Written from the format's description; it shares nothing with the product or its library.

    database({'203.0.113.0/24': nested('JP')}, record_size=28)      a sound one
    assemble([(Node(1), None), (Data(0), 7)], encode(...))          any nodes, any data, any metadata
"""

import ipaddress
import struct
from dataclasses import dataclass

MARKER = b'\xab\xcd\xefMaxMind.com'
V4_IN_V6 = ipaddress.ip_network('::/96')
ALIASES = ('2002::/16', '::ffff:0:0/96', '64:ff9b::/96', '2001::/32')


@dataclass(frozen=True)
class Node:
    number: int


@dataclass(frozen=True)
class Data:
    offset: int


@dataclass(frozen=True)
class Pointer:
    offset: int


@dataclass(frozen=True)
class Raw:
    """Bytes as they are where a value is expected."""
    contents: bytes


@dataclass(frozen=True)
class Number:
    """An unsigned integer of one of the format's types (5: 16 bits, 6: 32 bits, 9: 64 bits)."""
    kind: int
    value: int


METADATA_KINDS = {'binary_format_major_version': 5, 'binary_format_minor_version': 5, 'build_epoch': 9, 'ip_version': 5, 'node_count': 6, 'record_size': 5}


class Alias:
    """What a network stands for that leads to the IPv4 tree."""


def nested(code):
    return {'country': {'geoname_id': 7, 'iso_code': code}, 'continent': {'code': 'AS', 'names': {'en': 'Asia', 'ja': 'アジア'}}}


def flat(code):
    return {'country_code': code}


def flat_country(code):
    return {'continent': 'AS', 'country': code, 'country_name': 'Somewhere'}


# ---- data section ---------------------------------------------------------------------------------------------------------------------------------------------


def _control(kind, size):
    extended = b'' if kind < 8 else bytes([kind - 7])
    first = (kind if kind < 8 else 0) << 5
    if size < 29:
        return bytes([first | size]) + extended
    for low, mark, width in ((29, 29, 1), (285, 30, 2), (65821, 31, 3)):
        if size < low + 256 ** width:
            return bytes([first | mark]) + extended + (size - low).to_bytes(width, 'big')
    raise ValueError(f'{size} is too large')


def encode(value):
    match value:
        case Raw():
            return value.contents
        case Pointer():
            return bytes([0x38]) + struct.pack('>I', value.offset)
        case bool():
            return _control(14, int(value))
        case str() | bytes():
            contents = value.encode() if isinstance(value, str) else value
            return _control(2, len(contents)) + contents
        case float():
            return _control(3, 8) + struct.pack('>d', value)
        case int():
            return encode(Number(6 if value < 1 << 32 else 9, value))
        case Number():
            contents = value.value.to_bytes((value.value.bit_length() + 7) // 8, 'big')
            return _control(value.kind, len(contents)) + contents
        case dict():
            return _control(7, len(value)) + b''.join(encode(key) + encode(member) for key, member in value.items())
        case list():
            return _control(11, len(value)) + b''.join(map(encode, value))
    raise TypeError(value)


# ---- tree -----------------------------------------------------------------------------------------------------------------------------------------------------


def _pack(left, right, size):
    if size == 24:
        return left.to_bytes(3, 'big') + right.to_bytes(3, 'big')
    if size == 28:
        return (left & 0xffffff).to_bytes(3, 'big') + bytes([left >> 24 << 4 | right >> 24]) + (right & 0xffffff).to_bytes(3, 'big')
    return left.to_bytes(4, 'big') + right.to_bytes(4, 'big')


def metadata_of(members):
    return encode({key: Number(METADATA_KINDS[key], member) if key in METADATA_KINDS and isinstance(member, int) else member for key, member in members.items()})


def assemble(nodes, data, *, record_size=24, ip_version=6, **metadata):
    """A file of these nodes: pairs of Node, Data, None or a bare number. What `metadata` names replaces or adds to what belongs there; None leaves it out."""
    def value(record):
        match record:
            case Node():
                return record.number
            case Data():
                return len(nodes) + 16 + record.offset
            case None:
                return len(nodes)
        return record
    tree = b''.join(_pack(value(left), value(right), record_size) for left, right in nodes)
    described = {
        'binary_format_major_version': 2, 'binary_format_minor_version': 0, 'build_epoch': 1_790_000_000, 'database_type': 'Test-Country',
        'description': {'ja': '試験', 'en': 'made by a test'}, 'ip_version': ip_version, 'languages': ['en'], 'node_count': len(nodes), 'record_size': record_size, **metadata}
    return tree + bytes(16) + data + MARKER + metadata_of({key: member for key, member in described.items() if member is not None})


def database(records, *, aliases=(), ip_version=6, **options):
    """`records`: network -> contents of its record; the longer network wins where they overlap. IPv4 networks are put below ::/96 of an IPv6 tree."""
    data, offsets = bytearray(), {}

    def offset_of(contents):
        encoded = encode(contents)
        if encoded not in offsets:
            offsets[encoded] = len(data)
            data.extend(encoded)
        return Data(offsets[encoded])

    root = [None, None]

    def insert(network, leaf):
        network = ipaddress.ip_network(network)
        if network.version == 6 and ip_version == 4:
            raise ValueError(f'{network} in a tree of IPv4')
        bits, length = int(network.network_address), network.prefixlen
        width = network.max_prefixlen
        if network.version == 4 and ip_version == 6:
            width, length = 128, length + 96
        if length == 0:
            for side in (0, 1):
                root[side] = leaf
            return
        branch = root
        for depth in range(length - 1):
            side = bits >> (width - 1 - depth) & 1
            if not isinstance(branch[side], list):
                branch[side] = [branch[side], branch[side]]
            branch = branch[side]
        branch[bits >> (width - length) & 1] = leaf

    for network, contents in sorted(records.items(), key=lambda item: ipaddress.ip_network(item[0]).prefixlen + 96 * (ipaddress.ip_network(item[0]).version == 4)):
        insert(network, offset_of(contents))
    for network in aliases:
        insert(network, Alias)

    nodes = []
    numbers = {}

    def number(branch):
        numbers[id(branch)] = mine = len(nodes)
        nodes.append(None)
        for side in branch:
            if isinstance(side, list):
                number(side)
        return mine

    number(root)
    v4 = root
    for _ in range(96 if ip_version == 6 else 0):
        v4 = v4[0] if isinstance(v4, list) else v4

    def record(side):
        if side is Alias:
            side = v4
        return Node(numbers[id(side)]) if isinstance(side, list) else side

    def fill(branch):
        nodes[numbers[id(branch)]] = (record(branch[0]), record(branch[1]))
        for side in branch:
            if isinstance(side, list):
                fill(side)

    fill(root)
    return assemble(nodes, bytes(data), ip_version=ip_version, **options)
