# SPDX-License-Identifier: GPL-2.0-or-later
"""CSV and syslog messages of hostile events, read by Python's csv module and by a parser of RFC 5424 that share nothing with the encoders. `ENCODE_EVENTS` names the
program that encodes (tests/harness/encode_events.cpp)."""

import csv
import functools
import io
import json
import os
import random
import re
import subprocess
import unicodedata
from datetime import datetime
from pathlib import Path

import pytest

from tests.harness import rfc5424

ROOT = Path(__file__).resolve().parents[3]
MOST_MESSAGE = 8192
MOST_CELL = 32767

PIECES = ['a', 'Z', '0', ' ', '  ', '.', ',', ';', ':', '"', '""', "'", '\\', '\\\\', ']', '[', '][', '="', '" ', '\\"', '\\]', '<13>1 ', '=', '+', '-', '@', '|', '%',
          '\n', '\r', '\r\n', '\t', '\0', '\x01', '\x1b[2J', '\x7f', '\x85', '\x9b', '\xa0', '\xad', '\u061c', '\u200b', '\u200f', '\u2028', '\u2029', '\u202e', '\u2066', '\ufeff',
          '\u3000', '＝', '＋', '－', '＠', '−', '“', '関所', 'e\u0301', '𠮟', '🏥', '\U000e0041', '\U0010ffff',
          '=cmd|\' /C calc\'!A0', '\x22][event@32473 user.name="root"]', '\n<85>1 2026-11-23T00:00:00Z clinic sekisho - login - \ufeffroot',
          '"}\n{"event":{"action":"login"}}', '"\r\n"2026-11-23T00:00:00Z","event",', ' truncated="x"', '\\x0a', '\\u{202e}']
LONG = ['x' * 65536, '"' * 65536, '\\]' * 30000, '\n' * 20000, '関' * 40000, '𠮟' * 30000, '=' + 'x' * 40000, 'x' * 32766, 'x' * 32767]


def fields() -> dict[str, str]:
    """Kind by name, from the reference page."""
    page = (ROOT / 'policy' / 'events' / 'REFERENCE.md').read_text()
    found = dict(re.findall(r'^\| `([^`]+)` \| (text|number|boolean) \|', page, re.MULTILINE))
    assert len(found) > 30 and found['@timestamp'] == 'text' and found['event.sequence'] == 'number'
    return found


FIELDS = fields()


def hostile_events() -> list[dict]:
    """By name with dots; reproducible."""
    chance = random.Random(5424)

    def value(kind: str):
        if kind == 'number':
            return chance.choice([0, 1, -1, 22, 65535, 2147483647, 2147483648, -2**63, 2**63 - 1])
        if kind == 'boolean':
            return chance.random() < 0.5
        return ''.join(chance.choice(PIECES) for _ in range(chance.randrange(12)))
    events = [{}]
    for name, kind in FIELDS.items():
        events += [{name: whole} for whole in ['', '-', *PIECES]] if kind == 'text' else [{name: value(kind)} for _ in range(5)]
    for name in ('message', 'sekisho.config.diff'):
        events += [{name: whole, 'event.sequence': 7} for whole in LONG]
    for _ in range(500):
        chosen = chance.sample(list(FIELDS), chance.randrange(1, len(FIELDS)))
        events.append({name: value(FIELDS[name]) for name in chosen})
    for _ in range(30):  # long in many places
        events.append({name: chance.choice(PIECES) * chance.randrange(1500) if kind == 'text' else value(kind) for name, kind in FIELDS.items() if chance.random() < 0.5})
    for category in ('network', 'authentication', 'configuration', 'host', 'else'):
        for outcome in ('success', 'failure', 'else'):
            for kind in ('event', 'alert'):
                events.append({'@timestamp': '2026-11-23T04:05:06.000007Z', 'event.kind': kind, 'event.category': category, 'event.outcome': outcome,
                               'event.action': 'connection-denied', 'source.ip': '203.0.113.9', 'source.port': 4022, 'sekisho.clock.synchronised': kind == 'event'})
    return [event for event in events if len(nested_line(event)) < 256 << 10]  # what the router reads of a line


def nested_line(event: dict) -> bytes:
    nested: dict = {}
    for name, value in event.items():
        place = nested
        *objects, last = name.split('.')
        for part in objects:
            place = place.setdefault(part, {})
        place[last] = value
    return json.dumps(nested, ensure_ascii=False).encode() + b'\n'


EVENTS = hostile_events()


