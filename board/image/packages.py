# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian arm64 packages, unpacked without running their scripts, kept in the cache by their list."""

import fcntl
import hashlib
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .manifest import ImageError

# Part of the cache key: raise it when what is kept in the cache changes.
FORMAT = '3'
SUITE = 'trixie'


@dataclass
class Packages:
    tree: Path
    facts: dict[str, dict]  # package -> version, architecture, source, source_version, built_using
    owner: dict[str, str]  # path (absolute, as in the package) -> package

    def resolve(self, path: str) -> list[str]:
        """The path and every symbolic link's target on the way, all as absolute paths of the tree; raises ImageError."""
        chain = []
        while True:
            if path in chain or len(chain) > 16:
                raise ImageError(f'{path}: symbolic links in a circle')
            chain.append(path)
            real = self.tree / path.lstrip('/')
            if real.is_symlink():
                target = str(real.readlink())
                path = target if target.startswith('/') else _normal(Path(path).parent / target)
            elif real.is_file():
                return chain
            else:
                raise ImageError(f'{path} is in none of the image\'s packages')


def _normal(path: Path) -> str:
    parts: list[str] = []
    for part in path.parts[1:]:
        if part == '..':
            parts = parts[:-1]
        elif part != '.':
            parts.append(part)
    return '/' + '/'.join(parts)


def fetch(names: list[str], cache: Path, say) -> Packages:
    """Unpacks the packages and what they depend on, or takes them from the cache."""
    key = hashlib.sha256('\n'.join([FORMAT, SUITE, *sorted(names)]).encode()).hexdigest()[:16]
    folder = cache / f'image-packages-{key}'
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / 'image-packages.lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _unpack(names, folder, say)
    stored = json.loads((folder / 'packages.json').read_text())
    return Packages(folder / 'tree', stored['facts'], stored['owner'])


def _unpack(names: list[str], folder: Path, say) -> None:
    say(f'unpacking the arm64 packages of {SUITE}')
    part = folder.with_suffix('.part')
    shutil.rmtree(part, ignore_errors=True)
    tree = part / 'tree'
    part.mkdir(parents=True)
    run = subprocess.run(
        ['mmdebstrap', '--quiet', '--variant=extract', '--architectures=arm64', '--skip=cleanup/apt/cache',
         '--include=' + ','.join(sorted(names)), SUITE, str(tree)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if run.returncode != 0:
        shutil.rmtree(part, ignore_errors=True)
        raise ImageError(f'mmdebstrap could not unpack the packages:\n{run.stdout}')
    facts, owner = {}, {}
    for deb in sorted((tree / 'var/cache/apt/archives').glob('*.deb')):
        name, known, files = _read_deb(deb)
        facts[name] = known
        owner.update(dict.fromkeys(files, name))
        deb.unlink()
    # depmod and the programs look through these; base-files, which carries them, is not unpacked
    for link in ('bin', 'lib', 'sbin'):
        if not (tree / link).exists():
            (tree / link).symlink_to(f'usr/{link}')
    for version in (tree / 'usr/lib/modules').iterdir():
        subprocess.run(['depmod', '-b', str(tree), version.name], check=True)
    (part / 'packages.json').write_text(json.dumps({'facts': facts, 'owner': owner}))
    part.rename(folder)


def _read_deb(deb: Path) -> tuple[str, dict, list[str]]:
    fields = {}
    control = subprocess.run(['dpkg-deb', '-f', str(deb), 'Package', 'Version', 'Architecture', 'Source', 'Built-Using', 'Static-Built-Using'],
                             check=True, capture_output=True, text=True).stdout
    for line in control.splitlines():
        name, _, value = line.partition(': ')
        fields[name] = value
    # Source: NAME (VERSION), each left out where it equals the package's own
    source, _, source_version = fields.get('Source', fields['Package']).partition(' (')
    known = {'version': fields['Version'], 'architecture': fields['Architecture'], 'source': source,
             'source_version': source_version.rstrip(')') or fields['Version'], 'built_using': _built_using(fields)}
    archive = subprocess.Popen(['dpkg-deb', '--fsys-tarfile', str(deb)], stdout=subprocess.PIPE)
    listing = subprocess.run(['tar', '-t'], stdin=archive.stdout, check=True, capture_output=True, text=True).stdout
    if archive.wait() != 0:
        raise ImageError(f'{deb.name} could not be read')
    return fields['Package'], known, [line[1:] for line in listing.splitlines() if not line.endswith('/')]


def _built_using(fields: dict[str, str]) -> list[str]:
    """Sources whose code is part of the package's own files ("glibc 2.41-12" of a static program), from NAME (= VERSION), …"""
    found = re.findall(r'(\S+) \(= ([^)\s]+)\)', fields.get('Built-Using', '') + ', ' + fields.get('Static-Built-Using', ''))
    return sorted({f'{name} {version}' for name, version in found})
