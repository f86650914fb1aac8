# SPDX-License-Identifier: GPL-2.0-or-later
"""Another country database in place of the one in force: with a switch that loses nothing, and without any change where something is wrong with it."""

import gzip
import hashlib
import random
import socket
import threading
import time
from pathlib import Path

import pytest

from tests.harness import control, countries, daemon, frames, hosts, mmdb
from tests.harness.daemon import SERVER_V4, WAN_V4, field, until

STAYS, LEAVES, COMES = '203.0.113.5', '192.0.2.5', '203.0.114.5'  # Japan's in both databases, in the first one, in the second one
JP, US, FR = mmdb.nested('JP'), mmdb.nested('US'), mmdb.nested('FR')
WIDE = {'50.0.0.0/8': US, '2600::/12': US, '2001:200::/23': JP}
FIRST = {'203.0.113.0/24': JP, '192.0.2.0/24': JP, '203.0.114.0/24': US, **WIDE}
SECOND = {'203.0.113.0/24': JP, '192.0.2.0/24': US, '203.0.114.0/24': JP, **WIDE}
BUILT = int(daemon.NOW.timestamp()) - 20 * 86400  # as the lab's own

COUNTRIES = FIRST
CONFIGURATION = daemon.NETWORKS + daemon.LOG_EVERYTHING + '''
geo-list japan { country JP; }
geo-list others { country US; country JP; }
gate { geo-list others; }
service web { protocol tcp; port 8080; forward-to 10.0.1.20; forward-port 80; source { geo-list japan; } }
service telemetry { protocol udp; port 5000; forward-to 10.0.1.20; source { geo-list japan; } }
'''
DBIP = Path('/shared/geo/dbip-country.mmdb')


def prepare(lab):
    lab.public(STAYS, LEAVES, COMES)
    hosts.web_server(lab.server, lab.folder / 'nginx', 80)


def made(records, days: int = 1, **options) -> bytes:
    """A database that was built so many days after the lab's own."""
    return mmdb.database(records, build_epoch=BUILT + days * 86400, **options)


def state(lab) -> tuple:
    """What the kernel and the data partition have."""
    ruleset = lab.nft('-t', 'list', 'table', 'inet', 'sekisho')
    # counters are listed in the order in which they were made
    folder = lab.data / 'geo'
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.name != 'last-import'} if folder.is_dir() else {}
    return sorted(line for line in ruleset.splitlines() if 'packets' not in line), sorted(lab.nft_sets()), files


def imported(lab, contents: bytes, *options: str):
    run = lab.command('geo', 'import', '-', *options, contents=contents)
    assert run.returncode == 0, run.stdout + run.stderr
    return run


def admits(lab, source: str) -> bool:
    try:
        return hosts.page(lab.outside, WAN_V4, 8080, source, seconds=1.5) == source
    except TimeoutError:
        return False


@pytest.fixture
def first(lab):
    """The lab with the image's own database in force."""
    while lab.command('geo', 'rollback').returncode == 0:
        pass
    return lab


def test_an_imported_database_is_in_force_and_kept_and_the_one_before_comes_back(first):
    lab = first
    assert (admits(lab, STAYS), admits(lab, LEAVES), admits(lab, COMES)) == (True, True, False)
    before, since = state(lab), len(lab.log())
    run = imported(lab, made(SECOND))
    assert run.stdout.startswith('imported: ') and 'Test-Country' in run.stdout
    assert (admits(lab, STAYS), admits(lab, LEAVES), admits(lab, COMES)) == (True, False, True)
    event = lab.event(since=since, event__action='geo-import', event__outcome='success')
    assert field(event, 'user.name') == 'root' and field(event, 'sekisho.session.origin') == 'local'
    # the new one, and nothing half
    third = made({**SECOND, '203.0.113.0/24': US}, 2)
    imported(lab, third)
    assert (lab.data / 'geo' / 'current.mmdb').read_bytes() == third and not (lab.data / 'geo' / 'upload').exists()
    assert (lab.data / 'geo' / 'previous.mmdb').read_bytes() == made(SECOND)
    assert not admits(lab, STAYS)
    lab.stop()
    lab.start()
    assert (admits(lab, STAYS), admits(lab, LEAVES), admits(lab, COMES)) == (False, False, True)
    # back, and further back to the image's own, and not beyond
    for expected in ((True, False, True), (True, True, False)):
        assert lab.command('geo', 'rollback').returncode == 0
        assert (admits(lab, STAYS), admits(lab, LEAVES), admits(lab, COMES)) == expected
    assert state(lab) == before
    run = lab.command('geo', 'rollback')
    assert run.returncode == 1 and 'there is no database before the one in force' in run.stderr
    lab.event(since=since, event__action='geo-rollback', event__outcome='failure', event__reason='nothing-before')