def encoded(form: str) -> bytes:
    run = subprocess.run([os.environ['ENCODE_EVENTS'], form], input=b''.join(nested_line(event) for event in EVENTS), capture_output=True, timeout=200)
    assert run.returncode == 0, run.stderr.decode(errors='replace')[-2000:]
    return run.stdout


@functools.cache
def is_hidden(character: str) -> bool:
    return unicodedata.category(character) in ('Cc', 'Cf', 'Zl', 'Zp')


def shown(value) -> str:
    """As the documents say that values are shown: what can't be seen, or misleads, is escaped."""
    if not isinstance(value, str):
        return {True: 'true', False: 'false'}[value] if isinstance(value, bool) else str(value)
    return ''.join(c if not is_hidden(c) else f'\\x{ord(c):02x}' if ord(c) < 0x80 else f'\\u{{{ord(c):0{4 if ord(c) < 0x10000 else 6}x}}}' for c in value)


def units(text: str) -> int:
    return len(text.encode('utf-16-le')) // 2


@pytest.fixture(scope='module')
def messages() -> list[bytes]:
    return list(rfc5424.frames(encoded('rfc5424')))


@pytest.fixture(scope='module')
def parsed_messages(messages) -> list[rfc5424.Message]:
    return [rfc5424.parse(message) for message in messages]


@pytest.fixture(scope='module')
def table() -> bytes:
    return encoded('csv')


def test_there_are_thousands_of_events():
    assert len(EVENTS) > 2500


def test_every_event_is_one_strict_message(messages, parsed_messages):
    assert len(messages) == len(EVENTS)
    for message, parsed in zip(messages, parsed_messages, strict=True):
        assert len(message) <= MOST_MESSAGE
        assert (parsed.host_name, parsed.app_name, parsed.process_id) == ('clinic', 'sekisho', None)
        assert set(parsed.data) - {'meta'} == {'timeQuality', 'origin', rfc5424.EVENT}
        assert parsed.parameters('origin') == {'software': 'Sekisho', 'swVersion': '0.1.0'}
        text = message.decode('utf-8')
        assert not any(is_hidden(c) for c in text.replace('\ufeff', '', 1)), text  # the mark before MSG


def test_messages_hold_every_value(messages, parsed_messages):
    cut = 0
    for event, message, parsed in zip(EVENTS, messages, parsed_messages, strict=True):
        found = parsed.event
        truncated = set(found.pop('truncated', '').split())
        cut += len(truncated)
        if '@timestamp' in event and '@timestamp' not in found:
            assert parsed.timestamp == datetime.fromisoformat(event['@timestamp'])
            found['@timestamp'] = event['@timestamp']
        elif '@timestamp' in event:
            assert parsed.timestamp is None
        if 'event.action' in event and 'event.action' not in found:
            assert parsed.message_id is not None
            found['event.action'] = parsed.message_id
        elif 'event.action' in event:
            assert parsed.message_id is None
        if 'message' in event and (event['message'] or parsed.text):
            found['message'] = parsed.text
        elif 'message' in event:
            found['message'] = ''
        quality = parsed.parameters('timeQuality')
        assert quality == {'tzKnown': '1', 'isSynced': '1' if event.get('sekisho.clock.synchronised') else '0'}
        if 'sekisho.clock.synchronised' in event:
            found['sekisho.clock.synchronised'] = event['sekisho.clock.synchronised']
        sequence = event.get('event.sequence', 0)
        assert parsed.parameters('meta') == ({'sequenceId': str((sequence - 1) % 2147483647 + 1)} if sequence > 0 else {})
        assert set(found) == set(event)
        for name, value in event.items():
            if name in truncated:
                assert shown(value).startswith(found[name]) and found[name] != shown(value), name
            elif name != 'sekisho.clock.synchronised':
                assert found[name] == shown(value), name
        # nothing is cut where there was room
        assert not truncated or len(message) > MOST_MESSAGE - 1500
    assert cut > 50


def test_priorities_are_the_documented_ones(parsed_messages):
    for event, parsed in zip(EVENTS, parsed_messages, strict=True):
        facility = {'network': 16, 'authentication': 10, 'configuration': 13, 'host': 3}.get(event.get('event.category'), 16)
        assert parsed.facility == facility
        assert 4 <= parsed.severity <= 6
        assert event.get('event.kind') != 'alert' or parsed.severity == 4


def test_connections_have_a_sentence(parsed_messages):
    sentences = {parsed.text for event, parsed in zip(EVENTS, parsed_messages, strict=True) if event.get('event.action') == 'connection-denied'}
    assert 'denied 203.0.113.9 port 4022 to' in sentences


