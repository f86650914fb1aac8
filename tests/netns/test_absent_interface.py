# SPDX-License-Identifier: GPL-2.0-or-later
"""An inside interface that is absent: its connected route is gone and the default route leads to its network, but nothing for the inside leaves on the WAN."""

import socket

import pytest

from tests.harness import daemon, frames
from tests.harness.daemon import DESK_V4, DESK_V6, DEVICE_V4, DEVICE_V6, until

ALLOWED_V6 = '2001:db8:200::5'
CONFIGURATION = daemon.NETWORKS + daemon.LOG_EVERYTHING + '''
address-list vendor { address 2001:db8:200::/48; }
service images { protocol tcp; port 8080; forward-to 2001:db8:20::30; source { address-list vendor; } }
policy out { from clinic; to wan; action allow; }
policy to-modality { from clinic; to modality; action allow; }
'''
RULE = 'screen.inside-to-wan'


@pytest.fixture
def lab(new_lab):
    made = new_lab(CONFIGURATION)
    made.public(ALLOWED_V6)
    made.start()
    return made


def take_away(lab) -> None:
    lab.router.ip('link', 'del', 'lan3')
    until(lambda: 'wan0' in lab.router.ip('route', 'get', DEVICE_V4) and 'wan0' in lab.router.ip('route', 'get', DEVICE_V6), 'the default route to lead there')


def assert_nothing_out(lab, send, target: str, packets: int = 1, **wanted) -> None:
    with frames.Wire(lab.outside, 'eth0') as outside:
        with lab.judged(RULE, 'denied', 'zone', packets, observer__egress__zone='wan', destination__ip=target, **wanted):
            send()
        assert [packet for packet in outside.caught() if str(packet.destination) == target and str(packet.source) != ALLOWED_V6] == []


def test_new_connections_to_an_absent_network_do_not_leave_on_the_wan(lab):
    take_away(lab)
    for source, target in ((DESK_V4, DEVICE_V4), (DESK_V6, DEVICE_V6)):
        number = frames.unique_port()
        with frames.Wire(lab.desk, 'eth0') as wire:
            packet = frames.ip(source, target, frames.tcp(number, 8104))
            assert_nothing_out(lab, lambda: wire.send(packet, lab.router.mac('br-clinic')), target, source__port=number, observer__ingress__zone='clinic')
    # from the WAN and back to it, by a service that would let it in
    number = frames.unique_port()
    with frames.Wire(lab.outside, 'eth0') as wire:
        packet = frames.ip(ALLOWED_V6, DEVICE_V6, frames.tcp(number, 8080))
        with lab.judged(RULE, 'denied', 'zone', source__port=number, observer__ingress__zone='wan'):
            wire.send(packet, lab.router.mac('wan0'))


def test_live_flow_to_an_absent_network_does_not_leave_on_the_wan(lab):
    with lab.desk.socket(socket.AF_INET, socket.SOCK_DGRAM) as desk, lab.device.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        device.bind((DEVICE_V4, 8104))
        device.settimeout(10)
        desk.bind((DESK_V4, 0))
        desk.settimeout(10)
        desk.sendto(b'one', (DEVICE_V4, 8104))
        device.sendto(b'two', device.recvfrom(100)[1])
        assert desk.recv(100) == b'two'
        take_away(lab)
        assert_nothing_out(lab, lambda: desk.sendto(b'three', (DEVICE_V4, 8104)), DEVICE_V4, source__port=desk.getsockname()[1])


@pytest.mark.parametrize('family, target', [(socket.AF_INET, DEVICE_V4), (socket.AF_INET6, DEVICE_V6)])
def test_router_itself_sends_nothing_to_an_absent_network_on_the_wan(lab, family, target):
    take_away(lab)

    def send():
        with lab.router.socket(family, socket.SOCK_DGRAM) as sender:
            with pytest.raises(PermissionError):
                sender.sendto(b'secret', (target, 8104))
    assert_nothing_out(lab, send, target, destination__port=8104)
