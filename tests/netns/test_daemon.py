# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon comes and goes, the kernel enforces: killing, ending and starting it during traffic, what it starts from, and what holds before any policy."""

import contextlib
import hashlib
import signal
import socket
import subprocess
import threading

import pytest

from tests.harness import daemon, frames, hosts
from tests.harness.daemon import SERVER_V4, SERVER_V6, WAN_V4, WAN_V6, field, until

ALLOWED_V4, ALLOWED_V6 = '203.0.113.5', '2001:db8:200::5'
# on the list, and nobody's address: what knocks from there gets no reset that would end its connection
KNOCKER_V4, KNOCKER_V6 = '203.0.113.9', '2001:db8:200::9'
STRANGER_V4, STRANGER_V6 = '192.0.2.200', '2001:db8:bad::1'

CONFIGURATION = daemon.NETWORKS + daemon.LOG_EVERYTHING + '''
nat { masquerade clinic; }
address-list vendor { address 203.0.113.0/28; address 2001:db8:200::/48; }
service web { protocol tcp; port 8080; forward-to 10.0.1.20; forward-port 80; forward-to 2001:db8:10::20; source { address-list vendor; } }
policy out { from clinic; to wan; action allow; }
'''
OTHER = CONFIGURATION.replace('8080', '8081')
BROKEN = CONFIGURATION.replace('forward-port', 'forward-prot')


def prepare(lab):
    lab.public(ALLOWED_V4, ALLOWED_V6, STRANGER_V4, STRANGER_V6)
    # nftables is asked for connections by both families; an echo keeps them busy
    lab.server.start('socat', 'TCP6-LISTEN:80,fork,reuseaddr,ipv6only=0', 'PIPE', stdin=subprocess.DEVNULL)
    until(lambda: ':80 ' in lab.server.run('ss', '-Hltn').stdout, 'a server that listens')


class Traffic:
    """Flows that must live and knocks that must, or must not, come through, all the time. A context manager; errors come out at its end."""

    def __init__(self, lab):
        self._lab, self._ending = lab, threading.Event()
        self.exchanges = 0
        self.sent: set[tuple[str, int]] = set()
        self._arrived: set[tuple[str, int]] = set()
        self._strangers = 0
        self._failures: list[str] = []

    def __enter__(self) -> 'Traffic':
        self._stack = contextlib.ExitStack()
        self._outside = self._stack.enter_context(frames.Wire(self._lab.outside, 'eth0'))
        self._inside = self._stack.enter_context(frames.Wire(self._lab.server, 'eth0', room=64 << 20))
        flows = [hosts.connection(self._lab.outside, WAN_V4, 8080, ALLOWED_V4), hosts.connection(self._lab.outside, SERVER_V6, 80, ALLOWED_V6)]
        self._threads = [threading.Thread(target=self._talk, args=(self._stack.enter_context(flow),)) for flow in flows]
        self._threads.append(threading.Thread(target=self._knock))
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind, *_) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()
        if kind is None:
            with contextlib.suppress(AssertionError):
                until(lambda: self._take() or self.sent <= self._arrived, 'the last knocks', 5)
        self._stack.close()
        if kind is None:
            assert not self._failures, self._failures[:5]
            assert self._strangers == 0, f'{self._strangers} packets of strangers came through'
            assert self.sent <= self._arrived, f'{len(self.sent - self._arrived)} of {len(self.sent)} connections that are allowed did not come through'
            assert len(self.sent) > 20

    def go_on(self, exchanges: int = 30) -> None:
        """Waits until the flows have gone on by so much."""
        goal = self.exchanges + exchanges
        until(lambda: self._failures or self.exchanges >= goal, 'traffic on the established flows')
        assert not self._failures, self._failures[:5]

    def _talk(self, flow: socket.socket) -> None:
        number = 0
        while not self._ending.wait(0.003):
            word = f'{number:08}'.encode()
            number += 1
            try:
                flow.sendall(word)
                answer = b''
                while len(answer) < len(word):
                    received = flow.recv(len(word) - len(answer))
                    if not received:
                        raise ConnectionError('closed by the other end')
                    answer += received
                if answer != word:
                    raise ConnectionError(f'{answer} instead of {word}')
            except OSError as error:
                self._failures.append(f'established flow: {error!r}')
                return
            self.exchanges += 1

    def _take(self) -> None:
        for packet in self._inside.caught():
            if packet.protocol != frames.TCP:
                continue
            source = str(packet.source)
            if source in (STRANGER_V4, STRANGER_V6):
                self._strangers += 1
            elif source in (KNOCKER_V4, KNOCKER_V6):
                self._arrived.add((source, packet.ports()[0]))

    def _knock(self) -> None:
        mac = self._lab.router.mac('wan0')
        port = 1024
        while not self._ending.wait(0.004) and port < 65000:
            for source, target, service in ((KNOCKER_V4, WAN_V4, 8080), (KNOCKER_V6, SERVER_V6, 80)):
                self._outside.send(frames.ip(source, target, frames.tcp(port, service)), mac)
                self.sent.add((source, port))
            for source, target, service in ((STRANGER_V4, WAN_V4, 8080), (STRANGER_V6, SERVER_V6, 80), (STRANGER_V4, SERVER_V4, 80), (STRANGER_V4, WAN_V4, 22)):
                self._outside.send(frames.ip(source, target, frames.tcp(port, service)), mac)
            port += 1
            self._take()


