# SPDX-License-Identifier: GPL-2.0-or-later
"""The router's own DHCP server and DNS forwarder, and what binds devices on guarded ports to their addresses: from a real client that is served to every way of claiming what is another's."""

import json
import re
import signal
import socket
import struct
import subprocess

import pytest

from tests.harness import daemon, frames
from tests.harness.daemon import CLINIC_V4, CLINIC_V6, DESK_V4, DESK_V6, SERVER_V4, SERVER_V6, field, until
from tests.harness.dhcp_client import DhcpClient

SERVER_MAC, DESK_MAC = '00:16:3e:00:00:20', '00:16:3e:00:00:50'
BROADCAST = 'ff:ff:ff:ff:ff:ff'
RANGE = range(100, 110)


def configuration(binding: str = 'report', devices: str = '', server: bool = True) -> str:
    served = 'dhcp-server { range 10.0.1.100-10.0.1.109; } dns-forwarder;' if server else ''
    networks = daemon.NETWORKS.replace('port lan2;', f'port lan2; {served}').replace('host-name testbed;', 'host-name testbed; name-server 198.51.100.1;')
    return networks + daemon.LOG_EVERYTHING + f'''
port-access {{
    role office {{ }}
    port lan1 {{ mode mab; role office; source-binding {binding}; }}
    port lan2 {{ mode mab; role office; source-binding {binding}; }}
    device {SERVER_MAC} {{ name "server"; address {SERVER_V4}; address {SERVER_V6}; }}
    device {DESK_MAC} {{ name "desk"; {devices} }}
}}
'''


@pytest.fixture
def make(new_lab):
    def start(*arguments, **named):
        lab = new_lab(configuration(*arguments, **named))
        for host, mac in ((lab.server, SERVER_MAC), (lab.desk, DESK_MAC)):
            host.ip('link', 'set', 'eth0', 'address', mac)
        lab.start()
        return lab
    return start


def pings(host, address: str, *options: str) -> bool:
    return host.run('ping', '-c', '1', '-W', '1', *options, address, check=False, timeout=20).returncode == 0


def comes_on(host, address: str = CLINIC_V4) -> None:
    until(lambda: pings(host, address), f'an answer of {address}', 10)


def leases(lab) -> str:
    return lab.nft('list', 'set', 'netdev', 'sekisho_ports', 'leased4')


def arp(sender_mac: str, sender: str, target: str, frame_mac: str, operation: int = 2) -> bytes:
    return (frames.mac_bytes(BROADCAST) + frames.mac_bytes(frame_mac) + struct.pack('!HHHBBH', 0x0806, 1, 0x0800, 6, 4, operation) + frames.mac_bytes(sender_mac)
            + socket.inet_aton(sender) + b'\0' * 6 + socket.inet_aton(target))


def advertisement(target: str, mac: str) -> frames.Part:
    return frames.icmp6(frames.ADVERTISEMENT, 0, b'\x20\0\0\0', socket.inet_pton(socket.AF_INET6, target) + b'\x02\x01' + frames.mac_bytes(mac))


def discover(chaddr: str, relay: str = '0.0.0.0', number: int = 0x1234) -> frames.Part:
    bootp = struct.pack('!BBBBIHH4s4s4s4s', 1, 1, 6, 0, number, 0, 0x8000, b'', b'', b'', socket.inet_aton(relay)) + frames.mac_bytes(chaddr) + b'\0' * 202
    return frames.udp(68, 67, bootp + b'\x63\x82\x53\x63\x35\x01\x01\xff')


def told(lab, reason: str, address: str | None = None, since: int = 0, mac: str = DESK_MAC) -> dict:
    wanted = {'event__action': 'source-binding', 'event__reason': reason, 'source__mac': mac}
    return lab.event(since, **wanted, **({'source__ip': address} if address else {}))


def neighbour(lab, address: str) -> str:
    return lab.router.ip('neigh', 'show', address, 'dev', 'br-clinic')


def ask(host, server: str, name: str = 'clinic') -> bytes | None:
    """What answers a DNS question for an IPv4 address there. A name without a dot is never passed on: the forwarder answers it by itself."""
    question = struct.pack('!HHHHHH', 7, 0x0100, 1, 0, 0, 0) + b''.join(bytes([len(part)]) + part.encode() for part in name.split('.')) + b'\0\0\x01\0\x01'
    with host.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(1)
        try:
            peer.sendto(question, (server, 53))
            return peer.recv(512)
        except OSError:
            return None


