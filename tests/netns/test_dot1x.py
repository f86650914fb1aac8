# SPDX-License-Identifier: GPL-2.0-or-later
"""802.1X on locked bridge ports, with hostapd as the router's authenticator and EAP server and wpa_supplicant at the other end of the cable."""

import itertools
from datetime import datetime
from pathlib import Path

import pytest

from tests.harness import daemon, frames, pcapfile
from tests.harness.access import comes_on, pings, reaches, sessions, wait_for_authenticators
from tests.harness.certificates import Authority
from tests.harness.daemon import CLINIC_V4, DESK_V4, SERVER_V4, field, until
from tests.harness.dhcp_client import DhcpClient
from tests.harness.supplicant import Supplicant, peap, tls, ttls

SERVER_MAC, DESK_MAC, OTHER_MAC = '00:16:3e:00:00:20', '00:16:3e:00:00:50', '00:16:3e:00:00:51'
PASSWORD = 'a quiet lamp in room 2'
BASE = daemon.NETWORKS + daemon.LOG_EVERYTHING


def access(ports: str = 'port lan1 { mode dot1x; role office; } port lan2 { mode dot1x; role office; }',
           users: str = 'user tanaka { } user suzuki { role viewer; }', more: str = '') -> str:
    return BASE + f'''
address-list pacs {{ address 10.0.2.30; }}
policy to-modality {{ from clinic; to modality; action allow; }}
port-access {{
    role office {{ }}
    role viewer {{ destination {{ address-list pacs; }} }}
    {ports}
    {users}
    {more}
}}
'''


@pytest.fixture
def dot1x(new_lab):
    """A lab with this configuration, passwords of its users stored, authenticators there."""
    def make(configuration: str = access(), users: tuple[str, ...] = ('tanaka', 'suzuki')):
        lab = new_lab(configuration)
        for host, mac in ((lab.server, SERVER_MAC), (lab.desk, DESK_MAC)):
            host.ip('link', 'set', 'eth0', 'address', mac)
        lab.start()
        for user in users:
            stored = lab.command('access', 'password', user, contents=PASSWORD + '\n')
            assert stored.returncode == 0, stored.stderr
        shown = lab.command('show', 'access', 'eap-server')
        assert shown.returncode == 0, shown.stderr
        lab.eap_certificate = lab._file('eap-server.pem', shown.stdout.split('\n', 1)[1])
        wait_for_authenticators(lab)
        return lab
    return make


@pytest.mark.parametrize('method', [peap, ttls])
def test_a_user_with_the_right_password_comes_on(dot1x, method):
    lab = dot1x()
    assert not pings(lab.desk, CLINIC_V4)
    with Supplicant(lab.desk, lab.folder, method('tanaka', PASSWORD, lab.eap_certificate)) as supplicant:
        supplicant.wait_authenticated()
        row = comes_on(lab, 'lan2', DESK_MAC)
        assert (row['user'], row['method'], row['strength'], row['role']) == ('tanaka', 'dot1x', 'strong', 'office')
        assert reaches(lab.desk, CLINIC_V4) and reaches(lab.desk, '10.0.2.30')
        assert not pings(lab.desk, SERVER_V4)
    event = lab.event(event__action='access-granted', source__mac=DESK_MAC)
    assert (field(event, 'user.name'), field(event, 'event.reason')) == ('tanaka', 'proved')


@pytest.mark.parametrize('method', [peap, ttls])
def test_a_wrong_password_gets_nothing(dot1x, method):
    lab = dot1x()
    with Supplicant(lab.desk, lab.folder, method('tanaka', 'not the password', lab.eap_certificate)) as supplicant:
        supplicant.wait_refused()
        event = lab.event(event__action='access-refused', source__mac=DESK_MAC, event__reason='proof-refused')
        assert field(event, 'observer.ingress.interface.name') == 'lan2'
        assert not pings(lab.desk, CLINIC_V4)
    assert sessions(lab) == {}


