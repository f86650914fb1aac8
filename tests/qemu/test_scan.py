# SPDX-License-Identifier: GPL-2.0-or-later
"""Every TCP port and the commonest UDP ports of the router, scanned by nmap from the WAN and from inside, IPv4 and IPv6: what answers is what the configuration names for
that source. That nothing answered is worth something because every probe was judged: the rules' counters say so, and the log accounts for each."""

import base64
import ipaddress
import json
import time
from collections import Counter
from dataclasses import dataclass
from xml.etree import ElementTree

import pytest
from router import DEMO, apply, field

from tests.harness import clinic

# a well-formed public key that nobody has the private one of
KEY = 'ssh-ed25519 ' + base64.b64encode(b'\0\0\0\x0bssh-ed25519\0\0\0\x20' + bytes(range(1, 33))).decode()
CONFIGURATION = DEMO + f'''
account admin {{ ssh-key "{KEY} scan"; }}
management {{ ssh {{ from clinic; }} }}
'''
WAN_V4, WAN_V6 = str(clinic.WAN.ipv4), str(clinic.WAN.ipv6)
INSIDE_V4, INSIDE_V6 = '10.0.1.1', '2001:db8:10::1'
STRANGER_V4, STRANGER_V6 = clinic.DENIED_V4[1], clinic.DENIED_V6[0]
DENY, SERVICE_DENY, INSIDE_DENY = 'zone.wan.deny', 'service.image-viewer.deny', 'zone.clinic.deny'
ALL_TCP = ('-sS', '-p-')
COMMON_UDP = ('-sU', '--top-ports', '200')
# what the emulated machine can take in
TCP_RATE, UDP_RATE = 2000, 100


@dataclass
class Scan:
    """What nmap found: ports by state, named where it names them, and their number."""
    ports: dict[str, set[int]]
    counts: Counter


@pytest.fixture(scope='module', autouse=True)
def with_ssh(world):
    apply(world, CONFIGURATION)
    for host in (world.outside, world.client):
        host.ip('link', 'set', 'router', 'txqueuelen', '100000')  # a whole scan waits here rather than being dropped when the machine is slow
    listening = time.monotonic() + 60
    while b'SSH-2.0' not in banner(world):
        assert time.monotonic() < listening, 'SSH does not answer on the inside'
        time.sleep(1)


def banner(world) -> bytes:
    """What answers on the SSH port of the inside, or nothing."""
    run = world.client.run('socat', '-T2', f'TCP4:{INSIDE_V4}:22,connect-timeout=2', 'STDOUT', check=False, timeout=10)
    return run.stdout.encode()


def dropped_by(host) -> int:
    return int(host.run('cat', '/sys/class/net/router/statistics/tx_dropped').stdout)


def scan(world, host, target: str, source: str, what: tuple[str, ...], rate: int) -> Scan:
    report = world.folder / 'nmap.xml'
    family = ('-6',) if ipaddress.ip_address(target).version == 6 else ()
    dropped = dropped_by(host)
    host.run('nmap', *family, '-n', '-Pn', '--max-retries', '0', '--min-rate', str(rate), '--max-rate', str(rate), '-S', source, '-e', 'router', *what, '-oX', str(report),
             target, timeout=240)
    assert dropped_by(host) == dropped, 'packets were lost before they reached the router'
    ports, counts = {}, Counter()
    for listed in ElementTree.parse(report).iter('ports'):
        for port in listed.iter('port'):
            state = port.find('state').get('state')
            ports.setdefault(state, set()).add(int(port.get('portid')))
            counts[state] += 1
        for rest in listed.iter('extraports'):
            counts[rest.get('state')] += int(rest.get('count'))
    return Scan(ports, counts)


def packets(world) -> Counter:
    return Counter({row['id']: row['packets'] or 0 for row in world.machine.console.json('show rules --json')['rules']})


def log(world, since: int = 0) -> list[dict]:
    lines = world.machine.console.command('show log --last 2000 --json').splitlines()
    return [event for event in map(json.loads, lines) if field(event, 'event.sequence') > since]


class Judged:
    """Packets by rule since the block began, and what the log tells of them."""

    def __init__(self, world):
        self._world = world
        self._since = field(log(world)[-1], 'event.sequence')
        self._before = packets(world)

    def packets(self, *rules: str) -> int:
        now = packets(self._world)
        return sum(now[rule] - self._before[rule] for rule in rules)

    def settled(self, *rules: str) -> int:
        """The same, once what waits before the router has been judged: no more for two seconds."""
        end, last = time.monotonic() + 60, -1
        while last != (last := self.packets(*rules)):
            assert time.monotonic() < end, f'{rules} still judge packets'
            time.sleep(2)
        return last

    def told(self, rule: str, source: str) -> tuple[int, int]:
        """Lines of this source, and how many the log says that it left out by the limit."""
        events = log(self._world, self._since)
        lines = sum(field(event, 'rule.id') == rule and field(event, 'source.ip') == source for event in events)
        left_out = sum(field(event, 'sekisho.count') for event in events if field(event, 'event.action') == 'log-suppressed' and field(event, 'rule.id') == rule)
        return lines, left_out

    def assert_told(self, rule: str, source: str, more: int = 0) -> None:
        """Every packet that the rule judged is a line of this source, or counted as left out."""
        end = time.monotonic() + 30
        while sum(told := self.told(rule, source)) != (judged := self.packets(rule)):
            assert time.monotonic() < end, f'{rule} judged {judged} packets of {source}; the log has (lines, left out) {told}'
            time.sleep(2)
        assert told[0] > 0 and told[1] > more, told


