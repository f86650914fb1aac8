# SPDX-License-Identifier: GPL-2.0-or-later
"""What a person sees of port access and does about it: sessions by condition and in detail, a device's history, ports that learn, silence, waking, tables of devices."""

import struct

import pytest

from tests.harness import daemon, frames
from tests.harness.daemon import CLINIC_V4, DESK_V4, field, until

SERVER_MAC, DESK_MAC, STRANGER_MAC, MADE_UP_MAC = '00:16:3e:00:00:20', '00:16:3e:00:00:50', '00:16:3e:00:00:99', '02:16:3e:00:00:99'
BROADCAST, WAKE_ON_LAN, EXPERIMENT = 'ff:ff:ff:ff:ff:ff', 0x0842, 0x88B5
BASE = daemon.NETWORKS + daemon.LOG_EVERYTHING


def access(ports: str = 'port lan1 { mode mab; role office; } port lan2 { mode mab; role office; }',
           devices: str = f'device {DESK_MAC} {{ name "desk"; owner "front office"; note "by the door"; }}') -> str:
    return BASE + f'''port-access {{
    role office {{ }}
    role visitor {{ }}
    {ports}
    device {SERVER_MAC} {{ name "server"; }}
    {devices}
}}
'''


CONFIGURATION = access()


@pytest.fixture
def lab(new_lab):
    made = new_lab(CONFIGURATION)
    for host, mac in ((made.server, SERVER_MAC), (made.desk, DESK_MAC)):
        host.ip('link', 'set', 'eth0', 'address', mac)
    made.start()
    return made


def pings(host, address: str = CLINIC_V4, seconds: int = 1) -> bool:
    return host.run('ping', '-c', '1', '-W', str(seconds), address, check=False, timeout=seconds + 10).returncode == 0


def comes_on(host) -> None:
    until(lambda: pings(host), f'an answer of {CLINIC_V4}', 10)


def set_mac(host, mac: str) -> None:
    host.ip('link', 'set', 'eth0', 'address', mac)
    host.run('ip', 'neigh', 'flush', 'all')


def sessions(lab, *words: str) -> list[dict]:
    return lab.asked('show', 'access', 'sessions', *words)['access_sessions']


def history(lab, mac: str) -> list[tuple]:
    return [(row['action'], row['reason'], row['port']) for row in lab.asked('show', 'access', 'history', 'mac', mac)['access_history']]


def learned(lab, mac: str) -> dict | None:
    return next((row for row in lab.asked('show', 'access', 'learned')['access_learned'] if row['mac'] == mac), None)


def test_sessions_by_condition_and_in_detail(lab):
    comes_on(lab.desk)
    comes_on(lab.server)
    assert [row['mac'] for row in sessions(lab, 'port', 'lan2')] == [DESK_MAC]
    assert [row['port'] for row in sessions(lab, 'mac', SERVER_MAC.upper())] == ['lan1']
    assert len(sessions(lab, 'role', 'office')) == 2
    assert sessions(lab, 'role', 'office', 'port', 'lan1', 'mac', DESK_MAC) == []
    row, = sessions(lab, 'mac', DESK_MAC, 'detail')
    assert (row['owner'], row['note'], row['last_result'], row['strength']) == ('front office', 'by the door', 'registered', 'weak')
    assert CONFIGURATION.splitlines()[row['line'] - 1].strip().startswith(f'device {DESK_MAC}')
    text = lab.command('show', 'access', 'sessions', 'port', 'lan2', 'detail').stdout
    assert 'a MAC address can be forged' in text and '1 of 2 in force' in text
    run = lab.command('show', 'access', 'sessions', 'port', 'lan3')
    assert run.returncode == 1 and "no port 'lan3'" in run.stderr


def test_the_history_of_a_device(lab):
    comes_on(lab.desk)
    lab.command('clear', 'access', 'session', 'lan2', DESK_MAC)
    comes_on(lab.desk)
    set_mac(lab.server, STRANGER_MAC)
    assert not pings(lab.server)
    assert history(lab, DESK_MAC) == [('access-granted', 'registered', 'lan2'), ('access-ended', 'cleared', 'lan2'), ('access-granted', 'registered', 'lan2')]
    until(lambda: history(lab, STRANGER_MAC) == [('access-refused', 'not-registered', 'lan1')], lambda: history(lab, STRANGER_MAC), 10)
    assert history(lab, MADE_UP_MAC) == []
    lab.event(event__action='log-read', message=f'access history of {MADE_UP_MAC}: 0 events read')


