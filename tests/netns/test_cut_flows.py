# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections that live when what admitted them goes: they end with the change, and nothing else does."""

import contextlib
import shutil
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from subprocess import DEVNULL

import pytest

from tests.harness import daemon, hosts
from tests.harness.daemon import SERVER_V4, SERVER_V6, WAN_V4, field, until

REMOVED_V4, REMOVED_V6 = '203.0.113.5', '2001:db8:200::5'
KEPT_V4, KEPT_V6 = '203.0.113.6', '2001:db8:200::6'
PUBLIC_V4 = '203.0.113.200'  # where the clinic's own connection goes
ADMIN_PORT = 8022

BASE = daemon.NETWORKS + daemon.LOG_EVERYTHING
SERVICES = '''
service web { protocol tcp; port 8080; forward-to 10.0.1.20; forward-port 80; forward-to 2001:db8:10::20; source { address-list vendor; } }
service echo { protocol udp; port 7; forward-to 10.0.1.20; source { address-list vendor; } }
service here { protocol tcp; port 8022; source { address-list vendor; } }
policy out { from clinic; to wan; action allow; }
'''
EVERYONE = (REMOVED_V4, REMOVED_V6, KEPT_V4, KEPT_V6)


def configuration(*addresses: str, more: str = '') -> str:
    listed = ' '.join(address if '{' in address else f'{address};' for address in (f'address {address}' for address in addresses))
    return BASE + f'address-list vendor {{ {listed} }}\n' + SERVICES + more


