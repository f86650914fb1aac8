# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets made byte by byte, right or wrong on purpose, and a raw socket on a device to send and catch them.

    frame = frames.ip('203.0.113.5', '198.51.100.2', frames.tcp(40000, 443))
    with Wire(outside, 'eth0') as wire:
        wire.send(frame, to='52:54:00:00:00:01')
        answer = wire.catch(lambda packet: packet.protocol == 6)
"""

import ipaddress
import os
import random
import socket
import struct
import time
from collections.abc import Callable, Iterable

from .namespaces import Namespace
from .packets import ICMP, ICMPV6, TCP, UDP, Packet, Unusable, checksum, parse, quoted

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
ECHO_REQUEST, ECHO_REPLY, UNREACHABLE = 8, 0, 3
ECHO_REQUEST_V6, ECHO_REPLY_V6, PACKET_TOO_BIG, UNREACHABLE_V6, SOLICITATION, ADVERTISEMENT = 128, 129, 2, 1, 135, 136
_SO_RCVBUFFORCE = 33  # beyond net.core.rmem_max; Python has no name for it
_OUTGOING = 4  # PACKET_OUTGOING: what this host itself sent


class Part:
    """What follows the IP header, with its protocol number and the place of a checksum over the pseudo header (None: it has none)."""

    def __init__(self, protocol: int, data: bytes, checksum_at: int | None):
        self.protocol, self.data, self.checksum_at = protocol, data, checksum_at


def tcp(source: int, destination: int, flags: int = SYN, sequence: int = 1000, acknowledged: int = 0, payload: bytes = b'') -> Part:
    return Part(TCP, struct.pack('!HHIIBBHHH', source, destination, sequence, acknowledged, 5 << 4, flags, 64240, 0, 0) + payload, 16)


def udp(source: int, destination: int, payload: bytes = b'test') -> Part:
    return Part(UDP, struct.pack('!HHHH', source, destination, 8 + len(payload), 0) + payload, 6)


def icmp(kind: int, code: int = 0, rest: bytes = b'\0\0\0\0', payload: bytes = b'') -> Part:
    data = struct.pack('!BBH', kind, code, 0) + rest + payload
    return Part(ICMP, data[:2] + struct.pack('!H', checksum(data)) + data[4:], None)


def icmp6(kind: int, code: int = 0, rest: bytes = b'\0\0\0\0', payload: bytes = b'') -> Part:
    return Part(ICMPV6, struct.pack('!BBH', kind, code, 0) + rest + payload, 2)


def echo(address: str, identification: int = 77) -> Part:
    """An echo request fit for the family of `address`."""
    rest = struct.pack('!HH', identification, 1)
    return icmp6(ECHO_REQUEST_V6, 0, rest, b'ping') if ':' in address else icmp(ECHO_REQUEST, 0, rest, b'ping')


def solicitation(target: str, mac: str) -> Part:
    """A neighbour solicitation (RFC 4861) from the owner of a link-layer address."""
    return icmp6(SOLICITATION, 0, b'\0\0\0\0', ipaddress.IPv6Address(target).packed + b'\x01\x01' + mac_bytes(mac))


def ip(source: str, destination: str, part: Part, hop_limit: int = 64, identification: int = 0, options: bytes = b'') -> bytes:
    """An IP packet of the addresses' family, checksums filled in."""
    left, right = ipaddress.ip_address(source).packed, ipaddress.ip_address(destination).packed
    data = part.data
    if part.checksum_at is not None:
        pseudo = left + right + struct.pack('!IHBB', len(data), 0, 0, part.protocol) if len(left) == 16 \
            else left + right + struct.pack('!BBH', 0, part.protocol, len(data))
        value = checksum(pseudo + data) or (0xFFFF if part.protocol == UDP else 0)
        data = data[:part.checksum_at] + struct.pack('!H', value) + data[part.checksum_at + 2:]
    if len(left) == 16:
        return struct.pack('!IHBB', 6 << 28, len(data), part.protocol, hop_limit) + left + right + data
    words = 5 + len(options) // 4
    header = struct.pack('!BBHHHBBH', 4 << 4 | words, 0, words * 4 + len(data), identification, 0x4000, hop_limit, part.protocol, 0) + left + right + options
    return header[:10] + struct.pack('!H', checksum(header)) + header[12:] + data


