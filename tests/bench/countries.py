# SPDX-License-Identifier: GPL-2.0-or-later
"""Countries: from a database file to committed sets, against other programs with the same prefixes; what a flood of refused sources costs; what established
connections pay for the policy."""

import ipaddress
import json
import random
import socket
import statistics
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench import prefixes
from tests.bench.figures import Figure
from tests.bench.router import BUILD, GATEWAY, NETWORKS, ROOT, SERVER, WAN, Router
from tests.harness import countries, frames, mmdb
from tests.harness.namespaces import Namespace, Network

PROGRAMS = BUILD / 'tests/bench'
DBIP = ROOT.parent / 'shared/geo/dbip-country.mmdb'
ROUNDS = 5
THIRTY = ('JP US CN KR TW HK SG TH VN MY ID IN AU NZ CA GB DE FR IT ES NL BE CH AT SE NO DK FI PL BR').split()
# what databases say of unknown places, of regions and of states that are no more: no country that a configuration can name
NOT_ASSIGNED = frozenset('ZZ XX AB AN AP CS EU NT OS SU'.split())
MOST_MEGABYTES = 16
GROWTH = (10_000, 30_000, 100_000)
PAIRS = 9
FLOOD, ESTABLISHED = 100_000, 200_000


# ---- loading


@dataclass
class Took:
    """What a whole process took."""
    seconds: float
    megabytes: float
    said: str


def settle() -> None:
    """Waits until the kernel has cleaned up after the run before: it frees a million elements on its own time."""
    def busy() -> tuple[int, int]:
        numbers = list(map(int, Path('/proc/stat').read_text().splitlines()[0].split()[1:]))
        return sum(numbers) - numbers[3] - numbers[4], sum(numbers)

    for _ in range(60):
        before = busy()
        time.sleep(0.5)
        after = busy()
        if (after[0] - before[0]) < 0.2 * (after[1] - before[1]):
            return


def run_alone(folder: Path, *command: str) -> Took:
    """Runs a program in a network namespace that has seen no other, with the WAN device that rules name."""
    settle()
    report = folder / 'measured.json'
    with Network() as network:
        host, other = network.namespace('load'), network.namespace('cable')
        network.veth(host, 'wan0', other, 'eth0')
        host.up('wan0')
        run = host.run(str(PROGRAMS / 'measured'), str(report), *command, timeout=300)
    took = json.loads(report.read_text())
    return Took(took['seconds'], took['peak_kilobytes'] / 1024, run.stdout)


@dataclass
class Choice:
    """A selection of countries: how our configuration and how the peers' files name it."""
    name: str
    codes: list[str]
    uses: str  # of the list `chosen`

    def configuration(self) -> str:
        return f'{NETWORKS}geo-list chosen {{ {" ".join(f"country {code};" for code in self.codes)} }}\n{self.uses}'

    def write_peers(self, folder: Path, by_country: dict[str, list[str]]) -> None:
        chosen = [prefix for code in self.codes for prefix in by_country.get(code, [])]
        families = [(name, kind, family, [prefix for prefix in chosen if (':' in prefix) == (name == 'v6')])
                    for name, kind, family in (('v4', 'ipv4_addr', 'inet'), ('v6', 'ipv6_addr', 'inet6'))]
        for file, merge in (('plain.nft', ''), ('merge.nft', 'auto-merge; ')):
            (folder / file).write_text('table inet peer {\n' + ''.join(
                f'set {name} {{ type {kind}; flags interval; {merge}elements = {{ {", ".join(members)} }} }}\n' for name, kind, _, members in families if members) + '}\n')
        (folder / 'peer.ipset').write_text(''.join(
            f'create {name} hash:net family {family} hashsize 4096 maxelem {max(65536, len(members))}\n' + ''.join(f'add {name} {member}\n' for member in members)
            for name, _, family, members in families))


