# SPDX-License-Identifier: GPL-2.0-or-later
"""A clinic's RADIUS server decides: FreeRADIUS on the host `device`, and servers that are silent, wrong or forged."""

import hashlib
import hmac
import re
import socket
import struct
import subprocess
import threading
from pathlib import Path

import pytest

from tests.harness import daemon, pcapfile
from tests.harness.access import comes_on, pings, reaches, sessions, wait_for_authenticators
from tests.harness.daemon import CLINIC_V4, DESK_V4, DEVICE_V4, MODALITY_V4, field, until
from tests.harness.freeradius import FreeRadius
from tests.harness.supplicant import Supplicant, peap, ttls

SERVER_MAC, DESK_MAC = '00:16:3e:00:00:20', '00:16:3e:00:00:50'
PASSWORD = 'a quiet lamp in room 2'
SECRET = 'a secret of the clinic'
USERS = f'''tanaka Cleartext-Password := "{PASSWORD}"
00163e000020 Cleartext-Password := "00163e000020"
'''
ONE = f'radius-server nps {{ address {DEVICE_V4}; }}'
TWO = f'{ONE} radius-server spare {{ address {DEVICE_V4}; port 1912; }}'


def access(servers: str = ONE, ports: str = 'port lan1 { mode mab; role office; } port lan2 { mode dot1x; role office; }', more: str = '') -> str:
    return daemon.NETWORKS + daemon.LOG_EVERYTHING + f'''
port-access {{
    role office {{ }}
    role viewer {{ }}
    role vital {{ critical; }}
    {servers}
    {ports}
    {more}
}}
'''


@pytest.fixture
def clinic(new_lab):
    def make(configuration: str = access(), secrets=(('nps', SECRET),)):
        lab = new_lab(configuration)
        for host, mac in ((lab.server, SERVER_MAC), (lab.desk, DESK_MAC)):
            host.ip('link', 'set', 'eth0', 'address', mac)
        lab.start()
        for name, secret in secrets:
            stored = lab.command('access', 'secret', name, contents=secret + '\n')
            assert stored.returncode == 0, stored.stderr
        wait_for_authenticators(lab)
        return lab
    return make


def free_radius(lab, users: str = USERS, reply: str = '', secret: str = SECRET, port: int = 1812) -> FreeRadius:
    return FreeRadius(lab.device, lab.folder, DEVICE_V4, MODALITY_V4, secret, users, reply, port)


@pytest.mark.parametrize('method', [peap, ttls])
def test_the_clinics_server_admits_who_proves_it(clinic, method):
    lab = clinic()
    with free_radius(lab) as server, Supplicant(lab.desk, lab.folder, method('tanaka', PASSWORD, server.authority.certificate)) as supplicant:
        supplicant.wait_authenticated()
        row = comes_on(lab, 'lan2', DESK_MAC)
        assert (row['user'], row['method'], row['role']) == ('tanaka', 'dot1x', 'office')
        assert reaches(lab.desk, CLINIC_V4)


def test_the_servers_name_for_the_user_decides_on_the_role(clinic):
    lab = clinic(access(more='user tanaka { role viewer; }'))
    with free_radius(lab) as server, Supplicant(lab.desk, lab.folder, peap('tanaka', PASSWORD, server.authority.certificate, outer='suzuki')):
        row = comes_on(lab, 'lan2', DESK_MAC)
        assert (row['user'], row['role']) == ('tanaka', 'viewer')


def test_the_clinics_server_refuses(clinic):
    lab = clinic()
    with free_radius(lab) as server, Supplicant(lab.desk, lab.folder, peap('tanaka', 'not the password', server.authority.certificate)):
        assert field(lab.event(event__action='access-refused', source__mac=DESK_MAC), 'event.reason') == 'proof-refused'
        assert not pings(lab.desk, CLINIC_V4) and ('lan2', DESK_MAC) not in sessions(lab)


def test_the_server_judges_addresses_that_are_not_registered(clinic):
    lab = clinic(access(ports='port lan1 { mode mab; role office; } port lan2 { mode mab; role office; }'))
    with free_radius(lab, reply='&Session-Timeout := 600') as server:
        until(lambda: pings(lab.server, CLINIC_V4), 'an answer', 60)
        assert sessions(lab)['lan1', SERVER_MAC]['method'] == 'mab'
        # a device that is told of is not told of again for ten seconds: it has to go on asking
        refused = {'event.action': 'access-refused', 'source.mac': DESK_MAC, 'event.reason': 'not-registered'}
        until(lambda: not pings(lab.desk, CLINIC_V4) and lab.logged(refused), 'a refusal', 60)
        assert '00163e000020' in server.log() and ('lan2', DESK_MAC) not in sessions(lab)


