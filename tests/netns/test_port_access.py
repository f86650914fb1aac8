# SPDX-License-Identifier: GPL-2.0-or-later
"""MAC authentication on locked bridge ports: who comes on, who does not, and what an attacker at the cable gets."""

import contextlib
import socket
import struct
from subprocess import DEVNULL

import pytest

from tests.harness import daemon, frames, hosts
from tests.harness.daemon import CLINIC_V4, DESK_V4, SERVER_V4, field, until

SERVER_MAC, DESK_MAC, STRANGER_MAC = '00:16:3e:00:00:20', '00:16:3e:00:00:50', '00:16:3e:00:00:99'
BASE = daemon.NETWORKS + daemon.LOG_EVERYTHING + '''
address-list pacs { address 10.0.2.30; }
policy to-modality { from clinic; to modality; action allow; }
'''


def access(ports: str = 'port lan1 { mode mab; role office; } port lan2 { mode mab; role office; }', devices: str = '') -> str:
    return BASE + f'''port-access {{
    role office {{ }}
    role viewer {{ destination {{ address-list pacs; }} }}
    {ports}
    device {SERVER_MAC} {{ name "server"; }}
    {devices}
}}
'''


DESK = f'device {DESK_MAC} {{ name "desk"; }}'
CONFIGURATION = access(devices=DESK)


@pytest.fixture
def lab(new_lab):
    made = new_lab(CONFIGURATION)
    for host, mac in ((made.server, SERVER_MAC), (made.desk, DESK_MAC)):
        host.ip('link', 'set', 'eth0', 'address', mac)
    made.start()
    return made


def pings(host, address: str, seconds: int = 1) -> bool:
    return host.run('ping', '-c', '1', '-W', str(seconds), address, check=False, timeout=seconds + 10).returncode == 0


def comes_on(host, address: str = CLINIC_V4) -> None:
    until(lambda: pings(host, address), f'an answer of {address}', 10)


def sessions(lab) -> dict:
    return {(row['port'], row['mac']): row for row in lab.asked('show', 'access', 'sessions')['access_sessions']}


def entries(lab, port: str) -> str:
    return lab.router.run('bridge', 'fdb', 'show', 'dev', port, 'dynamic').stdout


def set_mac(host, mac: str) -> None:
    host.ip('link', 'set', 'eth0', 'address', mac)
    host.run('ip', 'neigh', 'flush', 'all')


def test_a_registered_device_comes_on_with_its_first_frames(lab):
    comes_on(lab.desk)
    row = sessions(lab)['lan2', DESK_MAC]
    assert (row['device'], row['method'], row['strength'], row['role']) == ('desk', 'mab', 'weak', 'office')
    event = lab.event(event__action='access-granted', source__mac=DESK_MAC)
    assert field(event, 'observer.ingress.interface.name') == 'lan2' and field(event, 'event.reason') == 'registered'
    assert pings(lab.desk, '10.0.2.30')  # and is routed
    assert 'sticky' in entries(lab, 'lan2')


def test_a_stranger_gets_nothing_and_is_told_of(lab):
    set_mac(lab.desk, STRANGER_MAC)
    with frames.Wire(lab.server, 'eth0') as server, frames.Wire(lab.device, 'eth0') as device:
        assert not pings(lab.desk, CLINIC_V4, 3) and not pings(lab.desk, SERVER_V4)
        assert [packet for packet in server.caught() + device.caught() if str(packet.source) == DESK_V4] == []
    event = lab.event(event__action='access-refused', source__mac=STRANGER_MAC)
    assert field(event, 'event.reason') == 'not-registered' and field(event, 'observer.ingress.interface.name') == 'lan2'
    assert ('lan2', STRANGER_MAC) not in sessions(lab)
    assert STRANGER_MAC not in entries(lab, 'lan2')


def test_two_ports_of_a_bridge_exchange_no_frame(lab):
    comes_on(lab.desk)
    comes_on(lab.server)
    assert not pings(lab.desk, SERVER_V4, 2)


def test_a_role_reaches_what_it_names(lab):
    lab.apply(access(devices=f'device {DESK_MAC} {{ name "desk"; role viewer; }}'))
    until(lambda: pings(lab.desk, '10.0.2.30'), 'an answer of what the role names', 10)
    assert not pings(lab.desk, CLINIC_V4)
    assert field(lab.event(event__action='connection-denied', source__ip=DESK_V4, destination__ip=CLINIC_V4), 'rule.id') == 'port-access.role.viewer'


