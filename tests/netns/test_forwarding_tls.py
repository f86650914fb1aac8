# SPDX-License-Identifier: GPL-2.0-or-later
"""The TLS driver alone, against OpenSSL: whom it believes, what it says of whom it does not, and what it says of what has arrived."""

import contextlib
import socket
import ssl
import subprocess
import time
from datetime import datetime
from pathlib import Path

import pytest

from tests.harness import certificates, daemon
from tests.harness.collector import Collector
from tests.harness.daemon import until
from tests.harness.namespaces import Network

CLIENT = daemon.BUILD / 'tests' / 'harness' / 'stream-client'
SERVER_V4, SERVER_V6 = '10.9.0.20', '2001:db8:9::20'
NAME = 'log.clinic.example'
NOW = '2026-11-23T12:00:00Z'


class World:
    """A client's and a server's namespace, and certificates of every kind."""

    def __init__(self, network: Network, folder: Path):
        self.network, self.folder = network, folder
        self.client, self.server = network.namespace('client'), network.namespace('server')
        network.veth(self.client, 'eth0', self.server, 'eth0')
        for host, last in ((self.client, '1'), (self.server, '20')):
            host.sysctl('net.ipv6.conf.eth0.accept_dad', '0')
            host.address('eth0', f'10.9.0.{last}/24', f'2001:db8:9::{last}/64')
        self.authority = certificates.Authority(folder, 'Log authority')
        self.between = certificates.Authority(folder, 'Log authority 2', above=self.authority)
        self.other = certificates.Authority(folder, 'Another authority')
        self.past = certificates.Authority(folder, 'Former authority', end=datetime(2026, 6, 30))

    @contextlib.contextmanager
    def stream(self, *authorities: Path, host: str = SERVER_V4, name: str = NAME, transport: str = 'tls', port: int = 6514, count: int = 3, size: int = 100, now: str = NOW):
        """The client as a process; its lines are in `output` (a file)."""
        output = self.folder / f'output-{time.monotonic_ns()}'
        with output.open('wb') as file:
            process = self.client.start(str(CLIENT), transport, host, str(port), name, now, str(count), str(size), *map(str, authorities),
                                        stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        process.output = output
        try:
            yield process
        finally:
            self.network.end(process)
        said = output.read_text()
        assert 'Sanitizer' not in said and 'runtime error' not in said, said

    def talk(self, *authorities: Path, **options) -> tuple[int, list[str]]:
        """Its exit status and its lines."""
        with self.stream(*authorities, **options) as process:
            status = process.wait(30)
            return status, process.output.read_text().splitlines()


def lines(process) -> list[str]:
    return process.output.read_text().splitlines()


def numbers(data: bytes) -> list[int]:
    return [int(line.split()[0]) for line in data.decode().splitlines()]


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    reason = daemon.missing_features()
    if reason:
        pytest.skip(reason)
    assert CLIENT.exists(), f'{CLIENT} was not built (tests/run netns builds it)'
    with Network() as network:
        yield World(network, tmp_path_factory.mktemp('tls'))


def only(version):
    def configure(context: ssl.SSLContext) -> None:
        context.minimum_version = context.maximum_version = version
    return configure


# ---- whom it believes --------------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('version, cipher', [(ssl.TLSVersion.TLSv1_3, 'TLS1-3-'), (ssl.TLSVersion.TLSv1_2, 'TLS-ECDHE-ECDSA-WITH-')])
def test_messages_arrive_whole_over_either_version(world, version, cipher):
    with Collector(world.server, SERVER_V4, 6514, world.authority.issue('good', dns=[NAME]), only(version)) as server:
        status, said = world.talk(world.authority.certificate, count=1000, size=300)
        until(lambda: server.connections[0].ended, 'the end of the connection')
    assert status == 0, said
    assert said[0].startswith(f'open {SERVER_V4} port 6514, TLSv1.{"3" if version == ssl.TLSVersion.TLSv1_3 else "2"} {cipher}'), said
    assert 'GCM' in said[0] or 'CHACHA20' in said[0]
    assert said[-1] == 'acknowledged 300000'
    assert numbers(server.connections[0].bytes) == list(range(1000))
    assert server.connections[0].error is None, 'the end was told (close_notify)'


def test_rsa_and_an_authority_in_between(world):
    certificate = world.between.issue('rsa', dns=['other.example', NAME], key='RSA-2048')
    with Collector(world.server, SERVER_V4, 6514, certificate):
        status, said = world.talk(world.other.certificate, world.authority.certificate)
    assert status == 0, said


def test_a_server_certificate_may_be_its_own_authority(world):
    certificate = certificates.self_signed(world.folder, 'pinned', dns=[NAME])
    with Collector(world.server, SERVER_V4, 6514, certificate):
        status, said = world.talk(certificate.certificate)
    assert status == 0, said


@pytest.mark.parametrize('kind, host, name', [
    ('wildcard', SERVER_V4, NAME), ('addresses', SERVER_V4, SERVER_V4), ('addresses', SERVER_V6, SERVER_V6), ('addresses', SERVER_V4, '192.0.2.77'),
    ('upper', SERVER_V4, NAME),
])
def test_names_and_addresses_that_fit(world, kind, host, name):
    made = {'wildcard': dict(dns=['*.clinic.example']), 'addresses': dict(addresses=[SERVER_V4, SERVER_V6, '192.0.2.77']), 'upper': dict(dns=['LOG.clinic.EXAMPLE'])}
    with Collector(world.server, host, 6514, world.authority.issue(kind, **made[kind])):
        status, said = world.talk(world.authority.certificate, host=host, name=name)
    assert status == 0, said


# ---- whom it does not ----------------------------------------------------------------------------------------------------------------------------------------

WRONG = {
    'expired': (dict(dns=[NAME], end=datetime(2025, 1, 1)), 'the certificate expired 2025-01-01'),
    'expired a second ago': (dict(dns=[NAME], end=datetime(2026, 11, 23, 11, 59, 59)), 'the certificate expired 2026-11-23'),
    'not yet valid': (dict(dns=[NAME], begin=datetime(2031, 5, 2)), 'the certificate is not yet valid (from 2031-05-02 on): is the clock right?'),
    'another name': (dict(dns=['log.other.example']), f'the certificate is for log.other.example, not for {NAME}'),
    'many names': (dict(dns=[f'a{i}.example' for i in range(5)]), f'the certificate is for a0.example, a1.example, a2.example and 2 more, not for {NAME}'),
    'the domain only': (dict(dns=['clinic.example']), f'the certificate is for clinic.example, not for {NAME}'),
    'a wildcard too high': (dict(dns=['*.example']), f'the certificate is for *.example, not for {NAME}'),
    'a common name only': (dict(common_name=NAME), f'the certificate names no server (subjectAltName), so it is not for {NAME}'),
    'an address, not the name': (dict(addresses=[SERVER_V4]), f'the certificate is for {SERVER_V4}, not for {NAME}'),
    'an address as a name': (dict(dns=[SERVER_V4]), f'the certificate is for {SERVER_V4}, not for {SERVER_V4}'),
    'another address': (dict(addresses=['10.9.0.21']), f'the certificate is for 10.9.0.21, not for {SERVER_V4}'),
    'a client': (dict(dns=[NAME], usage='clientAuth'), 'the certificate is not meant for a server'),
    'a weak digest': (dict(dns=[NAME], digest='sha1'), 'the certificate is signed with a digest that is too weak'),
    'a short key': (dict(dns=[NAME], key='RSA-1024'), 'the certificate has a key that is too short'),
    'a name for terminals': (dict(dns=['\x1b[31mlog.example']), f'the certificate is for \\x1b[31mlog.example, not for {NAME}'),
}


def _lenient(context: ssl.SSLContext) -> None:
    """A server shows whatever certificate it has: OpenSSL has a policy of its own, which is looked at when it is loaded."""
    context.set_ciphers('ALL:@SECLEVEL=0')


@pytest.mark.parametrize('kind', WRONG)
def test_wrong_certificates_are_refused_and_named(world, kind):
    made, words = WRONG[kind]
    certificate = world.authority.issue('wrong', **made)
    name = SERVER_V4 if 'an address as' in kind or 'another address' in kind else NAME

    with Collector(world.server, SERVER_V4, 6514, certificate, before=_lenient) as server:
        status, said = world.talk(world.authority.certificate, name=name)
        until(lambda: server.connections and server.connections[0].ended, 'the end of the connection')
    assert status == 1 and words in said[-1], said
    assert said[-1].startswith('closed tls: ') and not any(line.startswith('open') for line in said)
    assert server.connections[0].bytes == b''


@pytest.mark.parametrize('kind', ['another authority', 'signed by itself', 'an authority that is over'])
def test_certificates_of_others_are_refused(world, kind):
    if kind == 'another authority':
        certificate, words = world.other.issue('stranger', dns=[NAME]), 'the certificate is not issued by a configured authority'
    elif kind == 'signed by itself':
        certificate, words = certificates.self_signed(world.folder, 'alone', dns=[NAME]), 'the certificate is not issued by a configured authority'
    else:
        certificate, words = world.past.issue('late', dns=[NAME]), "the authority's certificate (Former authority) expired 2026-06-30"
    with Collector(world.server, SERVER_V4, 6514, certificate) as server:
        status, said = world.talk(world.authority.certificate, world.past.certificate)
        until(lambda: server.connections and server.connections[0].ended, 'the end of the connection')
    assert status == 1 and words in said[-1], said
    assert server.connections[0].bytes == b''


def test_all_that_is_wrong_is_said_at_once(world):
    certificate = world.other.issue('hopeless', dns=['log.other.example'], end=datetime(2025, 1, 1))
    with Collector(world.server, SERVER_V4, 6514, certificate):
        _, said = world.talk(world.authority.certificate)
    for words in ('not issued by a configured authority', f'not for {NAME}', 'expired 2025-01-01'):
        assert words in said[-1], said


def test_the_time_is_the_one_that_is_given(world):
    certificate = world.authority.issue('year', dns=[NAME], begin=datetime(2040, 1, 1), end=datetime(2041, 1, 1))
    with Collector(world.server, SERVER_V4, 6514, certificate):
        assert world.talk(world.authority.certificate, now='2040-06-01T00:00:00Z')[0] == 0
        assert 'not yet valid' in world.talk(world.authority.certificate, now='2039-12-31T23:59:59Z')[1][-1]
        assert 'expired 2041-01-01' in world.talk(world.authority.certificate, now='2041-01-01T00:00:01Z')[1][-1]


@pytest.mark.parametrize('what', ['nothing', 'a private key', 'two at once'])
def test_an_authority_that_is_none_lets_nobody_in(world, what):
    path = world.folder / 'bad.pem'
    path.write_text({'nothing': '', 'a private key': world.authority.issue('k').key.read_text(), 'two at once': world.authority.pem + world.other.pem}[what])
    with Collector(world.server, SERVER_V4, 6514, world.authority.issue('good', dns=[NAME])):
        status, said = world.talk(path)
        none, silence = world.talk()
    assert status == 1 and 'certificate' in said[-1], said
    assert none == 1 and 'no server could be believed' in silence[-1]


# ---- servers that speak something else -------------------------------------------------------------------------------------------------------------------------


def _old(context):
    context.set_ciphers('ALL:@SECLEVEL=0')
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1


def _without_aead(context):
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers('ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256')


def _without_ephemeral_keys(context):
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers('AES128-GCM-SHA256')


@pytest.mark.parametrize('configure, key', [(_old, 'P-256'), (_without_aead, 'P-256'), (_without_ephemeral_keys, 'RSA-2048')])
@pytest.mark.filterwarnings('ignore:ssl.TLSVersion')
def test_weaker_protection_is_refused(world, configure, key):
    with Collector(world.server, SERVER_V4, 6514, world.authority.issue('weak', dns=[NAME], key=key), configure) as server:
        status, said = world.talk(world.authority.certificate)
        until(lambda: server.connections and server.connections[0].ended, 'the end of the connection')
    assert status == 1 and said[-1].startswith(f'closed tls: {NAME}: '), said
    assert server.connections[0].protection is None and server.connections[0].bytes == b''


def test_a_server_without_tls_and_one_that_says_nothing(world):
    with Collector(world.server, SERVER_V4, 6514, greeting=b'220 mail.example ESMTP\r\n'):
        assert 'does not speak TLS there' in world.talk(world.authority.certificate)[1][-1]
    with Collector(world.server, SERVER_V4, 6514, silent=True):
        assert 'no TLS handshake within 10 s; does a TLS server listen there?' in world.talk(world.authority.certificate)[1][-1]


# ---- what arrives ------------------------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('transport', ['tls', 'tcp'])
def test_a_server_that_stands_still_bounds_what_is_under_way(world, transport):
    certificate = world.authority.issue('good', dns=[NAME]) if transport == 'tls' else None
    with Collector(world.server, SERVER_V4, 6514, certificate, stands_still_after=100_000) as server:
        with world.stream(world.authority.certificate, transport=transport, count=40_000, size=500) as client:
            until(lambda: not server.reading.is_set(), 'a stream')

            def last(what):
                return next((int(line.split()[1]) for line in reversed(lines(client)) if line.startswith(what)), 0)

            def still():
                before = (last('taken'), last('acknowledged'))
                time.sleep(0.5)
                return before == (last('taken'), last('acknowledged'))
            until(still, 'a stream that stands still')
            assert 0 < last('taken') - last('acknowledged') < 1 << 20
            assert last('taken') < 20_000_000
            server.reading.set()
            assert client.wait(60) == 0, lines(client)[-3:]
        until(lambda: server.connections[0].ended, 'the end of the connection')
    assert numbers(server.connections[0].bytes) == list(range(40_000))
    assert lines(client)[-1] == 'acknowledged 20000000'


def test_a_server_that_dies_ends_the_stream(world):
    with Collector(world.server, SERVER_V4, 6514, world.authority.issue('good', dns=[NAME])) as server:
        server.reading.clear()
        with world.stream(world.authority.certificate, count=40_000, size=500) as client:
            until(lambda: len(lines(client)) > 2, 'a stream')
            server.drop()
            assert client.wait(30) == 1
            assert lines(client)[-1].startswith('closed tls: '), lines(client)[-1]


def test_one_that_is_not_there_and_addresses_in_turn(world):
    status, said = world.talk(world.authority.certificate)
    assert status == 1 and said == [f'closed network: {SERVER_V4} port 6514: no connection: Connection refused'], said
    folder = Path('/etc/netns') / world.client.name
    folder.mkdir(parents=True)
    try:
        (folder / 'hosts').write_text(f'{SERVER_V6} {NAME}\n{SERVER_V4} {NAME}\n')
        (folder / 'resolv.conf').write_text('nameserver 127.0.0.1\n')
        with Collector(world.server, SERVER_V4, 6514, world.authority.issue('good', dns=[NAME])):
            status, said = world.talk(world.authority.certificate, host=NAME)
        assert status == 0 and said[0].startswith(f'open {SERVER_V4} port 6514, '), said
        status, said = world.talk(world.authority.certificate, host=NAME)
        assert status == 1 and all(f'{address} port 6514: no connection' in said[-1] for address in (SERVER_V4, SERVER_V6)), said
        status, said = world.talk(world.authority.certificate, host='unknown.example')
        assert status == 1 and said[-1].startswith('closed network: unknown.example: no '), said
    finally:
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()


def test_datagrams_go_one_by_one(world):
    with world.server.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((SERVER_V4, 514))
        server.settimeout(10)
        status, said = world.talk(transport='udp', port=514, count=50, size=2000)
        assert status == 0 and said[0] == f'open {SERVER_V4} port 514', said
        assert [int(server.recv(65536).split()[0]) for _ in range(50)] == list(range(50))
    with world.stream(transport='udp', port=514, count=100_000, size=100) as client:
        assert client.wait(30) == 1
        assert 'datagrams are refused: Connection refused' in lines(client)[-1]