def boot(lab) -> None:
    """As after a power cut: nothing of ours is in the kernel, and the forwarding switches are off."""
    lab.router.run('nft', 'flush', 'ruleset')
    lab.router.sysctl('net.ipv4.ip_forward', '0')
    lab.router.sysctl('net.ipv6.conf.all.forwarding', '0')
    for file in lab.run.iterdir():
        file.unlink()
    lab.start()


def open_to_allowed(lab, port: int = 8080) -> None:
    with lab.judged('service.web.allow', 'accepted', 'accepted', source__ip=ALLOWED_V4):
        hosts.connection(lab.outside, WAN_V4, port, ALLOWED_V4).close()


def closed_to(lab, *packets: bytes, device: str = 'wan0', sender=None, watching=None) -> None:
    """None of these packets may pass or be answered. What is enforced is seen from the kernel's counters: nothing else says when a packet is through."""
    sender, watching = sender or lab.outside, watching or lab.server
    with frames.Wire(sender, 'eth0') as wire, frames.Wire(watching, 'eth0') as there:
        for packet in packets:
            wire.send(packet, lab.router.mac(device))
        sources = {frames.parse(packet).source for packet in packets}
        assert [packet for packet in there.caught() if packet.source in sources] == []
        assert [packet for packet in wire.caught() if packet.destination in sources and packet.protocol != frames.ICMPV6] == []


def everything_closed(lab) -> None:
    # an intruder on each side who knows where everything is
    closed_to(lab, frames.ip(ALLOWED_V4, WAN_V4, frames.tcp(5000, 8080)), frames.ip(ALLOWED_V4, SERVER_V4, frames.tcp(5001, 80)),
              frames.ip(ALLOWED_V6, SERVER_V6, frames.tcp(5002, 80)), frames.ip(ALLOWED_V4, WAN_V4, frames.tcp(5003, 22)),
              frames.ip(ALLOWED_V6, WAN_V6, frames.tcp(5004, 22)), frames.ip(ALLOWED_V4, WAN_V4, frames.echo(WAN_V4)),
              frames.ip(ALLOWED_V6, WAN_V6, frames.echo(WAN_V6)))
    inside = 'br-clinic' if 'br-clinic' in lab.router.ip('link') else 'lan1'
    closed_to(lab, frames.ip(SERVER_V4, STRANGER_V4, frames.tcp(5005, 80)), frames.ip(SERVER_V6, STRANGER_V6, frames.tcp(5006, 80)),
              device=inside, sender=lab.server, watching=lab.outside)


