# SPDX-License-Identifier: GPL-2.0-or-later
"""The replay of captures, on packets made by scapy and on whatever files can hold."""

import ipaddress
import random
from pathlib import Path

import pytest
import scapy.all as scapy

from tests.harness import capture, pcapfile
from tests.harness.capture import Router

ROUTER = Router(ipaddress.IPv4Address('198.51.100.2'), ipaddress.IPv6Address('2001:db8:100::2'))
LINKS = {'ethernet': (pcapfile.ETHERNET, lambda packet: scapy.Ether(src='02:00:00:00:00:01', dst='02:00:00:00:00:02') / packet),
         'raw': (pcapfile.RAW, lambda packet: packet),
         'null': (pcapfile.NULL, lambda packet: b'\x02\0\0\0' + bytes(packet)),
         'cooked': (pcapfile.SLL, lambda packet: b'\0\0\0\1\0\6\2\0\0\0\0\1\0\0' + (b'\x08\0' if packet.version == 4 else b'\x86\xdd') + bytes(packet)),
         'vlan': (pcapfile.ETHERNET, lambda packet: scapy.Ether() / scapy.Dot1Q(vlan=7) / packet)}


def prepared(folder: Path, packets: list, link: str = 'ethernet', **options) -> capture.Replay:
    path = folder / 'test.pcap'
    link_type, wrap = LINKS[link]
    pcapfile.write(path, [(1.0 + number, bytes(wrap(packet))) for number, packet in enumerate(packets)], link_type)
    return capture.prepare(path, ROUTER, **options)


def sent(replay: capture.Replay) -> list:
    return [scapy.IP(data) if data[0] >> 4 == 4 else scapy.IPv6(data) for _, data, _ in replay.frames]


def assert_checksums(packet) -> None:
    """Every checksum is what scapy computes for the packet."""
    again = packet.copy()
    for layer in (scapy.IP, scapy.TCP, scapy.UDP):
        if layer in again:
            del again[layer].chksum
    if scapy.ICMPv6EchoRequest in again:
        del again[scapy.ICMPv6EchoRequest].cksum
    assert bytes(again) == bytes(packet)


def handshake(source: str, destination: str, ip=scapy.IP) -> list:
    there, back = ip(src=source, dst=destination), ip(src=destination, dst=source)
    return [there / scapy.TCP(sport=4000, dport=443, flags='S'), back / scapy.TCP(sport=443, dport=4000, flags='SA'),
            there / scapy.TCP(sport=4000, dport=443, flags='A'), there / scapy.TCP(sport=4000, dport=443, flags='PA') / b'hello']


@pytest.mark.parametrize('link', LINKS)
def test_only_the_initiator_is_sent_and_addressed_to_the_router(tmp_path, link):
    replay = prepared(tmp_path, handshake('8.8.8.8', '10.0.0.1'), link)
    assert [(packet.src, packet.dst) for packet in sent(replay)] == [('8.8.8.8', '198.51.100.2')] * 3
    assert replay.answers == 1
    assert replay.mapped == {}
    for packet in sent(replay):
        assert_checksums(packet)


def test_ipv6_is_sent_to_the_routers_ipv6_address(tmp_path):
    replay = prepared(tmp_path, handshake('2606:4700::1', '2a00::9', scapy.IPv6) + [scapy.IPv6(src='fe80::7', dst='2a00::9') / scapy.ICMPv6EchoRequest()])
    assert {packet.dst for packet in sent(replay)} == {'2001:db8:100::2'}
    assert replay.mapped == {ipaddress.ip_address('fe80::7'): ipaddress.ip_address('2a0e:5ec1::1')}
    for packet in sent(replay):
        assert_checksums(packet)


@pytest.mark.parametrize('address', ['10.1.1.1', '127.0.0.1', '169.254.3.4', '100.64.0.9', '192.168.0.1', '224.0.0.251', '0.0.0.0', '255.255.255.255'])
def test_source_that_is_not_public_is_mapped_onto_one_that_is(tmp_path, address):
    replay = prepared(tmp_path, [scapy.IP(src=address, dst='9.9.9.9') / scapy.UDP(sport=1, dport=53) / b'x'])
    mapped = replay.mapped[ipaddress.ip_address(address)]
    assert capture.is_public(mapped)
    assert f'source {address} is sent as {mapped}' in replay.report()
    assert_checksums(sent(replay)[0])


