# SPDX-License-Identifier: GPL-2.0-or-later
"""The access log at syslog servers: rsyslog over TLS gets every record, whatever happens to it, to the way or to the router. Boot id and sequence tell what came twice."""

import threading
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from tests.harness import certificates, daemon, frames, rfc5424
from tests.harness.collector import Collector
from tests.harness.daemon import DESK_V4, DEVICE_V4, SERVER_V4, WAN_V4, field, until
from tests.harness.rsyslog import TCP, TLS, UDP, Rsyslog, structured_data

CONFIGURATION = daemon.NETWORKS + daemon.LOG_EVERYTHING
WINDOW_SECONDS, WINDOW_BYTES = 30, 1 << 20
HEADER = {'@timestamp', 'event.action', 'message', 'sekisho.clock.synchronised'}  # fields that have a place of their own in a message


class Authority:
    """The clinic's, and certificates for each host that a server is on."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.authority = certificates.Authority(folder, 'Log authority')
        self.good = self.authority.issue('server', dns=['log.clinic.example'], addresses=[SERVER_V4, DESK_V4, DEVICE_V4])


@pytest.fixture(scope='module')
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp('certificates'))


@pytest.fixture(autouse=True)
def no_server_is_left(request):
    """What one test's servers do not have yet must not come to the next one's."""
    lab = request.getfixturevalue('lab') if 'lab' in request.fixturenames else None
    yield
    if lab:
        lab.apply(configuration())


def server(name: str, host: str, pem: str = '', transport: str = 'tls', port: int | None = None, server_name: str = '') -> str:
    """A `server` statement."""
    text = f'server {name} {{ host {host}; transport {transport};'
    if port:
        text += f' port {port};'
    if server_name:
        text += f' server-name {server_name};'
    if pem:
        text += f' certificate "{pem.strip()}";'
    return text + ' }\n'


def configuration(*servers: str, settings: str = 'file-size 64M;') -> str:
    return daemon.NETWORKS + f'log {{ per-minute 10000; burst 10000; {settings}\n{"".join(servers)}}}\n'


def flood(lab, count: int, source: str = '192.0.2.10') -> None:
    """Denied packets, each of which is a record."""
    with frames.Wire(lab.outside, 'eth0') as wire:
        mac = lab.router.mac('wan0')
        wire.send_frames([wire.frame(frames.ip(source, WAN_V4, frames.udp(1024 + number, 9000)), mac) for number in range(count)])


def status(lab, name: str = 'archive') -> dict:
    return next(row for row in lab.asked('show', 'log-servers')['log_servers'] if row['name'] == name)


def caught_up(lab, name: str = 'archive', lines: int = 0, seconds: float = 60) -> None:
    """Waits until the server's kernel has the whole log, which has at least so many lines."""
    def done() -> bool:
        return len(lab.log()) >= lines and status(lab, name)['state'] == 'connected' and status(lab, name)['lines_behind'] == 0
    until(done, lambda: f'{name} with the whole log: {status(lab, name)}; {len(lab.log())} lines', seconds, 0.2)


def identity(event: dict) -> tuple[str, str]:
    """Of a line of the log."""
    return field(event, 'host.boot.id'), str(field(event, 'event.sequence'))


def identities(records: list[dict]) -> list[tuple[str, str]]:
    """Of rsyslog's records."""
    return [(data['host.boot.id'], data['event.sequence']) for data in (structured_data(record)[rfc5424.EVENT] for record in records if 'unreadable' not in record)]


def has_all(lab, target: Rsyslog, since: int = 0, seconds: float = 60) -> None:
    """Every line of the log is with the server."""
    wanted = {identity(event) for event in lab.log()[since:]}
    until(lambda: wanted <= set(identities(target.records())),
          lambda: f'{len(wanted - set(identities(target.records())))} of {len(wanted)} records at the server', seconds, 0.2)