def test_a_session_timeout_of_the_server_is_kept(clinic):
    lab = clinic(access(ports='port lan1 { mode mab; role office; }'))
    with free_radius(lab, reply='&Session-Timeout := 6') as server:
        until(lambda: pings(lab.server, CLINIC_V4), 'an answer', 60)
        since = sessions(lab)['lan1', SERVER_MAC]['since']
        until(lambda: server.log().count('Login OK') >= 3, lambda: server.log()[-2000:], 30)  # asked anew in time
        assert sessions(lab)['lan1', SERVER_MAC]['since'] == since and reaches(lab.server, CLINIC_V4)
        server.stop()
        assert field(lab.event(event__action='access-ended', source__mac=SERVER_MAC), 'event.reason') == 'not-renewed'
        assert not pings(lab.server, CLINIC_V4)


def test_another_secret_admits_nobody_and_is_told_of(clinic):
    lab = clinic(secrets=(('nps', 'another secret, as it is'),))
    with free_radius(lab) as server, Supplicant(lab.desk, lab.folder, peap('tanaka', PASSWORD, server.authority.certificate)):
        # a server that finds a request's Message-Authenticator wrong does not answer
        event = lab.event(event__action='radius-server', seconds=30)
        assert field(event, 'event.reason') == 'silent' and 'nps' in field(event, 'message')
        assert not pings(lab.desk, CLINIC_V4) and sessions(lab) == {}


def test_the_second_server_decides_while_the_first_is_silent(clinic):
    lab = clinic(access(TWO), (('nps', SECRET), ('spare', SECRET + ' too')))
    with free_radius(lab) as first, free_radius(lab, secret=SECRET + ' too', port=1912) as second:
        first.pause()
        with Supplicant(lab.desk, lab.folder, peap('tanaka', PASSWORD, second.authority.certificate)):
            comes_on(lab, 'lan2', DESK_MAC)
            assert 'tanaka' in second.log()
            lab.event(event__action='radius-server', event__reason='silent', message='RADIUS server nps')
            assert 'RADIUS server nps does not answer' in lab.command('show', 'access', 'ports').stdout
        first.resume()
        lab.event(event__action='radius-server', event__reason='answers', message='RADIUS server nps')


def test_without_a_server_a_critical_session_goes_on_and_no_other_begins(clinic):
    ports = 'port lan1 { mode dot1x; role office; reauthentication 20; } port lan2 { mode dot1x; role vital; reauthentication 20; }'
    lab = clinic(access(ports=ports))
    with free_radius(lab) as server:
        desk = Supplicant(lab.desk, lab.folder, peap('tanaka', PASSWORD, server.authority.certificate))
        other = Supplicant(lab.server, lab.folder, peap('tanaka', PASSWORD, server.authority.certificate))
        with desk, other:
            comes_on(lab, 'lan2', DESK_MAC)
            comes_on(lab, 'lan1', SERVER_MAC)
            server.pause()
            assert field(lab.event(event__action='access-ended', source__mac=SERVER_MAC, seconds=40), 'event.reason') == 'not-renewed'
            lab.event(event__action='access-granted', source__mac=DESK_MAC, event__reason='servers-silent', seconds=40)
            assert reaches(lab.desk, CLINIC_V4) and not pings(lab.server, CLINIC_V4)
            server.resume()
            lab.event(event__action='radius-server', event__reason='answers', seconds=40)
            until(lambda: sessions(lab).get(('lan1', SERVER_MAC)), 'the other device', 90, 0.2)
            assert reaches(lab.desk, CLINIC_V4)
        # and a lost link ends what was prolonged, whatever is critical
        lab.desk.ip('link', 'set', 'eth0', 'down')
        lab.event(event__action='access-ended', source__mac=DESK_MAC, event__reason='link-lost')


class Forger:
    """Answers every Access-Request with an Access-Accept: with a right Response Authenticator, and what `signs` says of the Message-Authenticator."""

    def __init__(self, host, secret: str, signs: bool):
        self._secret, self._signs = secret.encode(), signs
        self._socket = host.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((DEVICE_V4, 1812))
        self._socket.settimeout(0.2)
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ends.set()
        self._thread.join()
        self._socket.close()

    def _run(self):
        while not self._ends.is_set():
            try:
                request, source = self._socket.recvfrom(4096)
            except TimeoutError:
                continue
            attributes = bytes([80, 18]) + bytes(16) if self._signs else b''
            head = struct.pack('>BBH', 2, request[1], 20 + len(attributes))
            if self._signs:
                attributes = bytes([80, 18]) + hmac.new(self._secret, head + request[4:20] + attributes, hashlib.md5).digest()
            self._socket.sendto(head + hashlib.md5(head + request[4:20] + attributes + self._secret).digest() + attributes, source)


