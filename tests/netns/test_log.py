# SPDX-License-Identifier: GPL-2.0-or-later
"""The access log: rotation and its gaps, reading while it is written, what was lost on the way, and bytes that want to be a line of their own."""

import itertools
import json
import re
import signal
import threading

from tests.harness import daemon, frames
from tests.harness.daemon import WAN_V4, WAN_V6, field, until

CONFIGURATION = daemon.NETWORKS + '''
log { per-minute 10000; burst 10000; file-size 64M; }
address-list vendor { address 203.0.113.0/28; address 2001:db8:200::/48; }
service web { protocol tcp; port 8080; forward-to 10.0.1.20; forward-to 2001:db8:10::20; source { address-list vendor; } }
'''
SMALL = CONFIGURATION.replace('file-size 64M', 'file-size 64K; files 2')


def flood(lab, sources: list[str], count: int) -> int:
    """`count` denied packets from each source."""
    with frames.Wire(lab.outside, 'eth0') as wire:
        mac = lab.router.mac('wan0')
        return wire.send_frames([wire.frame(frames.ip(source, WAN_V6 if ':' in source else WAN_V4, frames.udp(1024 + number, 9000)), mac)
                                 for source in sources for number in range(count)])


def sequences_are_continuous(events: list[dict]) -> None:
    for former, event in itertools.pairwise(events):
        assert field(event, 'event.sequence') == field(former, 'event.sequence') + 1, (former, event)


def denied(lab, source: str, since: int = 0) -> list[dict]:
    return lab.logged({'source.ip': source, 'event.action': 'connection-denied'}, since)


def test_every_event_bears_time_clock_boot_and_sequence(lab):
    flood(lab, ['192.0.2.10', '2001:db8:bad::1'], 20)
    until(lambda: len(denied(lab, '192.0.2.10')) == 20 and len(denied(lab, '2001:db8:bad::1')) == 20, 'the lines of 40 packets')
    events = lab.log()
    for event in events:
        assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z', event['@timestamp'])
        assert isinstance(field(event, 'sekisho.clock.synchronised'), bool)
        assert re.fullmatch(r'[0-9a-f-]{36}', field(event, 'host.boot.id'))
        assert field(event, 'event.kind') in ('event', 'alert') and field(event, 'event.action') and field(event, 'event.category')
    assert field(events[0], 'event.sequence') == 1
    sequences_are_continuous(events)
    assert [field(event, 'source.port') for event in denied(lab, '192.0.2.10')] == list(range(1024, 1044)), 'in the order in which they came'


def test_log_is_readable_while_it_is_written(lab):
    since = len(lab.log())
    sent = []
    writer = threading.Thread(target=lambda: sent.append(sum(flood(lab, [f'192.0.{net}.1'], 400) for net in range(10, 20))))
    writer.start()
    readings = 0
    while writer.is_alive() or readings < 3:
        run = lab.command('show', 'log', '--json', '--last', '500')
        assert run.returncode == 0
        events = [json.loads(line) for line in run.stdout.splitlines()]
        assert 0 < len(events) <= 500
        sequences_are_continuous(events)
        lab.log()  # the files themselves: every whole line is an event
        readings += 1
    writer.join()
    assert sent == [4000]
    until(lambda: len([event for event in lab.log()[since:] if field(event, 'event.action') == 'connection-denied']) == 4000, 'a line for each of 4000 packets')
    sequences_are_continuous(lab.log())


def dropped_by_sockets(lab) -> int:
    """Netlink messages that found a full buffer, in the router's namespace."""
    rows = [line.split() for line in lab.router.run('cat', '/proc/net/netlink').stdout.splitlines()]
    return sum(int(row[rows[0].index('Drops')]) for row in rows[1:])


def test_what_the_kernel_could_not_deliver_is_counted_and_told(lab):
    """While the daemon stands still, the kernel's buffer overflows. Every packet is a line or told of as lost; each is dropped and counted."""
    since, before, drops = len(lab.log()), lab.nft_counters()['zone.wan.deny'], dropped_by_sockets(lab)
    sent = 0
    lab.process.send_signal(signal.SIGSTOP)
    try:
        for net in range(16):
            sent += flood(lab, [f'198.18.{net}.1'], 4000)
            if dropped_by_sockets(lab) > drops:
                break
        else:
            raise AssertionError('the buffer took everything: the test shows nothing')
        sent += flood(lab, ['198.18.99.1'], 1000)
    finally:
        lab.process.send_signal(signal.SIGCONT)
    assert lab.nft_counters()['zone.wan.deny'] - before == sent

    def lost() -> int:
        return sum(field(event, 'sekisho.count') for event in lab.logged({'event.action': 'log-lost'}, since) if 'records were lost' in event['message'])

    def written() -> int:
        return len([event for event in lab.log()[since:] if (field(event, 'source.ip') or '').startswith('198.')])

    def all_told() -> bool:
        nonlocal sent
        if written() + lost() < sent:
            sent += flood(lab, ['198.19.0.1'], 1)  # a gap shows at the next record that does arrive
        return lost() > 0 and written() + lost() == sent
    until(all_told, lambda: f'{sent} packets as {written()} lines and {lost()} told of as lost', 120, pause=2)
    assert field(lab.logged({'event.action': 'log-lost'}, since)[0], 'event.kind') == 'alert'
    sequences_are_continuous(lab.log())