class Peers:
    """Servers inside and on the router, and live connections to them; a connection lives while what is said comes back."""

    def __init__(self, lab):
        self.lab = lab
        lab.public(*EVERYONE, PUBLIC_V4)
        for host, listen in ((lab.server, 'TCP6-LISTEN:80,fork,reuseaddr,ipv6only=0'), (lab.server, 'UDP4-LISTEN:7,fork'),
                             (lab.router, f'TCP4-LISTEN:{ADMIN_PORT},fork,reuseaddr'), (lab.outside, 'TCP4-LISTEN:443,fork,reuseaddr')):
            host.start('socat', listen, 'PIPE', stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
        until(lambda: ':80 ' in lab.server.run('ss', '-Hltn').stdout and ':7 ' in lab.server.run('ss', '-Hlun').stdout, 'servers inside')
        until(lambda: f':{ADMIN_PORT} ' in lab.router.run('ss', '-Hltn').stdout, 'a server on the router')
        until(lambda: ':443 ' in lab.outside.run('ss', '-Hltn').stdout, 'a server outside')

    def tcp(self, source: str, port: int = 8080) -> socket.socket:
        v6 = ':' in source
        peer = hosts.connection(self.lab.outside, SERVER_V6 if v6 else WAN_V4, 80 if v6 else port, source)
        assert lives(peer)
        return peer

    def udp(self, source: str) -> socket.socket:
        peer = self.lab.outside.socket(socket.AF_INET, socket.SOCK_DGRAM)
        peer.settimeout(10)
        peer.bind((source, 0))
        peer.connect((WAN_V4, 7))
        assert lives(peer)
        return peer

    def outbound(self) -> socket.socket:
        peer = hosts.connection(self.lab.server, PUBLIC_V4, 443, SERVER_V4)
        assert lives(peer)
        return peer


def lives(peer: socket.socket) -> bool:
    peer.sendall(b'said')
    return peer.recv(100) == b'said'


def is_dead(lab, peer: socket.socket, rule: str) -> None:
    """The next packet is refused by this rule; nothing of it comes back."""
    before = lab.counters()[rule]
    peer.settimeout(0.5)
    peer.sendall(b'said')
    until(lambda: lab.counters()[rule] > before, f'a packet refused by {rule}')
    with pytest.raises(TimeoutError):
        peer.recv(100)


def cut_events(lab, since: int) -> list[dict]:
    return lab.logged({'event.action': 'connection-cut'}, since)


@pytest.fixture
def peers(new_lab):
    lab = new_lab(configuration(*EVERYONE))
    lab.start()
    lab.apply(configuration(*EVERYONE))
    return Peers(lab)


def test_removed_entry_ends_its_connections_and_no_other(peers):
    lab = peers.lab
    gone = [peers.tcp(REMOVED_V4), peers.tcp(REMOVED_V6), peers.tcp(REMOVED_V4, ADMIN_PORT)]
    datagrams = peers.udp(REMOVED_V4)
    kept = [peers.tcp(KEPT_V4), peers.tcp(KEPT_V6), peers.tcp(KEPT_V4, ADMIN_PORT), peers.udp(KEPT_V4), peers.outbound()]
    since = len(lab.log())
    lab.apply(configuration(KEPT_V4, KEPT_V6))
    for peer in gone:
        is_dead(lab, peer, 'flow.invalid')
    is_dead(lab, datagrams, 'service.echo.deny')
    assert all(lives(peer) for peer in kept)
    events = cut_events(lab, since)
    assert sorted((field(event, 'rule.id'), field(event, 'source.ip')) for event in events) == [
        ('service.echo.deny', REMOVED_V4), ('service.here.deny', REMOVED_V4), ('service.web.deny', REMOVED_V6), ('service.web.deny', REMOVED_V4)]
    for event in events:
        assert field(event, 'event.reason') == 'not-allowed' and field(event, 'event.outcome') == 'success'
    web = next(event for event in events if field(event, 'rule.id') == 'service.web.deny' and field(event, 'source.ip') == REMOVED_V4)
    assert (field(web, 'source.port'), field(web, 'destination.ip'), field(web, 'destination.port')) == (gone[0].getsockname()[1], WAN_V4, 8080)
    assert (field(web, 'destination.nat.ip'), field(web, 'destination.nat.port')) == (SERVER_V4, 80)
    assert 'admitted by service.web.allow' in field(web, 'message')
    lab.assert_healthy()


def test_apply_that_takes_nothing_away_ends_nothing(peers):
    lab = peers.lab
    everything = [peers.tcp(source) for source in EVERYONE] + [peers.udp(KEPT_V4), peers.tcp(KEPT_V4, ADMIN_PORT), peers.outbound()]
    since = len(lab.log())
    lab.apply(configuration(*EVERYONE, '192.0.2.77').replace('service web', 'service portal'))
    assert all(lives(peer) for peer in everything)
    assert cut_events(lab, since) == []


def test_block_list_ends_what_lives_too(peers):
    lab = peers.lab
    gone, kept = peers.tcp(REMOVED_V4), peers.tcp(KEPT_V4)
    since = len(lab.log())
    lab.apply(configuration(*EVERYONE, more=f'address-list bad {{ address {REMOVED_V4}; }}\nblock {{ address-list bad; }}\n'))
    is_dead(lab, gone, 'flow.invalid')
    assert lives(kept)
    assert [(field(event, 'rule.id'), field(event, 'event.reason')) for event in cut_events(lab, since)] == [('block.bad', 'blocked-list')]


def test_service_that_goes_takes_its_connections_along(peers):
    lab = peers.lab
    gone, kept = peers.tcp(REMOVED_V4), peers.tcp(REMOVED_V4, ADMIN_PORT)
    lab.apply('\n'.join(line for line in configuration(*EVERYONE).splitlines() if not line.startswith('service web')))
    is_dead(lab, gone, 'flow.invalid')
    assert lives(kept)


def test_entry_that_expires_ends_its_connections(new_lab):
    expires = datetime(2026, 11, 24, tzinfo=UTC)
    listed = configuration(REMOVED_V4 + ' { expires 2026-11-23; }', KEPT_V4)
    lab = new_lab(listed)
    lab.start()
    lab.apply(listed)
    peers = Peers(lab)
    gone, kept, outbound = peers.tcp(REMOVED_V4), peers.tcp(KEPT_V4), peers.outbound()
    since = len(lab.log())
    lab.set_clock(expires - timedelta(seconds=1), synchronised=True)
    cut = lab.event(since, event__action='connection-cut')
    assert (field(cut, 'source.ip'), field(cut, 'rule.id')) == (REMOVED_V4, 'service.web.deny')
    is_dead(lab, gone, 'flow.invalid')
    assert lives(kept) and lives(outbound)
    assert len(cut_events(lab, since)) == 1


def test_daemon_that_starts_ends_what_changed_while_it_was_away(peers):
    """Killed between the switch and the cut, it finds at its start what should not live."""
    lab = peers.lab
    gone, kept = peers.tcp(REMOVED_V4), peers.tcp(KEPT_V4)
    lab.stop()
    lab.start()
    assert lives(gone) and lives(kept), 'a restart alone ends nothing'
    lab.stop()
    shutil.rmtree(lab.data / 'config')
    (lab.data / 'state' / 'factory').touch()
    (lab.folder / 'default.conf').write_text(configuration(KEPT_V4, KEPT_V6))
    since = len(lab.log())
    lab.start()
    is_dead(lab, gone, 'flow.invalid')
    assert lives(kept)
    assert [field(event, 'source.ip') for event in cut_events(lab, since)] == [REMOVED_V4]


def test_connections_from_inside_end_with_the_policy_that_let_them_out(peers):
    lab = peers.lab
    out, kept = peers.outbound(), peers.tcp(KEPT_V4)
    lab.apply(configuration(*EVERYONE).replace('policy out {', 'policy outwards {'))
    assert lives(out), 'another name for the same policy ends nothing'
    since = len(lab.log())
    lab.apply(configuration(*EVERYONE).replace('policy out { from clinic; to wan; action allow; }', ''))
    is_dead(lab, out, 'flow.invalid')
    assert lives(kept)
    assert [(field(event, 'rule.id'), field(event, 'source.ip'), field(event, 'destination.ip')) for event in cut_events(lab, since)] == [('zone.clinic.deny', SERVER_V4, PUBLIC_V4)]


# ---- the far end that goes on ------------------------------------------------------------------------------------------------------------------------------

TALKS = '''
service talk { protocol udp; port 9; forward-to 10.0.1.20; source { address-list vendor; } }
service tunnel { protocol esp; forward-to 10.0.1.20; source { address-list vendor; } }
service here-too { protocol udp; port 10; source { address-list vendor; } }
nat { masquerade clinic; }
'''


class Talker:
    """Says something every 20 ms to whom it has heard last, whether anybody answers or not."""

    def __init__(self, host, kind: int, local: tuple, protocol: int = 0):
        self.socket = host.socket(socket.AF_INET, kind, protocol)
        self.socket.bind(local)
        self.socket.settimeout(0.02)
        self.peer = None
        self.said = 0
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._talk)
        self._thread.start()

    def _talk(self) -> None:
        while not self._ends.is_set():
            with contextlib.suppress(OSError):
                self.peer = self.socket.recvfrom(2000)[1]
            if self.peer:
                self.said += 1
                with contextlib.suppress(OSError):  # the router's own hears at once that it may not
                    self.socket.sendto(b'talk' * 8, self.peer)

    def close(self) -> None:
        self._ends.set()
        self._thread.join()
        self.socket.close()


