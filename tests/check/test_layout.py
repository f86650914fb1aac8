# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands where: the top level, notes in every source folder, the length of files, their licence."""

import re

import pytest
from repository import Repository, report, sample

FOLDERS = {'policy', 'drivers', 'firmware', 'board', 'toolchain', 'tests'}
TOP_FILES = {'CMakeLists.txt', 'CMakePresets.json', 'README.md', 'LICENSE'}
MOST_LINES = 600
LICENCE = re.compile(r'SPDX-License-Identifier: GPL-2\.0-or-later$')
# Formats without comments, texts for people, samples that must be as they are, and the package list, whose hash is the environment's key.
WITHOUT_LICENCE = re.compile(r'.*\.(json|md|pcap|pcapng)|LICENSE|\.gitignore|\.clang-(format|tidy)|toolchain/packages|tests/golden/.*|tests/fuzz/seeds/.*|.*/etc/(group|passwd)')
LENGTH_COUNTS = ('.cpp', '.hpp', '.py', '.sh')


def top_level(repository: Repository) -> list[str]:
    allowed = FOLDERS | TOP_FILES
    return sorted({f'{path.split("/")[0]}: not part of the top level' for path in repository.files
                   if path.split('/')[0] not in allowed and not path.startswith('.')})


def notes(repository: Repository) -> list[str]:
    sources = repository.under('policy/', 'drivers/', 'firmware/', suffixes=('.cpp', '.hpp'))
    folders = sorted({path.rsplit('/', 1)[0] for path in sources})
    return [f'{folder}: has no NOTES.md' for folder in folders if f'{folder}/NOTES.md' not in repository.files]


def lengths(repository: Repository) -> list[str]:
    paths = sorted({*repository.under(suffixes=LENGTH_COUNTS), *repository.scripts('sh'), *repository.scripts('python')})
    counts = {path: len(repository.lines(path)) for path in paths}
    return [f'{path}: {count} lines, at most {MOST_LINES}' for path, count in counts.items() if count > MOST_LINES]


def licences(repository: Repository) -> list[str]:
    found = []
    for path in repository.files:
        if WITHOUT_LICENCE.fullmatch(path) or not repository.is_text(path):
            continue
        lines = repository.lines(path)
        head = lines[:2] if lines and lines[0].startswith('#!') else lines[:1]
        if not any(LICENCE.search(line.removesuffix(' -->')) for line in head):
            found.append(f'{path}: does not begin with its SPDX-License-Identifier')
    return found


CHECKS = [top_level, notes, lengths, licences]


@pytest.mark.parametrize('check', CHECKS)
def test_repository(check):
    report(check(Repository()))


@pytest.mark.parametrize('check, path, text', [
    (top_level, 'src/a.cpp', ''),
    (top_level, 'HACKING.md', ''),
    (notes, 'policy/base/a.cpp', ''),
    (lengths, 'policy/base/a.cpp', '\n' * (MOST_LINES + 1)),
    (lengths, 'tests/run', '#!/usr/bin/env bash\n' * (MOST_LINES + 1)),
    (licences, 'policy/base/a.cpp', '#pragma once\n// SPDX-License-Identifier: GPL-2.0-or-later\n'),
    (licences, 'tests/run', '#!/bin/sh\n'),
    (licences, 'board/common/default.conf', '# SPDX-License-Identifier: MIT\n'),
])
def test_bad_sample(tmp_path, check, path, text):
    found = check(sample(tmp_path, **{path: text}))
    assert len(found) == 1 and found[0].startswith(path.split('/')[0])


@pytest.mark.parametrize('check', CHECKS)
def test_good_sample(tmp_path, check):
    licence = 'SPDX-License-Identifier: GPL-2.0-or-later\n'
    assert check(sample(tmp_path, **{'policy/base/a.cpp': '// ' + licence + '\n' * (MOST_LINES - 1), 'policy/base/NOTES.md': 'x', 'tests/run': '#!/bin/sh\n# ' + licence})) == []
