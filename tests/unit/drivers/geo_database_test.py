# SPDX-License-Identifier: GPL-2.0-or-later
"""Country databases as the product reads them: those that tests/harness/mmdb.py writes against a slow model, damaged ones, and whole ones against mmdblookup. `GEO_RANGES`
names the program that reads (tests/harness/geo_ranges.cpp)."""

import bisect
import gzip
import ipaddress
import itertools
import os
import random
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.mmdb import ALIASES, Data, MARKER, Node, Pointer, Raw, assemble, database, encode, flat, flat_country, metadata_of, nested

ROOT = Path(__file__).resolve().parents[3]
DBIP = Path('/shared/geo/dbip-country.mmdb')
HANGS = 60  # seconds; what a file can make the reader do is bounded, and this is far beyond it

# No country has these, whatever a database says of them.
SPECIAL = [ipaddress.ip_network(text) for text in (
    '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.168.0.0/16', '198.18.0.0/15', '224.0.0.0/3',
    '::/3', '4000::/2', '8000::/1')]


def geo_ranges(path, *words, text=''):
    return subprocess.run([os.environ['GEO_RANGES'], path, *words], input=text, capture_output=True, text=True, timeout=HANGS)


def read(path, *words, text=''):
    run = geo_ranges(path, *words, text=text)
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


def ranges(path, *lists):
    """First and last address of the merged ranges of each list, by list."""
    found = {name: [] for name in lists}
    for line in read(path, 'ranges', *lists):
        name, first, last = line.split(' ')
        found[name].append((ipaddress.ip_address(first), ipaddress.ip_address(last)))
    return found


def locations(path, addresses):
    """Country ('-' for none) and prefix by address."""
    lines = read(path, 'locate', text=''.join(f'{address}\n' for address in addresses))
    return [(country, ipaddress.ip_network(prefix)) for _, country, prefix in map(str.split, lines)]


NO_COUNTRY = ('AN', 'AP', 'CS', 'EU', 'SU', 'UK', 'YU', 'ZR')  # codes of regions and of countries that were: unknown space
MORE_SPECIAL = [*SPECIAL, *map(ipaddress.ip_network, (
    '192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'))]


# ---- databases of our own against a slow model ----------------------------------------------------------------------------------------------------------------

V4 = {
    '1.0.0.0/24': 'JP', '1.0.1.0/24': 'JP', '1.0.1.128/25': 'US', '1.0.2.0/23': 'JP', '9.255.255.0/24': 'JP', '10.0.0.0/8': 'JP', '11.0.0.0/8': 'JP', '133.0.0.0/8': 'JP',
    '133.11.0.0/16': '??', '133.12.0.1/32': 'US', '192.168.0.0/16': 'US', '223.255.255.255/32': 'JP', '224.0.0.0/4': 'JP', '255.255.255.255/32': 'US', '0.0.0.0/32': 'US',
    '100.0.0.0/8': 'US', '150.0.0.0/16': 'ZZ', '150.1.0.0/16': 'XX', '150.2.0.0/16': 'jp', '150.3.0.0/16': 'JPN', '150.4.0.0/16': ''}
