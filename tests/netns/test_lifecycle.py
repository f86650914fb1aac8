# SPDX-License-Identifier: GPL-2.0-or-later
"""What the router says of its support: greeting, event and exit status over the dates of a record, with good and bad clocks, and without a record."""

import copy
import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.harness import daemon
from tests.harness.daemon import NOW, field, until

CONFIGURATION = daemon.NETWORKS.replace('host-name testbed;', 'host-name testbed; time-zone Asia/Tokyo;') + daemon.LOG_EVERYTHING
FULL_END = datetime(2031, 3, 31, 15, tzinfo=UTC)
SECURITY_END = datetime(2033, 3, 31, 15, tzinfo=UTC)
RECORD = {
    'promised_by': 'Example K.K.', 'source': 'https://www.example.com/lifecycle', 'product': 'Sekisho', 'version': '0.1', 'end_of_full_support': '2031-03-31T15:00:00Z',
    'core': {'$schema': 'https://docs.oasis-open.org/openeox/v1.0/schema/core.json', 'general_availability': '2026-04-01T00:00:00+09:00',
             'end_of_security_support': '2033-03-31T15:00:00Z', 'end_of_life': '2034-03-31T15:00:00Z', 'last_updated': '2026-11-01T00:00:00Z'}}
EXIT_STATUS = {'supported': 0, 'security-only': 3, 'ended': 4, 'unknown': 5}
JAPANESE_DAYS = 'セキュリティサポートは残り{days}日'


def changed(**members) -> dict:
    """The record with other members; of its core, where their name begins with core__. None takes a member out."""
    record = copy.deepcopy(RECORD)
    for name, value in members.items():
        place = record['core'] if name.startswith('core__') else record
        name = name.removeprefix('core__')
        if value is None:
            del place[name]
        else:
            place[name] = value
    return record


def lifecycle(lab) -> dict:
    """`show lifecycle --json`; its exit status must say the same, and so must the table's."""
    run = lab.command('show', 'lifecycle', '--json')
    found = json.loads(run.stdout)
    table = lab.command('show', 'lifecycle')
    assert run.returncode == table.returncode == found['exit_status'] == EXIT_STATUS[found['status']], (run, table)
    assert found['why'] in table.stdout and found['why_ja'] in table.stdout
    return found


def greeting(lab) -> list[str]:
    run = lab.command('session', 'begin')
    assert run.returncode == 0, run
    return run.stdout.splitlines()


def walk(lab, when: datetime, status: str, warning: str, synchronised: bool = True) -> dict:
    """Sets the clock and waits for the event about it."""
    since = len(lab.log())
    lab.set_clock(when, synchronised)
    event = lab.event(since, event__action='lifecycle', sekisho__lifecycle__status=status)
    found = lifecycle(lab)
    assert (found['status'], found['warning']) == (status, warning)
    return event


def assert_warns(lab, event: dict, words: str, japanese: str) -> None:
    """Log and greeting say the same, in both languages, and whom to ask."""
    assert field(event, 'event.kind') == 'alert'
    lines = greeting(lab)
    assert len(lines) == 3 and lines[1].startswith('Warning: ') and lines[2].startswith('注意: ')
    for text in (field(event, 'message'), lines[1]):
        assert words in text and 'Example K.K.' in text, text
    for text in (field(event, 'message'), lines[2]):
        assert japanese in text and 'Example K.K. にお問い合わせください' in text, text


@pytest.fixture(scope='module')
def network():
    """Namespaces for all tests of this file: what differs is the image's record, the clock and what the data partition holds."""
    with daemon.Lab(CONFIGURATION) as made:
        yield made


@pytest.fixture
def start(network):
    """Starts a router that was never started before, from an image with this record."""
    def started(record: dict | str | None = RECORD, when: datetime = NOW, synchronised: bool = True):
        network.fresh_data()
        network.set_support(record)
        network.set_clock(when, synchronised)
        network.start()
        return network

    yield started
    network.assert_healthy()
    if network.process is not None:
        network.stop()


@pytest.fixture
def lab(start):
    return start()