@pytest.mark.parametrize('mode', ['closed', 'mab'])
def test_a_port_learns_and_admits_nothing(lab, mode):
    lab.apply(access(f'port lan1 {{ mode mab; role office; }} port lan2 {{ mode {mode}; role office; quiet-period 1; }}'))
    run = lab.command('access', 'learn', 'port', 'lan2', 'for', '10m')
    assert run.returncode == 0 and 'admits nothing' in run.stdout
    event = lab.event(event__action='access-learn')
    assert field(event, 'observer.ingress.interface.name') == 'lan2'
    for mac, is_made_up in ((STRANGER_MAC, False), (MADE_UP_MAC, True)):
        set_mac(lab.desk, mac)
        assert not pings(lab.desk)
        until(lambda mac=mac: learned(lab, mac), 'the address', 10)
        row = learned(lab, mac)
        assert (row['port'], row['learnt'], row['randomised'], row['in_force']) == ('lan2', True, is_made_up, False)
    assert [row for row in sessions(lab, 'port', 'lan2') if row['mac'] != DESK_MAC] == []
    lines = lab.command('show', 'access', 'learned').stdout.splitlines()
    entry, = [line for line in lines if line.startswith(f'device {STRANGER_MAC} ')]
    assert any(line.startswith(f'# device {MADE_UP_MAC} ') for line in lines)
    # and what is shown can be pasted
    lab.apply(access(devices=entry))
    set_mac(lab.desk, STRANGER_MAC)
    comes_on(lab.desk)
    assert [row['mac'] for row in sessions(lab, 'port', 'lan2')] == [STRANGER_MAC]


def test_an_open_port_has_nothing_to_learn(lab):
    lab.apply(access('port lan1 { mode mab; role office; } port lan2 { mode open; }'))
    run = lab.command('access', 'learn', 'port', 'lan2')
    assert run.returncode == 1 and 'lan2 is open' in run.stderr


def test_who_is_silent_goes_and_who_speaks_stays(lab):
    lab.apply(access('port lan1 { mode mab; role office; inactivity 15; } port lan2 { mode mab; role office; inactivity 15; }'))
    comes_on(lab.desk)
    comes_on(lab.server)
    speaker = lab.server.start('ping', '-i', '2', CLINIC_V4, stdout=-3, stderr=-3)
    try:
        event = lab.event(seconds=90, event__action='access-ended', source__mac=DESK_MAC)
        assert field(event, 'event.reason') == 'inactive'
        assert [row['mac'] for row in sessions(lab)] == [SERVER_MAC]
    finally:
        lab.network.end(speaker)
    comes_on(lab.desk)


def test_a_device_that_may_be_silent_stays(lab):
    lab.apply(access('port lan1 { mode mab; role office; inactivity 15; } port lan2 { mode mab; role office; inactivity 15; }',
                     f'device {DESK_MAC} {{ name "desk"; inactivity never; }}'))
    comes_on(lab.desk)
    comes_on(lab.server)
    lab.event(seconds=90, event__action='access-ended', source__mac=SERVER_MAC, event__reason='inactive')
    assert [row['mac'] for row in sessions(lab)] == [DESK_MAC]


