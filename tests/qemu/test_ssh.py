# SPDX-License-Identifier: GPL-2.0-or-later
"""SSH into the image with the real ssh: who gets in, from where, and that a session is all there is. Everything is told with account and address."""

import json
import subprocess

import pytest
from people import GUEST, GUEST_ROUTER, ROUTER, SECONDS, People
from router import apply, field, system, wait_events

from tests.harness import clinic
from tests.harness.ssh import Session, client

@pytest.fixture(scope='module')
def people(world):
    made = People(world)
    apply(world, made.configuration({'tanaka': ['tanaka']}))
    made.wait_answering()
    return made


def test_key_lands_in_the_prompt(people):
    session = Session(people.world.server, people.words(), f'tanaka@{ROUTER}', SECONDS)
    assert 'Sekisho' in session.command('show version')
    assert 'unknown command' in session.command('sh')
    session.close()
    began = wait_events(people.world, {'event.action': 'login', 'event.outcome': 'success', 'user.name': 'tanaka'})[-1]
    assert field(began, 'sekisho.session.origin').startswith(f'ssh {clinic.SERVER_V4} port ')
    accepted = wait_events(people.world, {'event.action': 'key-accepted', 'user.name': 'tanaka', 'source.ip': clinic.SERVER_V4})[-1]
    assert field(accepted, 'sekisho.session.key') == people.keys.fingerprint('tanaka')
    wait_events(people.world, {'event.action': 'logout', 'user.name': 'tanaka'})


def test_one_command_and_its_exit_status(people):
    run = people.ssh('show', 'version', '--json')
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)['product'] == 'Sekisho'
    assert people.ssh('shwo').returncode == 2


def test_over_ipv6(people):
    assert people.ssh('show', 'version', address='2001:db8:10::1').returncode == 0


def test_configuration_is_applied_from_the_clients_file(people):
    text = people.configuration({'tanaka': ['tanaka']}).replace('files 8;', 'files 7;')
    run = people.ssh('apply', '-', contents=text)
    assert run.returncode == 0 and 'Applied' in run.stdout, run.stderr
    event = wait_events(people.world, {'event.action': 'apply', 'user.name': 'tanaka'})[-1]
    assert field(event, 'sekisho.session.origin').startswith(f'ssh {clinic.SERVER_V4} port ')


@pytest.mark.parametrize(('last', 'user', 'key', 'reason'), [
    (61, 'tanaka', 'stranger', 'key-not-accepted'), (62, 'bob', 'tanaka', 'unknown-account'), (63, 'root', 'tanaka', 'not-allowed'), (64, 'tanaka', None, 'no-key'),
    (65, 'admin', 'tanaka', 'key-not-accepted')])
def test_refused(people, last, user, key, reason):
    source = people.source(last)
    run = people.ssh('show', 'version', user=user, key=key, source=source, options=('-o', 'PreferredAuthentications=publickey,password,keyboard-interactive'))
    assert run.returncode == 255 and run.stdout == ''
    event = wait_events(people.world, {'event.action': 'login', 'event.outcome': 'failure', 'source.ip': source})[0]
    assert field(event, 'event.reason') == reason and field(event, 'user.name') == user


@pytest.mark.parametrize('place', ['wan', 'wan-ipv6', 'guest', 'guest-to-clinic'])
def test_from_elsewhere_there_is_nothing(people, place):
    world = people.world
    host, source, address = {'wan': (world.outside, clinic.ALLOWED_V4, str(clinic.WAN.ipv4)), 'wan-ipv6': (world.outside, clinic.ALLOWED_V6, str(clinic.WAN.ipv6)),
                             'guest': (world.client, GUEST, GUEST_ROUTER), 'guest-to-clinic': (world.client, GUEST, ROUTER)}[place]
    if place == 'guest-to-clinic':
        host.ip('route', 'replace', f'{ROUTER}/32', 'via', GUEST_ROUTER)
    run = people.ssh('show', 'version', host=host, address=address, source=source, options=('-o', 'ConnectTimeout=5'))
    assert run.returncode == 255 and ('timed out' in run.stderr or 'refused' in run.stderr), run.stderr
    assert wait_events(world, {'event.action': 'connection-denied', 'source.ip': source, 'destination.ip': address, 'destination.port': 22})