def test_rotation_by_size_keeps_so_many_files_and_tells_what_nobody_read(lab):
    lab.apply(SMALL)
    lab.command('show', 'log', '--last', '100000', '--json')  # somebody has read everything until here
    before = lab.log()
    flood(lab, ['192.0.30.1'], 1500)
    until(lambda: [event for event in lab.log() if field(event, 'source.port') == 1024 + 1499 and field(event, 'source.ip') == '192.0.30.1'], 'the last line')
    files = lab.log_files()
    assert len(files) == 3, files
    assert all(path.stat().st_size <= 64 << 10 for path in files[1:])
    events = lab.log()
    sequences_are_continuous(events)
    gone = field(events[0], 'event.sequence') - field(before[-1], 'event.sequence') - 1
    assert gone > 500
    told = [event for event in events if field(event, 'event.action') == 'log-rotated-unread']
    assert told and field(told[-1], 'sekisho.count') > 0 and 'before anyone read' in field(told[-1], 'message')

    table = lab.command('show', 'log', '--last', '5').stdout
    gap = int(re.search(r'rotation removed (\d+) events before anyone read them', table)[1])
    # and the event of the former reading, which that reading could not show
    assert gap == gone + 1, (gap, gone)
    assert 'rotation removed' not in lab.command('show', 'log', '--last', '5').stdout, 'told once'
    lab.apply(CONFIGURATION)


def test_rotation_goes_on_over_a_restart(lab):
    lab.apply(SMALL)
    flood(lab, ['192.0.31.1'], 300)
    until(lambda: len(denied(lab, '192.0.31.1')) >= 100, 'lines')
    lab.kill()
    # power failed while a line was written
    current = lab.log_files()[-1]
    with current.open('ab') as file:
        file.write(b'{"@timestamp":"2026-11-2')
    lab.start()
    flood(lab, ['192.0.32.1'], 10)
    until(lambda: len(denied(lab, '192.0.32.1')) == 10, 'lines after the restart')
    lab.event(event__action='log-torn')
    assert len(lab.log_files()) <= 3
    lab.apply(CONFIGURATION)


HOSTILE = [
    b'x\n{"event":{"action":"connection-accepted"},"forged":true}\n',
    b'y\r\n"},{"forged":true}',
    b'z\x1b[2J\x1b]0;title\x07',
    b'\xe2\x80\xae\xe2\x80\xa8 { } "quoted\\" \x00',
    b'\xff\xfe\x80 broken \xc3',
]


def test_hostile_bytes_forge_no_line_and_reach_no_terminal(lab):
    since = len(lab.log())
    for text in HOSTILE:
        run = lab.command('apply', '-', contents=b'system { host-name ' + text + b'; }\n')
        assert run.returncode == 1
        lab.command('apply', '-', contents=b'"' + text + b'" { }\naddress-list "' + text + b'" { address "' + text + b'"; }\n')
        lab.command('lease-event', 'bound', 'interface=' + text.replace(b'\0', b'').decode('utf-8', 'surrogateescape'))
        lab.command('session', 'begin', text.replace(b'\0', b'').decode('utf-8', 'surrogateescape'))
    failed = until(lambda: (found := lab.logged({'event.action': 'apply', 'event.outcome': 'failure'}, since)) if len(lab.logged(
        {'event.action': 'apply', 'event.outcome': 'failure'}, since)) >= 2 * len(HOSTILE) else None, 'an event for each refused apply')
    assert len(failed) == 2 * len(HOSTILE)
    for path in lab.log_files():
        for line in path.read_bytes().splitlines():
            event = json.loads(line.decode('utf-8'))
            assert 'forged' not in event and field(event, 'event.sequence')
            assert not re.search(rb'[\x00-\x1f\x7f]', line)
    sequences_are_continuous(lab.log())
    for words in (('show', 'log', '--last', '200'), ('show', 'log', '--last', '200', '--by-source')):
        shown = lab.command(*words).stdout
        assert not re.search(r'[\x00-\x09\x0b-\x1f\x7f\x80-\x9f\u202a-\u202e\u2028\u2029\u2066-\u2069]', shown), words
