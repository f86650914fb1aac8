# SPDX-License-Identifier: GPL-2.0-or-later
"""Port access on the image and its kernel: a registered device comes on, another one at its cable does not, and what is on one port of a bridge reaches nobody on another."""

import time

import pytest
from router import DEMO, apply, wait_events

STRANGER = '00:16:3e:00:00:99'


def access(mac: str) -> str:
    return DEMO + f'''port-access {{
    role office {{ }}
    port lan1 {{ mode open; }}
    port lan2 {{ mode mab; role office; }}
    device {mac} {{ name "workstation"; }}
}}
'''


def pings(host, address: str) -> bool:
    return host.run('ping', '-c', '1', '-W', '3', address, check=False).returncode == 0


def wait_for(condition, what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f'{what}: not within {seconds:.0f} s'
        time.sleep(1)


def sessions(world) -> list[dict]:
    return world.machine.console.json('show access sessions --json')['access_sessions']


def set_mac(host, mac: str) -> None:
    host.ip('link', 'set', 'router', 'address', mac)
    host.run('ip', 'neigh', 'flush', 'all')


@pytest.fixture
def guarded(world):
    mac = world.client.mac('router')
    apply(world, access(mac))
    yield world
    set_mac(world.client, mac)
    apply(world, DEMO)


def test_a_registered_device_comes_on_and_another_at_its_cable_does_not(guarded):
    mac = guarded.client.mac('router')
    wait_for(lambda: pings(guarded.client, '10.0.1.1'), 'an answer of the router')
    assert [(row['port'], row['mac'], row['method'], row['role']) for row in sessions(guarded)] == [('lan2', mac, 'mab', 'office')]
    assert pings(guarded.server, '10.0.1.1')  # its port is open
    assert not pings(guarded.client, '10.0.1.20')  # and the bridge keeps ports apart
    set_mac(guarded.client, STRANGER)
    assert not pings(guarded.client, '10.0.1.1')
    wait_events(guarded, {'event.action': 'access-refused', 'event.reason': 'not-registered', 'source.mac': STRANGER})
    assert mac in {row['mac'] for row in sessions(guarded)}


def test_without_port_access_the_bridge_is_one_network_again(world):
    wait_for(lambda: pings(world.client, '10.0.1.20'), 'an answer of the server')
    assert sessions(world) == []