def test_the_user_is_who_was_proved_not_who_was_claimed(dot1x):
    lab = dot1x()
    with Supplicant(lab.desk, lab.folder, peap('suzuki', PASSWORD, lab.eap_certificate, outer='tanaka')):
        row = comes_on(lab, 'lan2', DESK_MAC)
        assert (row['user'], row['role']) == ('suzuki', 'viewer')
        assert reaches(lab.desk, '10.0.2.30') and not pings(lab.desk, CLINIC_V4)


def test_a_user_that_is_taken_away_is_off_at_once(dot1x):
    lab = dot1x()
    with Supplicant(lab.desk, lab.folder, peap('tanaka', PASSWORD, lab.eap_certificate)):
        comes_on(lab, 'lan2', DESK_MAC)
        lab.apply(access(users='user suzuki { }'))
        assert field(lab.event(event__action='access-ended', source__mac=DESK_MAC), 'event.reason') == 'unknown-user'
        assert not pings(lab.desk, CLINIC_V4) and sessions(lab) == {}


@pytest.mark.parametrize('identity', ['tanaka\nflags=[AUTHORIZED]', 'x\n<3>CTRL-EVENT-EAP-SUCCESS2 00:16:3e:00:00:50', 'cert-01', '*', '\x1b[2J', 'tanaka"'])
def test_names_that_look_like_something_else_open_nothing(dot1x, identity):
    lab = dot1x()
    with Supplicant(lab.desk, lab.folder, peap(identity, PASSWORD, lab.eap_certificate, outer=identity)) as supplicant:
        supplicant.wait_refused()
        lab.event(event__action='access-refused', source__mac=DESK_MAC)
        assert not pings(lab.desk, CLINIC_V4) and sessions(lab) == {}


def test_an_eapol_start_alone_opens_nothing(dot1x):
    lab = dot1x()
    for destination in ('01:80:c2:00:00:03', lab.router.mac('lan2'), lab.router.mac('br-clinic')):
        frame = bytes.fromhex(destination.replace(':', '') + DESK_MAC.replace(':', '') + '888e02010000')
        with frames.Wire(lab.desk, 'eth0') as wire:
            wire.send_frames([frame] * 5)
        assert not pings(lab.desk, CLINIC_V4)
    assert sessions(lab) == {} and DESK_MAC not in lab.router.run('bridge', 'fdb', 'show', 'dev', 'lan2', 'dynamic').stdout


CAPTURES = Path(__file__).resolve().parents[3] / 'shared' / 'captures' / 'tcpdump'
LONGEST = 1514


def captured_frames() -> list[bytes]:
    """Ethernet frames that broke parsers of others, as they were; those that a cable does not carry left out."""
    found = []
    for path in sorted(CAPTURES.iterdir()):
        try:
            for record in itertools.islice(pcapfile.read(path), 200):
                if record.link_type == pcapfile.ETHERNET and 14 <= len(record.data) <= LONGEST:
                    found.append(record.data)
        except pcapfile.CaptureError:
            continue  # what came before it counts
    return found


@pytest.mark.skipif(not CAPTURES.is_dir(), reason='the captures are not beside this checkout')
def test_frames_that_broke_other_parsers_open_nothing(dot1x):
    lab = dot1x()
    whole = captured_frames()
    assert len(whole) > 1000
    # as they were, and as EAPOL and from the desk's own address: to the authenticator
    eapol = [bytes.fromhex('0180c2000003' + DESK_MAC.replace(':', '') + '888e') + frame[14:] for frame in whole]
    with frames.Wire(lab.desk, 'eth0') as wire, frames.Wire(lab.server, 'eth0') as server, frames.Wire(lab.device, 'eth0') as device:
        wire.send_frames(whole)
        wire.send_frames(eapol)
        arrived = {frame for frame in server.caught_frames() + device.caught_frames()}
        assert not arrived & set(whole)
    assert sessions(lab) == {} and not pings(lab.desk, CLINIC_V4)
    with Supplicant(lab.desk, lab.folder, peap('tanaka', PASSWORD, lab.eap_certificate)):
        comes_on(lab, 'lan2', DESK_MAC, 90)


