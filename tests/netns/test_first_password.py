# SPDX-License-Identifier: GPL-2.0-or-later
"""A router that never had a password: its WAN is down until it has one. Passwords afterwards: waits after failures, power cuts, damage."""

import json

import pytest

from tests.harness import control, daemon, hosts
from tests.harness.daemon import CLINIC_V4, WAN_V4, WAN_V6, field, until

ALLOWED_V4 = '203.0.113.5'
SERVICE = 'address-list vendor { address 203.0.113.5; } service web { protocol tcp; port 80; forward-to 10.0.1.20; source { address-list vendor; } }\n'
STATIC = daemon.NETWORKS + daemon.LOG_EVERYTHING + SERVICE
DHCP = daemon.LOG_EVERYTHING + '''
system { host-name testbed; }
interfaces { interface wan0 { dhcp; } bridge br-clinic { port lan1; port lan2; address 10.0.1.1/24; } }
zones { wan { interface wan0; } clinic { interface br-clinic; } }
'''
PASSWORD = 'Kettle.Moth-4-blue'


def authenticate(lab, *words: str, payload: str = '') -> control.Answer:
    return control.ask(lab.run / 'control.sock', 'authenticate', *words, payload=payload)


def log_in(lab, name: str = 'admin', password: str = PASSWORD) -> control.Answer:
    return authenticate(lab, 'password', name, payload=password)


def wan(lab) -> dict:
    return json.loads(lab.router.ip('-j', 'address', 'show', 'dev', 'wan0'))[0]


def is_up(lab) -> bool:
    return 'UP' in wan(lab)['flags']


def addresses(lab) -> set[str]:
    return {entry['local'] for entry in wan(lab)['addr_info'] if entry['scope'] == 'global'}


def everything_written(lab) -> str:
    """Every byte that the daemon left anywhere."""
    files = [path for folder in (lab.data, lab.run) for path in folder.rglob('*') if path.is_file()]
    return '\n'.join(path.read_bytes().decode(errors='replace') for path in [*files, lab.errors])


def restart(lab) -> None:
    lab.kill()
    lab.start()


@pytest.fixture
def new_router(new_lab):
    lab = new_lab(STATIC, credentials=False)
    lab.public(ALLOWED_V4)
    lab.start()
    return lab


# ---- the first password ------------------------------------------------------------------------------------------------------------------------------------


def test_wan_stays_down_and_inside_zones_work(new_router):
    lab = new_router
    assert authenticate(lab, 'state') == (0, 'state new\n', '')
    facts = lab.facts()
    assert facts['policy_source'] == 'factory-default' and facts['wan_held'] is True
    assert 'first password' in lab.command('show', 'system').stdout
    assert field(lab.event(event__action='wan-held'), 'event.kind') == 'alert'

    lab.desk.run('ping', '-n', '-c1', '-W5', CLINIC_V4)
    assert not is_up(lab) and addresses(lab) == set()
    # somebody plugs the cable in and out: it changes nothing
    lab.outside.ip('link', 'set', 'eth0', 'down')
    lab.outside.up('eth0')
    assert not is_up(lab) and addresses(lab) == set()
    assert lab.outside.run('ping', '-n', '-c1', '-W1', WAN_V4, check=False).returncode != 0
    # a restart is no way around
    restart(lab)
    assert lab.facts()['wan_held'] is True and not is_up(lab) and addresses(lab) == set()


def test_wan_that_was_up_is_taken_down(new_router):
    """What an earlier life of the daemon configured is not left as it was."""
    lab = new_router
    assert authenticate(lab, 'first-password', payload=PASSWORD).status == 0
    until(lambda: addresses(lab) == {WAN_V4, WAN_V6}, 'the WAN to be configured')
    lab.kill()
    for name in ('credentials', 'credentials-copy'):
        (lab.data / 'state' / name).unlink()
    lab.start()
    assert lab.facts()['wan_held'] is True
    assert not is_up(lab) and addresses(lab) == set()


@pytest.mark.parametrize('password, reason', [
    ('', 'at least 13'), ('Kettle.4-blu', 'at least 13'), ('kettlemothblue', 'three of'), ('Password12345!', 'tried first'), ('Pa$$w0rd-2026', 'tried first'),
    ('my-Sekisho-9-moths', 'name of the product'), ('my-TestBed-9-moths', 'host name'), ('Admin.moth-4-blue', 'name of the account'), ('Qwertyuiop.123', 'keyboard'),
    ('Mo4-Mo4-Mo4-Mo4-', 'repeats'), ('Kettle.Moth-4-blue\n', 'control'), ('Kettle.Moth-4-blue' * 8, 'longer')])
