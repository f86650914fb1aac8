# SPDX-License-Identifier: GPL-2.0-or-later
"""Applying configurations: what changes, what stays, and what a refused one leaves as it was."""

import concurrent.futures
import os
import re
import signal
import subprocess

import pytest

from tests.harness import daemon, frames, hosts
from tests.harness.daemon import SERVER_V4, SERVER_V6, WAN_V4, field, until

ALLOWED_V4, ALLOWED_V6 = '203.0.113.5', '2001:db8:200::5'
SECOND_V4, SECOND_V6 = '203.0.113.6', '2001:db8:200::6'
STRANGER_V4 = '192.0.2.200'

BASE = daemon.NETWORKS + daemon.LOG_EVERYTHING
LIST = 'address-list vendor {{ {} }}\n'
SERVICE = 'service web { protocol tcp; port 8080; forward-to 10.0.1.20; forward-port 80; forward-to 2001:db8:10::20; source { address-list vendor; } }\n'


def configuration(*addresses: str, more: str = '') -> str:
    return BASE + LIST.format(' '.join(f'address {address};' for address in addresses)) + SERVICE + more


EVERYONE = (ALLOWED_V4, ALLOWED_V6, SECOND_V4, SECOND_V6)
CONFIGURATION = configuration(*EVERYONE)


def prepare(lab):
    lab.public(*EVERYONE, STRANGER_V4)
    hosts.web_server(lab.server, lab.folder / 'nginx', 80)


@pytest.fixture(autouse=True)
def everyone_is_allowed(request):
    if 'lab' not in request.fixturenames:
        return
    lab = request.getfixturevalue('lab')
    if lab.command('show', 'configuration').stdout != CONFIGURATION:
        lab.apply(CONFIGURATION)


def denied(lab, source: str, target: str, port: int) -> None:
    number = frames.unique_port()
    with frames.Wire(lab.outside, 'eth0') as wire, lab.judged('service.web.deny', 'denied', 'not-allowed', source__ip=source, source__port=number):
        wire.send(frames.ip(source, target, frames.tcp(number, port)), lab.router.mac('wan0'))


def allowed(lab, source: str, target: str, port: int) -> None:
    with lab.judged('service.web.allow', 'accepted', 'accepted', source__ip=source):
        assert hosts.page(lab.outside, target, port, source) == source


def test_removed_address_is_closed_at_the_next_new_connection(lab):
    for source, other, target, port in ((ALLOWED_V4, SECOND_V4, WAN_V4, 8080), (ALLOWED_V6, SECOND_V6, SERVER_V6, 80)):
        allowed(lab, source, target, port)
        lab.apply(configuration(*(address for address in EVERYONE if address != source)))
        denied(lab, source, target, port)
        allowed(lab, other, target, port)
        lab.apply(CONFIGURATION)
        allowed(lab, source, target, port)


def test_removed_address_loses_its_established_connection(lab):
    """What is not admitted any more ends; what still is, is not touched."""
    lab.apply(configuration(ALLOWED_V4, SECOND_V4))
    since = len(lab.log())
    with hosts.connection(lab.outside, WAN_V4, 8080, ALLOWED_V4) as removed, hosts.connection(lab.outside, WAN_V4, 8080, SECOND_V4) as kept:
        lab.apply(configuration(SECOND_V4))
        denied(lab, ALLOWED_V4, WAN_V4, 8080)
        event = lab.event(since, event__action='connection-cut')
        assert field(event, 'source.ip') == ALLOWED_V4
        removed.settimeout(2)
        removed.sendall(b'GET / HTTP/1.0\r\n\r\n')
        with pytest.raises(OSError):
            removed.recv(65536)
        kept.sendall(b'GET / HTTP/1.0\r\n\r\n')
        assert kept.recv(65536).startswith(b'HTTP/1.1 200')