def test_a_device_is_served_and_its_address_becomes_its_own(make):
    lab = make('enforce')
    client = DhcpClient(lab, lab.desk)
    address, rest = client.lease()
    assert int(address.rsplit('.', 1)[1]) in RANGE and rest == f'router={CLINIC_V4} dns={CLINIC_V4}'
    comes_on(lab.desk)
    assert f'{DESK_MAC} . {address}' in leases(lab) and 'expires' in leases(lab)
    assert ask(lab.desk, CLINIC_V4) and ask(lab.outside, daemon.WAN_V4) is None
    since = len(lab.log())
    lab.desk.address('eth0', '10.0.1.151/24')
    assert not pings(lab.desk, CLINIC_V4, '-I', '10.0.1.151')
    assert field(told(lab, 'no-lease', since=since), 'event.kind') == 'event'


def test_a_registered_device_gets_its_own_address(make):
    lab = make('enforce')
    address, _ = DhcpClient(lab, lab.server).lease()
    assert address == SERVER_V4
    comes_on(lab.server)
    comes_on(lab.server, CLINIC_V6)
    assert SERVER_V4 in (lab.run / 'dhcp-leases').read_text()


def test_a_named_address_can_be_claimed_by_nobody_else(make):
    lab = make('off')
    comes_on(lab.desk)
    lab.desk.address('eth0', f'{SERVER_V4}/24')
    lab.desk.ip('-6', 'address', 'add', f'{SERVER_V6}/64', 'dev', 'eth0', 'nodad')
    router = lab.router.mac('br-clinic')
    with frames.Wire(lab.desk, 'eth0') as wire:
        for address, packet in ((SERVER_V4, frames.ip(SERVER_V4, CLINIC_V4, frames.echo(CLINIC_V4))),
                                (SERVER_V6, frames.ip(SERVER_V6, CLINIC_V6, frames.echo(CLINIC_V6))),
                                (SERVER_V6, frames.ip('fe80::50', 'ff02::1', advertisement(SERVER_V6, DESK_MAC), hop_limit=255)),
                                (SERVER_V6, frames.ip('::', 'ff02::1:ff00:20', frames.icmp6(frames.SOLICITATION, 0, b'\0' * 4, socket.inet_pton(socket.AF_INET6, SERVER_V6)), hop_limit=255)),
                                (CLINIC_V4, frames.ip(CLINIC_V4, '10.0.1.255', frames.udp(1000, 2000)))):
            since = len(lab.log())
            wire.forget()
            wire.send(packet, router)
            event = told(lab, 'address-of-another', address, since)
            assert field(event, 'event.kind') == 'alert' and field(event, 'sekisho.access.device') == 'desk'
            assert field(event, 'observer.ingress.interface.name') == 'lan2'
            assert wire.catch(lambda packet: str(packet.destination) in (SERVER_V4, SERVER_V6), 0.3) is None
    assert DESK_MAC not in neighbour(lab, SERVER_V4) + neighbour(lab, SERVER_V6)
    comes_on(lab.server)  # whose address it is
    assert SERVER_MAC in neighbour(lab, SERVER_V4)


def test_arp_claims_no_named_address_either(make):
    lab = make('off')
    comes_on(lab.desk)
    with frames.Wire(lab.desk, 'eth0') as wire:
        for operation in (1, 2):
            since = len(lab.log())
            wire.send_frames([arp(DESK_MAC, SERVER_V4, CLINIC_V4, DESK_MAC, operation)])
            told(lab, 'address-of-another', SERVER_V4, since)
        since = len(lab.log())
        wire.send_frames([arp(SERVER_MAC, SERVER_V4, CLINIC_V4, DESK_MAC)])
        told(lab, 'arp-sender', SERVER_V4, since)
    assert SERVER_MAC not in neighbour(lab, SERVER_V4) and DESK_MAC not in neighbour(lab, SERVER_V4)


def test_a_device_with_addresses_uses_no_others(make):
    lab = make('off')
    comes_on(lab.server)
    lab.server.address('eth0', '10.0.1.77/24')
    lab.server.ip('-6', 'address', 'add', '2001:db8:10::77/64', 'dev', 'eth0', 'nodad')
    for own, address in ((CLINIC_V4, '10.0.1.77'), (CLINIC_V6, '2001:db8:10::77')):
        assert not pings(lab.server, own, '-I', address)
        told(lab, 'not-its-address', address, mac=SERVER_MAC)
    assert pings(lab.server, CLINIC_V4, '-I', SERVER_V4)
    until(lambda: pings(lab.server, CLINIC_V6, '-I', SERVER_V6), 'an answer in IPv6', 10)


