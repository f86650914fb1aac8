# SPDX-License-Identifier: GPL-2.0-or-later
"""What must not stand in a file: unfinished business, expensive headers in headers, and places that exist on one machine only."""

import re

import pytest
from repository import Repository, report, sample

HEAVY_HEADERS = re.compile(r'#\s*include\s*<(format|print|ranges|regex|iostream)>')
UNFINISHED = re.compile(r'\b(TO' r'DO|FIX' r'ME|X' r'XX|HA' r'CK)\b')
# Folders of a developer's machine, and hosts that packages come from: the environment takes both from where it runs.
MACHINE = re.compile(r'(?<![\w.$}/-])/(work|home|Users|root/\w|tmp/s)/|https?://(?!(www\.)?(w3\.org|example\.(com|org|net)|[\w.-]+\.(test|example|invalid)|127\.0\.0\.1|\[::1\]|\d+\.\d+\.\d+\.\d+))[\w.-]*'
                     r'(deb|debian|mirror|proxy|artifact|registry|pypi|npm|crates)[\w.-]*')
# The texts that these checks look for stand here, the licence is not ours to change.
EXCEPT = ('tests/check/test_text.py', 'LICENSE', 'tests/fuzz/seeds/')


def search(repository: Repository, pattern: re.Pattern[str], paths: list[str]) -> list[str]:
    return [f'{path}:{number}: {line.strip()[:100]}' for path in paths if not path.startswith(EXCEPT) and repository.is_text(path)
            for number, line in enumerate(repository.lines(path), 1) if pattern.search(line)]


def heavy_headers(repository: Repository) -> list[str]:
    return search(repository, HEAVY_HEADERS, repository.under(suffixes=('.hpp',)))


def unfinished(repository: Repository) -> list[str]:
    return search(repository, UNFINISHED, repository.files)


def machine(repository: Repository) -> list[str]:
    return search(repository, MACHINE, repository.files)


def compiles(repository: Repository) -> list[str]:
    """Python that is no Python (scripts that a test never calls would not be noticed)."""
    found = []
    for path in repository.scripts('python'):
        try:
            compile(repository.text(path), path, 'exec', dont_inherit=True)
        except SyntaxError as problem:
            found.append(f'{path}:{problem.lineno}: {problem.msg}')
    return found


CHECKS = [heavy_headers, unfinished, machine, compiles]


@pytest.mark.parametrize('check', CHECKS)
def test_repository(check):
    report(check(Repository()))


@pytest.mark.parametrize('check, path, text', [
    (heavy_headers, 'policy/base/a.hpp', '#include <regex>'),
    (unfinished, 'policy/base/a.cpp', '// TO' 'DO: later'),
    (unfinished, 'tests/run', '# FIX' 'ME'),
    (machine, 'tests/run', 'cat /wo' 'rk/main/file'),
    (machine, 'board/image/a.py', "URL = 'http://deb." "debian.org/debian'"),
    (machine, 'README.md', 'see /home/' 'somebody/sekisho'),
    (compiles, 'board/image/a.py', 'def broken(:\n'),
    (compiles, 'board/tool', '#!/usr/bin/env python3\nif True\n'),
])
def test_bad_sample(tmp_path, check, path, text):
    found = check(sample(tmp_path, **{path: text}))
    assert len(found) == 1 and found[0].startswith(f'{path}:')


@pytest.mark.parametrize('check', CHECKS)
def test_good_sample(tmp_path, check):
    assert check(sample(tmp_path, **{'policy/base/a.hpp': '#include <string>', 'tests/a.py': "URL = 'http://clinic.example/'\nHOME = '/root'\n"})) == []
