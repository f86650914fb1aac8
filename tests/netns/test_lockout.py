# SPDX-License-Identifier: GPL-2.0-or-later
"""Nobody cuts himself off: an apply over SSH that would end its own session is refused, and one that is to be confirmed goes by itself. The real sshd and ssh."""

import json
import time

import pytest

from tests.harness import hosts
from tests.harness.daemon import WAN_V4, field, until
from tests.harness.ssh_lab import ROUTER, ROUTER_V6, SshLab

SERVICE = '''
address-list vendor { address 203.0.113.5; }
service web { protocol tcp; port 8080; forward-to 10.0.1.20; forward-port 80; source { address-list vendor; } }
'''


@pytest.fixture(scope='module')
def module_lab():
    with SshLab() as made:
        made.public('203.0.113.5')
        made.start()
        made.wait_listening(f'{ROUTER}:22', f'[{ROUTER_V6}]:22')
        yield made


@pytest.fixture
def lab(module_lab):
    module_lab.in_force = ''
    module_lab.use({'tanaka': ['tanaka']})
    yield module_lab
    module_lab.assert_healthy()


def with_management(lab, management: str, more: str = '') -> str:
    return lab.configuration_of({'tanaka': [lab.keys.public('tanaka')]}, management) + more


def digest(lab) -> str:
    return lab.asked('show', 'system')['policy_digest']


def source(lab) -> str:
    return lab.asked('show', 'system')['policy_source']


@pytest.mark.parametrize(('change', 'why'), [
    (('management { ssh { from clinic; } }', 'management { }'), 'nobody could come in over SSH any more'),
    (('from clinic; } }', 'from modality; } }'), 'rule zone.clinic.deny'),
    (('management {', f'address-list desk {{ address 10.0.1.50; }} policy no-desk {{ from clinic; to router; source {{ address-list desk; }} action deny; }} management {{'), 'rule policy.no-desk'),
    (('10.0.1.1/24', '10.0.1.2/24'), 'the router would not have the address 10.0.1.1 any more'),
    (('account tanaka', 'account suzuki'), 'it has no account tanaka'),
])
def test_what_would_end_its_own_session_is_refused_and_changes_nothing(lab, change, why):
    before = digest(lab)
    text = with_management(lab, 'management { ssh { from clinic; } }').replace(*change)
    since = len(lab.log())
    run = lab.ssh('apply', '-', contents=text)
    assert run.returncode == 1 and why in run.stderr and '--confirm MINUTES' in run.stderr, run.stderr
    assert digest(lab) == before
    event = lab.event(since, event__action='apply', event__outcome='failure', event__reason='lockout')
    assert field(event, 'user.name') == 'tanaka'
    assert lab.ssh('show', 'version').returncode == 0


def test_what_keeps_the_session_is_applied_from_it(lab):
    run = lab.ssh('apply', '-', contents=with_management(lab, 'management { ssh { from clinic; } }', SERVICE))
    assert run.returncode == 0, run.stderr
    assert source(lab) == 'committed'


def test_over_another_port_the_session_lives_on(lab):
    session = lab.session()
    run = lab.ssh('apply', '-', contents=with_management(lab, 'management { ssh { from clinic; port 2222; } }'))
    assert run.returncode == 0, run.stderr
    assert 'Sekisho' in session.command('show version')
    session.close()
    assert lab.ssh('show', 'version', port=2222).returncode == 0


def test_what_nobody_confirms_goes_by_itself_and_no_other_connection_notices(lab):
    lab.apply(with_management(lab, 'management { ssh { from clinic; } }', SERVICE))
    committed = digest(lab)
    with hosts.listener(lab.server, '10.0.1.20', 80) as server:
        peer = hosts.connection(lab.outside, WAN_V4, 8080, '203.0.113.5')
        inside, _ = server.accept()
        since = len(lab.log())
        run = lab.ssh('apply', '-', '--confirm', '1', contents=with_management(lab, '', SERVICE))
        assert run.returncode in (0, 255), run.stderr  # the session ends with it
        assert digest(lab) != committed and source(lab) == 'unconfirmed'
        assert 'not committed' in lab.command('show', 'system').stdout
        lab.wait_listening()
        began = time.monotonic()
        while source(lab) == 'unconfirmed':
            assert time.monotonic() - began < 120
            peer.send(b'x')
            assert inside.recv(16)
            time.sleep(1)
        assert digest(lab) == committed and source(lab) == 'committed'
        for end, other in ((peer, inside), (inside, peer)):
            end.send(b'y')
            assert other.recv(16) == b'y'
        peer.close()
        inside.close()
    lab.event(since, event__action='apply-reverted')
    assert not [event for event in lab.log()[since:] if field(event, 'event.action') == 'connection-cut' and field(event, 'destination.port') == 8080]
    lab.wait_listening(f'{ROUTER}:22', f'[{ROUTER_V6}]:22')
    assert lab.ssh('show', 'version').returncode == 0


def test_what_is_confirmed_stays(lab):
    wanted = with_management(lab, 'management { ssh { from clinic; } }', SERVICE)
    run = lab.ssh('apply', '-', '--confirm', '1', contents=wanted)
    assert run.returncode == 0 and "comes back in 1 minute unless 'confirm' follows" in run.stdout
    run = lab.ssh('confirm')
    assert run.returncode == 0 and 'Confirmed and committed' in run.stdout, run.stderr
    assert lab.ssh('confirm').returncode == 1
    lab.kill()
    lab.start()
    assert source(lab) == 'committed' and lab.command('show', 'configuration').stdout == wanted


def test_a_daemon_that_dies_meanwhile_has_what_was_committed(lab):
    committed = digest(lab)
    assert lab.command('apply', '-', '--confirm', '10', contents=with_management(lab, '', SERVICE)).returncode == 0
    assert source(lab) == 'unconfirmed'
    lab.kill()
    since = len(lab.log())
    lab.start()
    assert digest(lab) == committed and source(lab) == 'committed'
    lab.event(since, event__action='apply-reverted')
    lab.wait_listening(f'{ROUTER}:22', f'[{ROUTER_V6}]:22')


def test_minutes_that_are_none(lab):
    for minutes in ('0', '1441', 'x', '-1'):
        assert lab.command('apply', '-', '--confirm', minutes, contents='').returncode == 2
    assert json.loads(lab.command('show', 'system', '--json').stdout)['policy_source'] == 'committed'
