# SPDX-License-Identifier: GPL-2.0-or-later
"""The login of the serial console and the sessions of accounts, on a real terminal and against the real daemon."""

import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.harness import daemon
from tests.harness.daemon import CLIENT, field, until
from tests.harness.terminal import Terminal

PASSWORD = 'Kettle.Moth-4-blue'
ADMIN, TANAKA, GROUP = 2000, 2001, 2000
CONFIGURATION = daemon.NETWORKS + daemon.LOG_EVERYTHING + 'account tanaka { description "Technician"; }\n'
CONNECTION = {'SSH_CONNECTION': '10.0.1.50 50022 10.0.1.1 22'}
ORIGIN = 'ssh 10.0.1.50 port 50022'


@pytest.fixture(scope='module')
def module_lab():
    """A router whose admin has PASSWORD."""
    with daemon.Lab(CONFIGURATION, credentials=False) as lab:
        lab.start()
        with login(lab) as terminal:
            set_password(terminal)
            terminal.type('quit\r')
            assert terminal.wait_end() == 0
        yield lab
        lab.assert_healthy()


@pytest.fixture
def lab(module_lab):
    yield module_lab
    module_lab.assert_healthy()


def arguments(lab) -> tuple[str, str]:
    return ('--socket', str(lab.run / 'control.sock'))


def login(lab) -> Terminal:
    return Terminal(CLIENT, *arguments(lab), 'login')


def shell(lab, user: int = TANAKA, environment: dict[str, str] | None = None) -> Terminal:
    """As sshd starts the shell of an account."""
    return Terminal(CLIENT, *arguments(lab), name='-sekisho', user=user, group=GROUP, environment=CONNECTION if environment is None else environment)


def one_line(lab, line: str, user: int = TANAKA, **options) -> subprocess.CompletedProcess:
    """As sshd runs `ssh account@router LINE`."""
    return subprocess.run(['sekisho', *arguments(lab), '-c', line], executable=CLIENT, user=user, group=GROUP, extra_groups=[], env=CONNECTION, capture_output=True,
                          timeout=60, **options)


def set_password(terminal: Terminal, password: str = PASSWORD) -> None:
    for question in ('New password for admin: ', 'Once more: '):
        terminal.wait_for(question)
        terminal.type(password + '\r')
    terminal.wait_for('sekisho> ')


def log_in(terminal: Terminal, name: str = 'admin', password: str = PASSWORD) -> None:
    answer(terminal, name, password)
    terminal.wait_for('sekisho> ')


def answer(terminal: Terminal, name: str, password: str) -> None:
    terminal.wait_for('login: ')
    terminal.type(name + '\r')
    terminal.wait_for('Password: ')
    terminal.type(password + '\r')


def everything_written(lab) -> bytes:
    files = [path for folder in (lab.data, lab.run) for path in folder.rglob('*') if path.is_file()]
    return b'\n'.join(path.read_bytes() for path in [*files, lab.errors])


# ---- the login -------------------------------------------------------------------------------------------------------------------------------------------


def test_first_password_is_set_and_the_session_is_admins(new_lab):
    lab = new_lab(CONFIGURATION, credentials=False)
    lab.start()
    with login(lab) as terminal:
        greeting = terminal.wait_for('New password for admin: ')
        assert 'WAN port stays down' in greeting and 'パスワード' in greeting
        for weak, reason in (('Short-1', '13'), ('sekisho-Router-2026', 'name'), ('1qaz2wsx3edcX!', 'key')):
            terminal.type(weak + '\r')
            terminal.wait_for('Once more: ')
            terminal.type(weak + '\r')
            assert reason in terminal.wait_for('New password for admin: ')
        assert lab.facts()['wan_held'] is True
        terminal.type(PASSWORD + '\r')
        terminal.wait_for('Once more: ')
        terminal.type(PASSWORD + '\r')
        terminal.wait_for('sekisho> ')
        until(lambda: lab.facts()['wan_held'] is False, 'the WAN to come up')
        assert PASSWORD not in terminal.transcript and 'Short-1' not in terminal.transcript
        assert 'admin' in terminal.ask('show accounts')
    for action in ('password-set', 'login'):
        event = lab.event(event__action=action, event__outcome='success')
        assert (field(event, 'user.name'), field(event, 'sekisho.session.origin')) == ('admin', 'console')
    written = everything_written(lab)
    assert PASSWORD.encode() not in written and b'Short-1' not in written and b'1qaz2wsx' not in written