def hears(peer: socket.socket, seconds: float) -> bool:
    peer.settimeout(seconds)
    try:
        return bool(peer.recv(2000))
    except TimeoutError:
        return False


def empty(peer: socket.socket) -> None:
    """What came before counts for nothing."""
    peer.settimeout(0.01)
    with contextlib.suppress(OSError):
        while peer.recv(2000):
            pass


@pytest.mark.parametrize('what', ['udp', 'udp-to-the-router', 'esp'])
def test_a_far_end_that_goes_on_sending_brings_nothing_back_until_the_policy_does(new_lab, what):
    allowed, removed = configuration(REMOVED_V4, KEPT_V4, more=TALKS), configuration(KEPT_V4, more=TALKS)
    lab = new_lab(allowed)
    lab.start()
    lab.apply(allowed)
    lab.public(REMOVED_V4, KEPT_V4)
    esp = what == 'esp'
    kind, protocol = (socket.SOCK_RAW, 50) if esp else (socket.SOCK_DGRAM, 0)
    host, local = (lab.router, (WAN_V4, 10)) if what == 'udp-to-the-router' else (lab.server, (SERVER_V4, 0 if esp else 9))
    talker = Talker(host, kind, local, protocol)
    peer = lab.outside.socket(socket.AF_INET, kind, protocol)
    try:
        peer.bind((REMOVED_V4, 0))
        peer.connect((WAN_V4, 0 if esp else local[1]))

        def say() -> None:
            peer.send(b'\0\0\1\1\0\0\0\1' + b'ask' * 8)  # of ESP: SPI and sequence number

        say()
        assert hears(peer, 5)
        before = lab.counters().get('flow.cut', 0)
        since = len(lab.log())
        lab.apply(removed)
        assert [field(event, 'source.ip') for event in cut_events(lab, since)] == [REMOVED_V4]
        empty(peer)
        said = talker.said
        until(lambda: talker.said > said + 100, 'a far end that goes on')
        say()
        assert not hears(peer, 1)
        assert lab.counters()['flow.cut'] > before + 50
        lab.event(since, event__action='connection-denied', rule__id='flow.cut', destination__ip=REMOVED_V4)
        lab.kill()  # neither a daemon that is away nor one that starts opens it
        assert not hears(peer, 0.5)
        lab.start()
        lab.apply(removed + '\n')
        assert not hears(peer, 0.5)
        lab.apply(allowed)
        say()
        assert hears(peer, 5), 'what the policy allows again'
    finally:
        talker.close()
        peer.close()


def test_data_that_a_server_goes_on_sending_is_stopped_too(peers):
    lab = peers.lab
    listening = lab.server.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.bind((SERVER_V4, 81))
    listening.listen()
    more = 'service stream { protocol tcp; port 8081; forward-to 10.0.1.20; forward-port 81; source { address-list vendor; } }\nnat { masquerade clinic; }\n'
    lab.apply(configuration(*EVERYONE, more=more))
    peer = hosts.connection(lab.outside, WAN_V4, 8081, REMOVED_V4)
    server, _ = listening.accept()
    server.setblocking(False)
    try:
        server.send(b'x' * 1000)
        assert peer.recv(1000)
        lab.apply(configuration(KEPT_V4, KEPT_V6, more=more))
        empty(peer)
        for _ in range(50):
            with contextlib.suppress(OSError):
                server.send(b'x' * 1000)
            time.sleep(0.02)
        assert not hears(peer, 1)
    finally:
        for one in (server, listening, peer):
            one.close()
