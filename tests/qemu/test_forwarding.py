# SPDX-License-Identifier: GPL-2.0-or-later
"""The image sends its log to rsyslog on the clinic's server, over TLS: through a server that dies and a router that loses power."""

import json
import time
from collections import Counter

import pytest
from router import DEMO, apply, events, field

from tests.harness import certificates, clinic, rfc5424
from tests.harness.rsyslog import Rsyslog, structured_data


@pytest.fixture(scope='module')
def target(world):
    """rsyslogd on the server, which the router is told of."""
    folder = world.folder / 'rsyslog'
    authority = certificates.Authority(folder, 'Log authority')
    with Rsyslog(world.server, folder, clinic.SERVER_V4, authority.issue('server', dns=['log.clinic.example']), authority.certificate) as made:
        server = f'server archive {{ host {clinic.SERVER_V4}; server-name log.clinic.example; certificate "{authority.pem.strip()}"; }}'
        apply(world, DEMO.replace('    files 8;\n', f'    files 8;\n    {server}\n'))
        yield made


def status(world) -> dict:
    return world.machine.console.json('show log-servers --json')['log_servers'][0]


def wait_caught_up(world) -> None:
    end = time.monotonic() + 120
    while (state := status(world))['state'] != 'connected' or state['lines_behind'] > 0:
        assert time.monotonic() < end, state
        time.sleep(1)


def received(target: Rsyslog) -> list[dict[str, str]]:
    """The router's own element of each record."""
    return [structured_data(record)[rfc5424.EVENT] for record in target.records() if 'unreadable' not in record]


def identities(target: Rsyslog) -> Counter:
    return Counter((data['host.boot.id'], int(data['event.sequence'])) for data in received(target))


def wait_for_all(world, target: Rsyslog) -> set[tuple[str, int]]:
    """Every event of the router's log is with the server; which ones these are."""
    lines = world.machine.console.command('log export --jsonl', timeout=120).splitlines()
    wanted = {(field(event, 'host.boot.id'), field(event, 'event.sequence')) for event in map(json.loads, filter(lambda line: line.startswith('{'), lines))}
    assert wanted
    end = time.monotonic() + 60
    while wanted - set(identities(target)):
        assert time.monotonic() < end, sorted(wanted - set(identities(target)))[:10]
        time.sleep(0.5)
    return wanted


def test_connections_are_recorded_at_the_server(world, target):
    for source in clinic.DENIED_V4[:2]:
        assert world.fetch(world.outside, str(clinic.WAN.ipv4), source=source, seconds=2) is None
    assert world.fetch(world.outside, str(clinic.WAN.ipv4), source=clinic.ALLOWED_V4) == clinic.PAGE + '\n'
    wait_caught_up(world)
    wait_for_all(world, target)
    for source in clinic.DENIED_V4[:2]:
        denied = [data for data in received(target) if data.get('source.ip') == source]
        assert denied and all(data['destination.ip'] == str(clinic.WAN.ipv4) and data['destination.port'] == '80' for data in denied)
    accepted = [record for record in target.records() if structured_data(record)[rfc5424.EVENT].get('source.ip') == clinic.ALLOWED_V4]
    assert accepted and all(record['hostname'] == 'clinic-router' and record['msgid'] == 'connection-accepted' for record in accepted)
    assert status(world)['connection'].startswith(f'{clinic.SERVER_V4} port 6514, TLSv1.3 ')


def test_a_server_that_was_away_misses_nothing(world, target):
    target.kill()
    assert world.fetch(world.outside, str(clinic.WAN.ipv4), source=clinic.DENIED_V4[2], seconds=3) is None
    end = time.monotonic() + 60
    while status(world)['state'] == 'connected':
        assert time.monotonic() < end
        time.sleep(0.5)
    target.start()
    wait_caught_up(world)
    wait_for_all(world, target)
    assert any(data.get('source.ip') == clinic.DENIED_V4[2] for data in received(target))
    lost = events(world, {'event.action': 'log-server-lost', 'sekisho.log_server': 'archive'})
    assert len(lost) <= 1


def test_a_router_without_power_goes_on_where_it_was(world, target):
    before = wait_for_all(world, target)
    world.machine.power_cut()
    world.machine.start()
    world.machine.wait_enforcing()
    assert world.fetch(world.outside, str(clinic.WAN.ipv4), source=clinic.DENIED_V4[0], seconds=2) is None
    wait_caught_up(world)
    after = wait_for_all(world, target)
    boots = {boot for boot, _ in after}
    assert len(boots) >= 2 and {boot for boot, _ in before} < boots
    # each boot's events are there without a gap
    for boot in boots:
        numbers = sorted(number for each, number in identities(target) if each == boot)
        assert numbers == list(range(1, len(numbers) + 1)), (boot, numbers)