def fragments(packet: bytes, size: int) -> list[bytes]:
    """An IPv4 packet without options in pieces of `size` bytes, a multiple of eight."""
    pieces = []
    for offset in range(0, len(packet) - 20, size):
        data = packet[20 + offset:20 + offset + size]
        more = 0x2000 if 20 + offset + size < len(packet) else 0
        header = packet[:2] + struct.pack('!HHH', 20 + len(data), int.from_bytes(packet[4:6]), more | offset // 8) + packet[8:10] + b'\0\0' + packet[12:20]
        pieces.append(header[:10] + struct.pack('!H', checksum(header)) + header[12:] + data)
    return pieces


def fragmentation_needed(reporter: str, about: bytes, size: int = 1280) -> bytes:
    """The ICMP error of a router on the way that could not pass `about` (an IPv4 packet): path MTU discovery needs it."""
    sender = str(ipaddress.IPv4Address(about[12:16]))
    return ip(reporter, sender, icmp(UNREACHABLE, 4, struct.pack('!HH', 0, size), about[:28]))


def too_big(reporter: str, about: bytes, size: int = 1280) -> bytes:
    """The same for an IPv6 packet."""
    sender = str(ipaddress.IPv6Address(about[8:24]))
    return ip(reporter, sender, icmp6(PACKET_TOO_BIG, 0, struct.pack('!I', size), about[:1200]))


def mac_bytes(mac: str) -> bytes:
    return bytes(int(part, 16) for part in mac.split(':'))


def ether_type(packet: bytes) -> int:
    return 0x86DD if packet[0] >> 4 == 6 else 0x0800


def random_sources(count: int, seed: int, prefix_length: int = 24) -> list[bytes]:
    """Public IPv4 sources of `count` different prefixes, in an order that a seed decides."""
    chosen = random.Random(seed)
    # 23.0.0.0 to 87.255.255.255: nobody's private, shared or documentation addresses
    shift = 32 - prefix_length
    prefixes = chosen.sample(range(0x17000000 >> shift, 0x58000000 >> shift), count)
    return [struct.pack('!I', (prefix << shift) | (1 if shift else 0)) for prefix in prefixes]


class Wire:
    """Raw Ethernet on one device of a host. A context manager."""

    def __init__(self, host: Namespace, device: str, room: int = 4 << 20):
        self._socket = host.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, room)
        self._socket.bind((device, 3))
        self._socket.setblocking(False)
        self.mac = host.mac(device)

    def __enter__(self) -> 'Wire':
        self.forget()
        return self

    def __exit__(self, *_) -> None:
        self._socket.close()

    def frame(self, packet: bytes, to: str, sender: str | None = None) -> bytes:
        return mac_bytes(to) + mac_bytes(sender or self.mac) + struct.pack('!H', ether_type(packet)) + packet

    def send(self, packet: bytes, to: str, sender: str | None = None) -> None:
        """Sends an IP packet to a link-layer address."""
        self.send_frames([self.frame(packet, to, sender)])

    def send_frames(self, frames: Iterable[bytes]) -> int:
        """Sends whole frames as fast as the kernel takes them; returns how many."""
        count = 0
        for frame in frames:
            while True:
                try:
                    self._socket.send(frame)
                    count += 1
                    break
                except (BlockingIOError, OSError) as error:
                    if not isinstance(error, BlockingIOError) and error.errno != 105:  # ENOBUFS: the device's queue is full
                        raise
                    time.sleep(0.0005)
        return count

    def caught(self) -> list[Packet]:
        """Every IP packet that has arrived from others since the last call."""
        packets = []
        while True:
            try:
                data, address = self._socket.recvfrom(65535)
            except BlockingIOError:
                return packets
            if address[2] == _OUTGOING or address[1] not in (0x0800, 0x86DD):
                continue
            try:
                packets.append(parse(data[14:]))
            except Unusable:
                continue

    def catch(self, wanted: Callable[[Packet], bool], seconds: float = 5) -> Packet | None:
        """The first packet that `wanted` likes; None when none came."""
        end = time.monotonic() + seconds
        while True:
            for packet in self.caught():
                if wanted(packet):
                    return packet
            if time.monotonic() > end:
                return None
            time.sleep(0.01)

    def caught_frames(self) -> list[bytes]:
        """Every frame of any kind, whole, that has arrived from others since the last call. A tag is not part of it."""
        frames = []
        while True:
            try:
                data, address = self._socket.recvfrom(65535)
            except BlockingIOError:
                return frames
            if address[2] != _OUTGOING:
                frames.append(data)

    def forget(self) -> None:
        """Lets go of what has arrived so far."""
        while True:
            try:
                self._socket.recv(65535)
            except BlockingIOError:
                return


def from_source(address: str) -> Callable[[Packet], bool]:
    wanted = ipaddress.ip_address(address)
    return lambda packet: packet.source == wanted


def to_destination(address: str, port: int | None = None) -> Callable[[Packet], bool]:
    """Whether a packet goes to an address, and if it has ports to that port; an ICMP error goes to the port whose packet it is about (unreachable neighbours of an
    earlier test are told of seconds later). Neighbour discovery does not count."""
    wanted = ipaddress.ip_address(address)

    def goes_there(packet: Packet) -> bool:
        if packet.protocol == ICMPV6 and packet.data[packet.transport] in range(133, 138):
            return False
        if packet.destination != wanted or port is None:
            return packet.destination == wanted
        about = quoted(packet)
        if about and about.protocol in (TCP, UDP):
            return about.ports()[0] == port
        return packet.protocol not in (TCP, UDP) or packet.ports()[1] == port
    return goes_there


def unique_port() -> int:
    """A source port that no other packet of this test run has had: log lines are told apart by it."""
    unique_port.last = 20000 + (getattr(unique_port, 'last', os.getpid() % 20000) - 20000 + 1) % 40000
    return unique_port.last