# ---- certificates


@pytest.fixture
def certificates(tmp_path):
    authority = Authority(tmp_path / 'authority', 'Clinic authority')
    return authority, {
        'doctor': authority.issue('doctor', usage='clientAuth'),
        'guest': authority.issue('guest', usage='clientAuth'),
        'nobody': authority.issue('nobody', usage='clientAuth'),
        'expired': authority.issue('expired', usage='clientAuth', begin=datetime(2020, 1, 1), end=datetime(2021, 1, 1)),
        'revoked': authority.issue('revoked', usage='clientAuth'),
        'foreign': Authority(tmp_path / 'other', 'Clinic authority').issue('doctor', usage='clientAuth'),
    }


def with_certificates(authority, certificates) -> str:
    users = 'user doctor { certificate-serial ' + certificates['doctor'].serial + '; }\n'
    users += 'user guest { role viewer; certificate-serial ' + certificates['guest'].serial + '; }\n'
    users += 'user leaver { certificate-serial ' + certificates['revoked'].serial + '; certificate-serial ' + certificates['expired'].serial + '; }\n'
    revoked = authority.revocation_list(certificates['revoked'])
    return access(users=users, more=f'eap-server {{ authority "{authority.pem}"; revocation-list "{revoked}"; }}')


@pytest.mark.parametrize('tls13', [False, True], ids=['tls1.2', 'tls1.3'])
def test_a_certificate_stands_for_its_user_whatever_name_was_claimed(dot1x, certificates, tls13):
    authority, made = certificates
    lab = dot1x(with_certificates(authority, made), ())
    with Supplicant(lab.desk, lab.folder, tls('doctor', made['guest'], lab.eap_certificate, tls13)) as supplicant:
        row = comes_on(lab, 'lan2', DESK_MAC)
        assert (row['user'], row['role'], row['strength']) == ('guest', 'viewer', 'strong')
        supplicant.wait_authenticated()
    with Supplicant(lab.server, lab.folder, tls('cert-' + made['guest'].serial, made['doctor'], lab.eap_certificate, tls13)):
        row = comes_on(lab, 'lan1', SERVER_MAC)
        assert (row['user'], row['role']) == ('doctor', 'office')


@pytest.mark.parametrize('name', ['nobody', 'expired', 'revoked', 'foreign'])
def test_a_certificate_that_does_not_count_gets_nothing(dot1x, certificates, name):
    authority, made = certificates
    lab = dot1x(with_certificates(authority, made), ())
    with Supplicant(lab.desk, lab.folder, tls('doctor', made[name], lab.eap_certificate)):
        event = lab.event(event__action='access-refused', source__mac=DESK_MAC)
        assert field(event, 'event.reason') == ('unknown-user' if name == 'nobody' else 'proof-refused')
        assert not pings(lab.desk, CLINIC_V4) and sessions(lab) == {}


def test_who_proves_it_gets_an_address_of_the_routers_server(dot1x):
    # hostapd and the DHCP server both listen for DHCP
    served = BASE.replace('port lan2;', 'port lan2; dhcp-server { range 10.0.1.100-10.0.1.109; }')
    assert served != BASE
    lab = dot1x(access().replace(BASE, served))
    with Supplicant(lab.desk, lab.folder, peap('tanaka', PASSWORD, lab.eap_certificate)):
        comes_on(lab, 'lan2', DESK_MAC)
        address, _ = DhcpClient(lab, lab.desk).lease()
        assert address.startswith('10.0.1.10') and reaches(lab.desk, CLINIC_V4)


# ---- with MAC authentication


MAB_PORTS = 'port lan1 { mode dot1x-then-mab; role office; tx-period 1; attempts 2; } port lan2 { mode dot1x-then-mab; role office; tx-period 1; attempts 2; quiet-period 5; }'
DESK = f'device {DESK_MAC} {{ name "desk"; }}'