def test_dhcp_for_another_device_and_by_a_relay_is_dropped(make):
    lab = make()
    comes_on(lab.desk)
    with frames.Wire(lab.desk, 'eth0') as wire:
        for chaddr, relay in ((SERVER_MAC, '0.0.0.0'), (DESK_MAC, DESK_V4)):
            since = len(lab.log())
            wire.send(frames.ip('0.0.0.0', '255.255.255.255', discover(chaddr, relay)), BROADCAST)
            told(lab, 'dhcp-client-address', since=since)
        short = frames.udp(68, 67, b'\1\1\6\0' + b'\0' * 20)
        since = len(lab.log())
        wire.send(frames.ip('0.0.0.0', '255.255.255.255', short), BROADCAST)
        told(lab, 'dhcp-client-address', since=since)
        before = lab.counters()['zone.clinic.dhcp-server']
        wire.send(frames.ip('0.0.0.0', '255.255.255.255', discover(DESK_MAC)), BROADCAST)
        until(lambda: lab.counters()['zone.clinic.dhcp-server'] == before + 1, 'a request that reaches the server')


def test_what_only_the_router_says_is_dropped(make):
    lab = make('off')
    comes_on(lab.desk)
    offers = (frames.ip(DESK_V4, '255.255.255.255', frames.udp(67, 68)), frames.ip(DESK_V4, '255.255.255.255', frames.udp(1067, 68)),
              frames.ip(DESK_V6, 'ff02::1', frames.udp(547, 546)))
    with frames.Wire(lab.desk, 'eth0') as wire:
        for packet in offers:
            since = len(lab.log())
            wire.send(packet, BROADCAST)
            told(lab, 'dhcp-server', since=since)
        since = len(lab.log())
        wire.send(frames.ip('fe80::50', 'ff02::1', frames.icmp6(134, 0, b'\x40\0\x07\x08', b'\0' * 8), hop_limit=255), BROADCAST)
        told(lab, 'router-advertisement', since=since)


def test_who_has_neither_is_told_of_and_dropped_only_where_that_is_enforced(make):
    lab = make('report')
    comes_on(lab.desk)
    event = told(lab, 'no-lease', DESK_V4)
    assert field(event, 'event.kind') == 'event'
    comes_on(lab.desk, CLINIC_V6)
    told(lab, 'no-lease', DESK_V6)
    assert pings(lab.desk, CLINIC_V4) and len(lab.logged({'event.reason': 'no-lease', 'source.ip': DESK_V4})) == 1, 'once in a while'
    lab.apply(configuration('enforce'))
    assert not pings(lab.desk, CLINIC_V4)
    assert pings(lab.desk, CLINIC_V6)  # there is no server that could give it an address
    lab.apply(configuration('enforce', f'address {DESK_V4}; address {DESK_V6};'))
    comes_on(lab.desk)
    comes_on(lab.desk, CLINIC_V6)


def test_link_local_addresses_and_their_detection_stay_possible(make):
    lab = make('enforce')
    lab.router.ip('-6', 'address', 'add', 'fe80::1/64', 'dev', 'br-clinic', 'nodad')
    for host in (lab.server, lab.desk):
        until(lambda host=host: pings(host, 'fe80::1%eth0'), 'an answer over link-local addresses', 10)


def test_leases_end_without_the_daemon_and_are_taken_over_by_the_next(make):
    lab = make('enforce')
    address, _ = DhcpClient(lab, lab.desk).lease()
    comes_on(lab.desk)
    lab.kill()
    assert pings(lab.desk, CLINIC_V4)
    # every lease in the kernel ends within a minute from now, since nobody renews it
    times = re.findall(rf'{DESK_MAC} \. {re.escape(address)} timeout 1m expires (\d+)s', leases(lab))
    assert len(times) == 1 and int(times[0]) <= 60
    lab.start()
    comes_on(lab.desk)
    assert address in leases(lab)
    until(lambda: any('dnsmasq' in words[0] for words in lab.processes().values() if words), 'the DHCP server')


def test_a_lease_that_was_given_back_binds_nobody(make):
    lab = make('enforce')
    client = DhcpClient(lab, lab.desk)
    address, _ = client.lease()
    comes_on(lab.desk)
    client.process.send_signal(signal.SIGUSR2)  # releases it
    until(lambda: address not in leases(lab), 'the end of the lease')


