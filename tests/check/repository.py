# SPDX-License-Identifier: GPL-2.0-or-later
"""The files that the checks judge: what git knows or would take, without what it ignores. A bad sample is a folder of its own, made with sample()."""

import os
import subprocess
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_SOURCE = {'.git', 'build', '__pycache__', '.pytest_cache'}


class Repository:
    def __init__(self, root: Path = ROOT):
        self.root = root

    @cached_property
    def files(self) -> list[str]:
        """Paths from the root, sorted."""
        listed = subprocess.run(['git', '-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
                                cwd=self.root, capture_output=True, text=True) if (self.root / '.git').exists() else None
        if listed and listed.returncode == 0:
            return sorted(path for path in set(listed.stdout.split('\0')) if path and (self.root / path).is_file())
        found = []
        for folder, subfolders, names in os.walk(self.root):
            subfolders[:] = [name for name in subfolders if name not in NOT_SOURCE]
            found += [str((Path(folder) / name).relative_to(self.root)) for name in names]
        return sorted(found)

    def under(self, *folders: str, suffixes: tuple[str, ...] = ()) -> list[str]:
        return [path for path in self.files if (not folders or path.startswith(folders)) and (not suffixes or path.endswith(suffixes))]

    @property
    def cpp_files(self) -> list[str]:
        return self.under(suffixes=('.cpp', '.hpp'))

    def scripts(self, language: str) -> list[str]:
        """Files of a scripting language (`sh` or `python`), by their ending or their first line."""
        ending = {'sh': '.sh', 'python': '.py'}[language]
        return [path for path in self.files if path.endswith(ending) or ('.' not in Path(path).name and language in self.first_line(path))]

    def first_line(self, path: str) -> str:
        with open(self.root / path, 'rb') as file:
            line = file.readline(200)
        return line.decode(errors='replace').rstrip() if line.startswith(b'#!') else ''

    def is_text(self, path: str) -> bool:
        with open(self.root / path, 'rb') as file:
            return b'\0' not in file.read(8192)

    def text(self, path: str) -> str:
        return (self.root / path).read_text(errors='replace')

    def lines(self, path: str) -> list[str]:
        return self.text(path).splitlines()


def sample(folder: Path, **files: str) -> Repository:
    """A repository of a few files; '__' in a name stands for '/', '_dot_' for '.'."""
    for name, text in files.items():
        path = folder / name.replace('__', '/').replace('_dot_', '.')
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Repository(folder)


def report(problems: list[str]) -> None:
    """Fails the test with one problem per line."""
    import pytest
    if problems:
        pytest.fail(f'{len(problems)} problem(s):\n' + '\n'.join(problems), pytrace=False)
