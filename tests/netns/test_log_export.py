# SPDX-License-Identifier: GPL-2.0-or-later
"""`sekisho log export`: an account of lines. Whatever was in the log when the export began is in it once, in both formats, also while the log is written and rotated; what is
not is told of, and the exit status says so."""

import csv
import io
import json
import re
import subprocess
import threading

from tests.harness import daemon, frames
from tests.harness.daemon import CLIENT, WAN_V4, field, until

NETWORKS = daemon.NETWORKS + '''
address-list vendor { description "=cmd|' /C calc'!A0 ] 関所"; address 203.0.113.0/28; }
service web { protocol tcp; port 8080; forward-to 10.0.1.20; source { address-list vendor; } }
'''
CONFIGURATION = NETWORKS + 'log { per-minute 10000; burst 10000; file-size 64K; files 200; }\n'
SMALL = NETWORKS + 'log { per-minute 10000; burst 10000; file-size 64K; files 2; }\n'


def flood(lab, source: str, count: int) -> None:
    """`count` denied packets, each with a port of its own."""
    with frames.Wire(lab.outside, 'eth0') as wire:
        mac = lab.router.mac('wan0')
        assert wire.send_frames([wire.frame(frames.ip(source, WAN_V4, frames.udp(1024 + number, 9000)), mac) for number in range(count)]) == count


def lines_of(lab, source: str) -> int:
    return sum(field(event, 'source.ip') == source for event in lab.log())


