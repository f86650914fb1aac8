# SPDX-License-Identifier: GPL-2.0-or-later
"""Zone to zone, to the router itself, and what holds by nature: spoofed and invalid packets, neighbour discovery, echo, ICMP errors of live flows, masquerading."""

import errno
import ipaddress
import socket
import struct

import pytest

from tests.harness import daemon, frames, hosts
from tests.harness.daemon import (CLINIC_V4, CLINIC_V6, DESK_V4, DESK_V6, DEVICE_V4, DEVICE_V6, MODALITY_V4, MODALITY_V6, SERVER_V4, SERVER_V6, WAN_V4, WAN_V6,
                                  field)

ALLOWED_V4, ALLOWED_V6 = '203.0.113.5', '2001:db8:200::5'
WEB_V4, WEB_V6 = '192.0.2.80', '2001:db8:abc::80'  # a server on the Internet
STRANGER_V4, STRANGER_V6 = '192.0.2.200', '2001:db8:bad::1'

CONFIGURATION = daemon.NETWORKS + daemon.LOG_EVERYTHING + '''
nat { masquerade clinic; }
address-list vendor { address 203.0.113.0/28; address 2001:db8:200::/48; }
address-list archive { address 10.0.2.30; address 2001:db8:20::30; }
address-list workstations { address 10.0.1.48/28; address 2001:db8:10::50; }
address-list archive-v4 { address 10.0.2.30; }
service web { protocol tcp; port 8080; forward-to 10.0.1.20; forward-port 80; forward-to 2001:db8:10::20; source { address-list vendor; } }
service round { from wan; from clinic; protocol tcp; port 8090; forward-to 10.0.1.20; forward-port 80; source { address-list vendor; } }
policy no-discard { from clinic; to wan; protocol tcp; port 9; action deny; }
policy out { from clinic; to wan; action allow; }
policy too-late { from clinic; to wan; protocol tcp; port 80; action deny; }
policy to-archive {
    from clinic; to modality; protocol tcp; port 8104;
    source { address-list workstations; } destination { address-list archive; } action allow;
}
policy one-family { from clinic; to modality; protocol tcp; port 8105; destination { address-list archive-v4; } action allow; }
policy names { from clinic; to router; protocol udp; port 5353; action allow; }
policy not-from-here { from modality; to router; protocol tcp; port 8022; action deny; }
policy console { from modality; to router; protocol tcp; port 8022-8023; action allow; }
'''


def prepare(lab):
    lab.public(ALLOWED_V4, ALLOWED_V6, WEB_V4, WEB_V6, STRANGER_V4, STRANGER_V6)
    hosts.web_server(lab.server, lab.folder / 'nginx', 80)
    hosts.web_server(lab.outside, lab.folder / 'nginx-outside', 80)
    lab.device.start('socat', 'TCP6-LISTEN:8104,fork,reuseaddr', 'OPEN:/dev/null')
    lab.device.start('socat', 'TCP6-LISTEN:8105,fork,reuseaddr', 'OPEN:/dev/null')
    daemon.until(lambda: ':8105' in lab.device.run('ss', '-Hltn').stdout and ':8104' in lab.device.run('ss', '-Hltn').stdout, 'servers on the device')


def silently_denied(lab, host, port_of_router, packet, rule, reason, listening=None, **wanted):
    """A packet that must be counted, logged, let through to nobody and answered by nothing."""
    with frames.Wire(host, 'eth0') as wire, frames.Wire(listening or lab.server, 'eth0') as there:
        with lab.judged(rule, 'denied', reason, **wanted):
            wire.send(packet, lab.router.mac(port_of_router))
        source = frames.from_source(str(frames.parse(packet).source))
        assert not any(map(source, there.caught()))
        assert [answer for answer in wire.caught() if answer.destination == frames.parse(packet).source] == []