def test_a_registered_device_without_a_supplicant_comes_on_by_its_address(dot1x):
    lab = dot1x(access(MAB_PORTS, more=DESK))
    until(lambda: pings(lab.desk, CLINIC_V4), 'an answer', 15)
    assert sessions(lab)['lan2', DESK_MAC]['method'] == 'mab'


def test_a_stranger_gets_nothing_after_its_chance(dot1x):
    lab = dot1x(access(MAB_PORTS))
    with frames.Wire(lab.server, 'eth0') as server:
        assert not pings(lab.desk, CLINIC_V4, 4)
        assert [packet for packet in server.caught() if str(packet.source) == DESK_V4] == []
    assert field(lab.event(event__action='access-refused', source__mac=DESK_MAC), 'event.reason') == 'not-registered'


def test_a_password_from_a_device_that_has_no_dot1x_is_an_alarm(dot1x):
    lab = dot1x(access(MAB_PORTS, more=DESK))
    with Supplicant(lab.desk, lab.folder, peap('tanaka', PASSWORD, lab.eap_certificate)):
        event = lab.event(event__action='access-refused', source__mac=DESK_MAC, event__reason='dot1x-from-mab-device')
        assert field(event, 'event.kind') == 'alert'
        assert all(row['method'] == 'mab' for row in sessions(lab).values())


def test_who_has_done_dot1x_does_not_come_on_by_the_address_alone(dot1x):
    lab = dot1x(access(MAB_PORTS, more=f'device {DESK_MAC} {{ name "desk"; method dot1x; }}'))
    with Supplicant(lab.desk, lab.folder, peap('tanaka', PASSWORD, lab.eap_certificate)):
        comes_on(lab, 'lan2', DESK_MAC)
    lab.desk.ip('link', 'set', 'eth0', 'down')
    lab.event(event__action='access-ended', source__mac=DESK_MAC)
    lab.apply(access(MAB_PORTS, more=DESK))
    lab.desk.ip('link', 'set', 'eth0', 'up')
    assert not pings(lab.desk, CLINIC_V4, 4)
    event = lab.event(event__action='access-refused', source__mac=DESK_MAC, event__reason='mac-after-dot1x')
    assert field(event, 'event.kind') == 'alert'


# ---- sessions in the course of time


def test_reauthentication_is_not_felt(dot1x):
    lab = dot1x(access('port lan2 { mode dot1x; role office; reauthentication 8; }'))
    with Supplicant(lab.desk, lab.folder, peap('tanaka', PASSWORD, lab.eap_certificate)):
        before = comes_on(lab, 'lan2', DESK_MAC)
        run = lab.desk.run('ping', '-i', '0.1', '-c', '200', '-W', '1', CLINIC_V4, timeout=60)
        assert ' 0% packet loss' in run.stdout, run.stdout
        assert sessions(lab)['lan2', DESK_MAC]['since'] == before['since']
    assert lab.logged({'event.action': 'access-ended'}) == []


def test_a_session_that_is_not_proved_anew_ends(dot1x):
    lab = dot1x(access('port lan2 { mode dot1x; role office; reauthentication 8; }'))
    supplicant = Supplicant(lab.desk, lab.folder, peap('tanaka', PASSWORD, lab.eap_certificate))
    supplicant.start()
    comes_on(lab, 'lan2', DESK_MAC)
    lab.network.end(supplicant._process, 9)  # no goodbye
    supplicant._process = None
    assert field(lab.event(event__action='access-ended', source__mac=DESK_MAC), 'event.reason') == 'not-renewed'
    assert not pings(lab.desk, CLINIC_V4)