def test_rule_ids_and_counters_survive_an_apply(lab):
    allowed(lab, ALLOWED_V4, WAN_V4, 8080)
    denied(lab, STRANGER_V4, WAN_V4, 8080)
    before = lab.counters()
    assert before['service.web.allow'] > 0 and before['service.web.deny'] > 0
    # another service in front moves every rule
    lab.apply(BASE + LIST.format(f'address {ALLOWED_V4};') + SERVICE.replace('web', 'front').replace('8080', '8079').replace('forward-to 2001:db8:10::20;', '') + SERVICE)
    after = lab.counters()
    assert after['service.front.allow'] == 0
    for rule in ('service.web.allow', 'service.web.deny', 'zone.wan.deny'):
        assert after[rule] == before[rule]
    denied(lab, STRANGER_V4, WAN_V4, 8080)
    assert lab.counters()['service.web.deny'] == before['service.web.deny'] + 1


def test_sets_that_no_rule_uses_are_collected(lab):
    before = set(lab.nft_sets())
    lab.apply(configuration(SECOND_V4))
    now = set(lab.nft_sets())
    assert len([name for name in now if name.startswith('al_vendor')]) == 1, now
    assert not {name for name in before if name.startswith('al_vendor')} & now
    lab.apply(CONFIGURATION)
    assert set(lab.nft_sets()) == before  # equal content has an equal name


def test_apply_is_recorded_with_digest_and_difference(lab):
    former = lab.facts()['policy_digest']
    since = len(lab.log())
    lab.apply(configuration(SECOND_V4, SECOND_V6))
    event = lab.event(since, event__action='apply', event__outcome='success')
    assert field(event, 'sekisho.config.digest') == lab.facts()['policy_digest'] != former
    assert field(event, 'sekisho.config.previous') == former
    changes = field(event, 'sekisho.config.diff').splitlines()
    assert any(line.startswith('-') and ALLOWED_V4 in line for line in changes), changes
    assert any(line.startswith('-') and ALLOWED_V6 in line for line in changes), changes
    assert not any(SECOND_V4 in line for line in changes)
    assert field(event, 'user.name') == 'root'
    assert field(event, 'sekisho.session.origin') in ('local', 'console')


def test_show_configuration_is_what_was_applied(lab):
    assert lab.command('show', 'configuration').stdout == CONFIGURATION
    row = next(row for row in lab.asked('show', 'rules')['rules'] if row['id'] == 'service.web.allow')
    assert row['configuration'] == CONFIGURATION.splitlines()[row['line'] - 1]


# ---- refused -----------------------------------------------------------------------------------------------------------------------------------------------

NESTED = 'a {\n' * 100_000
BAD = {
    'empty': (b'', r'interfaces'),
    'only-comments': (b'# nothing here\n', r'interfaces'),
    'binary': (bytes(range(256)) * 64, r'configuration:1:1'),
    'zeros': (b'\0' * 5000, r'configuration:1:1'),
    'deeply-nested': (NESTED.encode(), r'configuration:\d+:\d+'),
    'carriage-returns': (CONFIGURATION.replace('\n', '\r\n').encode(), r'configuration:\d+:\d+'),
    'byte-order-mark': (b'\xef\xbb\xbf' + CONFIGURATION.encode(), r'configuration:1:1: .*byte order mark'),
    'unknown-key': (CONFIGURATION.replace('forward-port', 'forward-prot').encode(), r"configuration:\d+:\d+.*forward-prot[\s\S]*forward-port"),
    'bad-prefix': (configuration('203.0.113.0/33').encode(), r'configuration:\d+:\d+.*203\.0\.113\.0/33'),
    'host-bits': (configuration('203.0.113.5/24').encode(), r'configuration:\d+:\d+'),
    'duplicate': ((CONFIGURATION + SERVICE).encode(), r'configuration:\d+:\d+.*web'),
    'duplicate-leaf': (CONFIGURATION.replace('port 8080;', 'port 8080; protocol udp;').encode(), r'configuration:\d+:\d+.*protocol'),
    'unclosed': (CONFIGURATION.encode() + b'policy x {\n', r'configuration:\d+:\d+'),
    'unclosed-quote': (CONFIGURATION.encode() + b'address-list q { description "abc\n', r'configuration:\d+:\d+'),
    'invalid-utf8': (CONFIGURATION.encode() + b'# \xff\xfe\n', r'configuration:\d+:\d+'),
    'no-source-list': (CONFIGURATION.replace('source { address-list vendor; }', '').encode(), r'configuration:\d+:\d+.*source'),
    'everyone': (configuration('0.0.0.0/1', '128.0.0.0/1').encode(), r'configuration:\d+:\d+'),
    'overlapping-networks': (CONFIGURATION.replace('10.0.2.1/24', '10.0.1.2/24').encode(), r'configuration:\d+:\d+'),
}