def from_wan(lab, packet, rule, reason, **wanted):
    silently_denied(lab, lab.outside, 'wan0', packet, rule, reason, observer__ingress__zone='wan', **wanted)


# ---- spoofed and invalid -----------------------------------------------------------------------------------------------------------------------------------


def test_from_the_wan_straight_to_an_inside_address_is_spoofed(lab):
    for source in (ALLOWED_V4, STRANGER_V4):
        for target in (SERVER_V4, DEVICE_V4):
            number = frames.unique_port()
            from_wan(lab, frames.ip(source, target, frames.tcp(number, 80)), 'screen.wan-to-inside', 'spoofed', source__ip=source, source__port=number,
                     destination__ip=target)


def test_wan_to_the_router_s_inside_address_is_spoofed(lab):
    number = frames.unique_port()
    from_wan(lab, frames.ip(ALLOWED_V4, CLINIC_V4, frames.tcp(number, 8022)), 'screen.wan-to-inside', 'spoofed', source__port=number, destination__ip=CLINIC_V4)


@pytest.mark.parametrize('source', [DESK_V4, DEVICE_V4, CLINIC_V4, '127.0.0.1', '0.1.2.3', '224.0.0.5', '240.0.0.9'])
def test_source_on_the_wan_that_cannot_be_there_is_spoofed(lab, source):
    number = frames.unique_port()
    from_wan(lab, frames.ip(source, WAN_V4, frames.tcp(number, 8080)), 'screen.wan-source', 'spoofed', source__ip=source, source__port=number)


@pytest.mark.parametrize('source', [DESK_V6, DEVICE_V6, CLINIC_V6, WAN_V6])
def test_ipv6_source_on_the_wan_that_cannot_be_there_is_spoofed(lab, source):
    number = frames.unique_port()
    from_wan(lab, frames.ip(source, SERVER_V6, frames.tcp(number, 80)), 'screen.wan-source', 'spoofed', source__ip=source, source__port=number)


@pytest.mark.parametrize('source,target', [(DEVICE_V4, WEB_V4), ('8.8.8.8', WEB_V4), ('192.168.1.5', CLINIC_V4), (DEVICE_V6, WEB_V6), ('2001:db8:ffff::1', CLINIC_V6)])
def test_inside_source_that_is_not_of_its_network_is_spoofed(lab, source, target):
    number = frames.unique_port()
    silently_denied(lab, lab.desk, 'br-clinic', frames.ip(source, target, frames.tcp(number, 80)), 'zone.clinic.source', 'spoofed', lab.outside,
                    source__ip=source, source__port=number, observer__ingress__zone='clinic')


@pytest.mark.parametrize('source,target', [(CLINIC_V4, WEB_V4), (CLINIC_V6, WEB_V6), (CLINIC_V6, SERVER_V6)])
def test_inside_source_that_is_the_router_is_spoofed(lab, source, target):
    number = frames.unique_port()
    silently_denied(lab, lab.desk, 'br-clinic', frames.ip(source, target, frames.tcp(number, 80)), 'zone.clinic.source', 'spoofed', lab.outside,
                    source__ip=source, source__port=number, observer__ingress__zone='clinic')


def test_spoofed_packet_does_not_ride_on_a_live_flow(lab):
    """Judged before connection tracking: a packet that bears the addresses and ports of a live flow but comes in elsewhere is spoofed."""
    with hosts.connection(lab.desk, WEB_V4, 80) as peer:
        number = peer.getsockname()[1]
        from_wan(lab, frames.ip(DESK_V4, WEB_V4, frames.tcp(number, 80, frames.ACK)), 'screen.wan-source', 'spoofed', source__ip=DESK_V4, source__port=number)


