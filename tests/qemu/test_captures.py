# SPDX-License-Identifier: GPL-2.0-or-later
"""Captured traffic on the WAN: what reached the inside, and what the router's log says of it."""

import struct
import time

import pytest
from router import CAPTURES, WORK, arrived, by_source

from tests.harness import capture, clinic, recording
from tests.harness.capture import Router
from tests.harness.vm import MAC_ADDRESSES

NEEDED = ('synscan.pcap', 'tcp_scan.pcapng', 'ssh.pcap', 'rdp2.pcap', 'http_ipv6.pcap', 'ip_fragmented_garbage.pcap')


def captured(name: str):
    path = CAPTURES / name
    if not path.exists():
        pytest.skip(f'{path} is not there')
    return path


def send(world, replay, name: str):
    """Sends a replay to the WAN port; returns recordings of both inside ports."""
    with world.record(world.server, 'router', f'{name}-server') as server, world.record(world.client, 'router', f'{name}-client') as client:
        capture.send(replay, world.outside, 'router', MAC_ADDRESSES['wan0'])
        time.sleep(2)
    return server, client


def own_sources(replay, number: int) -> dict[str, str]:
    """A source address of its own for each of a capture's sources: tests share one router and its log."""
    return {str(old): f'11.{number}.0.{index}' for index, old in enumerate(replay.sources, 1) if old.version == 4}


@pytest.mark.parametrize('number, name', enumerate(NEEDED, 1), ids=NEEDED)
def test_capture_of_strangers_reaches_nothing_inside_and_every_source_is_logged(world, number, name):
    path = captured(name)
    replay = capture.prepare(path, clinic.WAN)
    replay = capture.prepare(path, clinic.WAN, own_sources(replay, number))
    server, client = send(world, replay, name)
    for source in replay.sources.values():
        assert arrived(server, str(source)) == arrived(client, str(source)) == []
        rows = by_source(world, str(source))
        assert rows, f'{source} is not in the log'
        assert {row['verdict'] for row in rows} == {'denied'}
        assert all(row['rule'] and row['reason'] for row in rows)


def test_scan_from_an_allowed_source_reaches_the_service_alone(world):
    path = captured('synscan.pcap')
    replay = capture.prepare(path, clinic.WAN, {'172.16.0.8': '203.0.113.9'})
    server, _ = send(world, replay, 'allowed-scan')
    ports = {struct.unpack_from('!H', packet.data, packet.transport + 2)[0] for packet in arrived(server, '203.0.113.9')}
    assert ports == {clinic.SERVICE_PORT}
    rows = by_source(world, '203.0.113.9')
    assert [row['addressed'] for row in rows if row['verdict'] == 'allowed'] == [f'tcp/{clinic.SERVICE_PORT}']
    assert {row['reason'] for row in rows if row['verdict'] == 'denied'} == {'no-service'}


def test_flows_without_a_beginning_are_listed_and_not_sent():
    replay = capture.prepare(captured('WebattackRCE.pcap'), clinic.WAN)
    assert len(replay.headless) == 797
    assert replay.frames == []


def test_recorded_scan_is_denied_for_each_of_its_sources(world):
    path = WORK / 'recorded.pcap'
    recording.record_scans(path)
    replay = capture.prepare(path, Router(clinic.WAN.ipv4, clinic.WAN.ipv6))
    assert len(replay.mapped) == 1
    server, client = send(world, replay, 'recorded')
    for source in replay.sources.values():
        assert arrived(server, str(source)) == arrived(client, str(source)) == []
        assert {row['verdict'] for row in by_source(world, str(source))} == {'denied'}