@pytest.mark.parametrize('name', BAD)
def test_refused_configuration_changes_nothing(lab, name):
    contents, place = BAD[name]
    before = lab.facts()['policy_digest'], lab.nft('-s', 'list', 'chains', 'inet'), sorted(lab.nft_sets()), lab.counters()['service.web.allow']
    since = len(lab.log())
    run = lab.command('apply', '-', contents=contents)
    assert run.returncode == 1, (run.returncode, run.stdout, run.stderr)
    assert run.stdout == ''
    assert re.search(place, run.stderr), run.stderr[:2000]
    assert not re.search(r'[\x00-\x09\x0b-\x1f\x7f]', run.stderr), 'control characters reach the terminal'
    assert 'Traceback' not in run.stderr and 'Sanitizer' not in run.stderr
    event = lab.event(since, event__action='apply', event__outcome='failure')
    assert field(event, 'user.name') == 'root' and field(event, 'event.reason') == 'not-accepted'
    after = lab.facts()['policy_digest'], lab.nft('-s', 'list', 'chains', 'inet'), sorted(lab.nft_sets()), lab.counters()['service.web.allow']
    assert after == before
    assert lab.command('show', 'configuration').stdout == CONFIGURATION
    allowed(lab, ALLOWED_V4, WAN_V4, 8080)
    denied(lab, STRANGER_V4, WAN_V4, 8080)


def test_hundred_megabytes_are_refused_by_the_client_without_swallowing_them(lab):
    large = lab.folder / 'large.conf'
    with large.open('wb') as file:
        file.truncate(100 << 20)
    digest = lab.facts()['policy_digest']
    for words, contents in ((('apply', str(large)), None), (('apply', '-'), b'#' * (100 << 20))):
        try:
            run = lab.command(*words, contents=contents)
        except BrokenPipeError:
            continue
        assert run.returncode == 1 and 'larger than a configuration may be' in run.stderr, run.stderr[:500]
    assert lab.facts()['policy_digest'] == digest
    allowed(lab, ALLOWED_V4, WAN_V4, 8080)


def test_file_that_is_not_there_is_named(lab):
    run = lab.command('apply', '/nowhere/clinic.conf')
    assert run.returncode == 1 and '/nowhere/clinic.conf' in run.stderr
    run = lab.command('apply', str(lab.folder))
    assert run.returncode == 1 and str(lab.folder) in run.stderr


def test_command_that_is_not_understood_has_status_2(lab):
    for words in (('aply', '-'), ('show', 'rulez'), ('show', 'rules', '--jason'), ('show', 'log', '--last', '0'), ('apply',)):
        run = lab.command(*words)
        assert run.returncode == 2 and run.stderr, words


# ---- the kernel refuses ------------------------------------------------------------------------------------------------------------------------------------


def waiting_clients(lab) -> int:
    line = lab.router.run('ss', '-Hxl', 'src', f'{lab.run}/control.sock').stdout.split()
    return int(line[2])