def cell(value) -> str:
    """What a text becomes in CSV."""
    text = shown(value)
    if not isinstance(value, str):
        return text
    quote = "'" if re.match(r'[ \u00a0\u3000"\'`‘’“”＂＇\u2000-\u200a]*[=+\-@\t\r\n−＝＋－＠]', value) else ''
    if units(text) > MOST_CELL - 1:
        while units(text) > MOST_CELL - 2:
            text = text[:-1 - max(0, units(text) - MOST_CELL) // 2]
        text += '…'
    return quote + text


def test_csv_has_a_row_per_event_and_a_line_per_row(table):
    lines = table.split(b'\r\n')
    assert lines.pop() == b'' and len(lines) == len(EVENTS) + 1
    assert b'\n' not in b''.join(lines) and b'\r' not in b''.join(lines)
    assert table.startswith(b'\xef\xbb\xbf')
    text = table.decode('utf-8-sig').replace('\r\n', '')
    assert not any(is_hidden(c) for c in text)


def test_csv_holds_every_value(table):
    header, *rows = list(csv.reader(io.StringIO(table.decode('utf-8-sig'), newline=''), strict=True))
    assert header == [name.removeprefix('@') for name in FIELDS]
    assert len(rows) == len(EVENTS)
    for event, row in zip(EVENTS, rows, strict=True):
        for name, found in zip(FIELDS, row, strict=True):
            assert found == (cell(event[name]) if name in event else ''), name
            assert units(found) <= MOST_CELL


def test_no_cell_is_a_formula(table):
    rows = csv.reader(io.StringIO(table.decode('utf-8-sig'), newline=''), strict=True)
    kinds = list(FIELDS.values())
    for row in rows:
        for kind, found in zip(kinds, row, strict=True):
            begun = unicodedata.normalize('NFKC', found).lstrip(' "`\u3000\u00a0‘’“”')
            assert kind != 'text' or not begun.startswith(('=', '+', '-', '@', '\u2212')), found[:50]
            assert kind == 'text' or re.fullmatch(r'-?\d*|true|false', found) or row[0] == 'timestamp'


@pytest.mark.parametrize('message', [
    b'', b'<13>', b'13>1 - - - - - -', b'<192>1 - - - - - -', b'<013>1 - - - - - -', b'<13>2 - - - - - -', b'<13>1  - - - - - -', b'<13>1 - - - - -', b'<13>1 - - - - - ',
    b'<13>1 - - - - - [', b'<13>1 - - - - - []', b'<13>1 - - - - - [a@1', b'<13>1 - - - - - [a@1 ]', b'<13>1 - - - - - [a@1 b]', b'<13>1 - - - - - [a@1 b="]"]',
    b'<13>1 - - - - - [a@1 b="\\n"]', b'<13>1 - - - - - [a@1 b="c"d]', b'<13>1 - - - - - [a@1][a@1]', b'<13>1 - - - - - [a]',
    b'<13>1 - - - - - [a@x]', b'<13>1 - - - - - [a@1 b="\xff"]', b'<13>1 - - - - - - \xef\xbb\xbf\xff', b'<13>1 - - - - - [meta sequenceId="0"]',
    b'<13>1 - - - - - [meta sequenceId="2147483648"]', b'<13>1 - - - - - [timeQuality isSynced="0" syncAccuracy="1"]', b'<13>1 2026-02-30T00:00:00Z - - - - -',
    b'<13>1 2026-11-23T00:00:60Z - - - - -', b'<13>1 2026-11-23T00:00:00.1234567Z - - - - -', b'<13>1 2026-11-23 - - - - -', b'<13>1 - ' + b'h' * 256 + b' - - - -',
    b'<13>1 - - - - ' + b'm' * 33 + b' -', b'<13>1 - \xc3\xa4 - - - -'])
def test_the_parser_is_strict(message):
    with pytest.raises(rfc5424.Malformed):
        rfc5424.parse(message)


def test_the_parser_reads_the_examples_of_the_rfc():
    first = rfc5424.parse(b"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \xef\xbb\xbf'su root' failed for lonvick on /dev/pts/8")
    assert (first.facility, first.severity, first.message_id, first.text) == (4, 2, 'ID47', "'su root' failed for lonvick on /dev/pts/8")
    second = rfc5424.parse(b'<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It\'s time to make the do-nuts.')
    assert second.raw_text == b"%% It's time to make the do-nuts." and second.process_id == '8710'
    third = rfc5424.parse(b'<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"]'
                          b'[examplePriority@32473 class="high"]')
    assert third.parameters('exampleSDID@32473') == {'iut': '3', 'eventSource': 'Application', 'eventID': '1011'} and third.text is None