@pytest.mark.parametrize('signs', [True, False], ids=['signed', 'unsigned'])
def test_an_answer_counts_with_a_message_authenticator_alone(clinic, signs):
    lab = clinic(access(ports='port lan1 { mode mab; role office; } port lan2 { mode mab; role office; }'))
    with Forger(lab.device, SECRET, signs):
        if signs:
            until(lambda: pings(lab.desk, CLINIC_V4), 'an answer', 60)
        else:
            refused = {'event.action': 'radius-server', 'event.reason': 'no-message-authenticator'}
            until(lambda: not pings(lab.desk, CLINIC_V4) and lab.logged(refused), 'an answer that did not count', 60)
            assert sessions(lab) == {}


def test_a_forged_answer_of_another_secret_is_none(clinic):
    lab = clinic(access(ports='port lan1 { mode mab; role office; } port lan2 { mode mab; role office; }'))
    with Forger(lab.device, 'not the secret of the clinic', True):
        refused = {'event.action': 'radius-server', 'event.reason': 'not-genuine'}
        until(lambda: not pings(lab.desk, CLINIC_V4) and lab.logged(refused), 'an answer that did not count', 60)
        assert sessions(lab) == {}


def test_a_slow_server_is_waited_for(clinic):
    lab = clinic(access(f'radius-server nps {{ address {DEVICE_V4}; timeout 10; }}'))
    with free_radius(lab) as server, Supplicant(lab.desk, lab.folder, peap('tanaka', PASSWORD, server.authority.certificate)) as supplicant:
        until(lambda: 'CTRL-EVENT-EAP-STARTED' in supplicant.log(), 'the beginning', 20)
        server.pause()
        lab.device.run('sleep', '4')
        server.resume()
        comes_on(lab, 'lan2', DESK_MAC, 90)


def test_addresses_are_written_as_the_server_has_them(clinic):
    lab = clinic(access(f'radius-server nps {{ address {DEVICE_V4}; mac-format dashes-upper; }}', 'port lan1 { mode mab; role office; }'))
    with free_radius(lab, '00-16-3E-00-00-20 Cleartext-Password := "00-16-3E-00-00-20"\n'):
        until(lambda: pings(lab.server, CLINIC_V4), 'an answer', 60)
        assert sessions(lab)['lan1', SERVER_MAC]['method'] == 'mab'


CAPTURES = Path(__file__).resolve().parents[3] / 'shared' / 'captures' / 'tcpdump'


@pytest.mark.skipif(not CAPTURES.is_dir(), reason='the captures are not beside this checkout')
def test_captured_packets_are_nobodys_word(clinic):
    lab = clinic(access(ports='port lan1 { mode mab; role office; } port lan2 { mode dot1x; role office; }'))
    found = []
    for path in sorted(CAPTURES.glob('RADIUS*')):
        for record in pcapfile.read(path):
            if record.link_type == pcapfile.ETHERNET and len(record.data) > 62:
                found.append(record.data[42:])  # behind Ethernet, IPv4 and UDP
    assert len(found) > 10
    port = int(re.search(r'auth_server_port=(\d+)', (lab.run / 'hostapd' / 'lan2.conf').read_text())[1])
    with lab.router.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, lab.device.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((DEVICE_V4, 1812))
        server.settimeout(20)
        for payload in found:
            sender.sendto(payload, ('127.0.0.1', port))
        lab.server.start('ping', '-i', '0.5', CLINIC_V4, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        request, source = server.recvfrom(4096)  # about the device that goes on asking
        for payload in found:
            for answer in (payload, payload[:1] + request[1:2] + payload[2:]):
                server.sendto(answer, source)
    assert field(lab.event(event__action='radius-server', seconds=30), 'event.reason') in ('no-message-authenticator', 'not-genuine')
    assert sessions(lab) == {}


def test_a_server_without_a_stored_secret_is_not_asked_and_said_to_be(clinic):
    lab = clinic(secrets=())
    run = lab.command('apply', '-', contents=access())
    assert "access secret nps" in run.stderr + run.stdout
    assert DESK_V4 and not pings(lab.desk, CLINIC_V4)