# ---- enforcement outlives the daemon -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('how', ['kill', 'stop'])
def test_enforcement_and_flows_go_on_without_the_daemon_and_through_its_start(lab, how):
    before = lab.counters()
    with Traffic(lab) as traffic:
        traffic.go_on()
        getattr(lab, how)()
        traffic.go_on()
        # without the daemon: an allowed source connects, a stranger does not, and the kernel counts both
        between = lab.nft_counters()
        hosts.connection(lab.outside, WAN_V4, 8080, ALLOWED_V4).close()
        traffic.go_on()
        assert lab.nft_counters()['service.web.allow'] > between['service.web.allow'] >= before['service.web.allow']
        assert lab.nft_counters()['service.web.deny'] > between['service.web.deny']
        # a set that a transaction left half filled
        lab.nft('add', 'set', 'inet', 'sekisho', 'al_leftover_4_0', '{ type ipv4_addr; flags interval,timeout; elements = { 192.0.2.0/24 }; }')
        since = len(lab.log())
        lab.start()
        traffic.go_on()
        assert 'al_leftover_4_0' not in lab.nft_sets()
    assert lab.facts()['policy_source'] in ('factory-default', 'committed')
    assert lab.counters()['service.web.allow'] > between['service.web.allow'], 'counters survive'
    lab.event(since, event__action='start', event__outcome='success')
    # nobody recorded meanwhile, and the log says how much that may be
    for rule in ('service.web.deny', 'record.forward'):
        missed = lab.event(since, event__action='log-lost', rule__id=rule)
        assert 'no daemon was running' in missed['message'] and field(missed, 'sekisho.count') > 0
    open_to_allowed(lab)


def test_killed_while_it_applies(lab):
    """Whatever moment the daemon dies at, one of the two policies is in force, whole, and the next start puts it right."""
    with Traffic(lab) as traffic:
        for step in range(4):
            other = lab.folder / 'other.conf'
            other.write_text(CONFIGURATION + f'address-list big-{step} {{ ' + ' '.join(f'address 198.{18 + step}.{n // 250}.{n % 250};' for n in range(0, 3000, 2)) +
                             f' }}\nservice more-{step} {{ protocol tcp; port {9000 + step}; source {{ address-list big-{step}; }} }}\n')
            client = subprocess.Popen([str(daemon.CLIENT), '--socket', str(lab.run / 'control.sock'), 'apply', str(other)], stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
            traffic.go_on(1 + 4 * step)
            lab.kill()
            client.wait(20)
            traffic.go_on()
            lab.start()
            assert lab.facts()['policy_source'] in ('factory-default', 'committed', 'last-good')
            referenced = {name for name in lab.nft_sets() if name.startswith('al_')}
            rules = lab.nft('list', 'chain', 'inet', 'sekisho', 'input') + lab.nft('list', 'chain', 'inet', 'sekisho', 'forward')
            assert all(f'@{name}' in rules for name in referenced), referenced
        lab.apply(CONFIGURATION)
        traffic.go_on()


def test_applies_during_traffic_lose_and_open_nothing(lab):
    with Traffic(lab) as traffic:
        for _ in range(3):
            for more in ('address-list a { address 198.18.0.0/16; }\nservice also { protocol tcp; port 9999; source { address-list a; } }\n', ''):
                lab.apply(CONFIGURATION + more)
                traffic.go_on(10)


def test_events_of_a_restart_are_in_order(lab):
    lab.apply(CONFIGURATION)
    since = len(lab.log())
    lab.stop()
    lab.start()
    open_to_allowed(lab)
    events = lab.log()[since:]
    actions = [field(event, 'event.action') for event in events]
    assert 'stop' in actions and 'start' in actions and actions.index('stop') < actions.index('start')
    assert len({field(event, 'host.boot.id') for event in events}) == 1
    # counted since the boot, so a new process goes on where the former ended
    sequences = [field(event, 'event.sequence') for event in lab.log()[since - 1:]]
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))


def test_daemon_that_can_not_get_its_socket_says_so(lab):
    """A second daemon beside the first changes nothing and ends."""
    before = lab.facts()['policy_digest']
    run = lab.router.run('unshare', '--uts', *lab.daemon_arguments(), check=False, timeout=60)
    assert run.returncode != 0 and run.stderr, run
    assert lab.facts()['policy_digest'] == before
    open_to_allowed(lab)


# ---- before any policy, and without one --------------------------------------------------------------------------------------------------------------------


