# SPDX-License-Identifier: GPL-2.0-or-later
"""The manifest of an image: which packages, files, programs and kernel modules it is made of (board/common/manifest)."""

from dataclasses import dataclass, field
from pathlib import Path


class ImageError(Exception):
    """The image can't be made; the text says what is missing and where it was asked for."""


@dataclass
class Manifest:
    packages: dict[str, list[str]] = field(default_factory=dict)  # package -> files taken from it
    library_packages: list[str] = field(default_factory=list)
    country_database: tuple[str, str] | None = None  # package that it is made of, path in the image
    programs: list[tuple[str, str]] = field(default_factory=list)  # path in the arm64 build -> path in the image
    installs: list[tuple[str, str, int]] = field(default_factory=list)
    directories: list[tuple[str, int]] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    applets: list[str] = field(default_factory=list)
    crypto: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    initramfs_modules: list[str] = field(default_factory=list)
    console: str = ''


def read(paths: list[Path]) -> Manifest:
    """Reads manifests one after the other into one; raises ImageError with file and line."""
    manifest = Manifest()
    for path in paths:
        package = None
        for number, line in enumerate(path.read_text().splitlines(), 1):
            words = line.split('#', 1)[0].split()
            if not words:
                continue
            try:
                package = _directive(manifest, package, words)
            except (IndexError, ValueError) as problem:
                raise ImageError(f'{path}:{number}: {line.strip()}: {problem}') from problem
    if not manifest.console:
        raise ImageError(f'{paths[-1]}: no console is named')
    return manifest


def _directive(manifest: Manifest, package: str | None, words: list[str]) -> str | None:
    """Takes one line in; returns the package that the following `file` lines belong to."""
    match words:
        case ['package', name]:
            manifest.packages.setdefault(name, [])
            return name
        case ['file', path]:
            if package is None:
                raise ValueError('no package is named above it')
            manifest.packages[package].append(path)
            return package
        case ['country-database', path]:
            if package is None:
                raise ValueError('no package is named above it')
            manifest.country_database = (package, path)
            return package
        case ['library-package', name]:
            manifest.library_packages.append(name)
        case ['program', built, destination]:
            manifest.programs.append((built, destination))
        case ['install', source, path, mode]:
            manifest.installs.append((source, path, int(mode, 8)))
        case ['directory', path, mode]:
            manifest.directories.append((path, int(mode, 8)))
        case ['link', path, target]:
            manifest.links.append((path, target))
        case ['applet', *names] if names:
            manifest.applets += names
        case ['crypto', *names] if names:
            manifest.crypto += names
        case ['module', *names] if names:
            manifest.modules += names
        case ['initramfs-module', *names] if names:
            manifest.initramfs_modules += names
        case ['console', terminal]:
            manifest.console = terminal
        case _:
            raise ValueError('not a directive of this file, or not its number of words')
    return None
