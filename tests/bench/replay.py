# SPDX-License-Identifier: GPL-2.0-or-later
"""Replay of captures: its speed against tcpdump's, what a country costs a packet, and the memory that a million connections take."""

import ipaddress
import json
import statistics
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.bench import prefixes
from tests.bench.figures import Figure
from tests.bench.router import BUILD, CLIENT, NETWORKS, ROOT, WAN
from tests.harness import countries, pcapfile

PROGRAMS = BUILD / 'tests/bench'
CAPTURES = ROOT.parent / 'shared/captures'
ROUNDS = 7
PACKETS = 600_000
FLOWS = 1_000_000
DAY = 86_400
MOST_MEGABYTES = 256
POLICY = NETWORKS + '''geo-list chosen { country JP; }
gate { geo-list chosen; }
service web { protocol tcp; port 443; forward-to 10.0.1.20; source { geo-list chosen; } }
'''


def took(folder: Path, *command: str) -> tuple[dict, str]:
    """A whole process on one core: what it took, what it printed."""
    report = folder / 'measured.json'
    run = subprocess.run(['taskset', '-c', '0', str(PROGRAMS / 'measured'), str(report), *command], capture_output=True, text=True, timeout=300, check=True)
    return json.loads(report.read_text()), run.stdout


def captured() -> Iterator[pcapfile.Record]:
    """Every Ethernet frame of the captures, as far as their files go; times go on."""
    for path in sorted(CAPTURES.glob('*/*.pcap*')):
        try:
            for record in pcapfile.read(path):
                if record.link_type == pcapfile.ETHERNET and record.data:
                    yield record
        except pcapfile.CaptureError:
            continue  # a broken file, kept for the parsers