def repeated_pieces(records: list[dict]) -> list[int]:
    """Bytes that came twice, for each time that the sequence went back."""
    pieces, seen, former = [], set(), 0
    for record in records:
        if 'unreadable' in record:
            continue
        key = identities([record])[0]
        if int(key[1]) <= former:
            pieces.append(0)
        if key in seen:
            pieces[-1] += len(record['rawmsg'].encode())
        seen.add(key)
        former = int(key[1])
    return pieces


def flat(event: dict, prefix: str = '') -> dict[str, str]:
    """The fields of a line of the log, values as people read them: newlines (in differences of configurations) are made visible in a message."""
    found = {}
    for key, value in event.items():
        if isinstance(value, dict):
            found |= flat(value, f'{prefix}{key}.')
        else:
            found[prefix + key] = str(value).lower() if isinstance(value, bool) else str(value).replace('\n', '\\x0a')
    return found


# ---- what is there -----------------------------------------------------------------------------------------------------------------------------------------


def test_rsyslog_reads_every_field(lab, authority, tmp_path):
    with Rsyslog(lab.server, tmp_path / 'rsyslog', SERVER_V4, authority.good, authority.authority.certificate) as target:
        lab.apply(configuration(server('archive', SERVER_V4, authority.authority.pem)))
        flood(lab, 20)
        lab.event(source__port=1043)
        has_all(lab, target)
        lines = {identity(event): event for event in lab.log()}
        records = target.records()
        assert len(records) == len(lines) == len(set(identities(records)))
        for record in records:
            line = lines[identities([record])[0]]
            fields, data = flat(line), structured_data(record)
            # rsyslog shows times with the offset that it was sent
            assert datetime.fromisoformat(record['timereported']) == datetime.fromisoformat(line['@timestamp'])
            assert (record['hostname'], record['app-name'], record['procid'], record['msgid']) == ('testbed', 'sekisho', '-', field(line, 'event.action'))
            assert record['protocol-version'] == '1' and record['inputname'] == 'imtcp'
            assert data['timeQuality'] == {'tzKnown': '1', 'isSynced': '1'}
            assert data['origin'] == {'software': 'Sekisho', 'swVersion': '0.1.0'}
            assert data['meta'] == {'sequenceId': fields['event.sequence']}
            assert data[rfc5424.EVENT] == {path: value for path, value in fields.items() if path not in HEADER}
        denied = next(record for record in records if record['msgid'] == 'connection-denied')
        assert denied['msg'].endswith(f'denied udp 192.0.2.10 port 1024 to {WAN_V4} port 9000: no-service'), denied
    shown = status(lab)
    assert shown['lines_missed'] == 0 and shown['last_sent']


def test_messages_are_strict_and_framed(lab, authority):
    """The raw bytes on the connection, by a parser that shares nothing with the encoder; with a configuration whose difference is hostile."""
    hostile = ''']"' [x@1 y="z"]<13>1 - - - - - - 日本 ]]> '''.replace('"', "'")
    with Collector(lab.server, SERVER_V4, TLS, authority.good) as collector:
        lab.apply(configuration(server('archive', SERVER_V4, authority.authority.pem)))
        flood(lab, 5)
        run = lab.command('apply', '-', contents=configuration(server('archive', SERVER_V4, authority.authority.pem))
                          + f'address-list odd {{ description "{hostile}"; address 203.0.113.0/28; }}\n')
        assert run.returncode == 0 or 'description' in run.stderr, run.stderr
        lab.command('show', 'log', '--last', '3')
        lines = lab.log()
        until(lambda: len(collector.messages()) >= len(lines), lambda: f'{len(lines)} messages: {len(collector.messages())}, {status(lab)}')
        protection = collector.connections[-1].protection
        shown = status(lab)
    assert protection[0] == 'TLSv1.3' and shown['connection'].startswith(f'{SERVER_V4} port {TLS}, TLSv1.3 TLS1-3-')
    events = {identity(event): flat(event) for event in lines}
    read = 0
    for raw in collector.messages():
        message = rfc5424.parse(raw)
        event = events.get((message.event['host.boot.id'], message.event['event.sequence']))
        if event is None:
            continue  # written later
        read += 1
        assert message.message_id == event['event.action'] and message.timestamp == datetime.fromisoformat(event['@timestamp'])
        cut = message.event.get('truncated', '').split()
        assert {key: value for key, value in message.event.items() if key not in cut and key != 'truncated'} == {
            path: value for path, value in event.items() if path not in HEADER and path not in cut}
        if 'message' in event and 'message' not in cut:
            assert message.text == event['message']
    assert read == len(lines)


