# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel and the modules it needs, in the order in which they have to be loaded.

busybox's insmod loads one file and resolves nothing: dependencies, softdeps and algorithms that the kernel asks for by name
are resolved here, when the image is made.
"""

import lzma
from pathlib import Path

from .manifest import ImageError
from .packages import Packages


class Kernel:
    def __init__(self, packages: Packages):
        versions = sorted(path.name for path in (packages.tree / 'usr/lib/modules').iterdir())
        if len(versions) != 1:
            raise ImageError(f'one kernel is expected in the packages, found: {" ".join(versions) or "none"}')
        self.version = versions[0]
        self.folder = packages.tree / 'usr/lib/modules' / self.version
        self.image = packages.tree / f'boot/vmlinuz-{self.version}'
        self._paths = {}
        self._needs = {}
        for line in (self.folder / 'modules.dep').read_text().splitlines():
            path, _, needs = line.partition(':')
            self._paths[_name(path)] = path
            self._needs[_name(path)] = [_name(need) for need in needs.split()]
        self._built_in = {_name(line) for line in (self.folder / 'modules.builtin').read_text().splitlines()}
        self._soft: dict[str, list[str]] = {}
        for line in (self.folder / 'modules.softdep').read_text().splitlines():
            words = line.split()
            if len(words) > 3 and words[0] == 'softdep':
                pre = words[words.index('pre:') + 1:] if 'pre:' in words else []
                self._soft[words[1]] = pre[:pre.index('post:')] if 'post:' in pre else pre
        lines = [line.split() for line in (self.folder / 'modules.alias').read_text().splitlines()]
        self._aliases = [(words[1], words[2]) for words in lines if len(words) == 3 and words[0] == 'alias']

    def order(self, names: list[str], crypto: list[str]) -> list[str]:
        """Module paths below the kernel's folder, each after all that it needs; built-in ones are left out."""
        ordered: list[str] = []
        for algorithm in crypto:
            for name in self._algorithm(algorithm):
                self._visit(name, ordered, ())
        for name in names:
            self._visit(name.replace('-', '_'), ordered, ())
        return [self._paths[name] for name in ordered]

    def _visit(self, name: str, ordered: list[str], way: tuple[str, ...]) -> None:
        if name in ordered or name in self._built_in:
            return
        if name not in self._paths:
            raise ImageError(f'kernel {self.version} has no module {name}' + (f' (needed by {way[-1]})' if way else ''))
        if name in way:
            return  # softdeps may run in a circle; hard ones can't
        for soft in self._soft.get(name, []):
            for found in self._soft_target(soft):
                self._visit(found, ordered, (*way, name))
        # modules.dep names the whole closure; the deepest come last in it
        for need in reversed(self._needs[name]):
            self._visit(need, ordered, (*way, name))
        ordered.append(name)

    def _soft_target(self, name: str) -> list[str]:
        plain = name.replace('-', '_')
        if plain in self._paths or plain in self._built_in:
            return [plain]
        return self._algorithm(name, wanted=False)

    def _algorithm(self, name: str, wanted: bool = True) -> list[str]:
        """The module that provides an algorithm or alias: the generic one, which runs on every processor, where there is one."""
        found = {module for alias, module in self._aliases if alias in (name, f'crypto-{name}')}
        generic = sorted(module for module in found if module.endswith('_generic'))
        if generic:
            return generic[:1]
        if found:
            return sorted(found)[:1]
        if wanted and f'{name}_generic' not in self._built_in:
            raise ImageError(f'kernel {self.version} has no module for the algorithm {name}')
        return []


def _name(path: str) -> str:
    return Path(path).name.split('.ko')[0].replace('-', '_')


def contents(module: Path) -> bytes:
    """The module as the kernel loads it; squashfs compresses it again, and better."""
    data = module.read_bytes()
    return lzma.decompress(data) if module.suffix == '.xz' else data
