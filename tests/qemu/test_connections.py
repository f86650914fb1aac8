# SPDX-License-Identifier: GPL-2.0-or-later
"""Real clients and servers on both sides of the router, IPv4 and IPv6."""

import time

import pytest
from router import arrived, by_source

from tests.harness import clinic


@pytest.mark.parametrize('target, source', [(str(clinic.WAN.ipv4), clinic.ALLOWED_V4), (clinic.SERVER_V6, clinic.ALLOWED_V6)])
def test_allowed_source_reaches_the_service_and_is_logged(world, target, source):
    assert world.fetch(world.outside, target, source=source) == clinic.PAGE + '\n'
    time.sleep(1)
    rows = by_source(world, source)
    assert [row['verdict'] for row in rows] == ['allowed']
    assert rows[0]['rule'].startswith('service.image-viewer')


@pytest.mark.parametrize('target, source', [*((str(clinic.WAN.ipv4), source) for source in clinic.DENIED_V4),
                                            *((clinic.SERVER_V6, source) for source in clinic.DENIED_V6)])
def test_other_source_gets_no_answer_and_is_logged_as_not_allowed(world, target, source):
    with world.record(world.server, 'router', f'denied-{source}') as inside, world.record(world.outside, 'router', f'answers-{source}') as outside:
        assert world.fetch(world.outside, target, source=source, seconds=2) is None
    assert arrived(inside, source) == []
    # silent towards the WAN: neither a reset nor an ICMP error
    assert [packet for packet in arrived(outside, target) if str(packet.destination) == source] == []
    rows = by_source(world, source)
    assert rows and all(row['verdict'] == 'denied' and row['reason'] == 'not-allowed' for row in rows), rows


def test_allowed_source_reaches_no_other_port(world):
    with world.record(world.server, 'router', 'other-port') as inside:
        assert world.fetch(world.outside, str(clinic.WAN.ipv4), port=8080, source=clinic.ALLOWED_V4, seconds=2) is None
    assert arrived(inside, clinic.ALLOWED_V4) == []


def test_stranger_can_not_address_an_inside_host(world):
    world.outside.ip('route', 'replace', '10.0.1.0/24', 'via', str(clinic.WAN.ipv4))
    source = clinic.DENIED_V4[1]
    with world.record(world.server, 'router', 'spoofed') as inside:
        assert world.fetch(world.outside, clinic.SERVER_V4, source=source, seconds=2) is None
    assert arrived(inside, source) == []
    assert 'spoofed' in {row['reason'] for row in by_source(world, source)}


def test_workstation_goes_out_with_the_routers_address(world):
    assert world.fetch(world.client, clinic.WEB_V4) == f'you are {clinic.WAN.ipv4}\n'


def test_workstation_reaches_an_ipv6_server(world):
    assert world.fetch(world.client, clinic.WEB_V6) is not None