def measure_choice(folder: Path, database: Path, label: str, choice: Choice, is_large: bool) -> list[Figure]:
    """Rounds of ours and every peer in turn."""
    configuration, changed, batches = folder / 'ours.conf', folder / 'changed.conf', folder / 'batches'
    configuration.write_text(choice.configuration())
    changed.write_text(choice.configuration() + 'policy more { from clinic; to wan; protocol tcp; port 8443; action deny; }\n')
    load = [str(PROGRAMS / 'geo-load'), str(database), str(configuration)]
    run_alone(folder, *load, '--write', str(batches))
    commands = {'ours': load + [str(changed)], 'batches': [str(PROGRAMS / 'send-batches'), str(batches)], 'nft -f': ['nft', '-f', str(folder / 'plain.nft')],
                'nft -f, auto-merge': ['nft', '-f', str(folder / 'merge.nft')], 'ipset restore': ['ipset', 'restore', '-f', str(folder / 'peer.ipset')]}
    took: dict[str, list[Took]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            took[name].append(run_alone(folder, *command))
    said = [json.loads(each.said) for each in took['ours']]
    # the process goes on with the change of the policy, which is a figure of its own
    full = statistics.median(each.seconds - one['switches'][1]['seconds'] - one['switches'][1]['early_seconds'] for each, one in zip(took['ours'], said, strict=True))
    change = statistics.median(one['switches'][1]['seconds'] for one in said)
    median = {name: statistics.median(each.seconds for each in runs) for name, runs in took.items()}
    what = f'{choice.name}, {label}'
    note = f'{said[0]["ranges"]} ranges; peers take {median["nft -f"]:.3g} s and {statistics.median(each.megabytes for each in took["nft -f"]):.0f} MB (nft -f)'
    own = max(one['peak_kilobytes'] for one in said) / 1024
    child = max(one['child_peak_kilobytes'] for one in said) / 1024
    targets = {'nft -f': {'JP only': 1 / 3, 'all but JP': 1 / 100}.get(choice.name) if is_large else None,
               'batches': 1.5 if is_large and choice.name == 'JP only' else None}
    figures = [Figure(f'country load, {what}', full, 's', peer, median[peer], targets.get(peer), note=note if peer == 'nft -f' else None)
               for peer in commands if peer != 'ours']
    figures.append(Figure(f'country load, {what}: memory at most', own + child, 'MB', target=MOST_MEGABYTES,
                          note=f'the process {own:.1f} MB, database mapped in, and the nft that it asks {child:.1f} MB'))
    figures.append(Figure(f'policy change beside {what}', change, 's', 'the full load', full, 1 / 20))
    return figures


def measure_country_load(folder: Path) -> list[Figure]:
    figures = []
    for label, database, is_large in (('embedded database', countries.built(), False), ('DB-IP', DBIP, True)):
        if not database.exists():
            print(f'bench: {label} is not there: no figures of it')
            continue
        by_country = prefixes.by_country(database)
        known = sorted(code for code in by_country if len(code) == 2 and code.isalpha() and code not in NOT_ASSIGNED)
        for choice in (Choice('JP only', ['JP'], 'gate { geo-list chosen; }\n'),
                       Choice('30 countries', [code for code in THIRTY if code in known], 'gate { geo-list chosen; }\n'),
                       Choice('all but JP', [code for code in known if code != 'JP'], 'block { geo-list chosen; }\n')):
            place = folder / f'{choice.name}-{label}'.replace(' ', '-')
            place.mkdir()
            choice.write_peers(place, by_country)
            print(f'bench: country load, {choice.name}, {label}', flush=True)
            figures += measure_choice(place, database, label, choice, is_large)
    return figures


def synthetic(count: int) -> bytes:
    """A database of `count` ranges of Japan, each alone between unknown ones."""
    first = int(ipaddress.IPv4Address('40.0.0.0'))
    japan = mmdb.nested('JP')
    return mmdb.database({f'{ipaddress.IPv4Address(first + 512 * number)}/24': japan for number in range(count)})


def measure_country_growth(folder: Path) -> list[Figure]:
    """How time and memory grow: against the smallest, as if they grew in proportion."""
    configuration = folder / 'growth.conf'
    configuration.write_text(Choice('JP only', ['JP'], 'gate { geo-list chosen; }\n').configuration())
    figures = []
    smallest: tuple[float, float] | None = None
    for count in GROWTH:
        database = folder / f'{count}.mmdb'
        database.write_bytes(synthetic(count))
        took = [run_alone(folder, str(PROGRAMS / 'geo-load'), str(database), str(configuration)) for _ in range(ROUNDS)]
        said = [json.loads(each.said) for each in took]
        if said[0]['ranges'] != count:
            raise SystemExit(f'bench: {said[0]["ranges"]} ranges were loaded of {count}')
        seconds = statistics.median(each.seconds for each in took)
        memory = max(one['peak_kilobytes'] + one['child_peak_kilobytes'] for one in said) / 1024
        smallest = smallest or (seconds, memory)
        factor = count / GROWTH[0]
        figures += [Figure(f'country load, {count} ranges', seconds, 's', 'in proportion', smallest[0] * factor),
                    Figure(f'country load, {count} ranges: memory at most', memory, 'MB', 'in proportion', smallest[1] * factor)]
    return figures


# ---- packets


def paired(name: str, unit: str, peer: str, target: float, rounds: list[tuple[float, float]]) -> Figure:
    """Median of the ratios of interleaved pairs; a target between the quartiles can't be decided."""
    ratios = [ours / theirs for ours, theirs in rounds]
    quartiles = statistics.quantiles(ratios, n=4)
    theirs = statistics.median(pair[1] for pair in rounds)
    return Figure(name, statistics.median(ratios) * theirs, unit, peer, theirs, target, 'higher', spread=(quartiles[0], quartiles[2]),
                  note=f'{len(rounds)} pairs, half of the ratios between {quartiles[0]:.3f} and {quartiles[2]:.3f}, all between {min(ratios):.3f} and {max(ratios):.3f}')


def write_frames(path: Path, packets: list[bytes], to: str, sender: str) -> None:
    header = frames.mac_bytes(to) + frames.mac_bytes(sender) + struct.pack('!H', 0x0800)
    path.write_bytes(b''.join(struct.pack('=H', len(header + packet)) + header + packet for packet in packets))


def send(host: Namespace, path: Path, count: int) -> float:
    """Thousand frames in a second; the sender's own cost is in it."""
    return count / float(host.run(str(PROGRAMS / 'flood'), 'eth0', str(path), str(count), timeout=120).stdout) / 1e3


def strangers() -> list[str]:
    """Sources that Japan is not among, by libmaxminddb's own program."""
    chance = random.Random(7)
    drawn = ['.'.join(map(str, (chance.randrange(23, 88), chance.randrange(256), chance.randrange(256), chance.randrange(1, 255)))) for _ in range(8000)]
    return [address for address, country in zip(drawn, countries.look_up(countries.built(), drawn), strict=True) if country != 'JP']


GUARDED = NETWORKS + f'''geo-list home {{ country JP; }}
gate {{ geo-list home; }}
service web {{ protocol tcp; port 443; forward-to {SERVER}; source {{ geo-list home; }} }}
'''
# The peer: a common script's way. Its set has the same country in the ranges that ours loads.
IPTABLES = f'''*nat
-A PREROUTING -i wan0 -p tcp --dport 443 -j DNAT --to-destination {SERVER}
-A POSTROUTING -o wan0 -j MASQUERADE
COMMIT
*filter
:FORWARD DROP
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -i wan0 -m set ! --match-set v4 src -j DROP
-A FORWARD -i wan0 -d {SERVER} -p tcp --dport 443 -j ACCEPT
-A FORWARD -i lan1 -o wan0 -j ACCEPT
COMMIT
'''

def guarded(network: Network, folder: Path) -> Router:
    router = Router(network, folder)
    router.start_daemon(database=countries.built())
    file = folder / 'guarded.conf'
    file.write_text(GUARDED)
    router.ask('apply', str(file))
    return router


def interleave(first: Callable[[], float], second: Callable[[], float]) -> list[tuple[float, float]]:
    """Pairs, the first of them to warm up and not counted."""
    pairs = []
    for turn in range(PAIRS + 1):
        if turn % 2:
            right = second()
            pairs.append((first(), right))
        else:
            pairs.append((first(), second()))
    return pairs[1:]


def measure_flood(folder: Path) -> list[Figure]:
    choice = Choice('JP only', ['JP'], '')
    choice.write_peers(folder, prefixes.by_country(countries.built()))
    packets = [frames.ip(source, WAN, frames.tcp(1024 + index % 60000, 443)) for index, source in enumerate(strangers())]
    with Network() as network:
        ours, peer = guarded(network, folder), Router(network, folder, 'peer')
        peer.forward()
        peer.router.run('ipset', 'restore', '-f', str(folder / 'peer.ipset'))
        rules = folder / 'rules.iptables'
        rules.write_text(IPTABLES)
        peer.router.run('iptables-restore', str(rules))
        for router, name in ((ours, 'ours'), (peer, 'peer')):
            write_frames(folder / name, packets, router.router.mac('wan0'), router.outside.mac('eth0'))
        pairs = interleave(lambda: send(ours.outside, folder / 'ours', FLOOD), lambda: send(peer.outside, folder / 'peer', FLOOD))
        early = [row for row in json.loads(ours.ask('show', 'rules', '--json'))['rules'] if row['hook'] == 'early']
        dropped = sum(row['packets'] for row in early)
    if dropped < PAIRS * FLOOD:
        raise SystemExit(f'bench: only {dropped} packets were dropped early')
    return [paired('SYNs from refused countries, sent and dropped', 'kpps', 'ipset with iptables in FORWARD', 1.7, pairs)]


def establish(router: Router, port: int) -> None:
    """A datagram and its answer: the connection is established for what follows."""
    with router.outside.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside, router.inside.socket(socket.AF_INET, socket.SOCK_DGRAM) as inside:
        outside.bind((GATEWAY, 9000))
        outside.settimeout(10)
        inside.bind((SERVER, port))
        inside.settimeout(10)
        inside.sendto(b'there', (GATEWAY, 9000))
        _, caller = outside.recvfrom(64)
        outside.sendto(b'back', caller)
        inside.recv(64)


def measure_established(folder: Path) -> list[Figure]:
    with Network() as network:
        ours, peer = guarded(network, folder), Router(network, folder, 'peer')
        peer.forward_openly()
        for router, name in ((ours, 'ours'), (peer, 'peer')):
            establish(router, 9001)
            # 64 bytes on the wire with the checksum of the frame
            packet = frames.ip(SERVER, GATEWAY, frames.udp(9001, 9000, b'x' * 18))
            write_frames(folder / name, [packet] * 64, router.router.mac('lan1'), router.inside.mac('eth0'))
        pairs = interleave(lambda: send(ours.inside, folder / 'ours', ESTABLISHED), lambda: send(peer.inside, folder / 'peer', ESTABLISHED))
    return [paired('established forwarding, 64-byte packets, country policy', 'kpps', 'tracking and NAT, all accepted', 0.97, pairs)]


def measure_country_packets(folder: Path) -> list[Figure]:
    figures = []
    for name, measure in (('flood', measure_flood), ('established', measure_established)):
        place = folder / name
        place.mkdir()
        figures += measure(place)
    return figures