V6 = {
    '2001:200::/32': 'JP', '2001:201::/32': 'JP', '2001:200:8000::/33': 'US', '2400::/12': 'JP', '2400::1/128': 'US', '3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128': 'JP',
    '2000::/128': 'JP', 'fc00::/7': 'JP', 'ff00::/8': 'US', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128': 'JP', '4000::/16': 'JP'}
UNKNOWN_CODES = {'??', 'ZZ', 'XX', 'JPN', ''}


def country_by_model(records, address):
    if any(address in network for network in SPECIAL):
        return '-'
    found = [(network.prefixlen, code) for network, code in records if address in network]
    code = max(found)[1].upper() if found else '-'
    return '-' if code in UNKNOWN_CODES else code


def edges(networks, version):
    """First addresses of the stretches in which nothing changes."""
    last = 2 ** (32 if version == 4 else 128)
    mine = [network for network in networks if network.version == version]
    found = {0, *(int(network.network_address) for network in mine), *(int(network.broadcast_address) + 1 for network in mine)}
    return sorted(found - {last}) + [last]


def ranges_by_model(records, codes):
    found = []
    for version, address_of in ((4, ipaddress.IPv4Address), (6, ipaddress.IPv6Address)):
        mine = [(network, code) for network, code in records if network.version == version]
        starts = edges([*(network for network, _ in mine), *SPECIAL], version)
        for first, behind in zip(starts, starts[1:]):
            address = address_of(first)
            special = any(address in network for network in SPECIAL)
            if special or country_by_model(mine, address) not in codes:
                continue
            if found and found[-1][1].version == version and int(found[-1][1]) + 1 == first:
                found[-1] = (found[-1][0], address_of(behind - 1))
            else:
                found.append((address, address_of(behind - 1)))
    return found


@pytest.mark.parametrize('ip_version', [4, 6])
@pytest.mark.parametrize('record_size', [24, 28, 32])
@pytest.mark.parametrize('shape', [nested, flat, flat_country], ids=lambda shape: shape.__name__)
def test_shapes(tmp_path, shape, record_size, ip_version):
    codes = V4 if ip_version == 4 else V4 | V6
    path = tmp_path / 'made.mmdb'
    path.write_bytes(database({network: shape(code) for network, code in codes.items()}, record_size=record_size, ip_version=ip_version))
    records = [(ipaddress.ip_network(network), code) for network, code in codes.items()]

    assert read(path, 'facts') == ['Test-Country', 'made by a test', '1790000000', str(path.stat().st_size), 'ipv4' if ip_version == 4 else 'ipv4 ipv6']
    lists = ['JP', 'US', 'JP,US', 'unknown', 'JP,unknown', 'DE']
    for names, found in ranges(path, *lists).items():
        assert found == ranges_by_model(records, {'-' if name == 'unknown' else name for name in names.split(',')}), names

    addresses = [ipaddress.ip_address(text) for text in ('0.0.0.0', '255.255.255.255', '::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')]
    for network, _ in records:
        for at in (int(network.network_address) - 1, int(network.network_address), int(network.broadcast_address), int(network.broadcast_address) + 1):
            if 0 <= at < 2 ** network.max_prefixlen:
                addresses.append(type(network.network_address)(at))
    for address, (country, prefix) in zip(addresses, locations(path, addresses), strict=True):
        assert country == country_by_model([record for record in records if record[0].version == address.version], address), address
        assert address in prefix


def made(tmp_path, contents):
    path = tmp_path / 'made.mmdb'
    path.write_bytes(contents)
    return path


def test_branches_that_lead_to_the_ipv4_tree_are_nobodys(tmp_path):
    path = made(tmp_path, database({'133.0.0.0/8': nested('JP'), '8.0.0.0/8': nested('US'), '2400::/12': nested('JP')}, aliases=ALIASES))
    assert [f'{first}-{last}' for first, last in ranges(path, 'JP')['JP']] == ['133.0.0.0-133.255.255.255', '2400::-240f:ffff:ffff:ffff:ffff:ffff:ffff:ffff']
    assert locations(path, ['133.1.2.3', '2002:8501:203::1', '::ffff:133.1.2.3', '64:ff9b::8501:203', '2001:0:8501:203::', '::133.1.2.3']) == [
        (country, ipaddress.ip_network(prefix)) for country, prefix in (
            ('JP', '133.0.0.0/8'), ('-', '2002::/16'), ('-', '::ffff:0:0/96'), ('-', '64:ff9b::/96'), ('-', '2001::/32'), ('-', '::/96'))]
    unknown = ranges(path, 'unknown')['unknown']
    for alias in ('2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2001::'):
        assert any(first <= ipaddress.ip_address(alias) <= last for first, last in unknown if first.version == 6), alias
    coverage = dict(line.split(' ') for line in read(path, 'coverage'))
    assert (coverage['JP'], coverage['US']) == ('2', '1')
    assert float(coverage['ipv4']) == pytest.approx(2 ** 25) and float(coverage['ipv6']) == pytest.approx(2 ** 116)


@pytest.mark.parametrize('records, v4, v6', [
    ({'0.0.0.0/0': flat('JP')}, 'JP', '-'),
    ({'::/0': flat('JP')}, 'JP', 'JP'),
    ({'2000::/3': flat('JP')}, '-', 'JP'),
    ({'2000::/4': flat('JP'), '8.0.0.0/8': flat('US')}, 'US', '-'),
])
def test_trees_without_a_place_for_ipv4(tmp_path, records, v4, v6):
    path = made(tmp_path, database(records))
    assert [country for country, _ in locations(path, ['8.8.8.8', '3000::1'])] == [v4, v6]
    assert bool([first for first, _ in ranges(path, 'JP')['JP'] if first.version == 4]) == (v4 == 'JP')


@pytest.mark.parametrize('record, country', [
    ({'names': {'en': 'x' * 70_000, 'ja': 'y' * 300}, 'array': [1, [2.5, {'a': True}], b'z' * 29], 'country': {'names': {}, 'iso_code': 'JP'}}, 'JP'),
    ({'country': 'Japan', 'country_code': 'JP'}, 'JP'),
    ({'country': {'geoname_id': 1}, 'registered_country': {'iso_code': 'JP'}}, '-'),
    ({'country': {'iso_code': 7}}, '-'), ({'country_code': 7}, '-'), ({'country': ['JP']}, '-'), ({'countries': 'JP'}, '-'), ('JP', '-'), (['JP'], '-'), (7, '-'), ({}, '-'),
    ({'country_code': 'J'}, '-'), ({'country_code': 'J1'}, '-'), ({'country_code': 'Ｊ'}, '-'), ({'country_code': 'JP\0'}, '-'), ({'country_code': {'JP': 'JP'}}, '-'),
], ids=itertools.count())
def test_records(tmp_path, record, country):
    path = made(tmp_path, database({'8.0.0.0/8': record, '9.0.0.0/8': flat('US')}))
    assert locations(path, ['8.8.8.8', '9.9.9.9']) == [(country, ipaddress.ip_network('8.0.0.0/8')), ('US', ipaddress.ip_network('9.0.0.0/8'))]


def test_pointers_lead_to_shared_parts(tmp_path):
    data = bytearray(encode('country_code') + encode('JP'))
    nested_part = len(data)
    data += encode({'iso_code': Pointer(13)})
    flat_record = len(data)
    data += encode({'names': Pointer(nested_part), 'x': Raw(bytes([0x20, 0])), 'code': 'no'}) + encode({})
    record = len(data)
    data += b'\xe2' + encode('skipped') + encode(Pointer(nested_part)) + encode(Pointer(0)) + encode(Pointer(13))
    nested_record = len(data)
    data += encode({'a': Pointer(flat_record), 'country': Pointer(nested_part)})
    path = made(tmp_path, assemble([(Data(record), Data(nested_record))], bytes(data), ip_version=4))
    assert [country for country, _ in locations(path, ['1.1.1.1', '200.1.1.1'])] == ['JP', 'JP']


# ---- what is refused ------------------------------------------------------------------------------------------------------------------------------------------

SOUND = database({'133.0.0.0/8': nested('JP'), '2400::/12': nested('JP')})
JP = encode(flat('JP'))


def chain(length, end):
    """Each node leads to the next one on both sides."""
    return [(Node(number + 1), Node(number + 1)) for number in range(length - 1)] + [(end, end)]


def one(data, **options):
    """Everything has the record at the beginning of these data."""
    return assemble([(Data(0), Data(0))], data, ip_version=4, **options)


def fan_out(depth):
    """A value that pointers blow up to 2 ** depth values."""
    parts = bytearray(encode('x'))
    last = 0
    for _ in range(depth):
        here = len(parts)
        parts += encode([Pointer(last), Pointer(last)])
        last = here
    return bytes(parts), last


def metadata_bomb():
    """Metadata whose description blows up; its own pointers count from the metadata's beginning."""
    plain = metadata_of({'node_count': 1, 'record_size': 24, 'ip_version': 4, 'binary_format_major_version': 2, 'binary_format_minor_version': 0, 'build_epoch': 1,
                    'database_type': 'x', 'languages': ['en']})
    before = bytes([plain[0] + 1]) + plain[1:] + encode('description')
    levels = b''
    for level in range(40):
        size = len(encode({'a': Pointer(0), 'b': Pointer(0)}))
        following = len(before) + (level + 1) * size
        levels += encode({'a': Pointer(following), 'b': Pointer(following)}) if level < 39 else encode({'a': 'x', 'b': 'y'})
    return b'\0\0\x11\0\0\x11' + bytes(16) + JP + MARKER + before + levels


@pytest.mark.parametrize('contents, words', [
    (b'', 'is empty'),
    (b'\0' * 5000, 'has no metadata'),
    (b'203.0.113.0/24,JP\n' * 500, 'has no metadata'),
    (SOUND[:-100], 'damaged metadata'),
    (SOUND[:len(SOUND) // 2], 'has no metadata'),
    (SOUND[len(SOUND) // 2:], "doesn't fit the file"),
    (gzip.compress(SOUND, mtime=0), 'is compressed'),
    (b'PK\x03\x04' + SOUND, 'is compressed'),
    (bytes(33 << 20) + SOUND, 'at most 32 MiB'),
    (MARKER, 'damaged metadata'),
    (MARKER + encode('x'), "doesn't fit the file"),
    (database({}), 'is empty: it has no record'),
    (database({'8.0.0.0/8': {'autonomous_system_number': 15169, 'autonomous_system_organization': 'GOOGLE'}}, database_type='GeoLite2-ASN'),
     'is no database of countries: none of its records has one (its type is "GeoLite2-ASN")'),
    (database({'8.0.0.0/8': flat('??'), '9.0.0.0/8': nested('A1')}), 'is no database of countries'),
    (one(JP, database_type='\x1b[31m\u202e' + 'x' * 500), None),
    (one(encode({}), database_type='\x1b[31m\u202e'), r'(its type is "\x1b[31m\u{202e}")'),
    (one(JP, record_size=20), 'another version'),
    (one(JP, record_size=0), "doesn't fit the file"),
    (one(JP, binary_format_major_version=3), 'another version'),
    (assemble([(0, 0)], JP, ip_version=5), "doesn't fit the file"),
    (one(JP, node_count=0), "doesn't fit the file"),
    (one(JP, node_count=10_000), "doesn't fit the file"),
    (one(JP, node_count=0xffffffff), "doesn't fit the file"),
    (one(JP, node_count=0x20000000, record_size=32), "doesn't fit the file"),
    (one(JP, node_count=1 << 40), 'damaged metadata'),
    (one(JP, node_count='1'), "doesn't fit the file"),
    (one(JP, database_type=None), "doesn't fit the file"),
    (one(JP, build_epoch=1 << 62), 'behind the year 9999'),
    (one(JP, description={'en': Pointer(0)}), 'damaged metadata'),
    (metadata_bomb(), 'damaged metadata'),
    (assemble([(Node(0), Data(0))], JP, ip_version=4), 'damaged search tree'),
    (assemble([(Data(0), Node(1)), (Node(1), Node(1))], encode({}), ip_version=4), 'damaged search tree'),
    (assemble([(Data(0), 2)], encode({}), ip_version=4), 'damaged search tree'),
    (assemble([(Data(0), Data(100_000))], encode({}), ip_version=4), 'damaged search tree'),
    (assemble(chain(33, Data(0)), encode({}), ip_version=4), 'damaged search tree'),
    (assemble(chain(129, Data(0)), encode({})), 'damaged search tree'),
    (assemble(chain(30, Data(0)), encode({}), ip_version=4), 'damaged search tree'),
    (assemble(chain(120, Data(0)), encode({})), 'damaged search tree'),
    (one(b'\xe3' + encode('country')), 'damaged record'),
    (one(encode({'country': Raw(b'\xe5')})), 'damaged record'),
    (one(encode({'country': Pointer(1 << 30)})), 'damaged record'),
    (one(encode({7: 'JP'})), 'damaged record'),
    (one(encode({str(number): number for number in range(600)} | flat('JP'))), 'damaged record'),
    (assemble([(Data(fan_out(30)[1]), None)], fan_out(30)[0], ip_version=4), 'is no database of countries'),
    (one(encode({'x': Raw(b'\xff\xff\xff\xff'), 'country_code': 'JP'})), 'damaged record'),
], ids=itertools.count())
def test_what_is_no_country_database_is_refused(tmp_path, contents, words):
    run = geo_ranges(made(tmp_path, contents), 'facts')
    if words is None:
        assert run.returncode == 0 and run.stdout.startswith(r'\x1b[31m\u{202e}xxx') and len(run.stdout) < 1000
        return
    assert run.returncode == 1 and not run.stdout, run.stdout + run.stderr
    assert words in run.stderr and run.stderr.startswith('storage: made.mmdb: ') and run.stderr.count('\n') == 1, run.stderr
    assert all(character == '\n' or character.isprintable() for character in run.stderr)


def test_damage_behind_the_first_country_is_found_by_the_walk(tmp_path):
    path = made(tmp_path, assemble([(Data(0), Node(1)), (None, Node(1))], JP, ip_version=4))
    assert read(path, 'facts')
    for words in (['coverage'], ['ranges', 'JP']):
        run = geo_ranges(path, *words)
        assert run.returncode == 1 and run.stderr == 'storage: made.mmdb: has a damaged search tree\n'
    # the log asks for one address: it has no country
    assert locations(path, ['1.1.1.1', '200.1.1.1']) == [('JP', ipaddress.ip_network('0.0.0.0/1')), ('-', ipaddress.ip_network('192.0.0.0/3'))]


def test_every_byte_matters_to_nobody_s_memory(tmp_path):
    """Any byte changed, any length cut: an answer or a reason, never an end by a signal."""
    chance = random.Random(4)
    for number in range(60):
        contents = bytearray(SOUND)
        for _ in range(chance.randrange(1, 4)):
            contents[chance.randrange(len(contents))] = chance.choice([0, 0xff, 0x20, 0xe1, chance.randrange(256)])
        run = geo_ranges(made(tmp_path, bytes(contents[:chance.randrange(len(contents))] if number % 3 == 0 else contents)), 'ranges', 'JP')
        assert run.returncode in (0, 1), (number, run.stderr)
        assert run.returncode == 0 or run.stderr.startswith('storage: made.mmdb: ')


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / 'fifo.mmdb')
    made(tmp_path, SOUND)
    (tmp_path / 'link.mmdb').symlink_to('made.mmdb')
    for name, words in (('absent.mmdb', 'No such file'), ('fifo.mmdb', 'is no file'), ('link.mmdb', "can't be opened"), ('', 'is no file')):
        run = geo_ranges(f'{tmp_path}/{name}', 'facts')
        assert run.returncode == 1 and words in run.stderr, run.stderr


# ---- whole databases against mmdblookup -----------------------------------------------------------------------------------------------------------------------

WHOLE = {
    'image': ('country iso_code', lambda: Path(subprocess.run([ROOT / 'board/country-database'], check=True, capture_output=True, text=True).stdout.strip())),
    'dbip': ('country_code', lambda: DBIP if DBIP.exists() else pytest.skip(f'{DBIP} is not there')),
}


LISTS = ['JP', 'CN,DE', 'unknown']


@dataclass
class Whole:
    path: Path
    where: str  # how its records name the country
    ranges: dict


@pytest.fixture(scope='module', params=WHOLE)
def whole(request):
    where, find = WHOLE[request.param]
    path = find()
    return Whole(path, where, ranges(path, *LISTS))


def mmdblookup(path, where, addresses):
    """Country by address, as libmaxminddb's own program says it."""
    script = 'while read -r address; do mmdblookup --file "$0" --ip "$address" $1 2>&1; echo ----; done'
    output = subprocess.run(['bash', '-c', script, path, where], input='\n'.join(map(str, addresses)) + '\n', check=True, capture_output=True, text=True).stdout
    found = []
    for answer in output.split('----\n')[:-1]:
        words = answer.split('"')
        assert len(words) == 3 or 'Could not find an entry' in answer, answer
        found.append(words[1] if len(words) == 3 and words[1].isalpha() and words[1] != 'ZZ' else '-')
    assert len(found) == len(addresses)
    return found


def random_addresses(chance, count):
    """Half of IPv4, half of what is given out of IPv6, where the networks are."""
    networks = [0x2001, 0x2400, 0x2600, 0x2800, 0x2a00, 0x2c00]
    for _ in range(count // 2):
        yield ipaddress.IPv4Address(chance.getrandbits(32))
        top = chance.choice(networks) + chance.randrange(0x10) << 16 | chance.getrandbits(12) << 4
        yield ipaddress.IPv6Address(top << 96 | chance.getrandbits(96))


def test_every_answer_is_mmdblookup_s(whole):
    chance = random.Random(35)
    edges_of = [address for name in ('JP', 'CN,DE') for ends in chance.sample(whole.ranges[name], 200) for address in ends]
    addresses = [*random_addresses(chance, 1200), *edges_of, *(address + 1 for address in edges_of[1::2]), *(address - 1 for address in edges_of[::2])]
    found = locations(whole.path, addresses)
    assert len({country for country, _ in found}) > 30
    for address, country, (ours, prefix) in zip(addresses, mmdblookup(whole.path, whole.where, addresses), found, strict=True):
        assert address in prefix
        assert ours == country or (ours == '-' and any(address in network for network in MORE_SPECIAL)), address


def test_merged_ranges_hold_what_the_look_up_says(whole):
    chance = random.Random(36)
    asked = []  # address, list, whether the list holds it
    for names, version in itertools.product(LISTS, (4, 6)):
        mine = [(int(first), int(last)) for first, last in whole.ranges[names] if first.version == version]
        assert mine and all(first <= last for first, last in mine)
        assert all(last + 1 < first for (_, last), (first, _) in zip(mine, mine[1:])), 'sorted and merged'
        make = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
        addresses = [at for first, last in chance.sample(mine, min(len(mine), 300)) for at in (first, last, chance.randint(first, last), first - 1, last + 1)]
        addresses += [int(address) for address in random_addresses(chance, 1000) if address.version == version]
        starts = [first for first, _ in mine]
        for at in addresses:
            place = bisect.bisect_right(starts, at) - 1
            asked.append((make(at), names, place >= 0 and at <= mine[place][1]))
    for (address, names, inside), (country, _) in zip(asked, locations(whole.path, [address for address, _, _ in asked]), strict=True):
        if country not in ('-', *NO_COUNTRY):
            assert inside == (country in names.split(',')), (address, names)
        elif names == 'unknown':
            assert inside or any(address in network for network in MORE_SPECIAL), address
        else:
            assert not inside, (address, names)


def test_coverage_counts_the_countries(whole):
    coverage = dict(line.split(' ') for line in read(whole.path, 'coverage'))
    assert 2 ** 31 < float(coverage.pop('ipv4')) < 2 ** 32
    assert 2 ** 115 < float(coverage.pop('ipv6')) < 2 ** 125
    assert len(coverage) > 200 and all(int(count) > 0 for count in coverage.values())
    assert int(coverage['JP']) == len(whole.ranges['JP']) > 5000


def test_japan_of_the_large_database_merges_as_measured(whole):
    if whole.path != DBIP:
        pytest.skip('of the other database')
    assert len(whole.ranges['JP']) == 22_699
