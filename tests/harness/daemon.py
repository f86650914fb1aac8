# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon in a namespace of its own, on the host's kernel, with hosts around it.

    outside (wan0)   the Internet: gateway 198.51.100.1 and whatever public addresses a test needs
    server  (lan1)   10.0.1.20, bridge br-clinic, zone clinic
    desk    (lan2)   10.0.1.50, bridge br-clinic, zone clinic
    device  (lan3)   10.0.2.30, interface lan3, zone modality

The daemon is the test build: the same wiring as the product's, with a clock that is a file. What a person would ask is asked with the product's own command.
"""

import contextlib
import gzip
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from . import mmdb
from .namespaces import Network, NetworkError

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get('SEKISHO_BUILD', ROOT / 'build' / 'debug'))
DAEMON = BUILD / 'tests' / 'harness' / 'sekishod-test'
CLIENT = BUILD / 'firmware' / 'cli' / 'sekisho'

WAN_V4, WAN_V6 = '198.51.100.2', '2001:db8:100::2'
SERVER_V4, SERVER_V6 = '10.0.1.20', '2001:db8:10::20'
DESK_V4, DESK_V6 = '10.0.1.50', '2001:db8:10::50'
DEVICE_V4, DEVICE_V6 = '10.0.2.30', '2001:db8:20::30'
CLINIC_V4, CLINIC_V6 = '10.0.1.1', '2001:db8:10::1'
MODALITY_V4, MODALITY_V6 = '10.0.2.1', '2001:db8:20::1'
BUILD_TIME = '2026-01-01T00:00:00Z'
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

_IDENTITY = f'product Sekisho\nboard netns\nversion 0.1.0\nbuild test\nbuild-time {BUILD_TIME}\n'
_COMPONENTS = [{'package': 'netns-tests', 'version': '1', 'architecture': 'all', 'source': 'netns-tests', 'source_version': '1', 'files': []}]
_LEASE_SCRIPT = '''#!/bin/sh
exec {client} --socket {run}/control.sock lease-event "$1" "interface=$interface" ${{ip:+"ip=$ip"}} ${{subnet:+"mask=$subnet"}} ${{router:+"router=$router"}} ${{dns:+"dns=$dns"}}
'''
# a time server's client that touches no clock: tests share the host's
_NO_CHRONY = '#!/bin/sh\nexec sleep 100000\n'

# The image's country database of a lab that names none: addresses that no test uses.
_COUNTRIES = {'1.0.16.0/20': mmdb.nested('JP'), '2001:200::/32': mmdb.nested('JP')}
# older than the labs' clocks, and not yet old
_COUNTRIES_BUILT = datetime(2026, 11, 1, tzinfo=UTC)

# The password of admin that a lab's router has from the start, and its hash (of the least cost: tests don't wait for it).
PASSWORD = 'Lamp.vR7-quiet'
_HASH = '$y$j75$Q083t0UWvGhSVeSEpVsxQ0$MlICrOc7JFkyqttdffPMZ5kgAZ5rQeOhncK4RVOmQSC'

NETWORKS = f'''
system {{ host-name testbed; }}
interfaces {{
    interface wan0 {{ address {WAN_V4}/24; address {WAN_V6}/64; gateway 198.51.100.1; gateway 2001:db8:100::1; }}
    bridge br-clinic {{ port lan1; port lan2; address {CLINIC_V4}/24; address {CLINIC_V6}/64; }}
    interface lan3 {{ address {MODALITY_V4}/24; address {MODALITY_V6}/64; }}
}}
zones {{ wan {{ interface wan0; }} clinic {{ interface br-clinic; }} modality {{ interface lan3; }} }}
'''
# limits on logging are tested by themselves; everywhere else they would be in the way
LOG_EVERYTHING = 'log { per-minute 10000; burst 10000; file-size 64M; }\n'


def until(condition: Callable[[], object], what: str, seconds: float = 20, pause: float = 0.02):
    """Polls until `condition` is true and returns what it gave; fails with `what` otherwise."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f'not within {seconds} s: {what() if callable(what) else what}')
        time.sleep(pause)