@pytest.mark.parametrize(('reason', 'options', 'words'), [
    ('port-forwarding', ('-W', f'{clinic.CLIENT_V4}:80'), ()), ('socket-forwarding', ('-W', '/run/sekisho/control.sock'), ()),
    ('remote-forwarding', ('-N', '-o', 'ExitOnForwardFailure=yes', '-R', '9999:127.0.0.1:22'), ()),
    ('remote-forwarding', ('-N', '-o', 'ExitOnForwardFailure=yes', '-R', '/run/forward.sock:127.0.0.1:22'), ()),
    ('tunnel', ('-N', '-o', 'ExitOnForwardFailure=yes', '-w', '0:0'), ()), ('subsystem', ('-s',), ('sftp',))])
def test_forwarding_is_refused_and_told(people, reason, options, words):
    run = people.ssh(*words, options=options)
    assert run.returncode == 255 and run.stdout == ''
    event = wait_events(people.world, {'event.action': 'ssh-refused', 'event.reason': reason})[-1]
    assert field(event, 'user.name') == 'tanaka' and field(event, 'source.ip') == clinic.SERVER_V4


def test_ports_forwarded_while_a_session_runs(people):
    """-L and -D: the client listens; what it is given is refused on the router."""
    world = people.world
    words = people.words(options=('-L', f'8081:{clinic.CLIENT_V4}:80', '-L', '8082:/run/sekisho/control.sock', '-D', '8083'))
    session = Session(world.server, words, f'tanaka@{ROUTER}', SECONDS)
    for target in (('http://127.0.0.1:8081/',), ('http://127.0.0.1:8082/',), ('--socks5', '127.0.0.1:8083', f'http://{clinic.CLIENT_V4}/')):
        run = world.server.run('curl', '-sS', '--noproxy', '*', '--max-time', '30', *target, check=False, timeout=60)
        assert run.returncode != 0 and run.stdout == '', run.stdout
    told = {field(event, 'event.reason') for event in wait_events(world, {'event.action': 'ssh-refused', 'user.name': 'tanaka'})}
    assert {'port-forwarding', 'socket-forwarding'} <= told
    assert 'Sekisho' in session.command('show version')
    session.close()


def test_agent_and_x11_stay_with_the_client(people):
    world = people.world
    agent = str(world.folder / 'agent')
    world.server.start('ssh-agent', '-D', '-a', agent, stdout=subprocess.DEVNULL)
    run = world.server.run('env', f'SSH_AUTH_SOCK={agent}', 'DISPLAY=:0', *people.words(options=('-A', '-Y')), f'tanaka@{ROUTER}', 'show', 'version', check=False, timeout=SECONDS)
    assert run.returncode == 0
    told = [field(event, 'event.reason') for event in wait_events(world, {'event.action': 'ssh-refused', 'user.name': 'tanaka'})]
    assert 'agent-forwarding' in told and 'x11' in told


def test_nobody_is_a_stepping_stone(people):
    run = people.ssh('show', 'version', options=('-o', f'ProxyCommand={" ".join(people.words(options=("-W", f"{ROUTER}:22")))} tanaka@{ROUTER}'))
    assert run.returncode == 255


@pytest.mark.parametrize('words', [('sh',), ("/bin/busybox sh -c 'cat /etc/passwd'",), ('rsync --server . /tmp',), ('/usr/lib/openssh/sftp-server',), ('scp -t /tmp',), ('show version; sh',),
                                   ('apply /etc/passwd',), ('check /etc/passwd',)])
