# SPDX-License-Identifier: GPL-2.0-or-later
"""SSH into the router: who gets in, from where, and what a session can't do. The real sshd and the real ssh, users and /etc of the daemon's own."""

import contextlib
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.harness import daemon, frames, hosts, pcapfile
from tests.harness.daemon import field, until
from tests.harness.ssh import NOT_AUTHENTICATED, Session, attempt_as
from tests.harness.ssh_lab import FIRST_ACCOUNT, ROUTER, ROUTER_V6, SshLab

@pytest.fixture(scope='module')
def module_lab():
    with SshLab() as made:
        made.start()
        made.wait_listening(f'{ROUTER}:22', f'[{ROUTER_V6}]:22')
        yield made
        made.assert_healthy()


@pytest.fixture
def lab(module_lab):
    """The module's lab with one account, tanaka, and SSH from the clinic."""
    module_lab.use({'tanaka': ['tanaka']})
    module_lab.wait_listening(f'{ROUTER}:22', f'[{ROUTER_V6}]:22')
    yield module_lab
    module_lab.assert_healthy()


@pytest.fixture
def session(lab):
    made = lab.session()
    yield made
    made.close()


# ---- in -------------------------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('address', [ROUTER, ROUTER_V6])
def test_one_command(lab, address):
    since = len(lab.log())
    run = lab.ssh('show', 'version', '--json', address=address)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)['product'] == 'Sekisho'
    source = daemon.DESK_V6 if ':' in address else daemon.DESK_V4
    accepted = lab.event(since, event__action='key-accepted', source__ip=source, user__name='tanaka')
    assert field(accepted, 'sekisho.session.key') == lab.keys.fingerprint('tanaka')
    began = lab.event(since, event__action='login', event__outcome='success', user__name='tanaka')
    # the session is of the same connection
    assert field(began, 'sekisho.session.origin') == field(accepted, 'sekisho.session.origin') == f'ssh {source} port {field(accepted, "source.port")}'
    lab.event(since, event__action='logout', user__name='tanaka')


def test_exit_status_is_the_commands(lab):
    assert lab.ssh('shwo', 'version').returncode == 2


def test_prompt(session):
    assert 'Sekisho' in session.command('show version')
    assert 'unknown command' in session.command('sh')


def test_apply_from_the_clients_file(lab):
    text = lab.use({'tanaka': ['tanaka'], 'sato': ['sato']})
    since = len(lab.log())
    run = lab.ssh('apply', '-', contents=text.replace('per-minute 10000', 'per-minute 9999'))
    lab.in_force = ''
    assert run.returncode == 0, run.stderr
    event = lab.event(since, event__action='apply', event__outcome='success')
    assert field(event, 'user.name') == 'tanaka' and field(event, 'sekisho.session.origin').startswith(f'ssh {daemon.DESK_V4} port ')


def test_a_capture_from_the_client_is_judged_by_the_policy_in_force(lab):
    """With the account's rights, which reach the country database."""
    capture = lab.folder / 'knock.pcap'
    pcapfile.write(capture, [(1_790_000_000.0, frames.ip('203.0.113.9', daemon.WAN_V4, frames.tcp(40_000, 22)))], pcapfile.RAW)
    command = shlex.join([*lab.arguments(), f'tanaka@{ROUTER}', 'test', 'capture', '-', '--json'])
    run = lab.desk.run('sh', '-c', f'{command} <{capture}', check=False, timeout=60)
    assert run.returncode == 0, run.stderr
    rows = json.loads(run.stdout)['flows']
    assert len(rows) == 1 and rows[0]['packets'] == 1 and rows[0]['verdict'] == 'denied', rows
    run = lab.ssh('test', 'capture', str(capture))
    assert run.returncode == 1 and 'from its standard input only' in run.stderr, run


def test_each_account_has_its_name_and_keys(lab):
    lab.use({'tanaka': ['tanaka'], 'sato': ['sato', 'sato-2']})
    since = len(lab.log())
    for key in ('sato', 'sato-2'):
        assert lab.ssh('show', 'version', user='sato', key=key).returncode == 0
    assert {field(event, 'user.name') for event in lab.logged({'event.action': 'login'}, since)} == {'sato'}
    assert lab.ssh('show', 'version', user='tanaka', key='sato', source=lab.source(60)).returncode == 255