@pytest.mark.parametrize('flags', [frames.ACK, frames.SYN | frames.FIN, 0, frames.FIN | frames.PSH | frames.URG, frames.RST | frames.ACK, frames.SYN | frames.ACK])
def test_packets_that_begin_no_connection_are_invalid(lab, flags):
    number = frames.unique_port()
    from_wan(lab, frames.ip(ALLOWED_V4, WAN_V4, frames.tcp(number, 8080, flags)), 'flow.invalid', 'invalid', source__port=number)
    from_wan(lab, frames.ip(ALLOWED_V6, SERVER_V6, frames.tcp(number, 80, flags)), 'flow.invalid', 'invalid', source__ip=ALLOWED_V6, source__port=number)


def test_broken_checksum_is_invalid(lab):
    number = frames.unique_port()
    packet = bytearray(frames.ip(ALLOWED_V4, WAN_V4, frames.tcp(number, 8080)))
    packet[20 + 16] ^= 0x55
    from_wan(lab, bytes(packet), 'flow.invalid', 'invalid', source__port=number)


# ---- the router itself -------------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('address', [CLINIC_V4, CLINIC_V6])
def test_inside_host_may_ping_the_router_at_its_zone_s_address(lab, address):
    with lab.judged('zone.clinic.echo', 'accepted', 'accepted', destination__ip=address, observer__ingress__zone='clinic',
                    network__transport='ipv6-icmp' if ':' in address else 'icmp'):
        lab.desk.run('ping', '-n', '-c1', '-W5', address)


@pytest.mark.parametrize('address', [WAN_V4, WAN_V6])
def test_nobody_on_the_wan_pings_the_router(lab, address):
    source = ALLOWED_V6 if ':' in address else ALLOWED_V4
    with frames.Wire(lab.outside, 'eth0') as wire:
        with lab.judged('zone.wan.deny', 'denied', 'no-service', source__ip=source, destination__ip=address,
                        network__transport='ipv6-icmp' if ':' in address else 'icmp'):
            wire.send(frames.ip(source, address, frames.echo(address)), lab.router.mac('wan0'))
        replies = [packet for packet in wire.caught() if packet.protocol in (frames.ICMP, frames.ICMPV6) and str(packet.destination) == source]
        assert replies == []


