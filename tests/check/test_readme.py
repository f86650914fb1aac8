# SPDX-License-Identifier: GPL-2.0-or-later
"""README.md is short, and what it points at is there."""

import re

import pytest
from repository import Repository, report, sample

LEAST_WORDS, MOST_WORDS = 300, 700
LINK = re.compile(r'\[[^\]]*\]\(([^)#\s]+)[^)]*\)')
# A path in backquotes counts as a promise that it exists: it has a slash and begins with a folder of the top level.
QUOTED_PATH = re.compile(r'`((?:policy|drivers|firmware|board|toolchain|tests)/[\w./-]*)')


def problems(repository: Repository) -> list[str]:
    if 'README.md' not in repository.files:
        return ['README.md: is not there']
    text = repository.text('README.md')
    found = []
    words = len(text.split())
    if not LEAST_WORDS <= words <= MOST_WORDS:
        found.append(f'README.md: {words} words, {LEAST_WORDS} to {MOST_WORDS} are wanted')
    for target in LINK.findall(text) + QUOTED_PATH.findall(text):
        if '://' not in target and not (repository.root / target).exists():
            found.append(f'README.md: {target}: no such file')
    return found


def test_repository():
    report(problems(Repository()))


@pytest.mark.parametrize('text, word', [
    ('word ' * (LEAST_WORDS - 1), 'words'),
    ('word ' * (MOST_WORDS + 1), 'words'),
    ('word ' * LEAST_WORDS + '[notes](policy/NOTES.md)', 'policy/NOTES.md'),
    ('word ' * LEAST_WORDS + '`tests/walk --all`', 'tests/walk'),
])
def test_bad_sample(tmp_path, text, word):
    found = problems(sample(tmp_path, **{'README.md': text}))
    assert len(found) == 1 and word in found[0]


def test_good_sample(tmp_path):
    assert problems(sample(tmp_path, **{'README.md': 'word ' * LEAST_WORDS + '[run](tests/run) `tests/run unit`', 'tests/run': ''})) == []