# ---- servers that are not believed -------------------------------------------------------------------------------------------------------------------------


def test_wrong_servers_get_nothing_and_are_told_of(lab, authority):
    other = certificates.Authority(authority.folder, 'Another authority')
    kinds = {
        'expired': (authority.authority.issue('e', addresses=[SERVER_V4], end=datetime(2025, 1, 1)), 'the certificate expired 2025-01-01'),
        'future': (authority.authority.issue('f', addresses=[SERVER_V4], begin=datetime(2031, 1, 1)), 'is not yet valid (from 2031-01-01 on): is the clock right?'),
        'othername': (authority.authority.issue('n', dns=['log.other.example']), f'the certificate is for log.other.example, not for {SERVER_V4}'),
        'stranger': (other.issue('s', addresses=[SERVER_V4]), 'the certificate is not issued by a configured authority'),
    }
    since = len(lab.log())
    ports = {kind: 7000 + number for number, kind in enumerate(kinds)}
    with Collector(lab.server, SERVER_V4, ports['expired'], kinds['expired'][0]) as expired, Collector(lab.server, SERVER_V4, ports['future'], kinds['future'][0]) as future, \
            Collector(lab.server, SERVER_V4, ports['othername'], kinds['othername'][0]) as name, \
            Collector(lab.server, SERVER_V4, ports['stranger'], kinds['stranger'][0]) as stranger:
        lab.apply(configuration(*(server(kind, SERVER_V4, authority.authority.pem, port=port) for kind, port in ports.items())))
        for kind, (_, words) in kinds.items():
            event = lab.event(since, event__action='log-server-lost', sekisho__log_server=kind)
            assert words in event['message'] and field(event, 'event.kind') == 'alert', event
            assert words in status(lab, kind)['trouble'] and status(lab, kind)['state'] != 'connected'
            assert status(lab, kind)['lines_behind'] > 0
        # again and again, and still one event
        for collector in (expired, future, name, stranger):
            until(lambda: len(collector.connections) >= 3, 'three attempts')
            assert all(connection.bytes == b'' for connection in collector.connections)
    assert len(lab.logged({'event.action': 'log-server-lost'}, since)) == 4


def test_unprotected_transports_work_and_warn(lab, tmp_path):
    with Rsyslog(lab.server, tmp_path / 'rsyslog', SERVER_V4) as target:
        run = lab.apply(configuration(server('plain', SERVER_V4, transport='tcp'), server('datagrams', SERVER_V4, transport='udp')))
        assert (run.stdout + run.stderr).count('unprotected') >= 2, run.stdout + run.stderr
        flood(lab, 50)
        lab.event(source__port=1073)
        caught_up(lab, 'plain', seconds=30)
        wanted = {identity(event) for event in lab.log()}
        for kind in ('imtcp', 'imudp'):
            until(lambda: wanted <= set(identities([record for record in target.records() if record['inputname'] == kind])), f'every record over {kind}')
        assert status(lab, 'plain')['connection'] == f'{SERVER_V4} port {TCP}' and status(lab, 'datagrams')['connection'] == f'{SERVER_V4} port {UDP}'
        assert '2 without TLS' in lab.command('show', 'log-servers').stdout
    # a server that nobody is told of any more is forgotten
    assert 'plain ' in (lab.data / 'state' / 'log-servers').read_text()
    lab.apply(configuration())
    assert lab.asked('show', 'log-servers')['log_servers'] == []
    assert (lab.data / 'state' / 'log-servers').read_text() == ''