def test_the_session_has_none_of_the_superusers_rights(lab):
    with login(lab) as terminal:
        log_in(terminal)
        status = dict(line.split(':\t', 1) for line in Path(f'/proc/{terminal.process.pid}/status').read_text().splitlines() if ':\t' in line)
        assert status['Uid'].split() == [str(ADMIN)] * 4 and status['Gid'].split() == [str(GROUP)] * 4 and status['Groups'].split() == [str(GROUP)]
        assert {int(status[key], 16) for key in ('CapPrm', 'CapEff', 'CapInh')} == {0} and status['NoNewPrivs'] == '1'
        answer_of_apply = terminal.ask('apply /etc/shadow')
        assert 'from its own input only' in answer_of_apply


def test_version_is_told_after_the_login_only(lab):
    with login(lab) as terminal:
        answer(terminal, 'admin', 'wrong')
        terminal.wait_for('login: ')
        assert '0.1.0' not in terminal.transcript and 'Sekisho' not in terminal.transcript
        terminal.type('admin\r')
        terminal.wait_for('Password: ')
        terminal.type(PASSWORD + '\r')
        assert '0.1.0' in terminal.wait_for('sekisho> ')


def test_failures_wait_are_recorded_and_show_no_secret(lab):
    since = len(lab.log())
    with login(lab) as terminal:
        answer(terminal, 'admin', 'wrong-Password-1')
        assert 'wrong' in terminal.wait_for('Please wait 1 second')
        terminal.type('typed-while-waiting\r')
        answer(terminal, 'nobody', 'wrong-Password-2')
        terminal.wait_for('Please wait 2 seconds')
        answer(terminal, PASSWORD, 'wrong-Password-3')  # at the wrong prompt
        terminal.wait_for('Please wait 4 seconds')
        log_in(terminal)
        assert 'wrong-Password' not in terminal.transcript and 'typed-while-waiting' not in terminal.transcript
        terminal.type('quit\r')
        assert terminal.wait_end() == 0
    failures = lab.logged({'event.action': 'login', 'event.outcome': 'failure'}, since)
    assert [field(event, 'user.name') for event in failures] == ['admin', 'nobody', '(no account name)']
    assert {field(event, 'sekisho.session.origin') for event in failures} == {'console'}
    written = everything_written(lab)
    assert b'wrong-Password' not in written and b'typed-while' not in written and PASSWORD.encode() not in written
    end = lab.event(since, event__action='logout')
    assert (field(end, 'event.reason'), field(end, 'user.name')) == ('quit', 'admin')


def test_keys_that_end_programs_end_nothing_and_leave_no_echo(lab):
    with login(lab) as terminal:
        for key in ('\x03', '\x1a\r', '\x1c\r', '\x04', '\x00\r'):
            terminal.wait_for('login: ')
            assert not terminal.echoes()
            terminal.type(key)
            if key.endswith('\r'):
                terminal.wait_for('Password: ')
                terminal.type('\x03')
        log_in(terminal)
        terminal.type('show\x03')
        terminal.wait_for('sekisho> ')
        for key in ('\x1a', '\x1c', '\x00'):
            terminal.type(key + '\x15')
            assert '"product"' in terminal.ask('show version --json')
        assert terminal.process.poll() is None
        terminal.type('\x04')
        assert terminal.wait_end() == 0
        assert terminal.echoes()  # as it was