def test_what_a_role_reaches_no_more_ends_at_once(lab):
    """And what other roles have with the same server goes on; a connection that is cut does not come back from the server's side."""
    def configured(reached: str) -> str:
        return access(devices=f'device {DESK_MAC} {{ name "desk"; role viewer; address {DESK_V4}; }}').replace('address 10.0.2.30;', f'address {reached};')

    lab.apply(configured('10.0.2.30'))
    comes_on(lab.server)
    until(lambda: pings(lab.desk, '10.0.2.30'), 'an answer of what the role names', 10)
    lab.device.start('socat', 'TCP4-LISTEN:104,fork,reuseaddr', 'PIPE', stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
    until(lambda: ':104 ' in lab.device.run('ss', '-Hltn').stdout, 'a server')
    viewer, other = (hosts.connection(host, '10.0.2.30', 104) for host in (lab.desk, lab.server))
    with viewer, other:
        for peer in (viewer, other):
            peer.sendall(b'said')
            assert peer.recv(10) == b'said'
        since = len(lab.log())
        lab.apply(configured('10.0.2.31'))
        event = lab.event(since, event__action='connection-cut', source__ip=DESK_V4)
        assert field(event, 'rule.id') == 'port-access.role.viewer'
        other.sendall(b'goes on')
        assert other.recv(10) == b'goes on'
        viewer.settimeout(1)
        with contextlib.suppress(OSError):  # a time-out or a reset
            viewer.sendall(b'lost')
            assert viewer.recv(10) == b''
    assert not lab.logged({'event.action': 'connection-cut', 'source.ip': SERVER_V4}, since)


def test_another_device_at_the_same_cable_gets_nothing(lab):
    comes_on(lab.desk)
    set_mac(lab.desk, STRANGER_MAC)
    assert not pings(lab.desk, CLINIC_V4, 2)
    until(lambda: any(field(event, 'source.mac') == STRANGER_MAC for event in lab.log()), 'an event', 10)


def test_a_lost_link_ends_the_session(lab):
    comes_on(lab.desk)
    lab.desk.ip('link', 'set', 'eth0', 'down')
    event = lab.event(event__action='access-ended', source__mac=DESK_MAC)
    assert field(event, 'event.reason') == 'link-lost'
    assert ('lan2', DESK_MAC) not in sessions(lab) and DESK_MAC not in entries(lab, 'lan2')
    lab.desk.ip('link', 'set', 'eth0', 'up')
    comes_on(lab.desk)


def test_a_short_loss_of_link_is_noticed_too(lab):
    comes_on(lab.desk)
    since = len(lab.log())
    lab.desk.run('sh', '-c', 'ip link set eth0 down; ip link set eth0 up')
    lab.event(since, event__action='access-ended', source__mac=DESK_MAC)


def test_the_routers_own_address_is_refused_and_the_router_stays_reachable(lab):
    comes_on(lab.server)
    own = lab.router.mac('br-clinic')
    lab.apply(access(devices=DESK + f' device {own} {{ name "an imposter"; }}'))
    set_mac(lab.desk, own)
    pings(lab.desk, '10.0.1.77', 2)
    assert field(lab.event(event__action='access-refused', source__mac=own), 'event.reason') == 'own-address'
    assert pings(lab.server, CLINIC_V4, 2)


def test_the_same_address_on_another_port_moves_nothing(lab):
    comes_on(lab.server)
    set_mac(lab.desk, SERVER_MAC)
    assert not pings(lab.desk, CLINIC_V4, 2)
    event = lab.event(event__action='access-refused', source__mac=SERVER_MAC)
    assert (field(event, 'event.kind'), field(event, 'event.reason')) == ('alert', 'in-force-elsewhere')
    assert SERVER_MAC in entries(lab, 'lan1') and SERVER_MAC not in entries(lab, 'lan2')
    assert pings(lab.server, CLINIC_V4, 2)


def test_a_spoofed_address_on_an_open_port_moves_nothing(lab):
    lab.apply(access('port lan1 { mode mab; role office; } port lan2 { mode open; }'))
    comes_on(lab.server)
    set_mac(lab.desk, SERVER_MAC)
    pings(lab.desk, CLINIC_V4, 2)
    assert SERVER_MAC in entries(lab, 'lan1') and SERVER_MAC not in entries(lab, 'lan2')
    assert pings(lab.server, CLINIC_V4, 2)


def test_tagged_frames_are_not_let_in(lab):
    comes_on(lab.desk)
    since = len(lab.log())
    packet = frames.ip(DESK_V4, CLINIC_V4, frames.echo(CLINIC_V4))
    tagged = frames.mac_bytes(lab.router.mac('br-clinic')) + frames.mac_bytes(DESK_MAC) + struct.pack('!HHH', 0x8100, 5, 0x0800) + packet
    with frames.Wire(lab.desk, 'eth0') as wire:
        wire.send_frames([tagged])
        event = lab.event(since, event__action='access-refused', event__reason='vlan-tagged')
        assert field(event, 'source.mac') == DESK_MAC
        assert wire.catch(frames.to_destination(DESK_V4), 1) is None


def test_an_eapol_start_alone_opens_nothing(lab):
    set_mac(lab.desk, STRANGER_MAC)
    start = frames.mac_bytes('01:80:c2:00:00:03') + frames.mac_bytes(STRANGER_MAC) + struct.pack('!HBBH', 0x888E, 2, 1, 0)
    with frames.Wire(lab.desk, 'eth0') as wire:
        wire.send_frames([start] * 3)
    assert not pings(lab.desk, CLINIC_V4, 2)
    assert STRANGER_MAC not in entries(lab, 'lan2')


def test_ten_thousand_made_up_addresses_keep_no_device_out(lab):
    packet = frames.ip(DESK_V4, CLINIC_V4, frames.echo(CLINIC_V4))
    head = frames.mac_bytes(lab.router.mac('br-clinic'))
    with frames.Wire(lab.desk, 'eth0') as wire:
        wire.send_frames(head + b'\x02\0\0\0' + struct.pack('!H', number) + struct.pack('!H', 0x0800) + packet for number in range(10_000))
    comes_on(lab.desk)
    assert [mac for port, mac in sessions(lab) if port == 'lan2'] == [DESK_MAC]


def test_the_daemons_death_closes_in_time_and_its_return_drops_nobody(lab):
    comes_on(lab.desk)
    since = lab.event(event__action='access-granted', source__mac=DESK_MAC)
    until(lambda: (kept := lab.run / 'access-sessions').exists() and DESK_MAC in kept.read_text(), 'a session that is written down')
    lab.kill()
    assert pings(lab.desk, CLINIC_V4, 2)
    lab.start()
    row = sessions(lab)['lan2', DESK_MAC]
    assert row['since'] == field(since, '@timestamp') or row['since'][:19] == field(since, '@timestamp')[:19]
    assert pings(lab.desk, CLINIC_V4, 2)
    assert len(lab.logged({'event.action': 'access-granted', 'source.mac': DESK_MAC})) == 1
    leases = lab.nft('list', 'map', 'netdev', 'sekisho_ports', 'roles')
    assert DESK_MAC in leases and 'expires' in leases


def test_a_cable_swapped_while_the_daemon_is_dead_gets_nothing(lab):
    comes_on(lab.desk)
    lab.kill()
    lab.desk.ip('link', 'set', 'eth0', 'down')
    lab.desk.ip('link', 'set', 'eth0', 'up')
    until(lambda: not pings(lab.desk, CLINIC_V4), 'the end of the lease in the bridge', 10)
    assert DESK_MAC not in entries(lab, 'lan2')


def test_closed_means_closed(lab):
    lab.apply(access('port lan1 { mode mab; role office; } port lan2 { mode closed; }', DESK))
    assert not pings(lab.desk, CLINIC_V4, 2)
    assert field(lab.event(event__action='access-refused', source__mac=DESK_MAC), 'event.reason') == 'port-closed'
    # nothing is flooded to it either
    with frames.Wire(lab.desk, 'eth0') as desk:
        comes_on(lab.server)
        lab.server.run('ping', '-c', '2', '-b', '-W', '1', '10.0.1.255', check=False)
        assert desk.caught() == []


def test_what_was_learnt_before_a_port_is_locked_does_not_pass(lab):
    lab.apply(access('port lan1 { mode open; } port lan2 { mode open; }'))
    set_mac(lab.desk, STRANGER_MAC)
    comes_on(lab.desk)
    lab.apply(CONFIGURATION)
    assert not pings(lab.desk, CLINIC_V4, 2)
    assert STRANGER_MAC not in entries(lab, 'lan2')


def test_clear_and_come_again(lab):
    comes_on(lab.desk)
    run = lab.command('clear', 'access', 'session', 'lan2', DESK_MAC)
    assert run.returncode == 0 and DESK_MAC in run.stdout
    lab.event(event__action='access-ended', source__mac=DESK_MAC, event__reason='cleared')
    comes_on(lab.desk)
    assert lab.command('clear', 'access', 'session', 'lan1', DESK_MAC).returncode == 1


def test_ports_are_shown(lab):
    comes_on(lab.desk)
    rows = {row['port']: row for row in lab.asked('show', 'access', 'ports')['access_ports']}
    assert rows['lan2']['devices'] == 1 and rows['lan2']['mode'] == 'mab' and rows['lan2']['link'] == 'up'


def test_an_expired_session_ends_live_connections_too(lab):
    comes_on(lab.desk)
    with lab.desk.socket(socket.AF_INET, socket.SOCK_DGRAM) as desk, lab.device.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        device.bind(('10.0.2.30', 8104))
        device.settimeout(2)
        desk.bind((DESK_V4, 8104))
        desk.sendto(b'one', ('10.0.2.30', 8104))
        assert device.recv(100) == b'one'
        lab.apply(access())  # the desk is not registered any more
        desk.sendto(b'two', ('10.0.2.30', 8104))
        with pytest.raises(TimeoutError):
            device.recv(100)