def test_a_country_of_the_log_is_the_database_s_in_force(first):
    lab = first
    imported(lab, made(SECOND))
    number = frames.unique_port()
    with frames.Wire(lab.outside, 'eth0') as wire, \
            lab.judged('service.web.country', 'denied', 'country', source__ip=LEAVES, source__port=number, source__geo__country_iso_code='US'):
        wire.send(frames.ip(LEAVES, WAN_V4, frames.tcp(number, 8080)), lab.router.mac('wan0'))


def test_a_country_that_the_database_lacks_is_refused_with_its_line(first):
    before = state(first)
    text = CONFIGURATION.replace('geo-list others {', 'geo-list others {\n    country FR;')
    line = text.splitlines().index('    country FR; country US; country JP; }') + 1
    run = first.command('apply', '-', contents=text)
    assert run.returncode == 1 and 'Not applied' in run.stderr
    assert f'configuration:{line}:13: error: geo-list others country: the country database in force has no addresses of FR (France)' in run.stderr, run.stderr
    assert state(first) == before


def test_show_geo_tells_of_the_last_import(first):
    imported(first, made(SECOND))
    shown = first.asked('show', 'geo')
    assert (shown['origin'], shown['database'], shown['built'], shown['last_change'], shown['last_change_outcome'], shown['last_change_account']) == \
        ('imported', 'Test-Country', '2026-11-04T12:00:00.000000Z', 'import', 'success', 'root')
    assert first.command('geo', 'import', '-', contents=b'nothing').returncode == 1
    first.stop()
    first.start()
    shown = first.asked('show', 'geo')
    assert (shown['origin'], shown['last_change'], shown['last_change_outcome']) == ('imported', 'import', 'failure')
    assert shown['last_change_message'].startswith('not imported: the file ')


# ---- what is refused ---------------------------------------------------------------------------------------------------------------------------------------


def damaged_record() -> bytes:
    """Sound but for one record behind the first: a pointer beyond the file."""
    return made({**SECOND, '198.51.0.0/16': mmdb.Pointer(1 << 24)})


