# SPDX-License-Identifier: GPL-2.0-or-later
"""Captured traffic as a router's WAN meets it: only what the initiator of each flow sent, addressed to the router.

    replay = prepare(Path('scan.pcapng'), Router(IPv4Address('198.51.100.2'), IPv6Address('2001:db8:100::2')))
    print(replay.report())
    send(replay, outside, 'router', MAC_ADDRESSES['wan0'])

Public sources stay as captured; private, loopback, link-local, shared and multicast ones are mapped one-to-one onto public ones.
"""

import ipaddress
import socket
import struct
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from . import packets, pcapfile
from .namespaces import Namespace
from .packets import Address, Packet, Unusable

MTU = 1500
# Where mapped sources come from: public, of nobody in these tests.
POOLS = {4: ipaddress.ip_network('11.0.0.0/8'), 6: ipaddress.ip_network('2a0e:5ec1::/32')}
_NOT_PUBLIC = [ipaddress.ip_network(text) for text in (
    '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.168.0.0/16',
    '198.18.0.0/15', '224.0.0.0/3')]
_GLOBAL_V6 = ipaddress.ip_network('2000::/3')
# Between neighbours only; addressed to a router from afar they would mean something else.
_NEIGHBOUR_ICMPV6 = {*range(130, 138), 143}


@dataclass
class Router:
    """The WAN addresses that the traffic is sent to; a family without one is counted, not sent."""
    ipv4: ipaddress.IPv4Address | None = None
    ipv6: ipaddress.IPv6Address | None = None

    def address(self, version: int) -> Address | None:
        return self.ipv4 if version == 4 else self.ipv6


@dataclass
class Flow:
    initiator: Address
    responder: Address
    protocol: int
    ports: tuple[object, object]
    headless: bool = False  # TCP whose opening SYN is not in the capture; what begins with a fragment never had one and is sent
    finished: bool = False
    packets: int = 0

    def __str__(self) -> str:
        name = {packets.TCP: 'TCP', packets.UDP: 'UDP', packets.ICMP: 'ICMP', packets.ICMPV6: 'ICMPv6'}.get(self.protocol, f'protocol {self.protocol}')
        ports = self.ports if isinstance(self.ports[0], int) else ('', '')
        return f'{name} {self.initiator} {ports[0]} > {self.responder} {ports[1]}'.replace('  ', ' ').strip()


@dataclass
class Replay:
    frames: list[tuple[float, bytes, Address]] = field(default_factory=list)  # captured time, IP packet, its source as sent
    flows: list[Flow] = field(default_factory=list)
    sources: dict[Address, Address] = field(default_factory=dict)  # as captured -> as sent
    answers: int = 0  # the responders' packets, not sent
    skipped: Counter[str] = field(default_factory=Counter)  # reason -> packets

    @property
    def mapped(self) -> dict[Address, Address]:
        return {old: new for old, new in self.sources.items() if old != new}

    @property
    def headless(self) -> list[Flow]:
        return [flow for flow in self.flows if flow.headless]

    def report(self) -> str:
        lines = [f'{len(self.frames)} packets of {len(self.flows) - len(self.headless)} flows to send, {self.answers} answers left out']
        lines += [f'  source {old} is sent as {new}' for old, new in self.mapped.items()]
        if self.headless:
            lines.append(f'{len(self.headless)} flows without a beginning, not sent:')
            lines += [f'  {flow} ({flow.packets} packets)' for flow in self.headless[:20]]
            if len(self.headless) > 20:
                lines.append(f'  and {len(self.headless) - 20} more')
        lines += [f'{count} packets not sent: {reason}' for reason, count in self.skipped.most_common()]
        return '\n'.join(lines)


def is_public(address: Address) -> bool:
    """Documentation prefixes count as public: the kernel treats them as any other address."""
    if address.version == 6:
        return address in _GLOBAL_V6
    return not any(address in network for network in _NOT_PUBLIC)


def prepare(path: Path, router: Router, assign: dict[str, str] | None = None) -> Replay:
    """Reads a capture and makes what is to be sent. `assign` maps captured sources to chosen ones. Raises CaptureError."""
    replay = Replay()
    chosen: list[tuple[float, Packet]] = []
    table = _Flows(replay)
    for record in pcapfile.read(path):
        try:
            packet = packets.parse(packets.network_layer(record))
            if router.address(packet.version) is None:
                raise Unusable(f'the router has no IPv{packet.version} address')
            if packet.protocol == packets.IGMP or (packet.protocol == packets.ICMPV6 and packet.first and len(packet.data) > packet.transport
                                                   and packet.data[packet.transport] in _NEIGHBOUR_ICMPV6):
                raise Unusable('between neighbours only')
            if table.take(packet):
                chosen += [(record.time, part) for part in packets.segments(packet, MTU)]
        except Unusable as reason:
            replay.skipped[str(reason)] += 1
    _map_sources(replay, chosen, router, assign or {})
    for when, packet in chosen:
        source = replay.sources[packet.source]
        replay.frames.append((when, packets.readdress(packet, source, router.address(packet.version)), source))
    return replay