def test_kernel_that_refuses_the_transaction_leaves_the_former_policy(lab):
    """A set of the name that the new policy needs is there already, in use and of another type: the kernel will refuse the rules."""
    wanted = configuration('203.0.113.9', more='address-list more { address 203.0.113.10; }\n')
    file = lab.folder / 'wanted.conf'
    file.write_text(wanted)
    rendered = lab.command('render', str(file)).stdout
    name = re.search(r'set (al_vendor_4_\w+)', rendered)[1]
    digest, since = lab.facts()['policy_digest'], len(lab.log())
    # the daemon takes away what is not its own within a moment of being told, so it is told and asked at once
    lab.process.send_signal(signal.SIGSTOP)
    try:
        lab.nft('-f', '-', contents=f'''table inet sekisho {{
            set {name} {{ type inet_service; flags interval; }}
            chain stranger {{ tcp dport @{name} accept; }}
        }}''')
        pool = concurrent.futures.ThreadPoolExecutor()
        applying = pool.submit(lab.command, 'apply', '-', contents=wanted)
        until(lambda: waiting_clients(lab) > 0, 'a client at the control socket')
    finally:
        lab.process.send_signal(signal.SIGCONT)
    try:
        run = applying.result()
        assert run.returncode == 1 and 'unchanged' in run.stderr, (run.returncode, run.stdout, run.stderr)
        event = lab.event(since, event__action='apply', event__outcome='failure')
        assert field(event, 'event.reason') == 'not-enforced'
        assert lab.facts()['policy_digest'] == digest
        allowed(lab, ALLOWED_V4, WAN_V4, 8080)
        allowed(lab, ALLOWED_V6, SERVER_V6, 80)
        denied(lab, STRANGER_V4, WAN_V4, 8080)
        denied(lab, '203.0.113.9', WAN_V4, 8080)
    finally:
        for kind, what in (('chain', 'stranger'), ('set', name)):
            lab.router.run('nft', 'delete', kind, 'inet', 'sekisho', what, check=False)
    lab.apply(wanted)
    denied(lab, ALLOWED_V4, WAN_V4, 8080)


# ---- who may ask -------------------------------------------------------------------------------------------------------------------------------------------


def test_account_without_the_right_is_refused_and_recorded(lab):
    socket_file = lab.run / 'control.sock'
    modes = {path: path.stat().st_mode for path in (lab.folder, lab.run, socket_file)}
    for path in modes:
        os.chmod(path, 0o777)
    try:
        for words, contents in ((('show', 'rules'), None), (('apply', '-'), configuration('198.18.0.0/16')), (('show', 'log'), None),
                                (('lease-event', 'bound', 'interface=wan0\n{"event":{"action":"apply"}}'), None)):
            since = len(lab.log())
            run = lab.command(*words, contents=contents, prefix=('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'))
            assert run.returncode == 1 and 'may not' in run.stderr and run.stdout == '', (words, run.stdout, run.stderr)
            event = lab.event(since, event__action='login', event__outcome='failure')
            assert field(event, 'user.name') == 'nobody' and words[0] in field(event, 'message')
        assert lab.command('show', 'configuration').stdout == CONFIGURATION
    finally:
        for path, mode in modes.items():
            os.chmod(path, mode)


def test_control_socket_is_for_root_alone(lab):
    run = lab.command('show', 'rules', prefix=('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'))
    assert run.returncode == 1 and run.stdout == ''
    assert (lab.run / 'control.sock').stat().st_mode & 0o007 == 0


def test_reading_the_log_is_recorded(lab):
    since = len(lab.log())
    lines = lab.command('show', 'log', '--last', '3', '--json').stdout.splitlines()
    assert len(lines) == 3
    event = lab.event(since, event__action='log-read', event__outcome='success')
    assert field(event, 'user.name') == 'root'


def test_console_session_is_recorded(lab):
    since = len(lab.log())
    run = lab.command('console', contents='show version\nno-such-command\nquit\n')
    assert 'Version' in run.stdout
    assert field(lab.event(since, event__action='login', event__outcome='success'), 'user.name') == 'root'
    lab.event(since, event__action='logout')


# ---- the data partition ------------------------------------------------------------------------------------------------------------------------------------


def mount(lab, size: str = '512k') -> None:
    subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size}', 'tmpfs', str(lab.data)], check=True)
    lab.fresh_data()


