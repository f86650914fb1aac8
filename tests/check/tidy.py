# SPDX-License-Identifier: GPL-2.0-or-later
"""clang-tidy on .cpp files: those of a folder together, where they can be read as one file, for most of the time goes into their headers. Where something
is found it looks at each by itself. A file that was found clean is not looked at again until something that it includes, the checks or the environment changed:
its key is a hash over all of these, and an empty file of that name in the cache means "clean". Macros and folders of headers are taken from
build/debug/compile_commands.json where it is there.

    toolchain/run python3 tests/check/tidy.py [FILE…]      all files by default"""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from repository import ROOT, Repository

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
FLAGS = ['-I.', '-std=gnu++23', '-Wall', '-Wextra', '-Wshadow', '-Wno-unknown-warning-option', '-Wno-gnu-statement-expression-from-macro-expansion',
         '-Wno-missing-field-initializers', '-Wno-missing-designated-field-initializers',
         '-DCPPUTEST_MEM_LEAK_DETECTION_DISABLED']  # it redefines `new`, after which no further header of the standard library can be read
NAME = re.compile(r'''^(?:template\s*<[^>]*>\s*)?(?:
    (?:struct|class|enum(?:\s+class)?|union)\s+(\w+)(?!\w|::)
    |using\s+(\w+)\s*=
    |(?!(?:using|namespace|TEST|TEST_GROUP)\b)[\w\[][^(={;\#]*?[\s*&](\w+|operator[^\s(]+)\s*[(={;\[]  # a function or a variable, after its type
    )''', re.VERBOSE)
MOST_TOGETHER = 20
ANALYSED = 'drivers/'  # alone: the path-sensitive analyzer passes over functions that are not in the file it is given


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

    def is_clean(self, path: str) -> bool:
        return self.cache is not None and (self.cache / self.key(path)).exists()

    def remember(self, path: str) -> None:
        if self.cache:
            self.cache.mkdir(parents=True, exist_ok=True)
            (self.cache / self.key(path)).touch()

    def run(self, path: str, flags: list[str]) -> list[str]:
        checked = subprocess.run(['clang-tidy-19', '--quiet', path, '--', *flags], cwd=self.root, capture_output=True, text=True)
        found = [line.removeprefix(f'{self.root}/').removeprefix('./') for line in checked.stdout.splitlines() if re.search(r': (warning|error): ', line)]
        if checked.returncode != 0 and not found:
            found = [f'{path}: clang-tidy ended with {checked.returncode}: ' + checked.stderr.strip()[-300:]]
        return found

    def check(self, batch: list[str]) -> list[str]:
        """What is wrong in a batch: read as one file, without those in which something is found; these by themselves."""
        alone: list[str] = []
        while len(batch) > 1 and (lines := self._found_together(batch)):
            named = [path for path in batch if any(line.startswith(f'{path}:') for line in lines)] or batch
            alone += named
            batch = [path for path in batch if path not in named]
        found = {path: [] for path in batch} if len(batch) > 1 else {}
        found |= {path: self.run(path, self.flags(path)) for path in [*alone, *batch] if path not in found}
        for path, lines in found.items():
            if not lines:
                self.remember(path)
        return [line for lines in found.values() for line in lines]

    def _found_together(self, batch: list[str]) -> list[str]:
        with tempfile.TemporaryDirectory(prefix='tidy-') as temporary:
            folder = Path(temporary, os.path.dirname(batch[0]))
            folder.mkdir(parents=True)
            for above in [Path(batch[0]).parent, *Path(batch[0]).parent.parents]:  # the checks of a folder are found from where a file is
                if (self.root / above / '.clang-tidy').exists():
                    shutil.copy(self.root / above / '.clang-tidy', Path(temporary, above))
            source = folder / 'batch.cpp'
            source.write_text(''.join(f'#include "{path}" // NOLINT(bugprone-suspicious-include)\n' for path in batch))
            return self.run(str(source), self.flags_of(batch))

    def flags_of(self, batch: list[str]) -> list[str]:
        """Of files with the same macros: what one of them needs to find its headers, all may have."""
        flags = [*FLAGS, *(flag for flag in self.flags(batch[0]) if flag.startswith('-D'))]
        for path in batch:
            words = self.flags(path)
            for place, word in enumerate(words):
                if word == '-isystem' and words[place + 1] not in flags:
                    flags += [word, words[place + 1]]
                elif word.startswith('-I') and word not in flags:
                    flags.append(word)
        return flags

    def batches(self, paths: list[str]) -> list[list[str]]:
        """Files of one folder with the same macros and no name in common: most of the work on a file is its headers, and a batch has that once."""
        batches: list[tuple[tuple[str, ...], list[str], set[str]]] = []
        for path in paths:
            kind = (os.path.dirname(path), *(flag for flag in self.flags(path) if flag.startswith('-D')))
            names = own_names((self.root / path).read_text(errors='replace'))
            for other, batch, taken in batches:
                if other == kind and not path.startswith(ANALYSED) and len(batch) < MOST_TOGETHER and not taken & names:
                    batch.append(path)
                    taken |= names
                    break
            else:
                batches.append((kind, [path], names))
        return sorted((batch for _, batch, _ in batches), key=len, reverse=True)


def own_names(text: str) -> set[str]:
    """What a source file names at its outermost level. A name too many only parts two files; with one too few they don't compile together, and are looked at alone."""
    return {next(name for name in found.groups() if name) for line in text.splitlines() if (found := NAME.match(line))}


def problems(repository: Repository, cache: Path | None, paths: list[str] | None = None) -> list[str]:
    tidy = Tidy(repository.root, cache)
    files = [path for path in paths or repository.cpp_files if path.endswith('.cpp') and not tidy.is_clean(path)]
    with ThreadPoolExecutor(2) as pool:
        # a problem in a header is found by each file that includes it
        return sorted({line for found in pool.map(tidy.check, tidy.batches(files)) for line in found})


def default_cache() -> Path:
    return Path(os.environ.get('SEKISHO_CACHE', '/var/cache/sekisho')) / 'tidy'


if __name__ == '__main__':
    lines = problems(Repository(), default_cache(), sys.argv[1:])
    print('\n'.join(lines or ['clean']))
    sys.exit(1 if lines else 0)
