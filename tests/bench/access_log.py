# SPDX-License-Identifier: GPL-2.0-or-later
"""From the kernel's log to a record: a line of JSON in a file, or a message at a syslog server over TCP. The daemon against ulogd2 with its JSON output, whole processes, each
in a router of its own with the same rules and the same packets.

Packets are denied by the product's rules and come from so many prefixes that no limit on logging hides one; that each was judged is asserted by the rule's counter. Both
programs get the same receive buffer and batches from the kernel, and write each record by itself (ulogd with sync=1, as its sample configuration has it)."""

import contextlib
import json
import os
import re
import shutil
import socket
import statistics
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.router import CLIENT, NETWORKS, SERVER, WAN, Router
from tests.harness import frames, pcapfile
from tests.harness.daemon import kernel_lacks, until
from tests.harness.namespaces import Namespace, Network

RULE = 'zone.wan.deny'
CONFIGURATION = NETWORKS + 'log { per-minute 10000; burst 10000; file-size 256M; }\n'
PREFIXES, FRAMES = 2_000, 40_000
WARM_UP = 1_000
ROUNDS = 5
FIRST_RATE, STEP, MOST_RATE = 4_000, 1.6, 250_000
SECONDS = 4              # of each flood of the search
SEARCH_SECONDS = 60      # for each program
PORT = 601               # of the syslog server
GROUP, RECEIVE_BUFFER, BATCH, CENTISECONDS = 1, 4 << 20, 50, 5  # as drivers/capture has them
_TICKS = os.sysconf('SC_CLK_TCK')
# ulogd takes a size only below the largest
_ULOGD = '''[global]
logfile="{folder}/ulogd.log"
loglevel=3
{plugins}
stack=log1:NFLOG,base1:BASE,ifi1:IFINDEX,ip2str1:IP2STR,mac2str1:HWHDR,json1:JSON
[log1]
group={group}
netlink_socket_buffer_size={buffer}
netlink_socket_buffer_maxsize={buffer_limit}
netlink_qthreshold={batch}
netlink_qtimeout={centiseconds}
[json1]
{output}
'''
_PLUGINS = ('inppkt_NFLOG', 'raw2packet_BASE', 'filter_IFINDEX', 'filter_IP2STR', 'filter_HWHDR', 'output_JSON')
WITHOUT_GLUE = ' This kernel gives no connection with a record: the daemon asks for each'


@dataclass
class Round:
    """One flood: what was sent, what was written of it, and what that took."""
    sent: int
    written: int
    sending_seconds: float
    seconds: float  # from the first packet to the last record
    cpu_seconds: float  # of the process, user and system
    record: bytes
    told: str = ''  # what the program itself says of losses

    @property
    def missing(self) -> int:
        return self.sent - self.written

    @property
    def rate(self) -> float:
        """Records per second; what a buffer held when the last packet was sent doesn't flatter it."""
        return self.written / self.seconds

    @property
    def cost(self) -> float:
        """Microseconds of CPU per record."""
        return self.cpu_seconds / self.written * 1e6 if self.written else float('inf')


def cpu_seconds_of(process: subprocess.Popen) -> float:
    """What a process and the children that it has waited for have had, user and system."""
    words = Path('/proc', str(process.pid), 'stat').read_text().rsplit(')', 1)[1].split()
    return sum(int(word) for word in words[11:15]) / _TICKS


def capture_for(router: Router, path: Path) -> Path:
    """Denied packets from many prefixes, for tcpreplay."""
    with frames.Wire(router.outside, 'eth0') as wire:
        template = wire.frame(frames.ip('0.0.0.0', WAN, frames.udp(1024, 9000)), router.router.mac('wan0'))
    bare = frames.checksum(template[14:24] + template[26:34]) ^ 0xFFFF
    made = []
    sources = frames.random_sources(PREFIXES, seed=20261124)
    for number in range(FRAMES):
        source = sources[number % PREFIXES]
        # only source and port differ: the checksum follows by adding (RFC 1624), and UDP may go without one
        total = bare + sum(struct.unpack('!HH', source))
        total = (total & 0xFFFF) + (total >> 16)
        total = (total & 0xFFFF) + (total >> 16)
        made.append((0.0, template[:24] + struct.pack('!H', total ^ 0xFFFF) + source + template[30:34] + struct.pack('!H', 1024 + number) +
                     template[36:40] + b'\0\0' + template[42:]))
    pcapfile.write(path, made)
    return path


