# SPDX-License-Identifier: GPL-2.0-or-later
"""clang-tidy on .cpp files, two at a time. A file that was found clean is not looked at again until something that it includes, the checks or the environment
changed: its key is a hash over all of these, and an empty file of that name in the cache means "clean". Macros and folders of headers are taken from
build/debug/compile_commands.json where it is there.

    toolchain/run python3 tests/check/tidy.py [FILE…]      all files by default"""

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from repository import ROOT, Repository

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
FLAGS = ['-I.', '-std=gnu++23', '-Wall', '-Wextra', '-Wshadow', '-Wno-unknown-warning-option', '-Wno-gnu-statement-expression-from-macro-expansion',
         '-Wno-missing-field-initializers', '-Wno-missing-designated-field-initializers']


class Tidy:
    def __init__(self, root: Path, cache: Path | None):
        self.root = root
        self.cache = cache
        self._hashes: dict[str, str] = {}
        self._includes: dict[str, set[str]] = {}
        # what the checks and the system's headers are: their configuration, this program and the environment's packages
        environment = [root / '.clang-tidy', root / 'drivers/.clang-tidy', root / 'tests/.clang-tidy', Path(__file__), ROOT / 'toolchain/packages', ROOT / 'toolchain/run']
        self._flags = self._flags_of_build(root / 'build/debug/compile_commands.json')
        self._environment = hashlib.sha256(b'\0'.join(path.read_bytes() for path in environment if path.exists())).hexdigest()

    @staticmethod
    def _flags_of_build(commands: Path) -> dict[str, list[str]]:
        """-D, -I and -isystem of each file."""
        flags: dict[str, list[str]] = {}
        for entry in json.loads(commands.read_text()) if commands.exists() else []:
            words = shlex.split(entry['command'])
            kept = [word for word in words if re.match(r'-[DI].', word)]
            kept += [word for place, name in enumerate(words) if name == '-isystem' for word in (name, words[place + 1])]
            flags[os.path.relpath(entry['file'], ROOT)] = kept
        return flags

    def flags(self, path: str) -> list[str]:
        return FLAGS + self._flags.get(path, [])

    def _read(self, path: str) -> None:
        data = (self.root / path).read_bytes()
        self._hashes[path] = hashlib.sha256(data).hexdigest()
        self._includes[path] = {name for name in INCLUDE.findall(data.decode(errors='replace')) if (self.root / name).is_file()}

    def key(self, path: str) -> str:
        """Hash of a file and of everything of ours that it includes."""
        seen, waiting = set(), [path]
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                if name not in self._includes:  # set last: two threads read
                    self._read(name)
                waiting += self._includes[name]
        text = '\n'.join([self._environment, path, *self.flags(path), *(f'{name} {self._hashes[name]}' for name in sorted(seen))])
        return hashlib.sha256(text.encode()).hexdigest()

    def check(self, path: str) -> list[str]:
        key = self.key(path)
        if self.cache and (self.cache / key).exists():
            return []
        checked = subprocess.run(['clang-tidy-19', '--quiet', path, '--', *self.flags(path)], cwd=self.root, capture_output=True, text=True)
        found = [line.removeprefix(f'{self.root}/').removeprefix('./') for line in checked.stdout.splitlines() if re.search(r': (warning|error): ', line)]
        if checked.returncode != 0 and not found:
            found = [f'{path}: clang-tidy ended with {checked.returncode}: ' + checked.stderr.strip()[-300:]]
        if not found and self.cache:
            self.cache.mkdir(parents=True, exist_ok=True)
            (self.cache / key).touch()
        return found


def problems(repository: Repository, cache: Path | None, paths: list[str] | None = None) -> list[str]:
    tidy = Tidy(repository.root, cache)
    files = paths or [path for path in repository.cpp_files if path.endswith('.cpp')]
    with ThreadPoolExecutor(2) as pool:
        # a problem in a header is found by each file that includes it
        return sorted({line for found in pool.map(tidy.check, files) for line in found})


def default_cache() -> Path:
    return Path(os.environ.get('SEKISHO_CACHE', '/var/cache/sekisho')) / 'tidy'


if __name__ == '__main__':
    lines = problems(Repository(), default_cache(), sys.argv[1:])
    print('\n'.join(lines or ['clean']))
    sys.exit(1 if lines else 0)