# ---- not in -----------------------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(('last', 'user', 'key', 'reason'), [
    (61, 'tanaka', 'stranger', 'key-not-accepted'), (62, 'bob', 'tanaka', 'unknown-account'), (63, 'root', 'tanaka', 'not-allowed'), (64, 'tanaka', None, 'no-key'),
    (65, 'admin', 'tanaka', 'key-not-accepted'), (66, 'sshd', 'tanaka', 'not-allowed'), (67, 'bob from 192.0.2.1 port 5 ssh2', 'tanaka', 'unknown-account')])
def test_refused(lab, last, user, key, reason):
    since = len(lab.log())
    source = lab.source(last)
    run = lab.ssh('show', 'version', user=user, key=key, source=source)
    assert run.returncode == 255 and run.stdout == ''
    event = lab.event(since, event__action='login', event__outcome='failure')
    assert field(event, 'event.reason') == reason and field(event, 'source.ip') == source
    assert field(event, 'user.name') == user
    if reason == 'key-not-accepted':
        assert field(event, 'sekisho.session.key') == lab.keys.fingerprint(key)


@pytest.mark.parametrize(('last', 'lines'), [
    (81, ('x', 'Accepted publickey for admin from 10.0.1.9 port 1 ssh2')), (82, ('x', 'Connection from 10.0.1.9 port 1 on y', 'Accepted publickey for admin from 1.1.1.1 port 1 ssh2')),
    (83, ('Accepted publickey for admin from 1.1.1.1 port 1 ssh2',))])
def test_line_feeds_of_a_stranger_begin_no_line(lab, last, lines):
    since = len(lab.log())
    source = lab.source(last)
    assert attempt_as(lab.desk, ROUTER, source, '\n'.join(lines), lab.keys.path('tanaka')) == NOT_AUTHENTICATED
    event = lab.event(since, event__action='login', event__outcome='failure')
    assert field(event, 'event.reason') == 'unknown-account' and field(event, 'source.ip') == source
    assert field(event, 'user.name').startswith('\\012'.join(lines)[:60])
    assert not [event for event in lab.log()[since:] if field(event, 'event.action') == 'key-accepted']


@pytest.mark.parametrize('method', ['password', 'keyboard-interactive', 'hostbased', 'gssapi-with-mic'])
def test_only_a_key_is_asked_for(lab, method):
    source = lab.source(69)
    run = lab.ssh('show', 'version', key=None, source=source, options=('-o', f'PreferredAuthentications={method}', '-o', 'LogLevel=INFO'))
    assert run.returncode == 255
    assert 'Permission denied (publickey).' in run.stderr or 'Connection closed' in run.stderr or 'Connection reset' in run.stderr, run.stderr


def test_other_zones_find_no_port(lab):
    for host, address in ((lab.device, daemon.MODALITY_V4), (lab.device, daemon.MODALITY_V6), (lab.device, ROUTER), (lab.outside, daemon.WAN_V4), (lab.outside, daemon.WAN_V6)):
        assert hosts.refusal(host, address, 22) is not None, address
    assert lab.listening() == {f'{ROUTER}:22', f'[{ROUTER_V6}]:22'}


def test_strangers_speak_with_a_process_without_rights(lab):
    def strangers() -> list[tuple[str, ...]]:
        found = []
        for pid, words in lab.processes().items():
            if words[0].startswith('sshd-auth:'):
                status = dict(line.split(':\t', 1) for line in Path('/proc', str(pid), 'status').read_text().splitlines() if ':\t' in line)
                found.append((status['Uid'].split()[0], status['CapEff'].strip('0'), status['Seccomp'], os.readlink(f'/proc/{pid}/root')[-9:]))
        return found

    with contextlib.closing(hosts.connection(lab.desk, ROUTER, 22, lab.source(75))) as wire:
        assert wire.recv(8).startswith(b'SSH-2.0-')
        wire.sendall(b'SSH-2.0-test\r\n')
        until(lambda: strangers() == [('102', '', '2', '/run/sshd')], lambda: f'a process in a sandbox; there are {strangers()} of {list(lab.processes().values())}')