def test_noise_is_survived(lab):
    with login(lab) as terminal:
        terminal.wait_for('login: ')
        noise = bytes(byte for byte in range(256) if byte not in (3, 4, 8, 10, 13, 21, 23, 27, 127)) * 256
        terminal.type(noise + b'\r')
        terminal.wait_for('Password: ')
        terminal.type(noise + b'\r')
        terminal.wait_for('too long')
        terminal.wait_for('login: ')
        terminal.type('\x1b[A\x1b[1;5D\x1bOP')  # keys without a character
        terminal.type('admin\r')
        terminal.wait_for('Password: ')
        terminal.type(PASSWORD + '\r')
        terminal.wait_for('sekisho> ')
        assert 'too long' in terminal.ask('x' * 65536)
        assert '"product"' in terminal.ask('show version --json')
    lab.assert_healthy()


def test_without_the_daemon_there_is_no_way_in(lab):
    lab.kill()
    with login(lab) as terminal:
        terminal.type('\r')  # somebody is there and wants to know
        terminal.wait_for('does not answer')
        terminal.type('admin\r' + PASSWORD + '\r')
        lab.start()
        log_in(terminal)
        assert PASSWORD not in terminal.transcript


def test_login_is_the_superusers_on_a_terminal(lab):
    refused = one_line(lab, 'login')
    assert refused.returncode == 2 and b"unknown command 'login'" in refused.stderr
    for options in ({'user': TANAKA, 'group': GROUP}, {}):
        run = subprocess.run([CLIENT, *arguments(lab), 'login'], stdin=subprocess.DEVNULL, capture_output=True, timeout=30, **options)
        assert run.returncode == 1 and b'serial console' in run.stderr


# ---- sessions --------------------------------------------------------------------------------------------------------------------------------------------


def ended(lab, since: int) -> dict:
    return lab.event(since, event__action='logout', user__name='tanaka', sekisho__session__origin=ORIGIN)


def test_shell_of_an_account_is_the_prompt(lab):
    since = len(lab.log())
    with shell(lab) as terminal:
        assert '0.1.0' in terminal.wait_for('sekisho> ')
        assert lab.event(since, event__action='login', user__name='tanaka', sekisho__session__origin=ORIGIN)
        for line in ('sh', '!sh', 'session end', 'authenticate state', 'lease-event', 'console'):
            assert 'unknown command' in terminal.ask(line)
        terminal.type('apply - --confirm 5\r')  # no connection is behind the session: nobody could say that it would live on
        for line in (CONFIGURATION + '# by tanaka\n.').split('\n'):
            terminal.type(line + '\r')
        assert 'Applied:' in terminal.wait_for('sekisho> ')
        assert field(lab.event(since, event__action='apply'), 'user.name') == 'tanaka'
        assert 'Confirmed' in terminal.ask('confirm')
        terminal.type('quit\r')
        assert terminal.wait_end() == 0
    assert field(ended(lab, since), 'event.reason') == 'quit'