def test_weak_password_is_refused_with_the_reason(router_once, password, reason):
    lab = router_once
    answer = authenticate(lab, 'first-password', payload=password)
    assert answer.status == 1 and reason in answer.errors, answer
    assert authenticate(lab, 'state').output == 'state new\n'
    assert not is_up(lab)


@pytest.fixture(scope='module')
def router_once():
    with daemon.Lab(STATIC, credentials=False) as lab:
        lab.start()
        yield lab
        lab.assert_healthy()


def test_first_password_brings_the_wan_up_at_once_and_is_recorded(new_router):
    lab = new_router
    process = lab.process.pid
    assert authenticate(lab, 'first-password', payload=PASSWORD) == (0, 'user 2000\ngroup 2000\n', '')
    assert is_up(lab) and addresses(lab) == {WAN_V4, WAN_V6}
    assert lab.facts()['wan_held'] is False and lab.process.pid == process
    event = lab.event(event__action='password-set')
    assert (field(event, 'user.name'), field(event, 'sekisho.session.origin'), field(event, 'event.outcome')) == ('admin', 'console', 'success')
    lab.event(event__action='wan-released')
    with hosts.listener(lab.server, '::', 80), lab.judged('service.web.allow', 'accepted', 'accepted', source__ip=ALLOWED_V4):
        hosts.connection(lab.outside, WAN_V4, 80, ALLOWED_V4).close()

    # once
    answer = authenticate(lab, 'first-password', payload='Otter.Lamp-7-green')
    assert answer.status == 1 and 'already' in answer.errors
    assert lab.event(event__action='password-set', event__outcome='failure')
    assert log_in(lab) == (0, 'user 2000\ngroup 2000\n', '')
    shown = lab.asked('show', 'accounts')
    assert shown['credentials'] == 'ready' and shown['problem'] is None
    assert [(row['name'], row['user_id'], row['password']) for row in shown['accounts']] == [('admin', 2000, True)]

    # after the next start it is known, and the WAN is up from the beginning
    restart(lab)
    assert lab.facts()['wan_held'] is False and is_up(lab)
    assert log_in(lab).status == 0
    assert (lab.data / 'state' / 'credentials').stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in everything_written(lab)


def test_dhcp_client_runs_on_the_wan_only_after_the_first_password(new_lab):
    lab = new_lab(DHCP, credentials=False)
    hosts.DhcpServer(lab, '198.51.100.50', '198.51.100.60', '198.51.100.1')
    lab.start()
    assert lab.facts()['wan_held'] is True
    assert not any('udhcpc' in words for words in lab.processes().values())
    # nor does a report of a lease, should one come
    run = lab.command('lease-event', 'bound', 'interface=wan0', 'ip=198.51.100.55', 'mask=255.255.255.0', 'router=198.51.100.1')
    assert run.returncode == 1 and 'password' in run.stderr
    assert not is_up(lab) and addresses(lab) == set()

    assert authenticate(lab, 'first-password', payload=PASSWORD).status == 0
    lab.event(event__action='lease-taken', seconds=30)
    assert any('udhcpc' in words for words in lab.processes().values())
    until(lambda: addresses(lab), 'an address on the WAN')


# ---- attempts ----------------------------------------------------------------------------------------------------------------------------------------------


def waiting(answer: control.Answer) -> int:
    assert answer.status == 1, answer
    return int(answer.output.removeprefix('wait '))


def test_failures_wait_and_are_recorded(new_lab):
    lab = new_lab(STATIC)
    lab.start()
    for name in ('admin', 'nobody-here', 'root', 'x' * 3000):
        since = len(lab.log())
        answer = log_in(lab, name, 'Wrong.Lamp-7-green')
        assert answer.errors == 'the account or the password is wrong\n' and waiting(answer) == 1
        event = lab.event(since, event__action='login', event__outcome='failure', event__reason='wrong-credentials')
        assert field(event, 'user.name').rstrip('…') == name[:64] and field(event, 'sekisho.session.origin') == 'console'
        # the right one is refused unchecked until the wait is over, and clears it
        early = log_in(lab, password=daemon.PASSWORD)
        assert early.status == 0 or waiting(early) >= 1  # a slow machine may have taken the second to get here
        until(lambda: log_in(lab, password=daemon.PASSWORD).status == 0, 'the end of the wait')
    assert 'Wrong.Lamp' not in everything_written(lab) and daemon.PASSWORD not in everything_written(lab)