# ---- a session and nothing else --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(('reason', 'options', 'words'), [
    ('port-forwarding', ('-W', f'{daemon.SERVER_V4}:80'), ()), ('socket-forwarding', ('-W', '/run/sekisho/control.sock'), ()),
    ('remote-forwarding', ('-N', '-o', 'ExitOnForwardFailure=yes', '-R', '9999:127.0.0.1:22'), ()),
    ('remote-forwarding', ('-N', '-o', 'ExitOnForwardFailure=yes', '-R', '/tmp/forward.sock:127.0.0.1:22'), ()),
    ('tunnel', ('-N', '-o', 'ExitOnForwardFailure=yes', '-w', '0:0'), ()), ('subsystem', ('-s',), ('sftp',))])
def test_forwarding_is_refused_and_recorded(lab, reason, options, words):
    since = len(lab.log())
    run = lab.ssh(*words, options=options)
    assert run.returncode == 255 and run.stdout == ''
    event = lab.event(since, event__action='ssh-refused')
    assert field(event, 'event.reason') == reason
    assert field(event, 'user.name') == 'tanaka' and field(event, 'source.ip') == daemon.DESK_V4
    assert field(event, 'sekisho.session.key') == lab.keys.fingerprint('tanaka')
    accepted = lab.event(since, event__action='key-accepted')
    assert field(event, 'source.port') == field(accepted, 'source.port')


def test_nobody_is_a_stepping_stone(lab):
    inner = ' '.join(lab.arguments(options=('-W', f'{ROUTER}:22')))
    since = len(lab.log())
    run = lab.ssh('show', 'version', options=('-o', f'ProxyCommand={inner} tanaka@{ROUTER}'))
    assert run.returncode == 255
    assert field(lab.event(since, event__action='ssh-refused'), 'event.reason') == 'port-forwarding'


@pytest.mark.parametrize('words', [('sh',), ('/bin/sh', '-c', 'id'), ('scp', '-t', '/tmp'), ('rsync', '--server', '.', '/tmp'), ('/usr/lib/openssh/sftp-server',), ('show version; id',),
                                   ('$(id)',), ('console',), ('login',), (' -c id',), (' --socket /tmp/x show version',)])
def test_no_other_program_runs(lab, words):
    run = lab.ssh(*words)
    assert run.returncode in (1, 2), (run.returncode, run.stdout, run.stderr)
    assert 'uid=' not in run.stdout + run.stderr and run.stdout == ''


def test_environment_and_files_of_the_client_change_nothing(lab):
    run = lab.ssh('show', 'version', '--json', options=('-o', 'SetEnv=SEKISHO_SOCKET=/tmp/x LD_PRELOAD=/tmp/x SSH_CONNECTION="1.2.3.4 5 6.7.8.9 22"'))
    assert run.returncode == 0, run.stderr
    # what the router's own files hold is not for SSH
    for words in (('check', '/etc/passwd'), ('render', '/etc/passwd'), ('apply', '/etc/passwd')):
        assert 'root:' not in (told := lab.ssh(*words)).stdout + told.stderr and told.returncode != 0


