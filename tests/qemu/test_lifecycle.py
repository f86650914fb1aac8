# SPDX-License-Identifier: GPL-2.0-or-later
"""What a router says of its support on the image: without a record, and with one over two boots and real time servers."""

import datetime
import json

from router import DEMO, IMAGE, WORK, apply, changed_image, events, field, wait_events
from test_clock import wait_synchronised

from tests.harness import clinic
from tests.harness.console import LOGIN
from tests.harness.timeserver import TimeServer

RECORD = {
    'promised_by': '例 K.K.', 'source': 'https://www.example.com/lifecycle', 'product': 'Sekisho', 'version': '0.1', 'end_of_full_support': '2031-03-31T23:59:59+09:00',
    'core': {'$schema': 'https://docs.oasis-open.org/openeox/v1.0/schema/core.json', 'end_of_security_support': '2033-03-31T23:59:59+09:00',
             'end_of_life': '2033-03-31T14:59:59Z', 'last_updated': '2026-11-01T00:00:00Z'}}
SUPPORTED = datetime.datetime(2028, 1, 1, tzinfo=datetime.UTC)
NEAR_THE_END = datetime.datetime(2033, 3, 11, 12, tzinfo=datetime.UTC)
END = '2033-03-31 23:59:59 +09:00'


def greeting(world) -> str:
    """What the console says between a login and its prompt."""
    console = world.machine.console
    console.send('quit\r')
    console.wait_for_one((LOGIN,), 60)
    console.send('\r')  # the question is asked anew
    return console.log_in()


def lifecycle(world) -> dict:
    return world.machine.console.json('show lifecycle --json')


def test_an_image_without_a_record_says_unknown(world):
    found = lifecycle(world)
    assert (found['status'], found['reason'], found['exit_status'], found['core']) == ('unknown', 'no-record', 5, None)
    event = events(world, {'event.action': 'lifecycle', 'event.kind': 'alert'})[0]
    assert field(event, 'sekisho.lifecycle.status') == 'unknown' and field(event, 'event.reason') == 'no-record'
    said = greeting(world)
    assert 'Sekisho 0.1.0, support: unknown' in said and 'no support record' in said and 'サポート記録がなく' in said
    version = world.machine.console.json('show version --json')
    assert (version['support_status'], version['support_until'], version['promised_by']) == ('unknown', None, None)


def test_the_components_are_the_image_s(world):
    shown = world.machine.console.json('show components --json')['components']
    listed = json.loads((IMAGE / 'components.json').read_text())
    assert [(row['name'], row['version'], row['source'], row['source_version']) for row in shown] == [
        (entry['package'], entry['version'], entry['source'], entry['source_version']) for entry in listed]
    assert {row['name']: row['built_using'] for row in shown}['busybox-static'].startswith('glibc ')


def test_a_record_is_judged_by_the_time_that_servers_give(new_world):
    def promise(root):
        (root / 'usr/share/sekisho/support.json').write_text(json.dumps(RECORD))

    world = new_world(changed_image(WORK / 'promised-image', promise))
    world.start_web_servers()
    world.machine.start(rtc='2027-01-01T00:00:00')
    world.machine.wait_enforcing()
    apply(world, DEMO)
    # nobody vouches for the machine's own clock, however good it looks
    assert (lifecycle(world)['status'], lifecycle(world)['reason']) == ('unknown', 'clock-unsynchronised')
    with TimeServer(world.outside, clinic.TIME_SERVER, SUPPORTED):
        wait_synchronised(world)
        wait_events(world, {'event.action': 'lifecycle', 'event.kind': 'event', 'sekisho.lifecycle.status': 'supported'}, 120)
        found = lifecycle(world)
        assert (found['status'], found['exit_status'], found['promised_by'], found['core']) == ('supported', 0, '例 K.K.', RECORD['core'])

    world.machine.power_cut()
    world.machine.start(rtc='2033-03-01T00:00:00')
    world.machine.wait_enforcing()
    with TimeServer(world.outside, clinic.TIME_SERVER, NEAR_THE_END):
        wait_synchronised(world)
        event = wait_events(world, {'event.action': 'lifecycle', 'event.kind': 'alert', 'sekisho.lifecycle.status': 'security-only'}, 120)[0]
        assert field(event, 'sekisho.lifecycle.days_left') == 20
        said = greeting(world)
    assert f'Sekisho 0.1.0, support: security-only until {END}' in said
    assert 'Warning: Security support ends in 20 days' in said and 'Ask 例 K.K.' in said
    assert '注意: セキュリティサポートは残り20日' in said and '例 K.K. にお問い合わせください' in said