def test_before_any_policy_nothing_passes_and_nothing_is_accepted(new_lab):
    lab = new_lab(CONFIGURATION, factory=False)
    lab.router.run(*lab.daemon_arguments(), '--close')
    # the closed ruleset has to hold by itself, not by forwarding being off or addresses missing
    for device, addresses in (('wan0', (f'{WAN_V4}/24', f'{WAN_V6}/64')), ('lan1', ('10.0.1.1/24', '2001:db8:10::1/64'))):
        lab.router.address(device, *addresses)
    lab.router.sysctl('net.ipv4.ip_forward', '1')
    lab.router.sysctl('net.ipv6.conf.all.forwarding', '1')
    before = lab.nft_counters()['closed.deny']
    everything_closed(lab)
    # neighbour discovery is closed, too, and counts beside them
    assert lab.nft_counters()['closed.deny'] - before >= 9
    # closing what is closed, or what a policy already judges, changes nothing
    rules = lab.nft('-s', 'list', 'ruleset')
    lab.router.run(*lab.daemon_arguments(), '--close')
    assert lab.nft('-s', 'list', 'ruleset') == rules


def test_without_any_configuration_everything_is_closed_and_it_says_why(new_lab):
    lab = new_lab(CONFIGURATION, factory=False)
    lab.start()
    facts = lab.facts()
    assert facts['policy_source'] == 'none' and 'closed' in facts['policy_note'], facts
    lab.event(event__action='start', event__outcome='failure')
    everything_closed(lab)
    run = lab.command('show', 'configuration')
    assert run.returncode == 1 and 'closed' in run.stderr
    # what is closed is kept closed, with nobody's policy to go by
    since = len(lab.log())
    lab.router.run('nft', 'flush', 'table', 'inet', 'sekisho')
    lab.event(since, event__action='enforcement-restored')
    everything_closed(lab)
    # and the way out: a configuration is applied
    lab.public(ALLOWED_V4)
    lab.apply(CONFIGURATION)
    with hosts.listener(lab.server, '::', 80):
        open_to_allowed(lab)


def test_factory_default_serves_a_device_that_was_never_configured_only(new_lab):
    lab = new_lab(CONFIGURATION)
    lab.public(ALLOWED_V4)
    lab.start()
    facts = lab.facts()
    assert facts['policy_source'] == 'factory-default' and 'never configured' in facts['policy_note']
    with hosts.listener(lab.server, '::', 80):
        open_to_allowed(lab)
    lab.apply(OTHER)
    assert not (lab.data / 'state' / 'factory').exists()
    lab.kill()
    # configured once, and everything is gone: that is no new device
    for name in ('committed.conf', 'committed-copy.conf', 'last-good.conf'):
        (lab.data / 'config' / name).unlink(missing_ok=True)
    boot(lab)
    assert lab.facts()['policy_source'] == 'none'
    everything_closed(lab)


# ---- what it starts from -----------------------------------------------------------------------------------------------------------------------------------


def stored(text: str) -> str:
    """A configuration as the data partition holds it: with its digest in front."""
    return f'# sha256 {hashlib.sha256(text.encode()).hexdigest()}\n{text}'


DAMAGES = {
    'missing': None,
    'empty': '',
    'cut-off': stored(OTHER)[:-200],
    'changed': stored(OTHER).replace('203.0.113.0/28', '0.0.0.0/0'),
    'not-accepted-any-more': stored(BROKEN),
    'binary': 'NUL',
}


def put(file, damage: str) -> None:
    if DAMAGES[damage] is None:
        file.unlink()
    else:
        file.write_bytes(b'\0' * 4096 if damage == 'binary' else DAMAGES[damage].encode())


@pytest.fixture(scope='module')
def configured():
    """A device that was configured twice: OTHER is committed, CONFIGURATION the last good one before it."""
    with daemon.Lab(CONFIGURATION) as lab:
        prepare(lab)
        lab.start()
        lab.apply(CONFIGURATION)
        lab.apply(OTHER)
        lab.kill()
        yield lab