def test_from_full_support_to_the_end(lab):
    event = lab.event(event__action='lifecycle')
    assert (field(event, 'event.kind'), field(event, 'sekisho.lifecycle.status')) == ('event', 'supported')
    assert field(event, 'sekisho.lifecycle.days_left') == (SECURITY_END - NOW).days
    assert greeting(lab) == ['Sekisho 0.1.0, support: supported until 2031-04-01 00:00:00 +09:00']
    found = lifecycle(lab)
    assert found['days_left'] == (SECURITY_END - NOW).days and found['core'] == RECORD['core']
    assert found['changes_at'] == '2031-03-31T15:00:00.000000Z' and found['promised_by'] == 'Example K.K.'

    event = walk(lab, FULL_END, 'security-only', 'none')
    assert field(event, 'event.kind') == 'event' and 'Full support ended' in field(event, 'message')
    assert greeting(lab) == ['Sekisho 0.1.0, support: security-only until 2033-04-01 00:00:00 +09:00']

    for days in (365, 180, 90, 30):
        # a second later than the level begins: the clock goes on while the test asks
        event = walk(lab, SECURITY_END - timedelta(days=days) + timedelta(seconds=1), 'security-only', f'within-{days}-days')
        assert field(event, 'sekisho.lifecycle.days_left') == days - 1
        assert_warns(lab, event, f'ends in {days - 1} days, at 2033-04-01 00:00:00 +09:00', JAPANESE_DAYS.format(days=days - 1))
    event = walk(lab, SECURITY_END - timedelta(minutes=30), 'security-only', 'within-30-days')
    assert_warns(lab, event, 'ends in less than a day', '残り1日未満')

    event = walk(lab, SECURITY_END, 'ended', 'ended')
    assert field(event, 'sekisho.lifecycle.days_left') == 0
    assert_warns(lab, event, 'Security support ended at 2033-04-01 00:00:00 +09:00', '終了しました')
    assert lab.asked('show', 'version')['support_status'] == 'ended'


def test_the_end_comes_without_a_step(lab):
    since = len(lab.log())
    lab.set_clock(SECURITY_END - timedelta(seconds=12), True)
    lab.event(since, event__action='lifecycle', sekisho__lifecycle__status='security-only')
    lab.event(since, event__action='lifecycle', sekisho__lifecycle__status='ended')


def test_one_event_a_day_and_one_per_start(lab):
    def told() -> int:
        return len(lab.logged({'event.action': 'lifecycle'}))

    assert told() == 1
    # the clinic's day ends at 15:00 UTC
    lab.set_clock(datetime(2026, 11, 23, 14, 50, tzinfo=UTC), True)
    lab.set_clock(datetime(2026, 11, 23, 14, 59, tzinfo=UTC), True)
    until(lambda: lab.facts()['time'].startswith('2026-11-23T23:59'), 'the clock')
    assert told() == 1
    lab.set_clock(datetime(2026, 11, 23, 15, 0, 1, tzinfo=UTC), True)
    until(lambda: told() == 2, 'the event of the next day')
    for _ in range(3):
        lab.stop()
        lab.start()
    assert told() == 5
    assert [field(event, 'event.kind') for event in lab.logged({'event.action': 'lifecycle'})] == ['event'] * 5


@pytest.mark.parametrize('synchronised', [True, False])
def test_without_a_record(start, synchronised):
    lab = start(None, NOW, synchronised)
    found = lifecycle(lab)
    assert (found['status'], found['reason'], found['core'], found['promised_by'], found['days_left']) == ('unknown', 'no-record', None, None, None)
    event = lab.event(event__action='lifecycle', event__kind='alert', event__reason='no-record')
    assert field(event, 'sekisho.lifecycle.days_left') is None
    lines = greeting(lab)
    assert lines[0] == 'Sekisho 0.1.0, support: unknown' and 'no support record' in lines[1] and 'サポート記録がなく' in lines[2]
    version = lab.asked('show', 'version')
    assert (version['support_status'], version['support_until'], version['promised_by']) == ('unknown', None, None)