@pytest.mark.parametrize('how', ['closed', signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_end_of_a_connection_is_recorded(lab, how):
    since = len(lab.log())
    with shell(lab) as terminal:
        terminal.wait_for('sekisho> ')
        terminal.type('show ver')
        terminal.hang_up() if how == 'closed' else terminal.signal(how)
        terminal.process.wait(20)
    assert field(ended(lab, since), 'event.reason') == 'closed'


def test_account_that_was_removed_gets_no_session(lab):
    with shell(lab) as terminal:
        terminal.wait_for('sekisho> ')
        lab.apply(daemon.NETWORKS + daemon.LOG_EVERYTHING)
        assert 'may not administer' in terminal.ask('show rules')
    with shell(lab) as terminal:
        assert terminal.wait_end() == 1
        assert 'may not administer' in terminal.transcript and 'sekisho> ' not in terminal.transcript
    assert one_line(lab, 'help').returncode == 1
    lab.apply(CONFIGURATION)


def test_one_line_has_the_status_of_its_command(lab):
    since = len(lab.log())
    run = one_line(lab, 'show version --json')
    assert run.returncode == 0 and run.stdout.startswith(b'{') and not run.stderr
    assert field(ended(lab, since), 'event.reason') == 'done'
    assert one_line(lab, 'show lifecycle').returncode == 5  # no record: unknown


@pytest.mark.parametrize('line', ['sh', 'sh -i', 'scp -t /tmp', '/usr/lib/openssh/sftp-server', 'rsync --server . /', 'show version; sh', '$(sh)', '', '-c help',
                                  'show version "', 'console', 'login', 'authenticate state'])
def test_one_line_is_no_shell_and_its_refusal_is_recorded(lab, line):
    since = len(lab.log())
    run = one_line(lab, line, stdin=subprocess.DEVNULL)
    assert run.returncode == 2 and run.stderr and not run.stdout
    assert field(ended(lab, since), 'event.reason') == 'refused'


@pytest.mark.parametrize('command', ['check', 'render', 'apply'])
def test_one_line_reads_no_file_of_the_router(lab, command):
    run = one_line(lab, f'{command} /etc/passwd')
    assert run.returncode == 1 and b'own input only' in run.stderr and b'root' not in run.stdout + run.stderr


def test_one_line_applies_its_whole_input(lab):
    text = CONFIGURATION + '# over SSH\n.\n'.replace('.\n', '') + '# and more\n'
    assert one_line(lab, 'check -', input=text.encode()).returncode == 0
    run = one_line(lab, 'apply -', input=text.encode())
    assert run.returncode == 1 and b'knows no such connection' in run.stderr  # as that of no session does
    run = one_line(lab, 'apply - --confirm 5', input=text.encode())
    assert run.returncode == 0 and b'Applied:' in run.stdout
    assert one_line(lab, 'confirm').returncode == 0
    assert lab.command('show', 'configuration').stdout == text


@pytest.mark.parametrize('kind', ['socket', 'pipes'])
def test_half_a_configuration_of_a_broken_connection_is_not_applied(lab, kind):
    """sshd passes a command's streams as a socket pair or as pipes; when the connection breaks, it closes both directions."""
    before, since = lab.facts()['policy_digest'], len(lab.log())
    half = (daemon.NETWORKS + daemon.LOG_EVERYTHING).encode()  # whole as it stands, but not what was sent
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(['sekisho', *arguments(lab), '-c', 'apply -'], executable=CLIENT, user=TANAKA, group=GROUP, extra_groups=[], env=CONNECTION,
                               stdin=theirs if kind == 'socket' else subprocess.PIPE, stdout=theirs if kind == 'socket' else subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    theirs.close()
    if kind == 'socket':
        ours.sendall(half)
        time.sleep(0.2)  # it has read what is there
    else:
        process.stdin.write(half)
        process.stdin.flush()
        time.sleep(0.2)
        process.stdout.close()
        process.stdin.close()
    ours.close()
    assert process.wait(20) == 1
    assert field(ended(lab, since), 'event.reason') == 'closed'
    assert lab.facts()['policy_digest'] == before


def test_origin_is_what_sshd_says_or_none(lab):
    for connection, origin in (('fe80::1%br-clinic 40000 fe80::2%br-clinic 22', 'ssh fe80::1%br-clinic port 40000'), ('10.0.1.50 50022', 'local'),
                               ('10.0.1.50\x1b[2J 50022 10.0.1.1 22', 'local')):
        since = len(lab.log())
        with shell(lab, environment={'SSH_CONNECTION': connection}) as terminal:
            terminal.wait_for('sekisho> ')
        assert field(lab.event(since, event__action='login'), 'sekisho.session.origin') == origin