@pytest.mark.parametrize('damage', DAMAGES)
def test_copy_of_the_configuration_starts_when_the_committed_one_can_not(configured, damage):
    lab = configured
    committed = lab.data / 'config' / 'committed.conf'
    whole = committed.read_bytes()
    try:
        put(committed, damage)
        boot(lab)
        facts = lab.facts()
        # the policy that was committed, and not the one before it with the sources that were taken out since
        assert facts['policy_source'] == 'committed' and 'its copy is in force' in facts['policy_note'], facts
        assert lab.command('show', 'configuration').stdout == OTHER
        lab.assert_healthy()
    finally:
        if lab.process is not None:
            lab.kill()
        committed.write_bytes(whole)


@pytest.mark.parametrize('damage', DAMAGES)
def test_last_good_configuration_starts_when_the_committed_one_can_not(configured, damage):
    lab = configured
    committed, copy, last_good = (lab.data / 'config' / name for name in ('committed.conf', 'committed-copy.conf', 'last-good.conf'))
    whole = committed.read_bytes(), last_good.read_bytes()
    since = len(lab.log())
    try:
        put(committed, damage)
        put(copy, damage)
        boot(lab)
        facts = lab.facts()
        assert facts['policy_source'] == 'last-good' and facts['policy_note'], facts
        assert lab.command('show', 'configuration').stdout == CONFIGURATION
        open_to_allowed(lab)
        with frames.Wire(lab.outside, 'eth0') as wire, lab.judged('service.web.deny', 'denied', 'not-allowed', source__ip=STRANGER_V4):
            wire.send(frames.ip(STRANGER_V4, WAN_V4, frames.tcp(5000, 8080)), lab.router.mac('wan0'))
        lab.event(since, event__action='start', event__outcome='success')
        if damage == 'not-accepted-any-more':
            assert 'forward-prot' in field(lab.event(since, event__action='start', event__outcome='failure'), 'message')
        lab.kill()

        # neither the one nor the other: closed, and it says why
        last_good.write_bytes(b'# sha256 0\n')
        boot(lab)
        facts = lab.facts()
        assert facts['policy_source'] == 'none' and 'last-good' in facts['policy_note'], facts
        everything_closed(lab)
        lab.assert_healthy()
    finally:
        if lab.process is not None:
            lab.kill()
        committed.write_bytes(whole[0])
        copy.write_bytes(whole[0])
        last_good.write_bytes(whole[1])


def test_committed_configuration_starts_after_a_boot(configured):
    lab = configured
    boot(lab)
    facts = lab.facts()
    assert facts['policy_source'] == 'committed' and not facts['policy_note'], facts
    assert lab.command('show', 'configuration').stdout == OTHER
    open_to_allowed(lab, 8081)
    lab.kill()


def test_configuration_that_was_prepared_and_not_committed_does_not_start(configured):
    lab = configured
    prepared = lab.data / 'config' / 'prepared.conf'
    prepared.write_text(stored(CONFIGURATION))
    boot(lab)
    assert lab.command('show', 'configuration').stdout == OTHER
    lab.kill()
    prepared.unlink(missing_ok=True)


def test_interface_that_appears_later_is_configured(configured):
    """A port that is absent is no reason to stay closed; it gets its addresses when it comes."""
    lab = configured
    lab.router.ip('link', 'del', 'lan3')
    boot(lab)
    assert lab.facts()['policy_source'] == 'committed'
    lab.network.veth(lab.router, 'lan3', lab.device, 'eth0')
    until(lambda: daemon.MODALITY_V4 in lab.router.ip('address', 'show', 'dev', 'lan3'), 'the address of the interface that appeared')
    lab.kill()


def test_killed_daemon_leaves_no_helper_behind(lab):
    daemons = {pid for pid, words in lab.processes().items() if str(daemon.DAEMON) in words}
    assert lab.process.pid in daemons
    lab.kill()
    until(lambda: not daemons & set(lab.processes()), 'the end of what the daemon had started')
    lab.start()


def test_termination_signals_end_it_at_once(lab):
    for number in (signal.SIGTERM, signal.SIGINT):
        assert lab.network.end(lab.process, number) == 0, lab.errors.read_text()[-3000:]
        lab.start()