@pytest.mark.parametrize('record, reason, words', [
    ('{"promised_by": ', 'record-unusable', 'byte '),
    (changed(promised_by='\u3000'), 'record-unusable', 'promised_by: is blank'),
    (changed(core__end_of_life='2033-03-31T14:59:59Z'), 'record-unusable', 'core.end_of_security_support: is later than core.end_of_life'),
    ('{"version":"0.1",' + json.dumps(RECORD)[1:], 'record-unusable', 'version: is there twice'),
    (json.dumps(RECORD) + ' ' * 20_000, 'record-unusable', 'support.json'),
    (changed(version='0.2'), 'other-version', 'is for version 0.2, not for 0.1.0'),
    (changed(core__end_of_security_support='tba'), 'security-end-not-stated', 'tba'),
    (changed(core__last_updated='2027-01-01T00:00:00Z'), 'before-last-update', 'The clock is before'),
])
def test_records_that_promise_nothing(start, record, reason, words):
    lab = start(record)
    found = lifecycle(lab)
    assert (found['status'], found['warning'], found['reason'], found['days_left']) == ('unknown', 'unknown', reason, None)
    assert words in found['why']
    event = lab.event(event__action='lifecycle', event__kind='alert', event__reason=reason)
    lines = greeting(lab)
    assert lines[0] == 'Sekisho 0.1.0, support: unknown'
    assert words in field(event, 'message') and words in lines[1]


def test_clocks_that_can_not_be_relied_on(start):
    lab = start(synchronised=False)
    # the clock is given a while before somebody has to look
    event = lab.event(event__action='lifecycle', sekisho__lifecycle__status='unknown')
    assert field(event, 'event.kind') == 'event' and field(event, 'event.reason') == 'clock-unsynchronised'
    assert lifecycle(lab)['reason'] == 'clock-unsynchronised'
    assert 'time servers' in greeting(lab)[1]
    walk(lab, NOW, 'supported', 'none')
    # behind what was believed while it was synchronised
    event = walk(lab, NOW - timedelta(days=3), 'unknown', 'unknown')
    assert field(event, 'event.reason') == 'clock-behind'
    assert lifecycle(lab)['reason'] == 'clock-behind'
    walk(lab, NOW + timedelta(minutes=10), 'supported', 'none')
    # far ahead and unsynchronised: neither ended nor believed
    walk(lab, SECURITY_END + timedelta(days=400), 'unknown', 'unknown', synchronised=False)
    assert lifecycle(lab)['reason'] == 'clock-unsynchronised'
    walk(lab, NOW + timedelta(minutes=20), 'supported', 'none')


def test_what_has_passed_has_ended_even_beside_tba(start):
    assert lifecycle(start(changed(core__end_of_life='tba'), SECURITY_END))['status'] == 'ended'


def test_version_and_components(lab):
    version = lab.asked('show', 'version')
    assert {key: version[key] for key in ('product', 'board', 'version', 'build', 'image_hash', 'support_status', 'support_until', 'promised_by')} == {
        'product': 'Sekisho', 'board': 'netns', 'version': '0.1.0', 'build': 'test', 'image_hash': None, 'support_status': 'supported',
        'support_until': '2033-03-31T15:00:00.000000Z', 'promised_by': 'Example K.K.'}
    assert 'Promised until  2033-04-01 00:00:00 +09:00' in lab.command('show', 'version').stdout
    assert lab.asked('show', 'components') == {'components': [{'name': 'netns-tests', 'version': '1', 'source': 'netns-tests', 'source_version': '1', 'built_using': None}]}
    assert lab.command('show', 'components').stdout.splitlines()[-1] == '1 components'


def test_a_missing_list_of_components_is_told_and_stops_nothing(network, start):
    listed = network.folder / 'components.json'
    listed.rename(network.folder / 'components.away')
    try:
        lab = start()
    finally:
        (network.folder / 'components.away').rename(listed)
    run = lab.command('show', 'components')
    assert run.returncode == 1 and 'components.json' in run.stderr and not run.stdout
    assert 'list of components' in field(lab.event(event__action='start', event__outcome='failure'), 'message')
    assert lab.facts()['policy_source'] == 'factory-default'