def test_what_wakes_a_device_goes_out_to_it_and_nothing_comes_in(lab):
    def wire_frame(to: str, kind: int) -> bytes:
        return frames.mac_bytes(to) + frames.mac_bytes(lab.router.mac('br-clinic')) + struct.pack('!H', kind) + b'\xff' * 6 + frames.mac_bytes(DESK_MAC) * 16

    def arrivals(desk, sent: list[tuple[str, int]]) -> list[tuple[bytes, int]]:
        """Which of the frames that the router sends come to the desk; the last one comes when it may."""
        with frames.Wire(lab.router, 'br-clinic') as bridge:
            bridge.send_frames(wire_frame(to, kind) for to, kind in sent)
        came = [(frame[:6], struct.unpack('!H', frame[12:14])[0]) for frame in desk.caught_frames()]
        return [one for one in came if one[1] in (WAKE_ON_LAN, EXPERIMENT)]

    sent = [(STRANGER_MAC, WAKE_ON_LAN), ('33:33:00:00:00:01', EXPERIMENT), (DESK_MAC, WAKE_ON_LAN), (BROADCAST, EXPERIMENT)]
    lab.desk.sysctl('net.ipv6.conf.all.disable_ipv6', '1')  # it sleeps
    lab.command('clear', 'access', 'session', 'lan2', DESK_MAC)
    assert sessions(lab, 'port', 'lan2') == []
    with frames.Wire(lab.desk, 'eth0') as desk:
        assert arrivals(desk, sent) == []  # nobody is in force there
        lab.apply(access(devices=f'device {DESK_MAC} {{ name "desk"; port lan2; wake yes; }}'))
        desk.forget()
        got = []
        until(lambda: got.extend(arrivals(desk, sent)) or len(set(got)) >= 2, lambda: f'both frames; {got}', 10)
        assert set(got) == {(frames.mac_bytes(DESK_MAC), WAKE_ON_LAN), (frames.mac_bytes(BROADCAST), EXPERIMENT)}
    assert sessions(lab, 'port', 'lan2') == []
    set_mac(lab.desk, STRANGER_MAC)  # who sits there instead of the sleeper gets in as little as ever
    with frames.Wire(lab.server, 'eth0') as server:
        assert not pings(lab.desk)
        assert [packet for packet in server.caught() if str(packet.source) == DESK_V4] == []
    assert STRANGER_MAC not in lab.router.run('bridge', 'fdb', 'show', 'dev', 'lan2').stdout


def test_different_roles_behind_one_cable_are_shown_and_warned_of(lab):
    run = lab.apply(access('port lan1 { mode mab; role office; } port lan2 { mode mab; role office; quiet-period 1; }',
                           f'device {DESK_MAC} {{ name "desk"; port lan2; }} device {STRANGER_MAC} {{ name "tablet"; port lan2; role visitor; }}'))
    assert 'not separated from each other' in run.stderr
    comes_on(lab.desk)
    packet = frames.ip(DESK_V4, CLINIC_V4, frames.echo(CLINIC_V4))
    with frames.Wire(lab.desk, 'eth0') as wire:
        wire.send(packet, lab.router.mac('br-clinic'), STRANGER_MAC)
    until(lambda: len(sessions(lab, 'port', 'lan2')) == 2, 'both sessions', 10)
    row = next(row for row in lab.asked('show', 'access', 'ports')['access_ports'] if row['port'] == 'lan2')
    assert (row['separation'], row['roles_in_force']) == ('not separated from each other', 'office visitor')
    assert next(row for row in lab.asked('show', 'access', 'ports')['access_ports'] if row['port'] == 'lan1')['separation'] is None


def test_a_table_of_devices_becomes_the_configuration(lab):
    table = f'\ufeffmac,name,port,owner\r\n{STRANGER_MAC.upper()},"tablet, room 2",lan2,"the ""day"" team"\r\n{DESK_MAC},desk 2,,\r\n'
    run = lab.command('access', 'import', '--merge', '-', contents=table)
    assert run.returncode == 0 and 'devices: 1 new, 1 changed, 0 as they were' in run.stderr
    assert lab.command('show', 'configuration').stdout == CONFIGURATION  # nothing is in force by it
    lab.apply(run.stdout)
    set_mac(lab.desk, STRANGER_MAC)
    comes_on(lab.desk)
    row, = sessions(lab, 'mac', STRANGER_MAC, 'detail')
    assert (row['device'], row['owner']) == ('tablet, room 2', 'the "day" team')
    run = lab.command('access', 'import', '--merge', '-', contents=f'mac,name,port\n{STRANGER_MAC},tablet,lan9\n')
    assert run.returncode == 1 and run.stdout == '' and 'standard input:2:' in run.stderr and 'lan9' in run.stderr


def test_a_list_of_twenty_thousand_devices_is_taken(lab):
    table = 'mac,name\n' + ''.join(f'00:11:22:00:{number >> 8:02x}:{number & 255:02x},device {number}\n' for number in range(19_990))
    run = lab.command('access', 'import', '--merge', '-', contents=table)
    assert run.returncode == 0, run.stderr
    lab.apply(run.stdout)
    comes_on(lab.desk)