# ---- servers, ways and routers that fail -------------------------------------------------------------------------------------------------------------------


def test_a_server_that_is_killed_under_load_gets_everything(lab, authority, tmp_path):
    with Rsyslog(lab.server, tmp_path / 'rsyslog', SERVER_V4, authority.good, authority.authority.certificate) as target:
        lab.apply(configuration(server('archive', SERVER_V4, authority.authority.pem)))
        caught_up(lab)
        before = len(lab.log())
        done = threading.Event()

        def load():
            for batch in range(40):
                flood(lab, 60, f'192.0.2.{batch + 1}')
                time.sleep(0.2)
            done.set()
        thread = threading.Thread(target=load)
        thread.start()
        time.sleep(2)
        for _ in range(2):
            received = len(target.records())
            target.kill()
            until(lambda: status(lab)['state'] != 'connected', 'a server that is known to be away')
            time.sleep(1)
            target.start()
            until(lambda: len(target.records()) > received + 10, 'records after the return')
        thread.join()
        assert done.is_set()
        until(lambda: len(lab.log()) >= before + 2400, 'a line for each packet')
        has_all(lab, target, before)
        pieces = repeated_pieces(target.records())
        assert len(pieces) <= 2 and all(piece <= WINDOW_BYTES for piece in pieces), pieces
    told = Counter(field(event, 'event.action') for event in lab.log()[before:])
    assert told['log-server-lost'] in (told['log-server-back'], told['log-server-back'] + 1), told


def test_a_server_that_stands_still_for_a_moment_gets_nothing_twice(lab, authority, tmp_path):
    with Rsyslog(lab.server, tmp_path / 'rsyslog', SERVER_V4, authority.good, authority.authority.certificate) as target:
        lab.apply(configuration(server('archive', SERVER_V4, authority.authority.pem)))
        caught_up(lab)
        before = len(lab.log())
        target.stand_still()
        flood(lab, 500)
        time.sleep(3)
        target.go_on()
        flood(lab, 500, '192.0.2.11')
        until(lambda: len(lab.logged({'source.ip': '192.0.2.11'})) >= 500, 'the lines of the packets')
        has_all(lab, target, before)
        assert repeated_pieces(target.records()) == []


def test_the_window_holds_what_is_younger_than_30_seconds(lab, authority, tmp_path):
    """Three servers fail at once: one stands still, one's cable is out (nobody says anything), one is killed. None misses a record, and none gets one again that it was
    sent more than 30 s before."""
    hosts = {'still': (lab.server, SERVER_V4), 'away': (lab.desk, DESK_V4), 'killed': (lab.device, DEVICE_V4)}
    targets = {name: Rsyslog(host, tmp_path / name, address, authority.good, authority.authority.certificate) for name, (host, address) in hosts.items()}
    # little room in the kernel for what the server has not read, or it takes long until anything shows
    lab.server.sysctl('net.ipv4.tcp_rmem', '4096 16384 32768')
    before = len(lab.log())
    with targets['still'] as still, targets['away'], targets['killed'] as killed:
        lab.apply(configuration(*(server(name, address, authority.authority.pem) for name, (_, address) in hosts.items())))

        def batch(source: str) -> None:
            since = len(lab.log())
            flood(lab, 200, source)
            until(lambda: len(lab.logged({'source.ip': source}, since)) >= 200, 'the lines of the packets')
        batch('192.0.2.20')
        for name in hosts:
            caught_up(lab, name)
        old = {identity(event) for event in lab.log()}
        time.sleep(WINDOW_SECONDS + 4)
        batch('192.0.2.21')
        for name in hosts:
            caught_up(lab, name)

        still.stand_still()
        lab.desk.ip('link', 'set', 'eth0', 'down')
        killed.kill()
        batch('192.0.2.22')
        time.sleep(2)
        killed.start()
        until(lambda: all(status(lab, name)['state'] != 'connected' for name in ('still', 'away')), 'servers that take nothing are given up', 60, 0.5)
        batch('192.0.2.23')
        lab.desk.ip('link', 'set', 'eth0', 'up')
        lab.desk.route('default', daemon.CLINIC_V4)
        still.go_on()
        for name, target in targets.items():
            has_all(lab, target, before, 90)
            counts = Counter(identities(target.records()))
            again = {key for key, count in counts.items() if count > 1}
            assert not again & old, f'{name} got {len(again & old)} records again that it had long had'
            pieces = repeated_pieces(target.records())
            assert 1 <= len(pieces) and all(piece <= WINDOW_BYTES for piece in pieces), (name, pieces)


