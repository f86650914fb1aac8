# SPDX-License-Identifier: GPL-2.0-or-later
"""shellcheck on every shell script."""

import subprocess

from repository import Repository, report, sample


def problems(repository: Repository) -> list[str]:
    scripts = repository.scripts('sh')
    if not scripts:
        return []
    # SC1091: a sourced file is checked by itself. SC2016: what is quoted for an inner shell is meant to be expanded there.
    # SC3043: `local` is not POSIX, but in every shell that we meet (dash, busybox).
    checked = subprocess.run(['shellcheck', '--format=gcc', '--exclude=SC1091,SC2016,SC3043', '--', *scripts], cwd=repository.root, capture_output=True, text=True)
    return checked.stdout.splitlines() + checked.stderr.splitlines()


def test_repository():
    report(problems(Repository()))


def test_bad_sample(tmp_path):
    found = problems(sample(tmp_path, **{'tests/run': '#!/bin/sh\ncd $1\n'}))
    assert any('SC2086' in line for line in found)


def test_good_sample(tmp_path):
    assert problems(sample(tmp_path, **{'tests/run': '#!/bin/sh\necho "$1"\n'})) == []