def test_waits_double(new_lab):
    lab = new_lab(STATIC)
    lab.start()

    def looked_at() -> control.Answer | None:
        """An attempt before its time neither counts nor shortens the wait."""
        answer = log_in(lab, password='Wrong.Lamp-7-green')
        return answer if 'is wrong' in answer.errors else None
    assert [waiting(until(looked_at, 'an attempt that is looked at')) for _ in range(3)] == [1, 2, 4]
    told = [field(event, 'message') for event in lab.logged({'event.reason': 'wrong-credentials'})]
    assert [message.split('waits ')[1] for message in told] == ['1 s', '2 s', '4 s']
    # of those before their time one at most is told for each wait
    assert len(lab.logged({'event.reason': 'too-early'})) <= 2


# ---- power cuts and damage ---------------------------------------------------------------------------------------------------------------------------------


def damage(lab, *names: str, content: bytes | None = b'\0' * 4096) -> None:
    for name in names:
        path = lab.data / 'state' / name
        path.write_bytes(content) if content is not None else path.unlink()


@pytest.mark.parametrize('content', [b'', b'\0' * 4096, None], ids=['empty', 'zeroes', 'missing'])
def test_copy_stands_in_for_damaged_credentials(new_lab, content):
    lab = new_lab(STATIC)
    lab.start()
    whole = (lab.data / 'state' / 'credentials').read_bytes()
    assert (lab.data / 'state' / 'credentials-copy').read_bytes() == whole
    lab.kill()
    damage(lab, 'credentials', content=content)
    since = len(lab.log())
    lab.start()
    assert log_in(lab, password=daemon.PASSWORD).status == 0
    assert any('its copy is used' in (field(event, 'message') or '') for event in lab.log()[since:])
    assert (lab.data / 'state' / 'credentials').read_bytes() == whole


def test_damaged_credentials_let_nobody_in_and_the_wan_is_as_it_was(new_lab):
    lab = new_lab(STATIC)
    lab.start()
    lab.kill()
    damage(lab, 'credentials', 'credentials-copy')
    since = len(lab.log())
    lab.start()
    state = authenticate(lab, 'state')
    assert state.output == 'state damaged\n' and 'digest' in state.errors
    assert lab.facts()['wan_held'] is False and is_up(lab)
    answer = log_in(lab, password=daemon.PASSWORD)
    assert answer.status == 1 and 'digest' in answer.errors
    answer = authenticate(lab, 'first-password', payload=PASSWORD)
    assert answer.status == 1 and 'digest' in answer.errors
    assert lab.logged({'event.action': 'login', 'event.reason': 'credentials-damaged'}, since)
    assert any('digest' in (field(event, 'message') or '') and field(event, 'event.kind') == 'alert' for event in lab.log()[since:])
    assert lab.asked('show', 'accounts')['credentials'] == 'damaged'
    assert (lab.data / 'state' / 'credentials').read_bytes() == b'\0' * 4096, 'nothing is written over it'


def test_lost_credentials_of_a_configured_router_make_no_new_one(new_lab):
    lab = new_lab(STATIC)
    lab.start()
    lab.apply(STATIC)
    lab.kill()
    damage(lab, 'credentials', 'credentials-copy', content=None)
    lab.start()
    state = authenticate(lab, 'state')
    assert state.output == 'state damaged\n' and 'was configured' in state.errors
    assert authenticate(lab, 'first-password', payload=PASSWORD).status == 1
    assert lab.facts()['wan_held'] is False and is_up(lab)


def test_password_that_can_not_be_stored_is_told_and_leaves_the_wan_down(new_router):
    lab = new_router
    state = lab.data / 'state'
    state.rename(lab.data / 'state.away')
    state.write_text('in the way')
    answer = authenticate(lab, 'first-password', payload=PASSWORD)
    assert answer.status == 0 and 'could not be stored' in answer.errors
    assert lab.facts()['wan_held'] is True and not is_up(lab)
    assert log_in(lab).status == 0
