# SPDX-License-Identifier: GPL-2.0-or-later
"""IP packets as captured: found below their link layer, taken apart as far as a replay needs, and given new addresses."""

import ipaddress
import struct
from dataclasses import dataclass

from . import pcapfile

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
ICMP, IGMP, TCP, UDP, ICMPV6, SCTP, UDPLITE = 1, 2, 6, 17, 58, 132, 136
FIN, SYN, RST, ACK = 1, 2, 4, 16
_VLAN = (0x8100, 0x88A8, 0x9100)
# next headers that IPv6 puts between its own header and the transport: hop-by-hop, destination options, authentication
_EXTENSIONS = (0, 60, 51)


class Unusable(Exception):
    """A packet that a replay can't send; the text is the reason under which it is counted."""


@dataclass
class Packet:
    data: bytearray  # from the IP header on, cut to the length that the header names
    version: int
    source: Address
    destination: Address
    protocol: int
    transport: int  # where the transport header or the fragment's data starts
    fragment: tuple[int, int, bool] | None = None  # identification, offset in bytes, more to come

    @property
    def first(self) -> bool:
        """Whether the transport header is in this packet."""
        return self.fragment is None or self.fragment[1] == 0

    @property
    def whole(self) -> bool:
        return self.fragment is None

    @property
    def flags(self) -> int | None:
        """TCP flags; None where the packet doesn't carry them."""
        if self.protocol == TCP and self.first and len(self.data) >= self.transport + 14:
            return self.data[self.transport + 13]
        return None

    def ports(self) -> tuple[object, object]:
        """What tells flows between two hosts apart: ports, or the identification and kind of an ICMP exchange."""
        if not self.first or len(self.data) < self.transport + 4:
            return (None, None)
        if self.protocol in (TCP, UDP, SCTP, UDPLITE):
            return struct.unpack_from('!HH', self.data, self.transport)
        if self.protocol in (ICMP, ICMPV6):
            kind = self.data[self.transport]
            exchange = {8: 8, 0: 8, 13: 13, 14: 13, 15: 15, 16: 15, 17: 17, 18: 17} if self.protocol == ICMP else {128: 128, 129: 128}
            if kind in exchange and len(self.data) >= self.transport + 6:
                identification, = struct.unpack_from('!H', self.data, self.transport + 4)
                return ((exchange[kind], identification),) * 2
            return (('type', kind),) * 2
        return (None, None)


def network_layer(record: pcapfile.Record) -> bytes:
    """The bytes from the IP header on; raises Unusable for other link types and other protocols."""
    data = record.data
    match record.link_type:
        case pcapfile.ETHERNET:
            position = 12
            while len(data) >= position + 6 and struct.unpack_from('!H', data, position)[0] in _VLAN:
                position += 4
            return _of_ether_type(data, position)
        case pcapfile.RAW | pcapfile.RAW_OLD | pcapfile.IPV4 | pcapfile.IPV6:
            return data
        case pcapfile.NULL | pcapfile.LOOP:
            # the address family is in the byte order of the machine that captured; the version nibble says the same
            if len(data) < 5 or data[4] >> 4 not in (4, 6):
                raise Unusable('not IP')
            return data[4:]
        case pcapfile.SLL:
            return _of_ether_type(data, 14)
        case pcapfile.SLL2:
            return _of_ether_type(data[:2] + data[20:], 0)
        case _:
            raise Unusable(f'link type {record.link_type}')


def _of_ether_type(data: bytes, position: int) -> bytes:
    if len(data) < position + 2:
        raise Unusable('shorter than its link header')
    if struct.unpack_from('!H', data, position)[0] not in (0x0800, 0x86DD):
        raise Unusable('not IP')
    return data[position + 2:]


def parse(data: bytes) -> Packet:
    """Takes an IP packet apart; raises Unusable when its header can't be believed or it was captured in part."""
    if not data:
        raise Unusable('not IP')
    version = data[0] >> 4
    if version == 4:
        return _parse_v4(data)
    if version == 6:
        return _parse_v6(data)
    raise Unusable('not IP')


def _parse_v4(data: bytes) -> Packet:
    header = (data[0] & 15) * 4
    if header < 20 or len(data) < header:
        raise Unusable('broken IP header')
    total, identification, fragment = struct.unpack_from('!HHH', data, 2)
    if total == 0:
        total = len(data)  # segmentation offload: the card would have filled it in
    if total < header:
        raise Unusable('broken IP header')
    if len(data) < total:
        raise Unusable('captured in part')
    packet = Packet(bytearray(data[:total]), 4, ipaddress.IPv4Address(bytes(data[12:16])), ipaddress.IPv4Address(bytes(data[16:20])), data[9], header)
    if fragment & 0x3FFF:
        packet.fragment = (identification, (fragment & 0x1FFF) * 8, bool(fragment & 0x2000))
    return packet