def test_mapping_is_one_to_one_and_takes_no_source_of_the_capture(tmp_path):
    packets = [scapy.IP(src=address, dst='9.9.9.9') / scapy.UDP(sport=1, dport=53) for address in ('11.0.0.1', '10.0.0.1', '10.0.0.2', '10.0.0.1')]
    replay = prepared(tmp_path, packets)
    assert [packet.src for packet in sent(replay)] == ['11.0.0.1', '11.0.0.2', '11.0.0.3', '11.0.0.2']


def test_assigned_source_is_used(tmp_path):
    replay = prepared(tmp_path, handshake('192.168.1.9', '10.0.0.1'), assign={'192.168.1.9': '203.0.113.5'})
    assert {packet.src for packet in sent(replay)} == {'203.0.113.5'}


def test_tcp_without_its_opening_is_listed_and_not_sent(tmp_path):
    replay = prepared(tmp_path, handshake('8.8.8.8', '10.0.0.1')[2:])
    assert replay.frames == []
    assert [str(flow) for flow in replay.headless] == ['TCP 8.8.8.8 4000 > 10.0.0.1 443']
    assert 'without a beginning' in replay.report()


def test_port_used_again_by_the_other_side_is_a_new_flow(tmp_path):
    first = handshake('8.8.8.8', '9.9.9.9') + [scapy.IP(src='8.8.8.8', dst='9.9.9.9') / scapy.TCP(sport=4000, dport=443, flags='R')]
    second = [scapy.IP(src='9.9.9.9', dst='8.8.8.8') / scapy.TCP(sport=443, dport=4000, flags='S')]
    assert [packet.src for packet in sent(prepared(tmp_path, first + second))] == ['8.8.8.8'] * 4 + ['9.9.9.9']


def test_fragments_stay_fragments_and_fit_together(tmp_path):
    whole = scapy.IP(src='10.0.0.1', dst='9.9.9.9', id=77) / scapy.UDP(sport=5, dport=500) / (b'abcdefgh' * 300)
    whole = scapy.IP(bytes(whole))
    fragments = scapy.fragment(whole, 800)
    replay = prepared(tmp_path, [*fragments, scapy.IP(src='9.9.9.9', dst='10.0.0.1') / scapy.UDP(sport=500, dport=5)])
    assert len(replay.frames) == len(fragments) > 2
    joined = scapy.defragment(scapy.PacketList(sent(replay)))[0]
    assert_checksums(scapy.IP(bytes(joined)))


def test_answer_to_a_fragment_is_the_responders(tmp_path):
    fragments = scapy.fragment(scapy.IP(src='9.9.9.9', dst='10.0.0.1', id=5) / scapy.UDP(sport=500, dport=5) / (b'x' * 1600), 800)
    replay = prepared(tmp_path, [scapy.IP(src='10.0.0.1', dst='9.9.9.9') / scapy.UDP(sport=5, dport=500), *fragments])
    assert (len(replay.frames), replay.answers) == (1, len(fragments))


def test_icmp_error_of_the_responder_is_an_answer(tmp_path):
    probe = scapy.IP(src='8.8.8.8', dst='10.0.0.1') / scapy.UDP(sport=9, dport=161) / b'x'
    error = scapy.IP(src='10.0.0.1', dst='8.8.8.8') / scapy.ICMP(type=3, code=3) / bytes(probe)
    replay = prepared(tmp_path, [probe, error])
    assert (len(replay.frames), replay.answers) == (1, 1)


def test_joined_segments_are_cut_to_the_links_size(tmp_path):
    large = scapy.IP(src='8.8.8.8', dst='10.0.0.1') / scapy.TCP(sport=4000, dport=443, flags='PA', seq=1000) / (b'z' * 4000)
    packets = sent(prepared(tmp_path, [*handshake('8.8.8.8', '10.0.0.1')[:2], large]))[1:]
    assert [packet[scapy.TCP].seq for packet in packets] == [1000, 2460, 3920]
    assert sum(len(packet[scapy.TCP].payload) for packet in packets) == 4000
    for packet in packets:
        assert_checksums(packet)