def test_no_other_program_and_no_file(people, words):
    run = people.ssh(*words)
    assert run.returncode in (1, 2), (run.returncode, run.stdout, run.stderr)
    assert 'root:' not in run.stdout + run.stderr and run.stdout == ''


@pytest.mark.parametrize('mode', ['-s', '-O'])
def test_files_are_not_copied(people, mode):
    copy = ['scp', mode, *people.words()[1:3], '-P', '22', *people.words()[5:]]
    run = people.world.server.run(*copy, '/etc/hostname', f'tanaka@{ROUTER}:/tmp/', check=False, timeout=SECONDS)
    assert run.returncode != 0
    run = people.world.server.run(*copy, f'tanaka@{ROUTER}:/etc/passwd', str(people.world.folder / 'stolen'), check=False, timeout=SECONDS)
    assert run.returncode != 0 and not (people.world.folder / 'stolen').exists()


def test_environment_of_the_client_changes_nothing(people):
    run = people.ssh('show', 'version', options=('-o', 'SetEnv=LD_PRELOAD=/tmp/x PATH=/tmp LANG=xx'))
    assert run.returncode == 0, run.stderr


def test_second_session_on_one_connection_is_refused(people):
    control = str(people.world.folder / 'control')
    first = Session(people.world.server, people.words(source=people.source(72), options=('-M', '-S', control)), f'tanaka@{ROUTER}', SECONDS)
    run = people.ssh('show', 'version', options=('-S', control, '-o', 'ProxyCommand=false'))
    assert run.returncode == 255
    wait_events(people.world, {'event.action': 'ssh-refused', 'event.reason': 'second-session', 'user.name': 'tanaka'})
    first.close()


def test_host_key_is_the_one_that_the_console_shows(people):
    scan = people.world.server.run('ssh-keyscan', '-T', '60', '-t', 'ed25519', ROUTER, timeout=SECONDS).stdout
    fingerprint = subprocess.run(['ssh-keygen', '-l', '-f', '-'], input=scan, capture_output=True, text=True, check=True).stdout.split()[1]
    state = system(people.world)
    assert state['ssh_host_key'] == fingerprint
    assert state['ssh_listens_on'] == f'port 22 on {ROUTER} 2001:db8:10::1'
    # it tells strangers the protocol's version, and of the program no more than OpenSSH's own name
    banner = people.world.server.run('sh', '-c', f'sleep 20 | socat -t 20 - TCP:{ROUTER}:22 | head -n 1', timeout=SECONDS).stdout.strip()
    assert banner.startswith('SSH-2.0-OpenSSH_') and 'Debian' not in banner


def test_wan_shows_no_port(people):
    for options, address in (((), str(clinic.WAN.ipv4)), (('-6',), str(clinic.WAN.ipv6))):
        run = people.world.outside.run('nmap', *options, '-n', '-Pn', '-sS', '-p1-65535', '-T5', '--min-rate', '2000', '--max-retries', '1', '-oG', '-', address, timeout=400)
        assert '/open/' not in run.stdout, run.stdout


def test_removed_account_is_out_and_the_key_outlives_a_power_cut(people):
    """Last in the module: the router is started anew."""
    world = people.world
    fingerprint = system(world)['ssh_host_key']
    session = Session(world.server, people.words(), f'tanaka@{ROUTER}', SECONDS)
    apply(world, people.configuration({'sato': ['sato']}))
    session.wait_ended()
    session.close()
    wait_events(world, {'event.action': 'sessions-ended', 'event.reason': 'account-removed', 'user.name': 'tanaka'})
    assert people.ssh('show', 'version', source=people.source(70)).returncode == 255
    assert people.ssh('show', 'version', user='sato', key='sato').returncode == 0

    world.machine.power_cut()
    world.machine.start()
    world.machine.wait_enforcing()
    people.wait_answering()
    assert system(world)['ssh_host_key'] == fingerprint
    assert people.ssh('show', 'version', user='sato', key='sato').returncode == 0
    assert people.ssh('show', 'version', source=people.source(71)).returncode == 255