def test_a_logoff_ends_the_session_and_opens_nothing(dot1x):
    lab = dot1x()
    with Supplicant(lab.desk, lab.folder, peap('tanaka', PASSWORD, lab.eap_certificate)) as supplicant:
        comes_on(lab, 'lan2', DESK_MAC)
        supplicant.ask('logoff')
        assert field(lab.event(event__action='access-ended', source__mac=DESK_MAC), 'event.reason') == 'logged-off'
        assert not pings(lab.desk, CLINIC_V4)
        supplicant.ask('logon')
        comes_on(lab, 'lan2', DESK_MAC)


def test_a_logoff_in_anothers_name_from_another_port_ends_nothing(dot1x):
    lab = dot1x()
    with Supplicant(lab.desk, lab.folder, peap('tanaka', PASSWORD, lab.eap_certificate)):
        comes_on(lab, 'lan2', DESK_MAC)
        frame = bytes.fromhex('0180c2000003' + DESK_MAC.replace(':', '') + '888e02020000')
        with frames.Wire(lab.server, 'eth0') as wire:
            wire.send_frames([frame] * 5)
        assert reaches(lab.desk, CLINIC_V4) and ('lan2', DESK_MAC) in sessions(lab)
    assert lab.logged({'event.action': 'access-ended', 'source.mac': DESK_MAC, 'event.reason': 'logged-off'}) == []


def hostapd_of(lab, port: str) -> int:
    return until(lambda: next((pid for pid, words in lab.processes().items() if words[0].endswith('hostapd') and words[-1].endswith(f'/{port}.conf')), None), f'hostapd of {port}', 20)


def test_the_death_of_an_authenticator_ends_no_session_and_opens_none(dot1x):
    lab = dot1x(access('port lan1 { mode dot1x; role office; } port lan2 { mode dot1x; role office; reauthentication 60; }'))
    with Supplicant(lab.desk, lab.folder, peap('tanaka', PASSWORD, lab.eap_certificate)) as supplicant:
        before = comes_on(lab, 'lan2', DESK_MAC)
        supplicant.wait_authenticated()
        first = hostapd_of(lab, 'lan2')
        lab.router.run('kill', '-KILL', str(first))
        assert reaches(lab.desk, CLINIC_V4) and not pings(lab.server, CLINIC_V4)
        until(lambda: hostapd_of(lab, 'lan2') != first, 'another hostapd', 30)
        wait_for_authenticators(lab)
        # and is asked anew at once
        until(lambda: supplicant.log().count('CTRL-EVENT-EAP-SUCCESS') >= 2, lambda: f'a second proof; {supplicant.log()[-2000:]}', 30, 0.2)
        assert sessions(lab)['lan2', DESK_MAC]['since'] == before['since'] and reaches(lab.desk, CLINIC_V4)
    assert lab.logged({'event.action': 'access-ended'}) == []


def test_a_restart_of_the_daemon_takes_sessions_over_and_has_them_proved_anew(dot1x):
    lab = dot1x()
    with Supplicant(lab.desk, lab.folder, peap('tanaka', PASSWORD, lab.eap_certificate)) as supplicant:
        before = comes_on(lab, 'lan2', DESK_MAC)
        supplicant.wait_authenticated()
        until(lambda: (kept := lab.run / 'access-sessions').exists() and DESK_MAC in kept.read_text(), 'a session that is written down')
        lab.kill()
        assert reaches(lab.desk, CLINIC_V4)
        lab.start()
        wait_for_authenticators(lab)
        row = sessions(lab)['lan2', DESK_MAC]
        assert (row['user'], row['since']) == ('tanaka', before['since']) and reaches(lab.desk, CLINIC_V4)
        until(lambda: supplicant.log().count('CTRL-EVENT-EAP-SUCCESS') >= 2, lambda: f'a second proof; {supplicant.log()[-2000:]}', 30, 0.2)
        assert not pings(lab.server, CLINIC_V4)