class Records:
    """Counts what is written, by a mark that each record has once."""

    def __init__(self, mark: bytes):
        self._mark = mark
        self.count = 0
        self.last = b''

    def look(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        pass

    def wait(self, wanted: int, quiet: float = 3) -> float:
        """Waits for so many records, or until none has come for `quiet` seconds; returns when the last came."""
        last = time.monotonic()
        before = self.count
        while self.count < wanted and time.monotonic() - last < quiet:
            self.look()
            if self.count > before:
                last, before = time.monotonic(), self.count
            time.sleep(0.01)
        return last


class Lines(Records):
    """In whichever files there are."""

    def __init__(self, mark: bytes, files: Callable[[], list[Path]]):
        super().__init__(mark)
        self._files = files
        self._read: dict[int, int] = {}  # by inode

    def look(self) -> None:
        for path in self._files():
            with path.open('rb') as file:
                inode = os.fstat(file.fileno()).st_ino
                file.seek(self._read.get(inode, 0))
                content = file.read()
            whole = content[:content.rfind(b'\n') + 1]
            self._read[inode] = self._read.get(inode, 0) + len(whole)
            self.count += whole.count(self._mark)
            if (at := whole.rfind(self._mark)) >= 0:
                self.last = whole[whole.rfind(b'\n', 0, at) + 1:whole.index(b'\n', at) + 1]


class Collector(Records):
    """At a server that takes TCP connections; it reads all the time, so that it keeps nobody waiting."""

    def __init__(self, mark: bytes, host: Namespace, address: str, port: int):
        super().__init__(mark)
        self._listener = host.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((address, port))
        self._listener.listen()
        self._tail = b''
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def look(self) -> None:
        records = re.split(rb'\n|\d+ (?=<\d+>1 )', self._tail)
        self.last = records[-2] if len(records) > 2 else b''

    def _serve(self) -> None:
        with self._listener:
            self._listener.settimeout(0.1)
            while not self._ended.is_set():
                try:
                    peer, _ = self._listener.accept()
                except TimeoutError:
                    continue
                with peer:
                    peer.settimeout(0.1)
                    self._read(peer)

    def _read(self, peer: socket.socket) -> None:
        cut = b''  # a mark may come in two pieces
        while not self._ended.is_set():
            try:
                data = peer.recv(1 << 18)
            except TimeoutError:
                continue
            except OSError:
                return
            if not data:
                return
            self._tail = (self._tail + data)[-8192:]
            data = cut + data
            self.count += data.count(self._mark)
            cut = data[1 - len(self._mark):]

    def close(self) -> None:
        self._ended.set()
        self._thread.join()


class Recorder:
    """A router, and a program in it that writes what its rules deny. Each flood meets a program started anew on an empty folder."""
    name: str
    mark: bytes  # once in every record

    def __init__(self, network: Network, folder: Path):
        self.folder = folder / self.name
        self.router = Router(network, self.folder, self.name)
        self._capture = capture_for(self.router, folder / f'{self.name}.pcap')

    def start(self) -> subprocess.Popen:
        raise NotImplementedError

    def records(self) -> Records:
        raise NotImplementedError

    def told(self, missing: int) -> str:
        raise NotImplementedError

    def flood(self, count: int, rate: int) -> Round:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        with contextlib.closing(self.records()) as records:
            process = self.start()
            try:
                return self._measure(process, records, count, rate)
            finally:
                self.router.network.end(process)

    def _measure(self, process: subprocess.Popen, records: Records, count: int, rate: int) -> Round:
        # memory that grows and pages that are touched for the first time are not what a record costs
        self._send(records, WARM_UP, 1_000)
        written, cpu = records.count, cpu_seconds_of(process)
        sending, seconds = self._send(records, count, rate)
        made = Round(count, records.count - written, sending, seconds, cpu_seconds_of(process) - cpu, records.last)
        if made.missing:
            self.replay(1, 1_000)  # a gap shows at the next record
            made.told = self.told(made.missing)
        return made

    def _send(self, records: Records, count: int, rate: int) -> tuple[float, float]:
        """Seconds until the last packet was sent, and until the last record was written."""
        judged, written = self.judged(), records.count
        sending = self.replay(count, rate)
        started = time.monotonic() - sending
        seconds = records.wait(written + count) - started
        if self.judged() - judged != count:
            raise SystemExit(f'bench: {self.name}: {self.judged() - judged} packets met the rule, not {count}')
        return sending, seconds

    def replay(self, count: int, rate: int) -> float:
        run = self.router.outside.run('tcpreplay', '-q', '-K', '-i', 'eth0', '--loop=0', f'--limit={count}', f'--pps={rate}', f'--pps-multi={max(1, rate // 500)}',
                                      str(self._capture), timeout=120)
        said = re.search(r'Actual: (\d+) packets .* sent in ([0-9.]+) seconds', run.stdout)
        if not said or int(said[1]) != count:
            raise SystemExit(f'bench: tcpreplay did not send {count} packets: {run.stdout}{run.stderr}')
        return float(said[2])

    def judged(self) -> int:
        listed = json.loads(self.router.router.run('nft', '-j', 'list', 'counter', 'inet', 'sekisho', RULE).stdout)['nftables']
        return next(item['counter']['packets'] for item in listed if 'counter' in item)


class Sekishod(Recorder):
    name, mark = 'sekishod', b'"connection-denied"'
    configuration = CONFIGURATION

    def start(self) -> subprocess.Popen:
        return self.router.start_daemon(self.configuration)

    def files(self) -> list[Path]:
        return list((self.folder / 'data/log').glob('*'))

    def records(self) -> Records:
        return Lines(self.mark, self.files)

    def told(self, missing: int) -> str:
        def lost() -> int:
            lines = [line for path in self.files() for line in path.read_bytes().splitlines() if b'records were lost' in line]
            return sum(json.loads(line)['sekisho']['count'] for line in lines)
        end = time.monotonic() + 12  # it looks every five seconds
        while lost() < missing and time.monotonic() < end:
            time.sleep(0.5)
        return f'told of {lost()}'


class Ulogd(Recorder):
    name, mark = 'ulogd', b'"oob.prefix"'

    def start(self) -> subprocess.Popen:
        host = self.router.router
        for device, address in (('wan0', f'{WAN}/24'), ('lan1', '10.0.1.1/24')):
            host.ip('address', 'replace', address, 'dev', device)
            host.up(device)
        configuration = self.folder / 'sekisho.conf'
        configuration.write_text(CONFIGURATION)
        rules = host.run(str(CLIENT), 'render', str(configuration)).stdout
        host.run('nft', '-f', '-', input='table inet sekisho\ndelete table inet sekisho\n' + rules)
        plugins = next(Path('/usr/lib').glob('*/ulogd'))
        settings = self.folder / 'ulogd.conf'
        settings.write_text(_ULOGD.format(folder=self.folder, group=GROUP, buffer=RECEIVE_BUFFER, buffer_limit=RECEIVE_BUFFER + 1, batch=BATCH,
                                          centiseconds=CENTISECONDS, output=self.output(), plugins='\n'.join(f'plugin="{plugins}/ulogd_{name}.so"' for name in _PLUGINS)))
        process = host.start('ulogd', '-c', str(settings))
        groups = re.compile(rf'^ *{GROUP} +\d', re.MULTILINE)
        until(lambda: groups.search(host.run('cat', '/proc/net/netfilter/nfnetlink_log').stdout), 'ulogd to read the group')
        return process

    def output(self) -> str:
        return f'sync=1\nfile="{self.folder}/ulogd.json"'

    def records(self) -> Records:
        return Lines(self.mark, lambda: list(self.folder.glob('ulogd.json')))

    def told(self, missing: int) -> str:
        return 'told of some' if 'losing events' in (self.folder / 'ulogd.log').read_text() else 'told of none'


class ForwardingSekishod(Sekishod):
    """The same, with its log on the disk as well; what counts has reached the syslog server."""
    name, mark = 'sekishod-tcp', b' connection-denied ['
    configuration = CONFIGURATION.replace('log {', f'log {{ server collector {{ host {SERVER}; port {PORT}; transport tcp; }}')

    def records(self) -> Records:
        return Collector(self.mark, self.router.inside, SERVER, PORT)


class ForwardingUlogd(Ulogd):
    """To the server, and to no file: ulogd's JSON output has one place."""
    name = 'ulogd-tcp'

    def output(self) -> str:
        return f'mode="tcp"\nhost="{SERVER}"\nport="{PORT}"'

    def records(self) -> Records:
        return Collector(self.mark, self.router.inside, SERVER, PORT)


def fields_of(value) -> int:
    return sum(fields_of(each) for each in value.values()) if isinstance(value, dict) else 1


def described(made: Round) -> str:
    fields = fields_of(json.loads(made.record)) if made.record.startswith(b'{') else made.record.count(b'="')
    return f'{len(made.record)} bytes in {fields} fields'


def measure_cost(name: str, ours: Recorder, peer: Recorder, rate: int, seconds: int) -> Figure:
    rounds = [(ours.flood(rate * seconds, rate), peer.flood(rate * seconds, rate)) for _ in range(ROUNDS)]
    values = [statistics.median(each.cost for each in side) for side in zip(*rounds)]
    missing = [sum(each.missing for each in side) for side in zip(*rounds)]
    sent = sum(mine.sent for mine, _ in rounds)
    return Figure(f'{name}, CPU per record at {rate}/s', values[0], 'µs', 'ulogd2, JSON', values[1], 2.0, note=(
        f'a record is {described(rounds[0][0])}, of ulogd2 {described(rounds[0][1])}; the daemon syncs its file every second, ulogd2 never. '
        f'Missing of {sent}: {missing[0]}, of ulogd2 {missing[1]}.{WITHOUT_GLUE if kernel_lacks("CONFIG_NETFILTER_NETLINK_GLUE_CT") else ""}'))


def highest_rate(recorder: Recorder) -> tuple[float, str]:
    """Records per second, and what ended the search: a flood that lost something, or that was not written faster than a slower one. It is sent up to three times, because
    other work on the machine must not decide."""
    end = time.monotonic() + SEARCH_SECONDS
    best, rate, refined, failure = 0.0, float(FIRST_RATE), False, ''
    while rate <= MOST_RATE:
        for _ in range(3):
            if time.monotonic() > end:
                return best, f'{failure or "nothing was lost"}; the search ended by time'
            made = recorder.flood(int(rate * SECONDS), int(rate))
            if not made.missing and made.rate > best * 1.02:
                break
        else:
            failure = f'at {rate:.0f}/s ' + (f'{made.missing} of {made.sent} missing, {made.told}' if made.missing else
                                             f'nothing was lost, but {made.rate:.0f}/s were written (the generator sent {made.sent / made.sending_seconds:.0f}/s)')
            if refined or not best:
                break
            refined, rate = True, rate / STEP ** 0.5
            continue
        best = made.rate
        if refined:
            break
        rate *= STEP
    return best, failure


def measure_highest_rate(name: str, ours: Recorder, peer: Recorder) -> Figure:
    (value, end), (peer_value, peer_end) = highest_rate(ours), highest_rate(peer)
    return Figure(f'{name}, records without loss', value, '1/s', 'ulogd2, JSON', peer_value, 0.5, 'higher', note=f'{end}; ulogd2: {peer_end}')


def measure_access_log(folder: Path) -> list[Figure]:
    figures = []
    for name, our_kind, peer_kind, rate, seconds in (('log to a file', Sekishod, Ulogd, 5_000, 4),
                                                     ('log to a server, TCP', ForwardingSekishod, ForwardingUlogd, 1_000, 8)):
        with Network() as network:
            ours, peer = our_kind(network, folder), peer_kind(network, folder)
            figures += [measure_cost(name, ours, peer, rate, seconds), measure_highest_rate(name, ours, peer)]
    return figures