class _Flows:
    """Who began each flow, decided by its first packet."""

    def __init__(self, replay: Replay):
        self._replay = replay
        self._flows: dict[tuple, Flow] = {}
        self._fragments: dict[tuple, Flow] = {}

    def take(self, packet: Packet) -> bool:
        """Counts the packet in; True when it is the initiator's and its flow is to be sent."""
        about = packets.quoted(packet)
        if about is not None:
            # an ICMP error belongs to the flow that it quotes; it can't be sent, what it quotes never went through the router
            flow = self._flows.get(_key(about))
            if flow is not None:
                flow.packets += 1
                if about.source == flow.initiator:
                    self._replay.answers += 1
                    return False
                raise Unusable('ICMP error about an answer')
        flow = self._find(packet)
        flow.packets += 1
        if packet.flags is not None and packet.flags & (packets.FIN | packets.RST):
            flow.finished = True
        if flow.headless:
            return False
        if packet.source != flow.initiator or (packet.source == packet.destination and packet.ports() == flow.ports[::-1] != flow.ports):
            self._replay.answers += 1
            return False
        return True

    def _find(self, packet: Packet) -> Flow:
        datagram = (packet.source, packet.destination, packet.protocol, packet.fragment[0]) if packet.fragment else None
        if datagram and not packet.first:
            flow = self._fragments.get(datagram)
            if flow is None:  # its first fragment is not in the capture: by itself it is still traffic
                flow = self._fragments[datagram] = self._new(packet, False)
            return flow
        key = _key(packet)
        flow = self._flows.get(key)
        opening = packet.flags is not None and packet.flags & (packets.SYN | packets.ACK) == packets.SYN
        if flow is None or (opening and (flow.headless or flow.finished)):
            flow = self._flows[key] = self._new(packet, packet.protocol == packets.TCP and packet.whole and not opening)
        if datagram:
            self._fragments[datagram] = flow
        return flow

    def _new(self, packet: Packet, headless: bool) -> Flow:
        flow = Flow(packet.source, packet.destination, packet.protocol, packet.ports(), headless)
        self._replay.flows.append(flow)
        return flow


def _key(packet: Packet) -> tuple:
    ports = packet.ports()
    return (packet.protocol, frozenset(((packet.source, ports[0]), (packet.destination, ports[1]))))


def _map_sources(replay: Replay, chosen: list[tuple[float, Packet]], router: Router, assign: dict[str, str]) -> None:
    wanted = {ipaddress.ip_address(old): ipaddress.ip_address(new) for old, new in assign.items()}
    captured = list(dict.fromkeys(packet.source for _, packet in chosen))
    kept = {address for address in captured if address not in wanted and is_public(address) and address != router.address(address.version)}
    taken = kept | set(wanted.values()) | {router.ipv4, router.ipv6}
    following = {4: 1, 6: 1}
    for address in captured:
        if address in kept:
            replay.sources[address] = address
        elif address in wanted:
            replay.sources[address] = wanted[address]
        else:
            pool = POOLS[address.version]
            while pool[following[address.version]] in taken:
                following[address.version] += 1
            replay.sources[address] = pool[following[address.version]]
            following[address.version] += 1


def frame(packet: bytes, destination: str, source: str) -> bytes:
    """The packet in an Ethernet frame between two MAC addresses."""
    kind = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
    return bytes.fromhex(destination.replace(':', '')) + bytes.fromhex(source.replace(':', '')) + struct.pack('!H', kind) + packet


def save(replay: Replay, path: Path, destination: str, source: str) -> None:
    """Writes what would be sent as pcap."""
    pcapfile.write(path, [(when, frame(packet, destination, source)) for when, packet, _ in replay.frames])


def send(replay: Replay, namespace: Namespace, device: str, destination: str, rate: int = 400) -> int:
    """Sends the packets in their order, at most `rate` a second, from a device of the namespace; returns how many."""
    source = namespace.mac(device)
    with namespace.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind((device, 0))
        began = time.monotonic()
        for number, (_, packet, _) in enumerate(replay.frames):
            ahead = number / rate - (time.monotonic() - began)
            if ahead > 0:
                time.sleep(ahead)
            wire.send(frame(packet, destination, source))
    return len(replay.frames)