def test_a_lost_link_ends_the_session_before_another_device_is_there(dot1x):
    lab = dot1x()
    with Supplicant(lab.desk, lab.folder, peap('tanaka', PASSWORD, lab.eap_certificate)) as supplicant:
        comes_on(lab, 'lan2', DESK_MAC)
        supplicant.stop()
        lab.desk.ip('link', 'set', 'eth0', 'down')
        assert field(lab.event(event__action='access-ended', source__mac=DESK_MAC), 'event.reason') == 'link-lost'
        lab.desk.ip('link', 'set', 'eth0', 'up')
        assert not pings(lab.desk, CLINIC_V4)


# ---- several devices at one cable


@pytest.fixture
def crowd(dot1x):
    """Two devices behind an unmanaged switch on lan2, `desk` and `other`."""
    def make(host_mode: str):
        lab = dot1x(access(f'port lan2 {{ mode dot1x; host-mode {host_mode}; role office; }}'))
        switch, lab.other = lab.network.namespace('switch'), lab.network.namespace('other')
        lab.desk.ip('link', 'set', 'eth0', 'netns', switch.name)
        switch.ip('link', 'set', 'eth0', 'address', '00:16:3e:00:00:59')
        switch.ip('link', 'add', 'inside', 'type', 'bridge', 'group_fwd_mask', '8')  # EAPOL passes, as through one that knows nothing of it
        for host, mac, address in ((lab.desk, DESK_MAC, DESK_V4), (lab.other, OTHER_MAC, '10.0.1.51')):
            lab.network.veth(switch, f'to-{mac[-2:]}', host, 'eth0')
            host.ip('link', 'set', 'eth0', 'address', mac)
            host.address('eth0', f'{address}/24')
            host.route('default', CLINIC_V4)
        for port in ('eth0', 'to-50', 'to-51'):
            switch.ip('link', 'set', port, 'master', 'inside')
            switch.up(port)
        switch.up('inside')
        return lab
    return make


def test_multi_auth_each_device_has_its_own_proof(crowd):
    lab = crowd('multi-auth')
    with Supplicant(lab.desk, lab.folder, peap('tanaka', PASSWORD, lab.eap_certificate)):
        comes_on(lab, 'lan2', DESK_MAC)
        assert reaches(lab.desk, CLINIC_V4) and not pings(lab.other, CLINIC_V4)
        with Supplicant(lab.other, lab.folder, peap('suzuki', PASSWORD, lab.eap_certificate)):
            assert comes_on(lab, 'lan2', OTHER_MAC)['role'] == 'viewer'
            assert reaches(lab.other, '10.0.2.30') and not pings(lab.other, CLINIC_V4)
            assert reaches(lab.desk, CLINIC_V4)


def test_multi_host_the_others_come_on_beside_the_first_and_go_with_it(crowd):
    lab = crowd('multi-host')
    assert not pings(lab.other, CLINIC_V4)
    with Supplicant(lab.desk, lab.folder, peap('tanaka', PASSWORD, lab.eap_certificate)) as supplicant:
        comes_on(lab, 'lan2', DESK_MAC)
        until(lambda: pings(lab.other, CLINIC_V4), 'an answer to the second device', 90)
        row = sessions(lab)['lan2', OTHER_MAC]
        assert (row['method'], row['strength']) == ('multi-host', 'none')
        supplicant.ask('logoff')
        lab.event(event__action='access-ended', source__mac=OTHER_MAC, event__reason='other-ended')
        assert not pings(lab.other, CLINIC_V4)


def test_single_host_a_second_device_is_refused_and_the_first_stays(crowd):
    lab = crowd('single-host')
    with Supplicant(lab.desk, lab.folder, peap('tanaka', PASSWORD, lab.eap_certificate)):
        comes_on(lab, 'lan2', DESK_MAC)
        with Supplicant(lab.other, lab.folder, peap('suzuki', PASSWORD, lab.eap_certificate)):
            event = lab.event(event__action='access-refused', source__mac=OTHER_MAC)
            assert (field(event, 'event.reason'), field(event, 'event.kind')) == ('single-host', 'alert')
            assert reaches(lab.desk, CLINIC_V4) and not pings(lab.other, CLINIC_V4)
