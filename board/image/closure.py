# SPDX-License-Identifier: GPL-2.0-or-later
"""The libraries that programs need, found through their ELF headers."""

import re
import subprocess
from pathlib import Path

from .manifest import ImageError
from .packages import Packages

LIBRARY_FOLDERS = ('/usr/lib/aarch64-linux-gnu', '/usr/lib')


def _headers(paths: list[Path]) -> dict[Path, tuple[str, list[str]]]:
    """For each ELF file its interpreter ('' if none) and the libraries that it names; files of other formats are left out."""
    elf = [path for path in paths if path.open('rb').read(4) == b'\x7fELF']
    if not elf:
        return {}
    text = subprocess.run(['aarch64-linux-gnu-readelf', '-W', '-d', '-l', *map(str, elf)], check=True, capture_output=True, text=True).stdout
    sections = [text] if len(elf) == 1 else re.split(r'^\nFile: .*$|^File: .*$', text, flags=re.M)[1:]
    found = {}
    for path, section in zip(elf, sections, strict=True):
        interpreter = re.search(r'Requesting program interpreter: ([^\]]+)\]', section)
        found[path] = (interpreter.group(1) if interpreter else '', re.findall(r'\(NEEDED\).*\[([^\]]+)\]', section))
    return found


def libraries(programs: list[Path], packages: Packages) -> list[str]:
    """Paths inside the package tree of every library that the programs need, links included; raises ImageError."""
    taken: list[str] = []
    waiting = programs
    while waiting:
        wanted: dict[str, Path] = {}
        for path, (interpreter, names) in _headers(waiting).items():
            for name in [*names, *([interpreter] if interpreter else [])]:
                wanted.setdefault(name, path)
        waiting = []
        for name, wanted_by in sorted(wanted.items()):
            # the interpreter is named by its path, the libraries are looked for
            places = [f'/usr{name}'] if name.startswith('/') else [f'{folder}/{name}' for folder in LIBRARY_FOLDERS]
            path = next((place for place in places if (packages.tree / place[1:]).exists()), None)
            if path is None:
                raise ImageError(f'{wanted_by}: needs {name}, which is in none of the image\'s packages')
            chain = packages.resolve(path)
            if chain[-1] not in taken:
                waiting.append(packages.tree / chain[-1][1:])
            taken += [link for link in chain if link not in taken]
    return taken
