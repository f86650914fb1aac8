# SPDX-License-Identifier: GPL-2.0-or-later
"""Every C++ file is as clang-format leaves it (.clang-format)."""

import shutil
import subprocess

from repository import ROOT, Repository, report, sample


def problems(repository: Repository) -> list[str]:
    if not repository.cpp_files:
        return []
    checked = subprocess.run(['clang-format-19', '--dry-run', '-Werror', '--ferror-limit=1', '--', *repository.cpp_files], cwd=repository.root,
                             capture_output=True, text=True)
    return [line for line in checked.stderr.splitlines() if 'error:' in line]


def test_repository():
    report(problems(Repository()))


def test_bad_sample(tmp_path):
    shutil.copy(ROOT / '.clang-format', tmp_path)
    assert len(problems(sample(tmp_path, **{'policy/base/a.cpp': 'int  main( ){return 0 ;}\n'}))) == 1


def test_good_sample(tmp_path):
    shutil.copy(ROOT / '.clang-format', tmp_path)
    assert problems(sample(tmp_path, **{'policy/base/a.cpp': 'int main() {\n    return 0;\n}\n'})) == []
