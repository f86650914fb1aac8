# SPDX-License-Identifier: GPL-2.0-or-later
"""The WAN's address from a DHCP server: taken and used, and no more taken from the server than the router needs; refused where it overlaps the inside."""

import re
import subprocess
import time

from router import DEMO, apply, arrived, events, field, system, wait_events

from tests.harness import clinic, packets, pcapfile

LEASED = re.sub(r'interface wan0 \{[^}]*\}', 'interface wan0 { dhcp; }', DEMO, count=1)
GATEWAY = '198.51.100.1'
OFFERED_TIME_SERVER, OFFERED_NAME = '198.51.100.99', 'named-by-the-provider'


class Server:
    """dnsmasq on the outside host. A context manager; `log` is what it says of every message."""

    def __init__(self, world: clinic.Clinic, addresses: str, mask: str, gateway: str):
        self._world, self._log = world, world.folder / 'dnsmasq.log'
        self._arguments = ('dnsmasq', '--no-daemon', '--conf-file=/dev/null', '--port=0', '--interface=router', '--bind-interfaces', '--user=root', '--group=root',
                           '--log-dhcp', '--dhcp-authoritative', '--no-ping', f'--dhcp-leasefile={world.folder}/dnsmasq.leases', f'--dhcp-range={addresses},{mask},1h',
                           f'--dhcp-option=option:router,{gateway}', f'--dhcp-option-force=option:ntp-server,{OFFERED_TIME_SERVER}',
                           f'--dhcp-option-force=12,{OFFERED_NAME}',
                           f'--dhcp-option-force=option:classless-static-route,{clinic.WEB_V4}/32,198.51.100.9')

    def __enter__(self) -> 'Server':
        with self._log.open('ab') as file:
            self._process = self._world.outside.start(*self._arguments, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        end = time.monotonic() + 10
        while 'IP range' not in self.log:
            assert self._process.poll() is None and time.monotonic() < end, self.log
            time.sleep(0.05)
        return self

    def __exit__(self, *_) -> None:
        self._world.network.end(self._process)

    @property
    def log(self) -> str:
        return self._log.read_text()


def wan_addresses(world) -> list[str]:
    """The IPv4 addresses of wan0 with their lengths."""
    row = next(row for row in world.machine.console.json('show interfaces --json')['interfaces'] if row['name'] == 'wan0')
    return [address for address in row['addresses'].split() if ':' not in address]


def wait_synchronised(world) -> None:
    end = time.monotonic() + 90
    while not system(world)['clock_synchronised']:
        assert time.monotonic() < end, 'the clock was not synchronised within 90 s'
        time.sleep(1)


def time_servers_asked(recording) -> set[str]:
    return {str(packets.parse(packets.network_layer(record)).destination) for record in pcapfile.read(recording.path)}


def test_lease_is_taken_and_used(new_world):
    world = new_world()
    world.outside.address('router', f'{OFFERED_TIME_SERVER}/24')
    world.start_servers()
    with Server(world, '198.51.100.50,198.51.100.60', '255.255.255.0', GATEWAY) as server, \
            world.record(world.outside, 'router', 'time', 'udp dst port 123') as asked:
        world.machine.start()
        world.machine.wait_enforcing()
        apply(world, LEASED)
        wait_events(world, {'event.action': 'lease-taken'})
        address, length = wan_addresses(world)[0].split('/')
        assert wan_addresses(world) == [f'{address}/24'] and length == '24'
        assert int(address.rpartition('.')[2]) in range(50, 61) and address.startswith('198.51.100.')

        # the default route leads out, with the leased address; the route that the server would like does not
        assert world.fetch(world.client, clinic.WEB_V4) == f'you are {address}\n'
        # and the service is found there
        assert world.fetch(world.outside, address, source=clinic.ALLOWED_V4) == clinic.PAGE + '\n'
        with world.record(world.server, 'router', 'denied') as inside:
            assert world.fetch(world.outside, address, source=clinic.DENIED_V4[0], seconds=3) is None
        assert arrived(inside, clinic.DENIED_V4[0]) == []
        denied = wait_events(world, {'source.ip': clinic.DENIED_V4[0]})
        assert {field(event, 'destination.ip') for event in denied} == {address}
        wait_synchronised(world)

        # the server sent name, time server and route without being asked: nothing of it is taken
        assert set(re.findall(r'requested options: (.*)', server.log)) == {'1:netmask, 3:router, 6:dns-server'}
        assert OFFERED_NAME in server.log and OFFERED_TIME_SERVER in server.log
        assert system(world)['host_name'] == 'clinic-router'
    assert time_servers_asked(asked) == {clinic.TIME_SERVER}


def test_lease_that_overlaps_an_inside_network_is_refused(new_world):
    world = new_world()
    world.outside.address('router', '10.0.7.2/16')
    world.start_web_servers()
    with Server(world, '10.0.7.100,10.0.7.110', '255.255.0.0', '10.0.7.2') as server:
        world.machine.start()
        world.machine.wait_enforcing()
        apply(world, LEASED)
        for event in wait_events(world, {'event.action': 'lease-refused'}):
            assert '10.0.0.0/16' in field(event, 'message') and '10.0.1.0/24' in field(event, 'message'), event
            assert (field(event, 'event.outcome'), field(event, 'event.kind')) == ('failure', 'alert'), event
        assert 'DHCPACK' in server.log
    assert events(world, {'event.action': 'lease-taken'}) == []
    assert wan_addresses(world) == []
    assert world.fetch(world.client, clinic.WEB_V4, seconds=3) is None
    # the inside goes on
    assert world.fetch(world.client, clinic.SERVER_V4) == clinic.PAGE + '\n'
