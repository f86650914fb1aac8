# SPDX-License-Identifier: GPL-2.0-or-later
"""The image as it lies in the build folder: what it is made of, and that its list of components and its hash say so. No router runs here."""

import gzip
import ipaddress
import itertools
import json
import os
import random
import re
import stat
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
from router import CHECKOUT, IMAGE

from board.image import manifest as manifests, packages as debian, support
from board.image.manifest import ImageError

ROOT = IMAGE / 'root'
ARCHITECTURE = 'arm64'
FACTS = {'package', 'version', 'architecture', 'source', 'source_version', 'built_using', 'files', 'initramfs'}


@pytest.fixture(scope='module')
def components() -> dict[str, dict]:
    listed = json.loads((ROOT / 'usr/share/sekisho/components.json').read_text())
    assert json.loads((IMAGE / 'components.json').read_text()) == listed
    assert len({entry['package'] for entry in listed}) == len(listed)
    return {entry['package']: entry for entry in listed}


@pytest.fixture(scope='module')
def identity() -> dict[str, str]:
    return dict(line.split(' ', 1) for line in (ROOT / 'usr/share/sekisho/identity').read_text().splitlines())


def initramfs_files() -> set[str]:
    """Files of the initramfs, as cpio itself lists them; folders and devices are left out."""
    archive = subprocess.run(['zstd', '-dqc', str(IMAGE / 'initramfs.cpio.zst')], check=True, capture_output=True).stdout
    found, place = set(), 0
    while True:
        header = archive[place:place + 110]
        assert header[:6] == b'070701'
        mode, size, name_size = (int(header[at:at + 8], 16) for at in (14, 54, 94))
        name = archive[place + 110:place + 110 + name_size - 1].decode()
        if name == 'TRAILER!!!':
            return found
        if stat.S_ISREG(mode) or stat.S_ISLNK(mode):
            found.add('/' + name)
        place = (place + 110 + name_size + 3) // 4 * 4
        place = (place + size + 3) // 4 * 4


def test_the_image_hash_is_what_the_image_is_made_of(identity):
    computed = subprocess.run([CHECKOUT / 'board/image-hash', IMAGE], check=True, capture_output=True, text=True).stdout
    assert re.fullmatch(r'[0-9a-f]{64}\n', computed)
    assert identity['image-hash'] == computed.strip() == json.loads((IMAGE / 'manifest.json').read_text())['identity']['image-hash']


def test_every_file_of_the_root_belongs_to_one_component(components):
    listed = [path for entry in components.values() for path in entry['files']]
    assert len(listed) == len(set(listed))
    present = {'/' + str(path.relative_to(ROOT)) for path in ROOT.rglob('*') if path.is_symlink() or not path.is_dir()}
    assert set(listed) == present


def test_every_file_of_the_initramfs_belongs_to_one_component(components):
    listed = [path for entry in components.values() for path in entry['initramfs']]
    assert len(listed) == len(set(listed))
    assert set(listed) == initramfs_files()


def test_every_component_is_in_the_image_and_complete(components):
    for name, entry in components.items():
        assert entry.keys() - {'kernel'} == FACTS, name
        assert all(entry[key] for key in FACTS - {'built_using', 'files', 'initramfs'}), name
        assert entry['files'] or entry['initramfs'] or 'kernel' in entry, name
    assert [name for name, entry in components.items() if 'kernel' in entry] == [name for name in components if name.startswith('linux-image-')]


def newest_entry(folder: Path) -> tuple[str, str] | None:
    """Source and version of the newest entry of a package's changelog; that of a rebuild on the architecture comes before the source's."""
    for name in (f'changelog.Debian.{ARCHITECTURE}.gz', 'changelog.Debian.gz', 'changelog.gz'):
        if (folder / name).is_file():
            found = re.match(r'(\S+) \(([^)]+)\) ', gzip.decompress((folder / name).read_bytes()).decode())
            return (found[1], found[2]) if found else None
    return None


def packages_of_the_image() -> debian.Packages:
    manifest = manifests.read([CHECKOUT / 'board/common/manifest', CHECKOUT / 'board/qemu-virt/manifest'])
    return debian.fetch([*manifest.packages, *manifest.library_packages], Path(os.environ.get('SEKISHO_CACHE', '/var/cache/sekisho')), print)


def test_versions_are_the_ones_that_the_packages_bear(components):
    """A package's own changelog was written by whoever made the package, and the list was not made from it."""
    packages = packages_of_the_image()
    compared = 0
    for name, entry in components.items():
        if name == 'sekisho':
            continue
        assert entry['version'] == packages.facts[name]['version']
        newest = newest_entry(packages.tree / 'usr/share/doc' / name)
        if newest is None:
            continue
        compared += 1
        assert newest in ((entry['source'], entry['version']), (entry['source'], entry['source_version'])), name
    assert compared > len(components) / 2, f'only {compared} of {len(components)} packages have a changelog'