def test_a_device_admitted_by_its_mac_that_changes_its_name_is_an_alarm(make):
    lab = make('off')

    def asks(name: str) -> None:
        DhcpClient(lab, lab.desk, name).lease()
        until(lambda: [session.get('host_name') for session in lab.asked('show', 'access', 'sessions', 'mac', DESK_MAC, 'detail')['access_sessions']] == [name], f'{name} as its name')

    asks('desk-1')
    assert not lab.logged({'event.action': 'host-name-changed'})
    asks('kali')
    event = lab.event(event__action='host-name-changed', source__mac=DESK_MAC)
    assert field(event, 'event.kind') == 'alert' and field(event, 'message').endswith('calls itself "kali", before "desk-1"; it may be another one')
    comes_on(lab.desk)  # told of, not cut off


def between_ports(statements: str, role: str = '') -> str:
    return configuration('off', f'role restricted; {role}') .replace('role office { }', 'role office { } role restricted { destination { address-list reachable; } }') + \
        'address-list reachable { address 10.0.1.20; }\n' + statements


def test_between_ports_passes_what_a_policy_allows_and_the_role_names(make):
    lab = make('off')
    comes_on(lab.desk)
    comes_on(lab.server)
    assert not pings(lab.desk, SERVER_V4) and not pings(lab.server, DESK_V4)
    allow = 'policy among { from clinic; to clinic; protocol icmp; action allow; }\n'
    lab.apply(configuration('off') + allow)
    until(lambda: pings(lab.desk, SERVER_V4), 'an answer of the other port', 10)
    assert lab.router.mac('br-clinic') in lab.desk.ip('neigh', 'show', SERVER_V4)  # by the router
    with lab.judged('zone.clinic.deny', 'denied', 'zone', source__ip=DESK_V4, destination__ip=SERVER_V4, network__transport='tcp'):
        with lab.desk.socket(socket.AF_INET, socket.SOCK_STREAM) as peer, pytest.raises(OSError):
            peer.settimeout(5)
            peer.connect((SERVER_V4, 445))
    # a role that names destinations reaches these alone
    lab.apply(between_ports(allow))
    until(lambda: pings(lab.desk, SERVER_V4), 'an answer of what the role names', 10)
    lab.apply(between_ports(allow).replace('reachable { address 10.0.1.20; }', 'reachable { address 10.0.1.21; }'))
    until(lambda: not pings(lab.desk, SERVER_V4), 'the end of what the role names', 10)
    lab.event(event__action='connection-denied', rule__id='port-access.role.restricted', destination__ip=SERVER_V4)
    # and answers these alone, too: both roles have to allow it
    answers = between_ports(allow).replace('name "desk"; role restricted;', 'name "desk";').replace('name "server";', 'name "server"; role restricted;')
    lab.apply(answers)
    assert not pings(lab.desk, SERVER_V4)
    lab.apply(answers.replace('reachable { address 10.0.1.20; }', f'reachable {{ address {DESK_V4}; }}'))
    until(lambda: pings(lab.desk, SERVER_V4), 'an answer that the role of who answers allows', 10)
    lab.apply(configuration('off'))
    until(lambda: not pings(lab.desk, SERVER_V4), 'the end of the policy', 10)


def test_without_a_server_nothing_runs_and_nothing_is_open(make):
    lab = make('off', server=False)
    comes_on(lab.desk)
    assert not any('dnsmasq' in ' '.join(words) for words in lab.processes().values())
    assert ask(lab.desk, CLINIC_V4) is None
    rules = json.dumps(lab.asked('show', 'rules'))
    assert 'zone.clinic.dhcp-server' not in rules and 'zone.clinic.dns' not in rules
    lab.apply(configuration('off'))
    until(lambda: ask(lab.desk, CLINIC_V4), 'an answer')
    lab.apply(configuration('off', server=False))
    assert ask(lab.desk, CLINIC_V4) is None


def test_the_forwarder_asks_the_routers_name_servers_and_believes_no_inside_address(make):
    lab = make('off')
    lab.outside.start('dnsmasq', '--no-daemon', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--interface=eth0', '--bind-interfaces', '--user=root', '--group=root',
                      '--address=/vendor.example/133.242.0.3', '--address=/trap.example/10.0.2.30', stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    comes_on(lab.desk)
    until(lambda: socket.inet_aton('133.242.0.3') in (ask(lab.desk, CLINIC_V4, 'www.vendor.example') or b''), 'the vendor\'s address')
    answer = until(lambda: ask(lab.desk, CLINIC_V4, 'www.trap.example'), 'an answer')
    assert socket.inet_aton('10.0.2.30') not in answer