def write_many(path: Path) -> int:
    """The captures again and again, a day later each time: the connections are new ones. How many packets."""
    records = [(record.length, record.data) for record in captured()]
    rounds = -(-PACKETS // len(records))
    with path.open('wb') as file:
        file.write(struct.pack('<IHHiIII', 0xA1B2C3D4, 2, 4, 0, 0, 262_144, pcapfile.ETHERNET))
        for turn in range(rounds):
            for index, (length, data) in enumerate(records):
                file.write(struct.pack('<IIII', 1_800_000_000 + turn * DAY + index // 1000, index % 1000 * 1000, len(data), length) + data)
    return rounds * len(records)


def rules_of_tcpdump(by_country: dict[str, list[str]]) -> str:
    """What the policy asks of a packet by itself: of the country, to the service. Of its prefixes the hundred largest: more is no filter for tcpdump."""
    networks = sorted((ipaddress.ip_network(prefix) for prefix in by_country['JP'] if ':' not in prefix), key=lambda network: network.prefixlen)[:100]
    return f'tcp dst port 443 and dst host {WAN} and ({" or ".join(f"src net {network}" for network in networks)})'


def measure_speed(folder: Path, database: Path, configuration: Path) -> list[Figure]:
    capture = folder / 'many.pcap'
    packets = write_many(capture)
    ours = [str(CLIENT), 'replay', str(capture), '--config', str(configuration), '--ingress', 'wan0', '--geo', str(database), '--json']
    reading = ['tcpdump', '-Z', 'root', '-r', str(capture), '-w', '/dev/null']
    seconds: dict[str, list[float]] = {'ours': [], 'reading': [], 'filter': [], 'start': []}
    empty = folder / 'empty.pcap'
    empty.write_bytes(capture.read_bytes()[:24])
    commands = {'ours': ours, 'reading': reading, 'filter': [*reading, rules_of_tcpdump(prefixes.by_country(database))],
                'start': [*ours[:2], str(empty), *ours[3:]]}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            figures, said = took(folder, *command)
            seconds[name].append(figures['seconds'])
            if name == 'ours':
                flows = json.loads(said)
    if not any(row['reason'] == 'country' for row in flows['flows']):
        raise SystemExit('bench: replay: the gate decided nothing: the figure would say nothing of countries')
    median = {name: statistics.median(each) for name, each in seconds.items()}
    ratios = sorted(mine / theirs for mine, theirs in zip(seconds['ours'], seconds['reading'], strict=True))
    note = (f'{packets} packets, {packets / median["ours"]:.3g} packets/s; of the time {median["start"]:.3g} s are start, configuration and country sets. '
            f'tcpdump copies records and looks into none')
    return [Figure('replay by a country policy', median['ours'], 's', 'tcpdump -r -w /dev/null', median['reading'], 2.0, note=note, spread=(ratios[1], ratios[-2])),
            Figure('replay by a country policy', median['ours'], 's', 'tcpdump with a filter of 100 prefixes', median['filter'])]


def measure_lookup(folder: Path, database: Path, configuration: Path) -> list[Figure]:
    runs = []
    for _ in range(ROUNDS):
        _, said = took(folder, str(PROGRAMS / 'country-lookup'), str(database), str(configuration), 'JP')
        runs.append(json.loads(said))
    if any(run['differing'] for run in runs) or not runs[0]['inside']:
        raise SystemExit(f'bench: country look-up: answers differ from the library\'s: {runs[0]}')

    def nanoseconds(which: str) -> float:
        return statistics.median(run[which] for run in runs) / runs[0]['addresses'] * 1e9
    note = f'{runs[0]["addresses"]} random addresses, {runs[0]["inside"]} of them inside; every answer is the same'
    return [Figure('country of a packet, by the policy\'s set', nanoseconds('set_seconds'), 'ns', 'libmaxminddb', nanoseconds('library_seconds'), 1.0, note=note),
            Figure('country of a packet, by the database', nanoseconds('locate_seconds'), 'ns', 'libmaxminddb', nanoseconds('library_seconds'))]


def write_flows(path: Path) -> None:
    """The first packets of as many connections as there are numbers, all to the service, from the same country."""
    with path.open('wb') as file:
        file.write(struct.pack('<IHHiIII', 0xA1B2C3D4, 2, 4, 0, 0, 262_144, pcapfile.RAW))
        destination = ipaddress.ip_address(WAN).packed
        for number in range(FLOWS):
            source = struct.pack('!I', 0x0B000000 + number)
            header = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 40, 0, 0, 64, 6, 0, source, destination)
            header = header[:10] + _sum(header) + header[12:]
            segment = struct.pack('!HHIIBBHHH', 40_000, 443, number, 0, 0x50, 2, 65_535, 0, 0)
            segment = segment[:16] + _sum(source + destination + struct.pack('!HH', 6, 20) + segment) + segment[18:]
            file.write(struct.pack('<IIII', 1_800_000_000 + number // 100_000, number % 100_000 * 10, 40, 40) + header + segment)


def _sum(data: bytes) -> bytes:
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack('!H', ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF)


def measure_memory(folder: Path) -> list[Figure]:
    capture, configuration = folder / 'flows.pcap', folder / 'flows.conf'
    write_flows(capture)
    configuration.write_text(NETWORKS + 'address-list all { address 11.0.0.0/8; }\n'
                             'service web { protocol tcp; port 443; forward-to 10.0.1.20; source { address-list all; } }\n')
    figures, said = took(folder, str(CLIENT), 'replay', str(capture), '--config', str(configuration), '--ingress', 'wan0', '--json')
    flows = sum(row['flows'] for row in json.loads(said)['flows'])
    return [Figure('memory of a replay, a million connections', figures['peak_kilobytes'] / 1024, 'MB', target=MOST_MEGABYTES,
                   note=f'{flows} connections counted, at most 262144 tracked at once as on the router; {figures["seconds"]:.2f} s')]


def measure_replay(folder: Path) -> list[Figure]:
    figures = measure_memory(folder)
    database = countries.built()
    if not database.exists():
        print('bench: no country database is built: no figures of countries')
        return figures
    configuration = folder / 'policy.conf'
    configuration.write_text(POLICY)
    return measure_speed(folder, database, configuration) + measure_lookup(folder, database, configuration) + figures
