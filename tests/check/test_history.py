# SPDX-License-Identifier: GPL-2.0-or-later
"""Subjects of commits: `area: part: do thing`, at most 72 characters."""

import re
import subprocess

import pytest
from repository import ROOT, report

SUBJECT = re.compile(r'[a-z][\w.-]*: [a-z.][\w ,./-]*: \S.*')
MOST = 72
AREAS = {'policy', 'drivers', 'firmware', 'board', 'toolchain', 'tests', 'project'}


def problems(subjects: list[tuple[str, str]]) -> list[str]:
    found = []
    for commit, subject in subjects:
        if len(subject) > MOST:
            found.append(f'{commit}: {len(subject)} characters, at most {MOST}: {subject}')
        elif not SUBJECT.fullmatch(subject):
            found.append(f'{commit}: not "area: part: do thing": {subject}')
        elif subject.split(':')[0] not in AREAS:
            found.append(f'{commit}: area is none of {", ".join(sorted(AREAS))}: {subject}')
        elif subject.endswith('.'):
            found.append(f'{commit}: ends with a full stop: {subject}')
    return found


def test_repository():
    log = subprocess.run(['git', '-c', 'safe.directory=*', 'log', '--no-merges', '--format=%h%x09%s'], cwd=ROOT, capture_output=True, text=True)
    if log.returncode != 0:
        pytest.skip('no git history here: ' + (log.stderr.strip().splitlines() or ['git log failed'])[0])
    report(problems([tuple(line.split('\t', 1)) for line in log.stdout.splitlines()]))


@pytest.mark.parametrize('subject', [
    'fix things',
    'policy: add the parser',
    'policy: config: add ' + 'x' * 60,
    'Policy: config: add the parser',
    'misc: config: add the parser',
    'policy: config: add the parser.',
])
def test_bad_sample(subject):
    assert len(problems([('abc', subject)])) == 1


def test_good_sample():
    assert problems([('abc', 'policy: config: add the parser'), ('abd', 'tests: check: judge subjects')]) == []