def export(lab, *words: str) -> subprocess.CompletedProcess:
    """Output in bytes: that is what a file gets."""
    return subprocess.run([str(CLIENT), '--socket', str(lab.run / 'control.sock'), 'log', 'export', *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=120)


def begun(lab, number: int) -> dict:
    """The record of the export that began as the `number`th of those in the log."""
    return [event for event in lab.log() if field(event, 'event.action') == 'log-export'][number]


def key(event: dict) -> tuple[str, int]:
    return field(event, 'host.boot.id'), field(event, 'event.sequence')


def read_table(output: bytes) -> list[dict[str, str]]:
    assert output.startswith(b'\xef\xbb\xbf')
    return list(csv.DictReader(io.StringIO(output.decode('utf-8-sig'), newline=''), strict=True))


def as_cells(event: dict, columns: list[str]) -> dict[str, str]:
    """An event as the row of CSV that shows it; the product's own events here have nothing to escape but line ends and what looks like a formula."""
    cells = {}
    for column in columns:
        value = field(event, '@timestamp' if column == 'timestamp' else column)
        text = '' if value is None else str(value).lower() if isinstance(value, bool) else str(value).replace('\n', '\\x0a').replace('\t', '\\x09')
        cells[column] = "'" + text if isinstance(value, str) and text.startswith(('=', '+', '-', '@')) else text
    return cells


def test_json_lines_are_the_log_up_to_the_beginning_of_the_export(lab):
    """Over many files, and while more come: rotation goes on between the pieces."""
    flood(lab, '192.0.40.1', 900)
    until(lambda: lines_of(lab, '192.0.40.1') == 900, 'the lines of 900 packets', pause=0.3)
    writer = threading.Thread(target=lambda: flood(lab, '192.0.40.2', 1500))
    writer.start()
    run = export(lab, '--jsonl')
    writer.join()
    assert run.returncode == 0 and run.stderr == b'', run.stderr
    until(lambda: lines_of(lab, '192.0.40.2') == 1500, 'the lines of 1500 more', pause=0.3)
    assert len(lab.log_files()) > 20, 'the test shows nothing without rotation'
    whole = b''.join(path.read_bytes() for path in lab.log_files())
    before, _, after = whole.partition(b'"action":"log-export"')
    assert run.stdout == before[:before.rfind(b'\n') + 1]
    assert b'log-export' not in after, 'recorded once'
    assert run.stdout.count(b'\n') > 900


def test_the_export_is_recorded_with_who_and_what(lab):
    since = len(lab.log())
    lines = len(lab.log())
    assert export(lab, '--csv', '--from', '2026-11-23T00:00:00+09:00', '--to', '2027-01-01T00:00:00Z').returncode == 0
    event, = lab.log()[since:]
    assert field(event, 'event.action') == 'log-export' and field(event, 'event.outcome') == 'success' and field(event, 'event.category') == 'authentication'
    assert field(event, 'user.name') == 'root' and field(event, 'sekisho.session.origin') == 'local'
    assert field(event, 'message') == (f'export as csv began: events from 2026-11-22T15:00:00.000000Z to 2027-01-01T00:00:00.000000Z, out of {lines} lines from number 0')


def test_csv_holds_the_same_events(lab):
    lab.apply(CONFIGURATION.replace('calc', 'other'))  # its difference: several lines that begin with + and -
    lab.apply(CONFIGURATION)
    jsonl, table = export(lab, '--jsonl'), export(lab, '--csv')
    assert (jsonl.returncode, table.returncode, table.stderr) == (0, 0, b'')
    events = [json.loads(line) for line in jsonl.stdout.splitlines()]
    rows = read_table(table.stdout)
    last = rows.pop()  # the former export's record
    assert last['event.action'] == 'log-export' and 'jsonl' in last['message']
    assert len(rows) == len(events) > 1000
    columns = list(rows[0])
    for event, row in zip(events, rows, strict=True):
        assert row == as_cells(event, columns)
    assert any(row['sekisho.config.diff'].startswith("'") and '関所' in row['sekisho.config.diff'] for row in rows)
    assert table.stdout.count(b'\n') == table.stdout.count(b'\r\n') == len(rows) + 2


def test_a_range_takes_events_from_its_begin_to_before_its_end(lab):
    times = sorted({event['@timestamp'] for event in lab.log()})
    first, second = times[len(times) // 3], times[2 * len(times) // 3]
    for words in ((), ('--from', first), ('--to', second), ('--from', first, '--to', second)):
        wanted = [key(event) for event in lab.log() if ('--from' not in words or event['@timestamp'] >= first) and ('--to' not in words or event['@timestamp'] < second)]
        run = export(lab, '--jsonl', *words)
        assert run.returncode == 0
        assert [key(json.loads(line)) for line in run.stdout.splitlines()] == wanted
        before = len(lab.log())
        run = export(lab, '--csv', *words)
        found = [(row['host.boot.id'], int(row['event.sequence'])) for row in read_table(run.stdout)]
        assert found[:len(wanted)] == wanted and len(found) - len(wanted) <= 1, 'the same, and perhaps the record of the export before'
        assert len(lab.log()) == before + 1
    # three parts are the whole
    parts = [export(lab, '--jsonl', *words).stdout for words in (('--to', first), ('--from', first, '--to', second), ('--from', second))]
    assert b''.join(parts).startswith(b''.join(path.read_bytes() for path in lab.log_files()[:-1]))


def test_what_makes_no_sense_is_refused_and_not_recorded(lab):
    since = len(lab.log())
    for words in ((), ('--csv', '--jsonl'), ('--csv', '--from', 'yesterday'), ('--jsonl', '--from', '2026-11-24T00:00:00Z', '--to', '2026-11-23T00:00:00Z')):
        run = export(lab, *words)
        assert run.returncode == 2 and run.stdout == b'' and run.stderr
    assert len(lab.log()) == since


def test_output_that_nobody_takes_is_a_failure(lab):
    socket = str(lab.run / 'control.sock')
    for form in ('--jsonl', '--csv'):
        with open('/dev/full', 'wb') as full:
            run = subprocess.run([str(CLIENT), '--socket', socket, 'log', 'export', form], stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, timeout=60)
        assert run.returncode == 1 and b'no space left' in run.stderr.lower()
        process = subprocess.Popen([str(CLIENT), '--socket', socket, 'log', 'export', form], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout.read(100)
        process.stdout.close()  # as `head` does
        errors = process.stderr.read()
        process.stderr.close()
        assert process.wait(60) == 1 and b'broken pipe' in errors.lower()


def test_a_line_that_is_no_event_is_told(new_lab):
    lab = new_lab(NETWORKS)
    lab.start()
    lab.stop()
    with lab.log_files()[-1].open('ab') as file:
        file.write(b'not an event\n{"message":"without a time"}\n')
    lab.start()
    run = export(lab, '--jsonl')
    assert run.returncode == 1 and run.stderr == b'2 lines of the log are no events, exported as they are\n'
    assert b'\nnot an event\n{"message":"without a time"}\n' in run.stdout
    run = export(lab, '--csv')
    assert run.returncode == 1 and run.stderr == b'2 lines of the log are no events; only --jsonl exports them\n'
    assert b'not an event' not in run.stdout and b'without a time' not in run.stdout
    lab.stop()


def test_what_rotation_took_is_counted(new_lab):
    """Before the export, and while it stands still because nobody reads: the events that are missing are as many as it says."""
    lab = new_lab(SMALL)
    lab.start()
    flood(lab, '192.0.41.1', 700)
    until(lambda: any(field(event, 'source.port') == 1024 + 699 for event in lab.log()), 'the last line', pause=0.3)
    first = int(re.search(r'\d+', lab.log_files()[0].name)[0])
    assert first > 0
    run = export(lab, '--jsonl')
    assert run.returncode == 0
    assert run.stderr.decode() == f'gap: rotation had removed the oldest {first} lines of the log, {first} of them before anyone read them\n'

    process = subprocess.Popen([str(CLIENT), '--socket', str(lab.run / 'control.sock'), 'log', 'export', '--jsonl'], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: len([event for event in lab.log() if field(event, 'event.action') == 'log-export']) >= 2, 'the record of the export')
    record = begun(lab, -1)
    flood(lab, '192.0.41.2', 700)
    until(lambda: any(field(event, 'source.ip') == '192.0.41.2' and field(event, 'source.port') == 1024 + 699 for event in lab.log()), 'the last line of the second', pause=0.3)
    output, errors = process.communicate(timeout=60)
    gone = int(re.search(r'rotation removed (\d+) lines during the export', errors.decode())[1])
    assert process.returncode == 1 and gone > 0
    total = int(re.search(r'out of (\d+) lines', field(record, 'message'))[1])
    sequences = [field(json.loads(line), 'event.sequence') for line in output.splitlines()]
    assert len(sequences) + gone == total
    assert sequences == sorted(set(sequences)) and sequences[-1] < field(record, 'event.sequence')
    lab.stop()


def test_the_numbers_go_on_over_a_restart(lab):
    """What was exported before is found again at the same place afterwards."""
    before = export(lab, '--jsonl').stdout
    lab.stop()
    lab.start()
    lab.kill()
    lab.start()
    after = export(lab, '--jsonl')
    assert after.returncode == 0 and after.stdout.startswith(before)
    names = [int(re.search(r'\d+', path.name)[0]) for path in lab.log_files()]
    counts = [path.read_bytes().count(b'\n') for path in lab.log_files()]
    assert names == [sum(counts[:place]) for place in range(len(counts))]
