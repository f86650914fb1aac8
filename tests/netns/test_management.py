# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the router's SSH port is open, by the packet filter alone: a listener stands for the SSH server."""

import contextlib

import pytest

from tests.harness import daemon, frames, hosts
from tests.harness.daemon import CLINIC_V4, CLINIC_V6, DESK_V4, DESK_V6, MODALITY_V4, MODALITY_V6, SERVER_V4, WAN_V4, WAN_V6

VENDOR_V4, VENDOR_V6 = '203.0.113.5', '2001:db8:200::5'
STRANGER_V4, STRANGER_V6 = '192.0.2.200', '2001:db8:bad::1'
PORT = 8022
MANAGEMENT = f'management {{ ssh {{ from clinic; port {PORT}; }} }}\n'
DESK = f'address-list desk {{ address {DESK_V4}; address {DESK_V6}; }}\n'
VENDOR = 'address-list vendor { address 203.0.113.0/28; address 2001:db8:200::/48; }\n'

CONFIGURATION = daemon.NETWORKS + daemon.LOG_EVERYTHING + MANAGEMENT


def prepare(lab):
    lab.public(VENDOR_V4, VENDOR_V6, STRANGER_V4, STRANGER_V6)


def applied(lab, *statements: str) -> None:
    done = lab.apply(CONFIGURATION + ''.join(statements))
    assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def ssh_server(lab):
    """A listener on every address of the router."""
    with hosts.listener(lab.router, '::', PORT):
        yield


@pytest.mark.parametrize('address', [CLINIC_V4, CLINIC_V6])
def test_open_from_the_zone_at_its_own_address(lab, address):
    applied(lab)
    source = DESK_V6 if ':' in address else DESK_V4
    with ssh_server(lab), lab.judged('management.ssh.clinic', 'accepted', 'accepted', source__ip=source, destination__ip=address, destination__port=PORT,
                                     observer__ingress__zone='clinic', network__transport='tcp'):
        hosts.connection(lab.desk, address, PORT).close()


@pytest.mark.parametrize('address', [MODALITY_V4, WAN_V4, MODALITY_V6, WAN_V6])
def test_closed_at_the_address_of_another_zone(lab, address):
    applied(lab)
    number = frames.unique_port()
    with ssh_server(lab), lab.judged('zone.clinic.other-address', 'denied', 'zone', source__port=number, destination__ip=address):
        assert isinstance(hosts.refusal(lab.desk, address, PORT, source_port=number), ConnectionRefusedError)


@pytest.mark.parametrize('address, rule', [(MODALITY_V4, 'zone.modality.deny'), (MODALITY_V6, 'zone.modality.deny'), (CLINIC_V4, 'zone.modality.other-address'),
                                           (CLINIC_V6, 'zone.modality.other-address')])
def test_closed_from_another_zone(lab, address, rule):
    applied(lab)
    number = frames.unique_port()
    with ssh_server(lab), lab.judged(rule, 'denied', 'zone', source__port=number, destination__ip=address, observer__ingress__zone='modality'):
        assert isinstance(hosts.refusal(lab.device, address, PORT, source_port=number), ConnectionRefusedError)


@pytest.mark.parametrize('address, source', [(WAN_V4, VENDOR_V4), (WAN_V6, VENDOR_V6)])
def test_closed_from_the_wan(lab, address, source):
    applied(lab)
    number = frames.unique_port()
    with ssh_server(lab), frames.Wire(lab.outside, 'eth0') as wire:
        with lab.judged('zone.wan.deny', 'denied', 'no-service', source__ip=source, source__port=number, destination__port=PORT):
            wire.send(frames.ip(source, address, frames.tcp(number, PORT)), lab.router.mac('wan0'))
        assert [packet for packet in wire.caught() if str(packet.destination) == source] == []


@pytest.mark.parametrize('address, source, stranger', [(WAN_V4, VENDOR_V4, STRANGER_V4), (WAN_V6, VENDOR_V6, STRANGER_V6)])
def test_a_service_opens_it_to_its_sources_on_the_wan(lab, address, source, stranger):
    applied(lab, VENDOR, f'service remote {{ protocol tcp; port {PORT}; source {{ address-list vendor; }} }}\n')
    with ssh_server(lab):
        with lab.judged('service.remote.allow', 'accepted', 'accepted', source__ip=source, destination__ip=address):
            hosts.connection(lab.outside, address, PORT, source=source).close()
        number = frames.unique_port()
        with frames.Wire(lab.outside, 'eth0') as wire, lab.judged('service.remote.deny', 'denied', 'not-allowed', source__ip=stranger, source__port=number):
            wire.send(frames.ip(stranger, address, frames.tcp(number, PORT)), lab.router.mac('wan0'))


def test_policies_narrow_it_to_an_address_list(lab):
    applied(lab, DESK, f'policy desk-ssh {{ from clinic; to router; protocol tcp; port {PORT}; source {{ address-list desk; }} action allow; }}\n',
            f'policy no-other-ssh {{ from clinic; to router; protocol tcp; port {PORT}; action deny; }}\n')
    with ssh_server(lab):
        with lab.judged('policy.desk-ssh.allow', 'accepted', 'accepted', source__ip=DESK_V4):
            hosts.connection(lab.desk, CLINIC_V4, PORT).close()
        number = frames.unique_port()
        with lab.judged('policy.no-other-ssh.deny', 'denied', 'zone', source__ip=SERVER_V4, source__port=number):
            assert isinstance(hosts.refusal(lab.server, CLINIC_V4, PORT, source_port=number), ConnectionRefusedError)


def test_a_policy_refuses_an_address_list(lab):
    applied(lab, DESK, f'policy not-the-desk {{ from clinic; to router; protocol tcp; port {PORT}; source {{ address-list desk; }} action deny; }}\n')
    with ssh_server(lab):
        number = frames.unique_port()
        with lab.judged('policy.not-the-desk.deny', 'denied', 'zone', source__ip=DESK_V4, source__port=number):
            assert isinstance(hosts.refusal(lab.desk, CLINIC_V4, PORT, source_port=number), ConnectionRefusedError)
        with lab.judged('management.ssh.clinic', 'accepted', 'accepted', source__ip=SERVER_V4):
            hosts.connection(lab.server, CLINIC_V4, PORT).close()


def test_closed_when_management_goes(lab):
    done = lab.apply(daemon.NETWORKS + daemon.LOG_EVERYTHING)
    assert done.returncode == 0, done.stderr
    number = frames.unique_port()
    with ssh_server(lab), lab.judged('zone.clinic.deny', 'denied', 'zone', source__port=number, destination__ip=CLINIC_V4):
        assert isinstance(hosts.refusal(lab.desk, CLINIC_V4, PORT, source_port=number), ConnectionRefusedError)


def test_what_is_said_of_the_configuration(lab):
    done = lab.apply(CONFIGURATION + 'policy none { from clinic; to router; action deny; }\n')
    assert done.returncode == 0, done.stderr
    assert 'no account has an ssh-key' in done.stderr and 'policy none' in done.stderr