def _parse_v6(data: bytes) -> Packet:
    if len(data) < 40:
        raise Unusable('broken IP header')
    length, following = struct.unpack_from('!HB', data, 4)
    total = 40 + length if length else len(data)
    if len(data) < total:
        raise Unusable('captured in part')
    packet = Packet(bytearray(data[:total]), 6, ipaddress.IPv6Address(bytes(data[8:24])), ipaddress.IPv6Address(bytes(data[24:40])), following, 40)
    while True:
        if packet.protocol == 43:
            raise Unusable('IPv6 routing header')
        if packet.protocol == 44:
            if total < packet.transport + 8:
                raise Unusable('broken IP header')
            following, _, field, identification = struct.unpack_from('!BBHI', data, packet.transport)
            packet.fragment = (identification, field & 0xFFF8, bool(field & 1))
            packet.protocol, packet.transport = following, packet.transport + 8
            if not packet.first:
                return packet
        elif packet.protocol in _EXTENSIONS:
            if total < packet.transport + 2:
                raise Unusable('broken IP header')
            size = (data[packet.transport + 1] + 2) * 4 if packet.protocol == 51 else (data[packet.transport + 1] + 1) * 8
            packet.protocol, packet.transport = data[packet.transport], packet.transport + size
            if packet.transport > total:
                raise Unusable('broken IP header')
        else:
            return packet


def quoted(packet: Packet) -> Packet | None:
    """The packet that an ICMP error is about, as far as it is quoted; None for everything else."""
    errors = {ICMP: (3, 4, 5, 11, 12), ICMPV6: (1, 2, 3, 4)}.get(packet.protocol, ())
    if not packet.whole or len(packet.data) < packet.transport + 8 or packet.data[packet.transport] not in errors:
        return None
    inner = bytearray(packet.data[packet.transport + 8:])
    # only its beginning is quoted: let its length be what is there
    if len(inner) >= 40 and inner[0] >> 4 == 6:
        struct.pack_into('!H', inner, 4, len(inner) - 40)
    elif len(inner) >= 20 and inner[0] >> 4 == 4:
        struct.pack_into('!H', inner, 2, len(inner))
    try:
        return parse(bytes(inner))
    except Unusable:
        return None


def checksum(data: bytes | bytearray) -> int:
    """The Internet checksum (RFC 1071) of the bytes."""
    if len(data) % 2:
        data = bytes(data) + b'\0'
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


_CHECKSUM_AT = {TCP: 16, UDP: 6, UDPLITE: 6, ICMPV6: 2}


def readdress(packet: Packet, source: Address, destination: Address) -> bytes:
    """The packet with new addresses (of its family) and checksums that fit them; a fragment stays a fragment."""
    old = packet.source.packed + packet.destination.packed
    new = source.packed + destination.packed
    data = packet.data
    if packet.version == 4:
        data[12:20] = new
        struct.pack_into('!H', data, 2, len(data))
        struct.pack_into('!H', data, 10, 0)
        struct.pack_into('!H', data, 10, checksum(data[:(data[0] & 15) * 4]))
    else:
        data[8:40] = new
        struct.pack_into('!H', data, 4, len(data) - 40)
    place = packet.transport + _CHECKSUM_AT.get(packet.protocol, 0)
    if packet.protocol not in _CHECKSUM_AT or not packet.first or len(data) < place + 2:
        return bytes(data)
    before, = struct.unpack_from('!H', data, place)
    if packet.protocol == UDP and packet.version == 4 and before == 0:
        return bytes(data)  # sent without one
    if packet.whole and packet.protocol != UDPLITE:
        struct.pack_into('!H', data, place, 0)
        length = len(data) - packet.transport
        after = checksum(new + struct.pack('!IHH', length, 0, packet.protocol) + bytes(data[packet.transport:]))
    else:
        # the rest of the datagram is elsewhere: only the addresses changed (RFC 1624)
        total = (before ^ 0xFFFF) + sum(value ^ 0xFFFF for value in struct.unpack(f'!{len(old) // 2}H', old))
        total += sum(struct.unpack(f'!{len(new) // 2}H', new))
        while total > 0xFFFF:
            total = (total & 0xFFFF) + (total >> 16)
        after = total ^ 0xFFFF
    struct.pack_into('!H', data, place, after or 0xFFFF if packet.protocol == UDP else after)
    return bytes(data)


def segments(packet: Packet, limit: int) -> list[Packet]:
    """A packet that fits the link, or a TCP one that a card's offload had joined, cut into such; raises Unusable for others."""
    if len(packet.data) <= limit:
        return [packet]
    if packet.protocol != TCP or not packet.whole or len(packet.data) < packet.transport + 20:
        raise Unusable('larger than the link carries')
    start = packet.transport + (packet.data[packet.transport + 12] >> 4) * 4
    sequence, = struct.unpack_from('!I', packet.data, packet.transport + 4)
    size = limit - start
    if start > len(packet.data) or size <= 0:
        raise Unusable('broken TCP header')
    parts = []
    for position in range(start, len(packet.data), size):
        data = packet.data[:start] + packet.data[position:position + size]
        struct.pack_into('!I', data, packet.transport + 4, (sequence + position - start) & 0xFFFFFFFF)
        if position + size < len(packet.data):
            data[packet.transport + 13] &= ~(FIN | RST) & 0xFF
        parts.append(Packet(data, packet.version, packet.source, packet.destination, packet.protocol, packet.transport))
    return parts