@pytest.mark.parametrize('address', [MODALITY_V4, WAN_V4, MODALITY_V6, WAN_V6])
def test_inside_zone_reaches_the_router_at_its_own_zone_s_address_only(lab, address):
    with hosts.listener(lab.router, address, 5353, socket.SOCK_DGRAM), lab.desk.socket(hosts.family_of(address), socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.connect((address, 5353))
        with lab.judged('zone.clinic.other-address', 'denied', 'zone', destination__ip=address, network__transport='udp',
                        source__port=client.getsockname()[1]):
            client.send(b'question')
        with pytest.raises(OSError) as refused:  # told so: ICMP administratively prohibited
            client.recv(100)
        assert refused.value.errno in (errno.EHOSTUNREACH, errno.EACCES), refused.value


@pytest.mark.parametrize('address', [CLINIC_V4, CLINIC_V6])
def test_inside_zone_reaches_what_a_policy_lists_on_the_router(lab, address):
    source = DESK_V6 if ':' in address else DESK_V4
    with hosts.listener(lab.router, address, 5353, socket.SOCK_DGRAM) as server, lab.desk.socket(hosts.family_of(address), socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.connect((address, 5353))
        with lab.judged('policy.names.allow', 'accepted', 'accepted', source__ip=source, destination__ip=address, destination__port=5353):
            client.send(b'question')
            data, peer = server.recvfrom(100)
            server.sendto(b'answer', peer)
            assert client.recv(100) == b'answer'


@pytest.mark.parametrize('address', [CLINIC_V4, CLINIC_V6])
def test_inside_zone_is_refused_everything_else_on_the_router(lab, address):
    number = frames.unique_port()
    with hosts.listener(lab.router, address, 8500), \
            lab.judged('zone.clinic.deny', 'denied', 'zone', source__port=number, destination__ip=address, destination__port=8500):
        assert isinstance(hosts.refusal(lab.desk, address, 8500, source_port=number), ConnectionRefusedError)


@pytest.mark.parametrize('address', [MODALITY_V4, MODALITY_V6])
def test_policies_to_the_router_are_tried_in_their_order(lab, address):
    with hosts.listener(lab.router, address, 8022), hosts.listener(lab.router, address, 8023):
        number = frames.unique_port()
        with lab.judged('policy.not-from-here.deny', 'denied', 'zone', source__port=number, destination__port=8022):
            assert isinstance(hosts.refusal(lab.device, address, 8022, source_port=number), ConnectionRefusedError)
        with lab.judged('policy.console.allow', 'accepted', 'accepted', destination__port=8023, destination__ip=address):
            hosts.connection(lab.device, address, 8023).close()


def test_neighbour_discovery_needs_hop_limit_255(lab):
    mac, target = lab.outside.mac('eth0'), lab.router.mac('wan0')
    source = '2001:db8:100::1'
    with frames.Wire(lab.outside, 'eth0') as wire:
        def advertised(packet):
            return packet.protocol == frames.ICMPV6 and packet.data[packet.transport] == frames.ADVERTISEMENT and str(packet.source) == WAN_V6

        with lab.judged('zone.wan.deny', 'denied', 'no-service', source__ip=source, network__transport='ipv6-icmp', sekisho__icmp__type=135):
            wire.send(frames.ip(source, WAN_V6, frames.solicitation(WAN_V6, mac), hop_limit=254), target)
        assert not any(map(advertised, wire.caught()))
        before = lab.counters()['zone.wan.neighbour']
        wire.send(frames.ip(source, WAN_V6, frames.solicitation(WAN_V6, mac), hop_limit=255), target)
        assert wire.catch(advertised) is not None
        daemon.until(lambda: lab.counters()['zone.wan.neighbour'] > before, 'the counter of neighbour discovery')


def test_router_advertisements_from_the_wan_are_denied(lab):
    advertisement = frames.icmp6(134, 0, struct.pack('!BBH', 64, 0, 1800), struct.pack('!II', 0, 0))
    link_local = 'fe80::bad'
    with frames.Wire(lab.outside, 'eth0') as wire:
        with lab.judged('zone.wan.deny', 'denied', 'no-service', source__ip=link_local, sekisho__icmp__type=134):
            wire.send(frames.ip(link_local, 'ff02::1', advertisement, hop_limit=255), '33:33:00:00:00:01')
    assert link_local not in lab.router.ip('-6', 'route')


# ---- zone to zone ------------------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('target,seen', [(WEB_V4, WAN_V4), (WEB_V6, DESK_V6)])
def test_clinic_goes_out_and_ipv4_is_masqueraded(lab, target, seen):
    source = DESK_V6 if ':' in target else DESK_V4
    with lab.judged('policy.out.allow', 'accepted', 'accepted', source__ip=source, destination__ip=target, destination__port=80,
                    observer__ingress__zone='clinic', observer__egress__zone='wan'):
        assert hosts.page(lab.desk, target, 80, source) == seen
    event = lab.logged({'rule.id': 'policy.out.allow', 'destination.ip': target})[-1]
    assert field(event, 'source.nat.ip') == (WAN_V4 if seen == WAN_V4 else None)
    assert field(event, 'destination.nat.ip') is None


def test_a_policy_behind_the_one_that_allows_comes_too_late(lab):
    before = lab.counters()['policy.too-late.deny']
    assert hosts.page(lab.desk, WEB_V4, 80, DESK_V4) == WAN_V4
    assert lab.counters()['policy.too-late.deny'] == before


@pytest.mark.parametrize('target', [WEB_V4, WEB_V6])
def test_a_denying_policy_before_rejects_with_a_reset(lab, target):
    number = frames.unique_port()
    with lab.judged('policy.no-discard.deny', 'denied', 'zone', source__port=number, destination__ip=target, destination__port=9):
        assert isinstance(hosts.refusal(lab.desk, target, 9, source_port=number), ConnectionRefusedError)


@pytest.mark.parametrize('target', [DEVICE_V4, DEVICE_V6])
def test_policy_with_lists_on_both_sides(lab, target):
    desk, server = (DESK_V6, SERVER_V6) if ':' in target else (DESK_V4, SERVER_V4)
    with lab.judged('policy.to-archive.allow', 'accepted', 'accepted', source__ip=desk, destination__ip=target, destination__port=8104,
                    observer__egress__zone='modality'):
        hosts.connection(lab.desk, target, 8104, desk).close()
    number = frames.unique_port()
    with lab.judged('zone.clinic.deny', 'denied', 'zone', source__ip=server, source__port=number, destination__ip=target):
        assert isinstance(hosts.refusal(lab.server, target, 8104, server, number), ConnectionRefusedError)


def test_policy_with_a_list_of_one_family_closes_the_other(lab):
    hosts.connection(lab.desk, DEVICE_V4, 8105).close()
    number = frames.unique_port()
    with lab.judged('zone.clinic.deny', 'denied', 'zone', source__port=number, destination__ip=DEVICE_V6):
        assert isinstance(hosts.refusal(lab.desk, DEVICE_V6, 8105, source_port=number), ConnectionRefusedError)


@pytest.mark.parametrize('target', [WEB_V4, WEB_V6, DESK_V4, DESK_V6])
def test_zone_without_a_policy_is_refused_with_an_icmp_error(lab, target):
    with lab.device.socket(hosts.family_of(target), socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.connect((target, 7000))
        with lab.judged('zone.modality.deny', 'denied', 'zone', destination__ip=target, destination__port=7000, source__port=client.getsockname()[1]):
            client.send(b'anyone')
        with pytest.raises(OSError) as refused:
            client.recv(100)
        assert refused.value.errno in (errno.EHOSTUNREACH, errno.EACCES), refused.value


def test_hairpin_works_where_a_service_says_so(lab):
    with lab.judged('service.round.allow', 'accepted', 'accepted', source__ip=DESK_V4, destination__ip=WAN_V4, destination__port=8090,
                    destination__nat__ip=SERVER_V4, destination__nat__port=80, observer__ingress__zone='clinic'):
        # client and server share a network: the answer has to come back through the router
        assert hosts.page(lab.desk, WAN_V4, 8090, DESK_V4) == CLINIC_V4


def test_no_hairpin_without_a_service_that_says_so(lab):
    number = frames.unique_port()
    with lab.judged('zone.clinic.other-address', 'denied', 'zone', source__port=number, destination__ip=WAN_V4, destination__port=8080):
        assert isinstance(hosts.refusal(lab.desk, WAN_V4, 8080, source_port=number), ConnectionRefusedError)
    number = frames.unique_port()
    with lab.judged('zone.modality.other-address', 'denied', 'zone', source__port=number, destination__ip=WAN_V4, destination__port=8090):
        assert isinstance(hosts.refusal(lab.device, WAN_V4, 8090, source_port=number), ConnectionRefusedError)


# ---- ICMP errors -------------------------------------------------------------------------------------------------------------------------------------------


def _segment(packet) -> bytes:
    return bytes(packet.data)


def test_fragmentation_needed_of_a_live_flow_passes(lab):
    """Path MTU: a router on the way (with a shared address of its own, as carriers have) reports about a packet that the inside server sent."""
    with frames.Wire(lab.outside, 'eth0') as wire, frames.Wire(lab.server, 'eth0') as inside, \
            hosts.connection(lab.outside, WAN_V4, 8080, ALLOWED_V4) as peer:
        peer.sendall(b'GET / HTTP/1.0\r\n\r\n')
        answer = wire.catch(lambda packet: str(packet.source) == WAN_V4 and packet.protocol == frames.TCP and len(packet.data) > 100)
        assert answer is not None
        before = lab.counters()['flow.established']
        wire.send(frames.fragmentation_needed('100.64.0.9', _segment(answer)), lab.router.mac('wan0'))
        error = inside.catch(lambda packet: packet.protocol == frames.ICMP)
        assert error is not None and str(error.source) == '100.64.0.9' and str(error.destination) == SERVER_V4
        assert error.data[error.transport] == frames.UNREACHABLE and error.data[error.transport + 1] == 4
        # translated inside as well, or the server could not find the connection
        assert ipaddress.IPv4Address(bytes(error.data[error.transport + 8 + 12:error.transport + 8 + 16])) == ipaddress.IPv4Address(SERVER_V4)
        assert lab.counters()['flow.established'] > before


def test_fragmentation_needed_of_a_masqueraded_flow_passes(lab):
    with frames.Wire(lab.outside, 'eth0') as wire, frames.Wire(lab.desk, 'eth0') as inside, hosts.connection(lab.desk, WEB_V4, 80) as peer:
        peer.sendall(b'GET / HTTP/1.0\r\n\r\n')
        request = wire.catch(lambda packet: str(packet.source) == WAN_V4 and packet.protocol == frames.TCP and len(packet.data) > 50)
        assert request is not None
        wire.send(frames.fragmentation_needed('100.64.0.9', _segment(request)), lab.router.mac('wan0'))
        error = inside.catch(lambda packet: packet.protocol == frames.ICMP)
        assert error is not None and str(error.destination) == DESK_V4


def test_packet_too_big_of_a_live_flow_passes(lab):
    with frames.Wire(lab.outside, 'eth0') as wire, frames.Wire(lab.server, 'eth0') as inside, \
            hosts.connection(lab.outside, SERVER_V6, 80, ALLOWED_V6) as peer:
        peer.sendall(b'GET / HTTP/1.0\r\n\r\n')
        answer = wire.catch(lambda packet: str(packet.source) == SERVER_V6 and packet.protocol == frames.TCP and len(packet.data) > 100)
        assert answer is not None
        wire.send(frames.too_big('2001:db8:fe::1', _segment(answer)), lab.router.mac('wan0'))
        error = inside.catch(lambda packet: packet.protocol == frames.ICMPV6 and packet.data[packet.transport] == frames.PACKET_TOO_BIG)
        assert error is not None and str(error.destination) == SERVER_V6


def test_icmp_error_about_no_flow_is_invalid(lab):
    sent_v4 = frames.ip(WAN_V4, STRANGER_V4, frames.tcp(8080, 45000, frames.ACK))
    from_wan(lab, frames.fragmentation_needed('100.64.0.9', sent_v4), 'flow.invalid', 'invalid', source__ip='100.64.0.9', sekisho__icmp__type=3)
    sent_v6 = frames.ip(SERVER_V6, STRANGER_V6, frames.tcp(80, 45000, frames.ACK))
    from_wan(lab, frames.too_big('2001:db8:fe::1', sent_v6), 'flow.invalid', 'invalid', source__ip='2001:db8:fe::1', sekisho__icmp__type=2)


def test_tables_for_people_name_source_rule_and_reason(lab):
    number = frames.unique_port()
    from_wan(lab, frames.ip(STRANGER_V4, WAN_V4, frames.tcp(number, 8080)), 'service.web.deny', 'not-allowed', source__ip=STRANGER_V4, source__port=number)
    table = lab.command('show', 'log', '--last', '5').stdout
    assert f'{STRANGER_V4}:{number}' in table and 'service.web.deny' in table and 'not-allowed' in table
    by_source = lab.command('show', 'log', '--last', '1000', '--by-source').stdout
    assert any(STRANGER_V4 in line and 'denied' in line and 'service.web.deny' in line for line in by_source.splitlines())