def test_versions_are_the_ones_that_the_files_say(components):
    def says(path: str, pattern: bytes) -> str:
        found = re.search(pattern, (ROOT / path).resolve().read_bytes())
        assert found, f'{path} says nothing like {pattern}'
        return found[1].decode()

    def upstream(package: str) -> str:
        """Of [EPOCH:]UPSTREAM[-REVISION]; what Debian adds to an upstream version begins with +, ~ or the revision."""
        return re.split(r'[-+~]', components[package]['version'].split(':')[-1])[0]

    assert says('usr/bin/busybox', rb'BusyBox v[\d.]+ \(Debian ([^)]+)\)') == components['busybox-static']['version']
    assert says('usr/sbin/chronyd', rb'\0(\d\.\d(?:\.\d)?)\0') == upstream('chrony')
    assert says('usr/lib/aarch64-linux-gnu/libc.so.6', rb'GNU C Library \(Debian GLIBC ([^)]+)\)') == components['libc6']['version']
    assert says('usr/lib/aarch64-linux-gnu/libpcap.so.0.8', rb'libpcap version (\d[\d.]+\d)') == upstream('libpcap0.8t64')
    # the soname's file bears the library's version
    assert (ROOT / 'usr/lib/aarch64-linux-gnu/libuv.so.1').resolve().name == 'libuv.so.1.0.0'
    assert (ROOT / 'usr/lib/aarch64-linux-gnu/libyyjson.so.0').resolve().name == f'libyyjson.so.{upstream("libyyjson0")}'
    kernel = gzip.decompress((IMAGE / 'kernel').read_bytes())
    release, built = re.search(rb'Linux version (\S+) .* Debian (\S+) \(', kernel).groups()
    [package] = [name for name, entry in components.items() if 'kernel' in entry]
    assert release.decode() == components[package]['kernel'] == json.loads((IMAGE / 'manifest.json').read_text())['kernel_version']
    assert built.decode() == components[package]['version']
    assert [path.name for path in (ROOT / 'usr/lib/modules').iterdir()] == [release.decode()]
    assert components['sekisho']['version'] == dict(line.split(' ', 1) for line in (ROOT / 'usr/share/sekisho/identity').read_text().splitlines())['version']


def test_the_country_database_is_made_of_the_package_that_owns_it(components):
    database = ROOT / 'usr/share/sekisho/country.mmdb'
    package = components['tor-geoipdb']
    assert package['files'] == ['/usr/share/sekisho/country.mmdb'] and not package['initramfs']
    told = subprocess.run(['mmdblookup', '--verbose', '--file', database, '--ip', '133.11.0.1'], check=True, capture_output=True, text=True).stdout
    assert 'Type:          Sekisho-Country' in told and '"JP"' in told
    assert f'IPFire Location Database (https://location.ipfire.org/), CC BY-SA 4.0, via Debian tor-geoipdb {package["version"]}\n' in told
    # every range of the package's own text is in it: first and last address of a thousand of them
    tree = packages_of_the_image().tree
    for name, to_address in (('geoip', lambda text: ipaddress.IPv4Address(int(text))), ('geoip6', ipaddress.IPv6Address)):
        text = (tree / 'usr/share/tor' / name).read_text()
        date = re.search(r'^# Generated: \w+, (\d+ \w+ \d{4}) ', text, re.MULTILINE)[1]
        assert datetime.strptime(date, '%d %b %Y').strftime('(%Y-%m-%d ') in told
        lines = [line.split(',') for line in text.splitlines() if not line.startswith('#')]
        for first, last, country in random.Random(4).sample(lines, 250):
            for address in (to_address(first), to_address(last)):
                run = subprocess.run(['mmdblookup', '--file', database, '--ip', str(address), 'country', 'iso_code'], capture_output=True, text=True)
                expected = {'UK': 'GB', '??': None, 'ZZ': None, '': None}.get(country, country)
                assert (f'"{expected}"' in run.stdout) if expected else run.returncode != 0, (address, country)


def test_a_static_program_names_the_library_inside_it(components):
    inside = [line for line in components['busybox-static']['built_using'] if re.fullmatch(r'glibc \d+\.\d+-\S+', line)]
    assert len(inside) == 1, components['busybox-static']['built_using']


def test_an_image_that_nobody_promised_anything_for_has_no_record():
    assert not (ROOT / 'usr/share/sekisho/support.json').exists()
    assert not list((CHECKOUT / 'board').glob('*/support.json'))