def test_second_session_on_one_connection_is_refused(lab):
    control = lab.folder / 'control'
    master = lab.desk.start(*lab.arguments(options=('-M', '-S', str(control), '-o', 'ControlPersist=no')), '-tt', f'tanaka@{ROUTER}', stdin=subprocess.PIPE,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(control.exists, 'the control socket of the client')
    until(lambda: lab.sessions(), 'the first session')
    since = len(lab.log())
    lab.ssh('show', 'version', options=('-S', str(control), '-o', 'ProxyCommand=false'))
    event = lab.event(since, event__action='ssh-refused')
    assert field(event, 'event.reason') == 'second-session' and field(event, 'user.name') == 'tanaka'
    lab.network.end(master)


# ---- what changes -----------------------------------------------------------------------------------------------------------------------------------------


def test_new_port_leaves_sessions_alone(lab, session):
    lab.use({'tanaka': ['tanaka']}, management='management { ssh { from clinic; port 2200; } }')
    lab.wait_listening(f'{ROUTER}:2200', f'[{ROUTER_V6}]:2200')
    assert lab.ssh('show', 'version', port=2200).returncode == 0
    assert 'Sekisho' in session.command('show version')
    # what the session of the former listener does is still heard
    since = len(lab.log())
    session.close()
    lab.event(since, event__action='logout', user__name='tanaka')


def test_another_zone(lab):
    lab.use({'tanaka': ['tanaka']}, management='management { ssh { from modality; } }')
    lab.wait_listening(f'{daemon.MODALITY_V4}:22', f'[{daemon.MODALITY_V6}]:22')
    assert lab.ssh('show', 'version', host=lab.device, address=daemon.MODALITY_V4).returncode == 0


def test_a_session_ends_with_the_permission_of_its_zone(lab):
    lab.use({'tanaka': ['tanaka']}, management='management { ssh { from clinic; from modality; } }')
    lab.wait_listening(f'{ROUTER}:22', f'[{ROUTER_V6}]:22', f'{daemon.MODALITY_V4}:22', f'[{daemon.MODALITY_V6}]:22')
    there = Session(lab.device, lab.arguments(), f'tanaka@{daemon.MODALITY_V4}')
    here = lab.session()
    since = len(lab.log())
    lab.use({'tanaka': ['tanaka']}, management='management { ssh { from clinic; } }')
    event = lab.event(since, event__action='connection-cut')
    assert field(event, 'observer.ingress.zone') == 'modality' and field(event, 'destination.ip') == daemon.MODALITY_V4
    assert 'Sekisho' in here.command('show version')
    with pytest.raises(AssertionError):
        there.command('show version')
    here.close()
    there.process.kill()


def test_without_ssh_there_is_no_socket_and_no_session(lab, session):
    lab.use({'tanaka': ['tanaka']}, management='')
    lab.wait_listening()
    session.wait_ended()
    until(lambda: lab.sessions() == [], 'the end of the session on the router')
    lab.event(event__action='sessions-ended', event__reason='ssh-removed', user__name='tanaka')


def test_from_the_wan_with_a_source_list_alone(lab):
    lab.public('203.0.113.5', '203.0.113.99')
    management = '''management { ssh { from clinic; } }
address-list vendor { address 203.0.113.0/28; }
service remote { from wan; protocol tcp; port 22; source { address-list vendor; } }'''
    lab.use({'tanaka': ['tanaka']}, management=management)
    lab.wait_listening('0.0.0.0:22', '[::]:22')
    assert lab.ssh('show', 'version', host=lab.outside, address=daemon.WAN_V4, source='203.0.113.5').returncode == 0
    for host, address, source in ((lab.outside, daemon.WAN_V4, '203.0.113.99'), (lab.device, daemon.MODALITY_V4, None)):
        run = lab.ssh('show', 'version', host=host, address=address, source=source, options=('-o', 'ConnectTimeout=2'))
        assert run.returncode == 255 and ('timed out' in run.stderr or 'refused' in run.stderr), run.stderr


def test_removed_account_is_out(lab, session):
    lab.use({'sato': ['sato']})
    session.wait_ended()
    until(lambda: lab.sessions() == [], 'the end of the session on the router')
    lab.event(event__action='sessions-ended', event__reason='account-removed', user__name='tanaka')
    since = len(lab.log())
    assert lab.ssh('show', 'version', source=lab.source(70)).returncode == 255
    assert field(lab.event(since, event__action='login', event__outcome='failure'), 'event.reason') == 'unknown-account'
    # and in again, as the same user, when it comes back
    lab.use({'tanaka': ['tanaka']})
    assert lab.ssh('show', 'version').returncode == 0
    assert re.search(rf'^tanaka:\*:{FIRST_ACCOUNT}:2000:', (lab.run / 'passwd').read_text(), re.M)


def test_removed_key_ends_the_session(lab):
    lab.use({'tanaka': ['tanaka', 'tanaka-old']})
    session = lab.session(key='tanaka-old')
    lab.use({'tanaka': ['tanaka']})
    session.wait_ended()
    lab.event(event__action='sessions-ended', event__reason='key-removed', user__name='tanaka')
    session.close()


def test_idle_session_is_ended(lab):
    # in a tenth of a minute instead of twenty
    script = lab.folder / 'ssh-server'
    former = script.read_text()
    script.write_text(former.replace('exec /usr/sbin/sshd ', "exec /usr/sbin/sshd -o 'ChannelTimeout=session:*=6s' -o UnusedConnectionTimeout=6s "))
    try:
        lab.use({'tanaka': ['tanaka']}, management='management { ssh { from clinic; port 2201; } }')
        lab.wait_listening(f'{ROUTER}:2201', f'[{ROUTER_V6}]:2201')
    finally:
        script.write_text(former)
    since = len(lab.log())
    session = lab.session(port=2201)
    session.wait_ended()
    session.close()
    lab.event(since, event__action='logout', user__name='tanaka')
    until(lambda: lab.sessions() == [], 'the end of the session on the router')
    # a connection that opens none
    source = lab.source(76)  # what tests before this one had refused leaves the desk's own address little room in the log
    run = lab.ssh(port=2201, source=source, options=('-N',))
    assert run.returncode == 255
    event = lab.event(since, event__action='ssh-ended', event__reason='idle', user__name='tanaka')
    assert field(event, 'source.ip') == source


# ---- the router's own key -----------------------------------------------------------------------------------------------------------------------------------


def host_key(lab) -> str:
    scan = lab.desk.run('ssh-keyscan', '-t', 'ed25519', ROUTER, check=False).stdout
    return subprocess.run(['ssh-keygen', '-l', '-f', '-'], input=scan, capture_output=True, text=True).stdout.split()[1] if scan.strip() else ''


def system(lab) -> dict:
    return lab.asked('show', 'system')


def test_host_key_stays_and_is_shown(lab):
    fingerprint = host_key(lab)
    assert fingerprint.startswith('SHA256:')
    assert system(lab)['ssh_host_key'] == fingerprint
    assert system(lab)['ssh_listens_on'] == f'port 22 on {ROUTER} {ROUTER_V6}'
    key = lab.data / 'ssh/host_ed25519'
    assert key.stat().st_mode & 0o777 == 0o600
    lab.stop()
    assert lab.listening() == set()
    lab.start()
    lab.wait_listening(f'{ROUTER}:22', f'[{ROUTER_V6}]:22')
    assert host_key(lab) == fingerprint == system(lab)['ssh_host_key']


def test_damaged_host_key_is_replaced_and_told(lab):
    before = host_key(lab)
    key = lab.data / 'ssh/host_ed25519'
    lab.stop()
    key.write_bytes(bytes(len(key.read_bytes())))
    since = len(lab.log())
    lab.start()
    event = lab.event(since, event__action='ssh-server', seconds=30)
    assert field(event, 'event.outcome') == 'failure' and 'damaged' in field(event, 'message')
    lab.wait_listening(f'{ROUTER}:22', f'[{ROUTER_V6}]:22')
    after = host_key(lab)
    assert after != before and after == system(lab)['ssh_host_key']
    assert after in field(event, 'message')


def test_sessions_outlive_the_daemon(lab, session):
    lab.kill()
    lab.start()
    assert 'Sekisho' in session.command('show version')


# ---- floods -------------------------------------------------------------------------------------------------------------------------------------------------


def test_flood_is_counted(lab):
    source = lab.source(80)
    since = len(lab.log())
    for _ in range(60):
        with contextlib.closing(lab.desk.socket(socket.AF_INET, socket.SOCK_STREAM)) as wire:
            wire.bind((source, 0))
            wire.settimeout(5)
            with contextlib.suppress(OSError):
                wire.connect((ROUTER, 22))
                wire.sendall(b'GET / HTTP/1.0\r\n\r\n')
                while wire.recv(4096):
                    pass
    counted = lab.event(since, event__action='log-suppressed', event__reason='ssh', source__ip=source, seconds=90)
    told = [event for event in lab.log()[since:] if field(event, 'source.ip') == source and field(event, 'event.category') == 'authentication' and event != counted]
    assert len(told) <= 12
    assert field(counted, 'sekisho.count') >= 1
    assert lab.ssh('show', 'version').returncode == 0, 'other addresses are served'