def field(event: dict, path: str):
    """The value of a field of an event by its name with dots; None where it is absent."""
    for part in path.split('.'):
        if not isinstance(event, dict) or part not in event:
            return None
        event = event[part]
    return event


def credentials_file(*entries: tuple[str, str]) -> str:
    """The file of (account, hash) as the router stores it, with its digest in front."""
    body = 'sekisho-credentials 1\n' + ''.join(f'{account} {digest} 2026-11-01T00:00:00.000000Z synchronised\n' for account, digest in entries)
    return f'# sha256 {hashlib.sha256(body.encode()).hexdigest()}\n{body}'


def matches(event: dict, wanted: dict) -> bool:
    return all(field(event, path) == value for path, value in wanted.items())


class Lab:
    """The namespaces and the daemon. A context manager. `configuration` is the default configuration of a device that was never configured. A router that has no password
    holds its WAN down: without `credentials` it has none. `support` is the image's support record, as the file holds it or as an object to write; without one there is none. `countries` is the image's country
    database: a file, or records by network (mmdb.py)."""

    def __init__(self, configuration: str = NETWORKS, factory: bool = True, credentials: bool = True, support: dict | str | None = None,
                 countries: Path | dict | None = None):
        self.network = Network()
        self.folder = Path(tempfile.mkdtemp(prefix='sekisho-'))
        self.folder.chmod(0o711)  # accounts reach the control socket in it
        self.data, self.run = self.folder / 'data', self.folder / 'run'
        self.clock_file = self.folder / 'clock'
        self.errors = self.folder / 'daemon.stderr'
        self.process: subprocess.Popen | None = None
        self._configuration, self._factory, self._credentials, self._support = configuration, factory, credentials, support
        self.country_database = countries if isinstance(countries, Path) else self.folder / 'country.mmdb'
        self._countries = _COUNTRIES if countries is None else countries

    def __enter__(self) -> 'Lab':
        for program in (DAEMON, CLIENT):
            assert program.exists(), f'{program} was not built (tests/run netns builds it)'
        self.network.__enter__()
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self.network.close()
        while os.path.ismount(self.data):
            subprocess.run(['umount', '-l', str(self.data)], check=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- the world -------------------------------------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        for folder in (self.data, self.run):
            folder.mkdir()
        self.fresh_data()
        self._file('identity', _IDENTITY)
        self._file('components.json', json.dumps(_COMPONENTS))
        self.set_support(self._support)
        self._file('default.conf', self._configuration)
        if isinstance(self._countries, dict):
            self.country_database.write_bytes(mmdb.database(self._countries, build_epoch=int(_COUNTRIES_BUILT.timestamp())))
        self._file('lease-script', _LEASE_SCRIPT.format(client=CLIENT, run=self.run)).chmod(0o755)
        self._file('no-chrony', _NO_CHRONY).chmod(0o755)
        self.set_clock(NOW, synchronised=True)
        self.router = self.network.namespace('router')
        self.outside = self._host('outside', 'wan0', '198.51.100.1/24', '2001:db8:100::1/64')
        self.server = self._host('server', 'lan1', f'{SERVER_V4}/24', f'{SERVER_V6}/64')
        self.desk = self._host('desk', 'lan2', f'{DESK_V4}/24', f'{DESK_V6}/64')
        self.device = self._host('device', 'lan3', f'{DEVICE_V4}/24', f'{DEVICE_V6}/64')
        for host, v4, v6 in ((self.server, CLINIC_V4, CLINIC_V6), (self.desk, CLINIC_V4, CLINIC_V6), (self.device, MODALITY_V4, MODALITY_V6)):
            host.route('default', v4)
            host.ip('-6', 'route', 'add', 'default', 'via', v6)
        for network in ('2001:db8:10::/64', '2001:db8:20::/64'):
            self.outside.ip('-6', 'route', 'add', network, 'via', WAN_V6)
        # hosts on the link next door may try to route to inside networks by themselves
        self.outside.route('10.0.0.0/16', WAN_V4)
        for host in (self.outside, self.server, self.desk, self.device):
            # a host of tests answers to packets as they are, whatever way they came
            host.sysctl('net.ipv4.conf.all.rp_filter', '0')
            host.sysctl('net.ipv4.conf.eth0.rp_filter', '0')

    def _host(self, name: str, port: str, *addresses: str):
        host = self.network.namespace(name)
        self.network.veth(self.router, port, host, 'eth0')
        # nothing speaks up unasked: packets are counted
        for setting in ('accept_dad', 'accept_ra', 'router_solicitations'):
            host.sysctl(f'net.ipv6.conf.eth0.{setting}', '0')
        host.address('eth0', *addresses)
        # IPv6 link-local addresses are wanted at once as well
        self.router.sysctl('net.ipv6.conf.all.accept_dad', '0')
        self.router.sysctl('net.ipv6.conf.default.accept_dad', '0')
        self.router.sysctl(f'net.ipv6.conf.{port}.accept_dad', '0')
        return host

    def public(self, *addresses: str) -> None:
        """Gives the outside host public addresses to send from."""
        for address in addresses:
            self.outside.address('lo', f'{address}/128' if ':' in address else f'{address}/32')

    def fresh_data(self) -> None:
        """An empty data partition; of a device that was never configured if the lab is for such."""
        for entry in self.data.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        (self.data / 'state').mkdir()
        if self._factory:
            (self.data / 'state' / 'factory').touch()
        if self._credentials:
            (self.data / 'state' / 'credentials').write_text(credentials_file(('admin', _HASH)))

    def set_support(self, record: dict | str | None) -> None:
        """The support record that the daemon finds at its next start; None: there is none."""
        (self.folder / 'support.json').unlink(missing_ok=True)
        if record is not None:
            self._file('support.json', record if isinstance(record, str) else json.dumps(record))

    def _file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def set_clock(self, when: datetime | float, synchronised: bool) -> None:
        seconds = when.timestamp() if isinstance(when, datetime) else when
        fresh = self.folder / 'clock.new'
        fresh.write_text(f'{int(seconds * 1_000_000)} {"synchronised" if synchronised else "unsynchronised"}\n')
        fresh.rename(self.clock_file)

    # ---- the daemon ------------------------------------------------------------------------------------------------------------------------------------

    def daemon_arguments(self) -> list[str]:
        return [str(DAEMON), '--data', str(self.data), '--run', str(self.run), '--default-config', str(self.folder / 'default.conf'),
                '--identity', str(self.folder / 'identity'), '--support', str(self.folder / 'support.json'),
                '--components', str(self.folder / 'components.json'), '--lease-script', str(self.folder / 'lease-script'), '--resolv-conf',
                str(self.folder / 'resolv.conf'), '--country-database', str(self.country_database), '--busybox', '/usr/bin/busybox', '--chronyd', str(self.folder / 'no-chrony'), '--clock', str(self.clock_file)]

    def start(self, wait: bool = True) -> None:
        """Starts the daemon and waits until it answers. It can change neither the host's name nor its clock."""
        environment = {**os.environ, 'ASAN_OPTIONS': 'abort_on_error=1:detect_leaks=1:detect_stack_use_after_return=0', 'UBSAN_OPTIONS': 'print_stacktrace=1'}
        with self.errors.open('ab') as errors:
            self.process = self.router.start('unshare', '--uts', 'setpriv', '--bounding-set=-sys_time', '--inh-caps=-sys_time', '--',
                                             *self.daemon_arguments(), stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, env=environment)
        if wait:
            self.wait_answering()

    def wait_answering(self) -> None:
        def answers() -> bool:
            if self.process.poll() is not None:
                raise AssertionError(f'the daemon ended with status {self.process.returncode}: {self.errors.read_text()[-4000:]}')
            return self.command('show', 'version').returncode == 0
        until(answers, lambda: f'an answer of the daemon; {self.errors.read_text()[-2000:]}', 30)

    def stop(self) -> None:
        """Ends the daemon as the system does; it must leave by itself, without complaint."""
        status = self.network.end(self.process)
        self.process = None
        assert status == 0, f'the daemon ended with status {status}: {self.errors.read_text()[-4000:]}'

    def kill(self) -> None:
        self.network.end(self.process, signal.SIGKILL)
        self.process = None

    def processes(self) -> dict[int, list[str]]:
        """What runs in the router's namespace, by process id, with its command line."""
        found = {}
        for pid in subprocess.run(['ip', 'netns', 'pids', self.router.name], capture_output=True, text=True, check=True).stdout.split():
            with contextlib.suppress(OSError):
                words = Path('/proc', pid, 'cmdline').read_bytes().decode(errors='replace').split('\0')
                if words != ['']:  # a zombie has none
                    found[int(pid)] = words[:-1]
        return found

    def assert_healthy(self) -> None:
        """The daemon runs, and no sanitizer had anything to say."""
        assert self.process is None or self.process.poll() is None, self.errors.read_text()[-4000:]
        said = self.errors.read_text() if self.errors.exists() else ''
        assert 'Sanitizer' not in said and 'runtime error' not in said, said[-6000:]

    # ---- what a person asks ----------------------------------------------------------------------------------------------------------------------------

    def command(self, *words: str, contents: str | bytes | None = None, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
        """`sekisho WORDS`; output and errors are text, undecodable bytes replaced."""
        data = contents.encode() if isinstance(contents, str) else contents
        run = subprocess.run([*prefix, str(CLIENT), '--socket', str(self.run / 'control.sock'), *words], input=data if data is not None else b'',
                             capture_output=True, timeout=60)
        run.stdout, run.stderr = run.stdout.decode(errors='replace'), run.stderr.decode(errors='replace')
        return run

    def asked(self, *words: str) -> dict:
        """What a read command answers in JSON."""
        run = self.command(*words, '--json')
        assert run.returncode == 0, f'sekisho {" ".join(words)}: status {run.returncode}: {run.stderr}'
        return json.loads(run.stdout)

    def apply(self, configuration: str) -> subprocess.CompletedProcess:
        """Puts a configuration in force; it must be accepted."""
        run = self.command('apply', '-', contents=configuration)
        assert run.returncode == 0, f'apply: status {run.returncode}: {run.stdout}{run.stderr}'
        return run

    def counters(self) -> Counter:
        """Packets by rule id."""
        return Counter({row['id']: row['packets'] or 0 for row in self.asked('show', 'rules')['rules']})

    def facts(self) -> dict:
        return self.asked('show', 'system')

    def nft(self, *words: str, contents: str | None = None) -> str:
        return self.router.run('nft', *words, **({'input': contents} if contents is not None else {})).stdout

    def nft_counters(self) -> Counter:
        """Packets by counter, straight from the kernel: also while no daemon runs, and the counters that are no rule's own."""
        listed = json.loads(self.nft('-j', 'list', 'counters', 'table', 'inet', 'sekisho'))['nftables']
        return Counter({item['counter']['name']: item['counter']['packets'] for item in listed if 'counter' in item})

    def nft_sets(self) -> list[str]:
        listed = json.loads(self.nft('-j', '-t', 'list', 'sets', 'inet'))['nftables']
        return [item['set']['name'] for item in listed if 'set' in item and item['set']['table'] == 'sekisho']

    # ---- the access log --------------------------------------------------------------------------------------------------------------------------------

    def log_files(self) -> list[Path]:
        """The files of the access log, oldest first."""
        def first_line(path: Path) -> int:
            number = re.fullmatch(r'access-(\d+)\.jsonl', path.name)
            assert number, f'{path} is no file of the log'
            return int(number[1])
        return sorted((path for path in (self.data / 'log').glob('*') if path.is_file()), key=first_line) if (self.data / 'log').is_dir() else []

    def log(self) -> list[dict]:
        """Every event in the log's files, oldest first. A line that is no JSON fails the test; an unfinished last line is not one yet."""
        events = []
        for path in self.log_files():
            with contextlib.suppress(FileNotFoundError):  # rotated away in between
                events += [json.loads(line) for line in path.read_bytes().split(b'\n')[:-1]]
        return events

    def logged(self, wanted: dict, since: int = 0) -> list[dict]:
        return [event for event in self.log()[since:] if matches(event, wanted)]

    def event(self, since: int = 0, seconds: float = 20, **wanted) -> dict:
        """Waits for an event; fields are named with `__` for the dots."""
        fields = {path.replace('__', '.'): value for path, value in wanted.items()}

        def missing() -> str:
            last = [json.dumps(event) for event in self.log()[since:][-12:]]
            return f'an event with {fields}; the last since then:\n' + '\n'.join(last)
        return until(lambda: self.logged(fields, since), missing, seconds)[0]

    @contextlib.contextmanager
    def judged(self, rule: str, action: str, reason: str, packets: int = 1, more: bool = False, events: int = 1, **wanted):
        """What the block sends must be counted by this rule (`packets` times, or more with `more`) and be in the log `events` times with these fields."""
        before, since = self.counters(), len(self.log())
        yield
        fields = {'rule.id': rule, 'event.action': f'connection-{action}', 'event.reason': reason,
                  **{path.replace('__', '.'): value for path, value in wanted.items()}}

        def found() -> bool:
            return len(self.logged(fields, since)) >= events

        def missing() -> str:
            after = self.counters()
            grown = {key: after[key] - before[key] for key in after if after[key] != before[key]}
            return f'{events} events with {fields}; counters grew by {grown}; logged:\n' + '\n'.join(json.dumps(event) for event in self.log()[since:][-12:])
        until(found, missing)
        assert len(self.logged(fields, since)) == events, missing()
        grown = self.counters()[rule] - before[rule]
        assert grown >= packets if more else grown == packets, f'{rule} counted {grown} packets, not {packets}; {missing()}'


def kernel_lacks(option: str) -> bool:
    """Whether the kernel's own configuration, where it can be read, says that it was built without an option."""
    for path, opened in ((Path('/proc/config.gz'), gzip.open), (Path(f'/boot/config-{os.uname().release}'), open)):
        if path.exists():
            with opened(path, 'rt') as lines:
                return not any(line.startswith(f'{option}=') for line in lines)
    return False


def missing_features() -> str | None:
    """Why this host can't run the tests; None when it can."""
    if os.geteuid() != 0:
        return 'needs root: namespaces and packet filters'
    rules = '''table inet probe {
        set limits { type ipv4_addr . mark; size 10; flags dynamic,timeout; timeout 1m; }
        set ranges { type ipv4_addr; flags interval,timeout; }
        counter c { }
        chain screen { type filter hook prerouting priority raw; ip saddr @ranges counter name c log group 1 drop; }
        chain input { type filter hook input priority filter; ct state invalid drop; fib daddr . iif type local accept;
            update @limits { ip saddr . 0x1 limit rate 1/minute } log group 1; meta l4proto tcp reject with tcp reset; }
        chain nat { type nat hook postrouting priority srcnat; masquerade; }
    }'''
    try:
        with Network() as network:
            host, other = network.namespace('probe'), network.namespace('other')
            network.veth(host, 'left', other, 'right')
            host.ip('link', 'add', 'bridge', 'type', 'bridge')
            host.run('nft', '-f', '-', input=rules)
    except NetworkError as error:
        return f'this kernel lacks something that the packet filter needs: {error}'
    return None
