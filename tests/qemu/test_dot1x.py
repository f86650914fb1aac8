# SPDX-License-Identifier: GPL-2.0-or-later
"""802.1X on the image and its kernel: real supplicants at the TAP ports, the image's own hostapd as authenticator and EAP server."""

import time

import pytest
from router import DEMO, apply, wait_events

from tests.harness.supplicant import Supplicant, peap

PASSWORD = 'a quiet lamp in room 2'
ACCESS = DEMO + '''port-access {
    role office { }
    port lan1 { mode open; }
    port lan2 { mode dot1x; role office; }
    user tanaka { }
}
'''


def pings(host, address: str) -> bool:
    return host.run('ping', '-c', '1', '-W', '3', address, check=False).returncode == 0


def wait_for(condition, what: str, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f'{what}: not within {seconds:.0f} s'
        time.sleep(1)


def sessions(world) -> list[dict]:
    return world.machine.console.json('show access sessions --json')['access_sessions']


def store_password(world, user: str, password: str) -> None:
    console = world.machine.console
    console.send(f'access password {user}\n')
    for question in ('New password: ', 'The same password again: '):
        console.wait_for(question, 60)
        console.send(password + '\n')
    assert f'stored for {user}' in console.wait_prompt()


@pytest.fixture
def dot1x(world):
    apply(world, ACCESS)
    store_password(world, 'tanaka', PASSWORD)
    shown = world.machine.console.command('show access eap-server')
    certificate = world.folder / 'eap-server.pem'
    certificate.write_text(shown[shown.index('-----BEGIN'):shown.index('-----END CERTIFICATE-----')] + '-----END CERTIFICATE-----\n')
    yield world, certificate
    apply(world, DEMO)


def test_who_proves_it_comes_on_and_reaches_nobody_on_another_port(dot1x):
    world, certificate = dot1x
    assert not pings(world.client, '10.0.1.1')
    with Supplicant(world.client, world.folder, peap('tanaka', 'not the password', certificate), 'router') as supplicant:
        supplicant.wait_refused(120)
        wait_events(world, {'event.action': 'access-refused', 'event.reason': 'proof-refused'})
        assert sessions(world) == [] and not pings(world.client, '10.0.1.1')
    with Supplicant(world.client, world.folder, peap('tanaka', PASSWORD, certificate), 'router') as supplicant:
        supplicant.wait_authenticated(180)
        wait_for(lambda: pings(world.client, '10.0.1.1'), 'an answer of the router')
        assert [(row['port'], row['user'], row['method'], row['strength'], row['role']) for row in sessions(world)] == [('lan2', 'tanaka', 'dot1x', 'strong', 'office')]
        assert not pings(world.client, '10.0.1.20')
        assert pings(world.server, '10.0.1.1') and not pings(world.server, '10.0.1.50')
        supplicant.ask('logoff')
        wait_events(world, {'event.action': 'access-ended', 'event.reason': 'logged-off', 'user.name': 'tanaka'})
        assert not pings(world.client, '10.0.1.1')