GOOD = made(SECOND)
WRONG = {
    'empty': (b'', 'is empty', 'no-country-database'),
    'text': (b'JP 203.0.113.0/24\n' * 1000, 'no MaxMind DB file', 'no-country-database'),
    'compressed': (gzip.compress(GOOD), 'is compressed', 'no-country-database'),
    'cut at its end': (GOOD[:-30], None, 'no-country-database'),
    'cut at its beginning': (GOOD[200:], None, 'no-country-database'),
    'second half': (GOOD[len(GOOD) // 2:], None, 'no-country-database'),
    'of networks': (made({'50.0.0.0/8': {'autonomous_system_number': 64500, 'autonomous_system_organization': 'Example'}}, database_type='GeoLite2-ASN'),
                    'is no database of countries', 'no-country-database'),
    'without records': (made({}), 'is empty', 'no-country-database'),
    'damaged inside': (damaged_record(), 'damaged', 'damaged'),
    'future': (made(SECOND, 200), 'which is yet to come; --force', 'future'),
    'older': (made(SECOND, -40), 'built on 2026-09-24, before the database in force (2026-11-01); --force', 'older'),
    'without a country that is named': (made({'203.0.113.0/24': US, '50.0.0.0/8': US, '204.0.0.0/24': FR}), 'no addresses of JP (Japan)', 'country-absent'),
    'much smaller': (made({'203.0.113.0/24': JP, '50.0.0.0/9': US}), '49 % of the IPv4 addresses', 'implausible'),
    'much larger': (made({**SECOND, '52.0.0.0/8': US}), '199 % of the IPv4 addresses', 'implausible'),
}


@pytest.mark.parametrize('name', WRONG)
def test_what_is_wrong_with_a_file_is_told_and_changes_nothing(first, name):
    contents, words, reason = WRONG[name]
    before, since = state(first), len(first.log())
    run = first.command('geo', 'import', '-', contents=contents)
    assert run.returncode == 1 and run.stdout == ''
    assert run.stderr.startswith('not imported: ') and run.stderr.endswith('The country database in force is unchanged.\n'), run.stderr
    assert words is None or words in run.stderr, run.stderr
    first.event(since=since, event__action='geo-import', event__outcome='failure', event__reason=reason, user__name='root')
    assert state(first) == before
    assert admits(first, STAYS) and admits(first, LEAVES) and not admits(first, COMES)


@pytest.mark.parametrize('name', ['older', 'much smaller', 'much larger'])
def test_what_is_only_unlikely_is_taken_by_force(first, name):
    imported(first, WRONG[name][0], '--force')
    assert admits(first, STAYS)


@pytest.mark.parametrize('name', ['without a country that is named', 'damaged inside', 'cut at its end', 'of networks'])
def test_what_is_wrong_is_not_taken_by_force(first, name):
    before = state(first)
    assert first.command('geo', 'import', '-', '--force', contents=WRONG[name][0]).returncode == 1
    assert state(first) == before


def test_a_file_of_more_than_32_mib_is_refused_before_it_is_all_here(first):
    before, since = state(first), len(first.log())
    run = first.command('geo', 'import', '-', contents=GOOD + bytes(33 << 20))
    assert run.returncode == 1 and '32 MiB' in run.stderr
    first.event(since=since, event__action='geo-import', event__reason='too-large')
    assert state(first) == before


def test_a_file_is_named_or_comes_from_the_standard_input(first, tmp_path):
    file = tmp_path / 'new.mmdb'
    assert 'can\'t be opened' in first.command('geo', 'import', str(file)).stderr
    file.write_bytes(GOOD)
    assert first.command('geo', 'import', str(file)).returncode == 0
    assert admits(first, COMES)


# ---- uploads -----------------------------------------------------------------------------------------------------------------------------------------------


def upload(lab, *words: str, contents: bytes = b''):
    """The hidden command that carries pieces takes no contents on a command line: spoken over the socket itself."""
    return control.ask(lab.run / 'control.sock', 'geo-upload', *words, payload=contents, origin='local')


def test_two_uploads_at_once_do_not_mix(first):
    lab = first
    before = state(lab)
    one = upload(lab, 'begin').output.strip()
    assert upload(lab, 'piece', one, '0', contents=GOOD[:100]).status == 0
    two = upload(lab, 'begin').output.strip()
    assert one != two
    assert upload(lab, 'piece', one, '100', contents=GOOD[100:]).status == 1
    assert upload(lab, 'end', one, str(len(GOOD)), hashlib.sha256(GOOD).hexdigest()).status == 1
    assert upload(lab, 'piece', two, '0', contents=GOOD).status == 0
    assert state(lab)[:2] == before[:2]
    assert upload(lab, 'end', two, str(len(GOOD)), hashlib.sha256(GOOD).hexdigest()).status == 0
    assert admits(lab, COMES)


@pytest.mark.parametrize('size, digest', [(len(GOOD) - 1, hashlib.sha256(GOOD).hexdigest()), (len(GOOD), hashlib.sha256(GOOD[1:]).hexdigest())])
def test_a_file_that_did_not_arrive_whole_is_refused(first, size, digest):
    before = state(first)
    number = upload(first, 'begin').output.strip()
    assert upload(first, 'piece', number, '0', contents=GOOD).status == 0
    answer = upload(first, 'end', number, str(size), digest)
    assert answer.status == 1 and 'did not arrive whole' in answer.errors
    assert state(first) == before


def test_an_upload_that_never_ended_is_gone_with_the_next_start(first):
    lab = first
    before = state(lab)
    number = upload(lab, 'begin').output.strip()
    assert upload(lab, 'piece', number, '0', contents=GOOD).status == 0
    assert (lab.data / 'geo' / 'upload').exists()
    lab.kill()
    lab.start()
    assert state(lab) == before
    assert upload(lab, 'piece', number, str(len(GOOD)), contents=b'x').status == 1


# ---- under traffic -----------------------------------------------------------------------------------------------------------------------------------------


class Stream:
    """Numbered datagrams from a source to the server inside, as long as the block lasts: one flow, and new flows beside it."""

    def __init__(self, lab, source: str):
        self._lab, self._source = lab, source
        self._ending = threading.Event()
        self.sent = 0
        self.received: set[bytes] = set()

    def __enter__(self) -> 'Stream':
        self._server = self._lab.server.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._server.bind((SERVER_V4, 5000))
        self._server.settimeout(1)
        self._flow = self._lab.outside.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._flow.bind((self._source, 0))
        self._others = [self._lab.outside.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(400)]
        for other in self._others:
            other.bind((self._source, 0))
        self._flow.sendto(b'warm', (WAN_V4, 5000))  # neighbours are found
        assert self._server.recv(100) == b'warm'
        self._threads = [threading.Thread(target=self._send), threading.Thread(target=self._receive)]
        for thread in self._threads:
            thread.start()
        return self

    def _send(self) -> None:
        while not self._ending.is_set():
            peer = self._others[self.sent // 8 % len(self._others)] if self.sent % 8 == 0 else self._flow
            peer.sendto(str(self.sent).encode(), (WAN_V4, 5000))
            self.sent += 1
            time.sleep(0.002)

    def _receive(self) -> None:
        while True:
            try:
                self.received.add(self._server.recv(100))
            except TimeoutError:
                if self._ending.is_set():
                    return

    def __exit__(self, *_) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()
        for opened in (self._server, self._flow, *self._others):
            opened.close()

    def lost(self) -> set[bytes]:
        return {str(number).encode() for number in range(self.sent)} - self.received


def test_imports_good_and_bad_under_traffic_lose_nothing_that_is_admitted_before_and_after(first):
    lab = first
    with Stream(lab, STAYS) as stream:
        imported(lab, made(SECOND))
        for name in ('cut at its end', 'without a country that is named', 'damaged inside'):
            assert lab.command('geo', 'import', '-', contents=WRONG[name][0]).returncode == 1
        assert lab.command('geo', 'rollback').returncode == 0
        imported(lab, made(SECOND, 3))
        until(lambda: stream.sent > 1000, 'a thousand datagrams', 60)
    assert stream.lost() == set()


def test_what_a_new_database_no_longer_admits_ends(first):
    lab = first
    with hosts.connection(lab.outside, WAN_V4, 8080, LEAVES) as gone, hosts.connection(lab.outside, WAN_V4, 8080, STAYS) as kept:
        since = len(lab.log())
        imported(lab, made(SECOND))
        lab.event(since=since, event__action='connection-cut', source__ip=LEAVES)
        kept.sendall(b'GET / HTTP/1.0\r\n\r\n')
        assert STAYS.encode() in kept.recv(65536)
        gone.sendall(b'GET / HTTP/1.0\r\n\r\n')
        gone.settimeout(1)
        with pytest.raises(TimeoutError):
            gone.recv(100)


@pytest.mark.skipif(not DBIP.exists(), reason='needs ../shared/geo/dbip-country.mmdb')
def test_killed_while_it_loads_a_large_database_the_daemon_starts_as_it_was(new_lab):
    """Whenever the daemon dies, the next one has the old database or the new one, whole."""
    lab = new_lab(daemon.NETWORKS + '''
        geo-list few { country JP; country US; country DE; country FR; country GB; country BR; country IN; country CA; country RU; country CN; }
        gate { geo-list few; }
    ''', countries=countries.built())
    lab.start()
    before = state(lab)
    chance = random.Random(4)
    outcomes = []
    for _ in range(6):
        importing = threading.Thread(target=lambda: outcomes.append(lab.command('geo', 'import', str(DBIP), '--force').returncode))
        importing.start()
        until(lambda: (lab.data / 'geo' / 'upload').exists() and (lab.data / 'geo' / 'upload').stat().st_size == DBIP.stat().st_size, 'the whole upload')
        time.sleep(chance.uniform(0, 1.5))
        half = (lab.data / 'geo' / 'upload').exists()
        lab.kill()
        importing.join()
        lab.start()
        if half:
            assert outcomes[-1] == 1
            assert state(lab) == before
        else:
            assert (lab.data / 'geo' / 'current.mmdb').read_bytes() == DBIP.read_bytes()
            assert lab.command('geo', 'rollback').returncode == 0
            assert state(lab) == before
    assert 1 in outcomes, 'it was never killed in the middle'
