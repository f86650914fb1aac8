# SPDX-License-Identifier: GPL-2.0-or-later
"""The country database of the image, made of the files of Debian's tor-geoipdb and kept in the cache by its input."""

import fcntl
import hashlib
import os
import subprocess
from pathlib import Path

from .manifest import ImageError

PACKAGE = 'tor-geoipdb'
SOURCES = ('usr/share/tor/geoip', 'usr/share/tor/geoip6')
MAKER = Path(__file__).with_name('make-country-database')


def make(root: Path, version: str, cache: Path, say) -> Path:
    """The database (.mmdb) made of the files that this version of the package put below `root`; raises ImageError."""
    inputs = [MAKER, *(root / source for source in SOURCES)]
    digest = hashlib.sha256(version.encode())
    for path in inputs:
        if not path.is_file():
            raise ImageError(f'{path}: not there; {PACKAGE} brings it')
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    made = cache / f'country-{digest.hexdigest()[:16]}.mmdb'
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / 'country.lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            say(f'country database of {PACKAGE} {version}')
            part = made.with_suffix('.part')
            # Perl's own order of hashes differs from run to run
            run = subprocess.run(['perl', MAKER, version, *inputs[1:], part], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                 env={**os.environ, 'PERL_HASH_SEED': '0', 'LC_ALL': 'C'})
            if run.returncode != 0:
                part.unlink(missing_ok=True)
                raise ImageError(f'the country database could not be made:\n{run.stdout}')
            part.rename(made)
    return made