def test_a_router_that_restarts_goes_on_where_it_was(new_lab, authority, tmp_path):
    lab = new_lab(configuration(server('archive', SERVER_V4, authority.authority.pem)))
    lab.start()
    with Rsyslog(lab.server, tmp_path / 'rsyslog', SERVER_V4, authority.good, authority.authority.certificate) as target:
        caught_up(lab)
        flood(lab, 200)
        lab.stop()  # in order, while it is sending
        lab.start()
        caught_up(lab)
        has_all(lab, target)
        flood(lab, 200, '192.0.2.11')
        until(lambda: lab.logged({'source.ip': '192.0.2.11'}), 'a line')
        lab.kill()
        lab.start()
        has_all(lab, target)
        # neither is there: what is recorded meanwhile is sent when both are
        target.kill()
        flood(lab, 200, '192.0.2.12')
        until(lambda: len(lab.logged({'source.ip': '192.0.2.12'})) >= 200, 'the lines of the packets')
        lab.stop()
        lab.start()
        flood(lab, 200, '192.0.2.13')
        until(lambda: len(lab.logged({'source.ip': '192.0.2.13'})) >= 200, 'the lines of the packets')
        target.start()
        has_all(lab, target)
        pieces = repeated_pieces(target.records())
        assert len(pieces) <= 4 and all(piece <= WINDOW_BYTES for piece in pieces), pieces
    lab.stop()


def test_what_rotation_took_is_counted(new_lab, authority, tmp_path):
    lab = new_lab(configuration(server('archive', SERVER_V4, authority.authority.pem), settings='file-size 64K; files 2;'))
    lab.start()
    lab.event(event__action='log-server-lost')
    flood(lab, 1500)
    until(lambda: lab.logged({'event.action': 'log-rotated-unread'}), 'a rotation that takes lines')
    until(lambda: len(lab.logged({'source.port': 1024 + 1499})) == 1, 'the last packet')
    missed = status(lab)['lines_missed']
    assert missed > 0
    with Rsyslog(lab.server, tmp_path / 'rsyslog', SERVER_V4, authority.good, authority.authority.certificate) as target:
        gap = lab.event(event__action='log-forward-gap', sekisho__log_server='archive', seconds=90)
        caught_up(lab)
        has_all(lab, target)
        assert field(gap, 'sekisho.count') == missed == status(lab)['lines_missed'], gap
        numbers = sorted(int(number) for _, number in set(identities(target.records())))
        # one boot: what is missing at the server is what was counted
        assert numbers == list(range(missed + 1, missed + 1 + len(numbers)))
        assert any(record['msgid'] == 'log-forward-gap' for record in target.records())
    lab.stop()


def test_a_host_name_is_looked_up(new_lab, authority, tmp_path):
    lab = new_lab()
    folder = Path('/etc/netns') / lab.router.name
    folder.mkdir(parents=True)
    try:
        (folder / 'hosts').write_text(f'{SERVER_V4} log.clinic.example\n')
        (folder / 'resolv.conf').write_text('nameserver 127.0.0.1\n')
        lab.start()
        with Collector(lab.server, SERVER_V4, TLS, authority.good) as collector:
            lab.apply(configuration(server('archive', 'log.clinic.example', authority.authority.pem)).replace(
                'host-name testbed;', f'host-name testbed; name-server {SERVER_V4};'))
            caught_up(lab)
            until(collector.messages, 'messages')
        lab.stop()
    finally:
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