@pytest.mark.parametrize('target, source', [(WAN_V4, STRANGER_V4), (WAN_V6, STRANGER_V6)], ids=['ipv4', 'ipv6'])
def test_no_tcp_port_answers_a_stranger_and_the_log_counts_the_scan(world, target, source):
    judged = Judged(world)
    found = scan(world, world.outside, target, source, ALL_TCP, TCP_RATE)
    assert found.counts == {'filtered': 65535}, found
    assert judged.settled(DENY, SERVICE_DENY) == 65535
    judged.assert_told(DENY, source, more=60000)


@pytest.mark.parametrize('target, source', [(WAN_V4, clinic.DENIED_V4[0]), (WAN_V6, '2600:3c01::1:5ca0')], ids=['ipv4', 'ipv6'])
def test_no_udp_port_answers_a_stranger_and_the_log_counts_the_scan(world, target, source):
    if source not in clinic.DENIED_V4:
        world.outside.address('lo', f'{source}/128')
    judged = Judged(world)
    found = scan(world, world.outside, target, source, COMMON_UDP, UDP_RATE)
    assert found.counts == {'open|filtered': 200}, found
    assert judged.settled(DENY) >= 200  # some ports are asked in several ways
    judged.assert_told(DENY, source, more=100)


def test_the_vendor_finds_its_service_and_nothing_else(world):
    judged = Judged(world)
    found = scan(world, world.outside, WAN_V4, clinic.ALLOWED_V4, ALL_TCP, TCP_RATE)
    assert found.ports == {'open': {clinic.SERVICE_PORT}}, found
    assert found.counts == {'open': 1, 'filtered': 65534}, found
    assert judged.settled(DENY) == 65534
    judged.assert_told(DENY, clinic.ALLOWED_V4, more=60000)


def test_the_vendor_finds_nothing_on_the_routers_ipv6_address(world):
    """There the service is at its server's own address."""
    found = scan(world, world.outside, WAN_V6, clinic.ALLOWED_V6, ('-sS', '--top-ports', '1000'), TCP_RATE)
    assert found.counts == {'filtered': 1000}, found


@pytest.mark.parametrize('target, source', [(INSIDE_V4, clinic.ALLOWED_V4), (INSIDE_V6, clinic.ALLOWED_V6)], ids=['ipv4', 'ipv6'])
def test_the_routers_inside_addresses_answer_nobody_outside(world, target, source):
    world.outside.ip('route', 'replace', '10.0.1.0/24', 'via', WAN_V4)
    judged = Judged(world)
    found = scan(world, world.outside, target, source, ('-sS', '-p1-1024'), TCP_RATE)
    assert found.counts == {'filtered': 1024}, found
    assert judged.settled('screen.wan-to-inside', DENY) == 1024


@pytest.mark.parametrize('target, source', [(INSIDE_V4, clinic.CLIENT_V4), (INSIDE_V6, clinic.CLIENT_V6)], ids=['ipv4', 'ipv6'])
def test_from_inside_ssh_alone_is_open(world, target, source):
    judged = Judged(world)
    found = scan(world, world.client, target, source, ALL_TCP, TCP_RATE)
    assert found.ports.get('open') == {22}, found
    # refused, not dropped: a device inside learns at once that it asked for the wrong port
    assert sum(found.counts.values()) == 65535 and set(found.counts) <= {'open', 'closed', 'filtered'}, found.counts
    # nmap asks again where it got an answer, to take the time
    assert judged.settled(INSIDE_DENY) >= 65534 and judged.packets('management.ssh.clinic') >= 1


@pytest.mark.parametrize('target, source', [(WAN_V4, clinic.CLIENT_V4), (WAN_V6, clinic.CLIENT_V6)], ids=['ipv4', 'ipv6'])
def test_from_inside_nothing_is_open_on_the_routers_wan_address(world, target, source):
    found = scan(world, world.client, target, source, ('-sS', '--top-ports', '1000'), TCP_RATE)
    assert sum(found.counts.values()) == 1000 and set(found.counts) <= {'closed', 'filtered'}, found


@pytest.mark.parametrize('target, source', [(INSIDE_V4, clinic.CLIENT_V4), (INSIDE_V6, clinic.CLIENT_V6)], ids=['ipv4', 'ipv6'])
def test_from_inside_no_udp_port_is_open(world, target, source):
    found = scan(world, world.client, target, source, COMMON_UDP, UDP_RATE)
    assert 'open' not in found.counts, found
    assert sum(found.counts.values()) == 200, found.counts