def test_full_data_partition_refuses_and_keeps_the_policy(new_lab):
    lab = new_lab(CONFIGURATION)
    prepare(lab)
    mount(lab)
    lab.start()
    lab.apply(configuration(ALLOWED_V4, ALLOWED_V6))
    in_force = lab.command('show', 'configuration').stdout
    filler = lab.data / 'filler'
    with filler.open('wb', buffering=0) as file:
        with pytest.raises(OSError):
            while True:
                file.write(b'x' * 4096)
    since = len(lab.log())
    run = lab.command('apply', '-', contents=configuration(SECOND_V4) + '# padding\n' * 5000)
    assert run.returncode == 1 and 'space' in run.stderr.lower() and 'unchanged' in run.stderr, run.stderr
    assert lab.command('show', 'configuration').stdout == in_force
    # the log can't be written either; verdicts and counters go on
    before = lab.counters()
    assert hosts.page(lab.outside, WAN_V4, 8080, ALLOWED_V4) == ALLOWED_V4
    with frames.Wire(lab.outside, 'eth0') as wire:
        wire.send_frames([wire.frame(frames.ip(STRANGER_V4, WAN_V4, frames.tcp(2000 + number, 8080)), lab.router.mac('wan0')) for number in range(100)])
    after = lab.counters()
    assert after['service.web.allow'] == before['service.web.allow'] + 1 and after['service.web.deny'] == before['service.web.deny'] + 100
    daemon.until(lambda: lab.facts()['log_events_lost'] > 0, 'a count of events that could not be written')
    filler.unlink()
    denied(lab, STRANGER_V4, WAN_V4, 8080)
    lost = lab.event(since, event__action='log-lost')
    assert field(lost, 'sekisho.count') > 0 and 'written' in field(lost, 'message')
    sequences = [field(event, 'event.sequence') for event in lab.log()]
    assert sequences == sorted(sequences) and sequences[-1] - sequences[0] >= len(sequences), 'the sequence shows the gap'
    lab.apply(configuration(SECOND_V4))
    denied(lab, ALLOWED_V4, WAN_V4, 8080)


def test_read_only_data_partition_refuses_and_keeps_the_policy(new_lab):
    lab = new_lab(CONFIGURATION)
    prepare(lab)
    mount(lab, '4M')
    lab.start()
    lab.apply(configuration(ALLOWED_V4, ALLOWED_V6))
    in_force = lab.command('show', 'configuration').stdout
    # the log file is open for writing: the kernel would refuse to remount while it is, so a read-only bind goes over it
    lab.kill()
    subprocess.run(['mount', '-o', 'remount,ro', str(lab.data)], check=True)
    lab.start()
    assert lab.facts()['policy_source'] == 'committed'
    run = lab.command('apply', '-', contents=configuration(SECOND_V4))
    assert run.returncode == 1 and 'ead-only' in run.stderr, run.stderr
    assert lab.command('show', 'configuration').stdout == in_force
    before = lab.counters()
    assert hosts.page(lab.outside, WAN_V4, 8080, ALLOWED_V4) == ALLOWED_V4
    assert lab.counters()['service.web.allow'] == before['service.web.allow'] + 1
    # what can't go onto the partition is kept in memory, and can be read
    daemon.until(lambda: 'service.web.allow' in (lines := lab.command('show', 'log', '--last', '100', '--json').stdout) and 'in memory only' in lines,
                 'the connection and the reason in the log')


def test_destroyed_data_partition_keeps_the_policy_in_force(new_lab):
    """While it runs, everything on the partition goes away: the policy in the kernel stays, and applying puts everything back."""
    lab = new_lab(CONFIGURATION)
    prepare(lab)
    lab.start()
    lab.apply(configuration(ALLOWED_V4, ALLOWED_V6))
    subprocess.run(['find', str(lab.data), '-mindepth', '1', '-delete'], check=True)
    before = lab.counters()
    assert hosts.page(lab.outside, WAN_V4, 8080, ALLOWED_V4) == ALLOWED_V4
    assert lab.counters()['service.web.allow'] == before['service.web.allow'] + 1
    lab.apply(configuration(SECOND_V4))
    lab.kill()
    lab.start()
    assert lab.facts()['policy_source'] == 'committed'
    denied(lab, ALLOWED_V4, WAN_V4, 8080)
    assert SERVER_V4 in lab.command('show', 'configuration').stdout