@pytest.mark.parametrize('packet, reason', [
    (scapy.ARP(), 'not IP'),
    (scapy.IP(src='8.8.8.8', dst='9.9.9.9', len=900) / scapy.UDP(), 'captured in part'),
    (scapy.IP(src='8.8.8.8', dst='9.9.9.9', len=10) / scapy.UDP(), 'broken IP header'),
    (scapy.IP(src='8.8.8.8', dst='9.9.9.9') / scapy.UDP() / (b'x' * 3000), 'larger than the link carries'),
    (scapy.IPv6(src='2a00::1', dst='2a00::2') / scapy.IPv6ExtHdrRouting() / scapy.UDP(), 'IPv6 routing header'),
    (scapy.IPv6(src='fe80::1', dst='ff02::1') / scapy.ICMPv6ND_RA(), 'between neighbours only'),
])
def test_packet_that_can_not_be_sent_is_counted_by_its_reason(tmp_path, packet, reason):
    replay = prepared(tmp_path, [packet])
    assert replay.frames == []
    assert replay.skipped == {reason: 1}


def test_family_that_the_router_lacks_is_counted(tmp_path):
    path = tmp_path / 'six.pcap'
    pcapfile.write(path, [(1.0, bytes(packet)) for packet in handshake('2606:4700::1', '2a00::9', scapy.IPv6)], pcapfile.RAW)
    replay = capture.prepare(path, Router(ipv4=ROUTER.ipv4))
    assert replay.skipped == {'the router has no IPv6 address': 4}


def test_pcapng_and_nanosecond_pcap_are_read(tmp_path):
    scapy.wrpcapng(str(tmp_path / 'a.pcapng'), [scapy.Ether() / packet for packet in handshake('8.8.8.8', '10.0.0.1')])
    scapy.wrpcap(str(tmp_path / 'b.pcap'), [scapy.Ether() / packet for packet in handshake('8.8.8.8', '10.0.0.1')], nano=True, endianness='>')
    for name in ('a.pcapng', 'b.pcap'):
        assert len(capture.prepare(tmp_path / name, ROUTER).frames) == 3


@pytest.mark.parametrize('content, said', [
    (b'', 'no capture'), (b'GIF89a' + b'\0' * 40, 'neither pcap nor pcapng'),
    (b'\xd4\xc3\xb2\xa1' + b'\0' * 20 + b'\1' * 10, 'at byte 24: the file ends in the header of a record'),
    (b'\xd4\xc3\xb2\xa1' + b'\0' * 20 + b'\0' * 8 + b'\x40\0\0\0' * 2 + b'x', 'at byte 24: the file ends in a record of 64 bytes'),
    (b'\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a' + b'\0' * 16 + b'\6\0\0\0\xff\xff\0\0' + b'\0' * 8, 'at byte 28: a block of 65535 bytes'),
])
def test_file_that_is_no_capture_is_refused_with_the_place(tmp_path, content, said):
    path = tmp_path / 'bad.pcap'
    path.write_bytes(content)
    with pytest.raises(pcapfile.CaptureError, match=said):
        capture.prepare(path, ROUTER)


def test_absent_file_is_refused_by_name(tmp_path):
    with pytest.raises(pcapfile.CaptureError, match='absent.pcap: No such file'):
        capture.prepare(tmp_path / 'absent.pcap', ROUTER)


def test_damaged_captures_never_end_in_anything_but_a_capture_error(tmp_path):
    chance = random.Random(20)
    packets = [bytes(scapy.Ether() / packet) for packet in [
        *handshake('8.8.8.8', '10.0.0.1'), *handshake('2606:4700::1', '2a00::9', scapy.IPv6),
        *scapy.fragment(scapy.IP(src='10.0.0.1', dst='9.9.9.9') / scapy.UDP() / (b'x' * 1600), 800),
        scapy.IPv6(src='2a00::1', dst='2a00::2') / scapy.IPv6ExtHdrHopByHop() / scapy.IPv6ExtHdrFragment() / scapy.UDP(),
        scapy.IP(src='1.1.1.1', dst='9.9.9.9') / scapy.ICMP(type=3) / bytes(scapy.IP() / scapy.UDP())]]
    path = tmp_path / 'damaged.pcap'
    for _ in range(400):
        damaged = []
        for packet in packets:
            data = bytearray(packet[:chance.randrange(len(packet) + 1)] if chance.random() < 0.3 else packet)
            for _ in range(chance.randrange(4)):
                if len(data) > 0:
                    data[chance.randrange(min(len(data), 64))] = chance.randrange(256)
            damaged.append((1.0, bytes(data)))
        pcapfile.write(path, damaged)
        content = bytearray(path.read_bytes())
        if chance.random() < 0.2:
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
        try:
            replay = capture.prepare(path, ROUTER)
        except pcapfile.CaptureError:
            continue
        assert replay.report()
        assert all(len(data) <= capture.MTU for _, data, _ in replay.frames)