RECORD = {
    'promised_by': 'Example K.K.', 'source': 'https://www.example.com/lifecycle', 'product': 'Sekisho', 'version': '0.1',
    'core': {'$schema': 'https://docs.oasis-open.org/openeox/v1.0/schema/core.json', 'end_of_security_support': '2033-03-31T14:59:59Z',
             'end_of_life': '2033-03-31T23:59:59+09:00', 'last_updated': '2026-11-01T00:00:00Z'}}


def judge(tmp_path: Path, contents: str) -> bytes:
    path = tmp_path / 'support.json'
    path.write_text(contents)
    return support.read(path, 'Sekisho', '0.1.2')


def test_a_record_is_taken_as_it_is(tmp_path):
    assert judge(tmp_path, json.dumps(RECORD | {'promised_by': '例\u3000株式会社'}, ensure_ascii=False))
    for version in ('0.1', '0.1.2'):
        contents = json.dumps(RECORD | {'version': version, 'end_of_full_support': '2030-01-01T00:00:00.5Z'}, indent=2)
        assert judge(tmp_path, contents) == contents.encode()
    assert judge(tmp_path, json.dumps(RECORD | {'core': RECORD['core'] | {'end_of_life': 'tba', 'general_availability': 'tba'}}))


def test_the_page_s_example_is_a_record(tmp_path):
    page = (CHECKOUT / 'policy/lifecycle/REFERENCE.md').read_text()
    judge(tmp_path, '\n'.join(line for line in page.splitlines() if line.startswith('    ')))


def core(**members) -> str:
    return json.dumps(RECORD | {'core': RECORD['core'] | members})


@pytest.mark.parametrize('contents, words', [
    ('{', 'Expecting'),
    ('[]', 'record: is no JSON object'),
    ('{"version": "0.1", ' + json.dumps(RECORD)[1:], 'version: is there twice'),
    (json.dumps(RECORD | {'promised_by': ' '}), 'promised_by'),
    (json.dumps({name: value for name, value in RECORD.items() if name != 'source'}), 'lacks source'),
    (json.dumps(RECORD | {'until': '2033-03-31'}), 'does not have until'),
    (json.dumps(RECORD | {'product': 'Kekkai'}), 'product: is Kekkai'),
    (json.dumps(RECORD | {'version': '0.2'}), 'not the line of 0.1.2'),
    (json.dumps(RECORD | {'version': '0'}), 'not the line of 0.1.2'),
    (json.dumps(RECORD | {'version': '0.1.20'}), 'not the line of 0.1.2'),
    (json.dumps(RECORD | {'end_of_full_support': 'tba'}), 'end_of_full_support: tba is no date'),
    (json.dumps(RECORD | {'end_of_full_support': '2033-03-31T15:00:00Z'}), 'later than'),
    (json.dumps(RECORD | {'promised_by': 'x' * 257}), 'promised_by'),
    (json.dumps(RECORD | {'promised_by': 'a\nb'}), 'promised_by'),
    (json.dumps(RECORD) + ' ' * 16_384, 'longer than'),
    (core(end_of_life='2033-03-31'), 'end_of_life: 2033-03-31 is no date'),
    (core(end_of_life='2033-03-31t14:59:59Z'), 'is no date'),
    (core(end_of_life='2033-02-30T14:59:59Z'), 'support.json'),
    (core(end_of_life='2033-06-30T23:59:60Z'), 'support.json'),
    (core(end_of_life='2033-03-31T14:59:58Z'), 'end_of_security_support: is later than end_of_life'),
    (core(general_availability='2033-03-31T15:00:00Z'), 'earlier than general_availability'),
    (core(last_updated='tba'), 'last_updated: tba is no date'),
    (core(**{'$schema': 'https://www.example.com/'}), 'core.$schema'),
    (core(end_of_support='tba'), 'does not have end_of_support'),
    (core(end_of_life=None), 'end_of_life'),
], ids=itertools.count())
def test_what_is_no_record_is_refused(tmp_path, contents, words):
    with pytest.raises(ImageError, match=re.escape(words)):
        judge(tmp_path, contents)


def test_the_build_names_the_record_that_it_refuses(tmp_path):
    path = tmp_path / 'promise.json'
    path.write_text(json.dumps(RECORD | {'version': '9.9'}))
    run = subprocess.run([CHECKOUT / 'board/build-image', 'qemu-virt', '--support', path, '--out', tmp_path / 'image'], capture_output=True, text=True)
    assert run.returncode != 0 and f'{path}: version: 9.9 is not the line of' in run.stderr, run.stderr
    assert not (tmp_path / 'image/root.squashfs').exists()
