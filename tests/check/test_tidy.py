# SPDX-License-Identifier: GPL-2.0-or-later
"""clang-tidy finds nothing (.clang-tidy says what it looks for and why)."""

import shutil

import pytest
import tidy
from repository import ROOT, Repository, report, sample


def test_repository():
    report(tidy.problems(Repository(), tidy.default_cache()))


@pytest.mark.parametrize('text, check', [
    ('#include <string>\n#include <utility>\nstd::string twice(std::string a) {\n    std::string b = std::move(a);\n    return a + b;\n}\n', 'bugprone-use-after-move'),
    ('int BadName() {\n    return 1;\n}\n', 'readability-identifier-naming'),
    ('#include "policy/base/a.hpp"\nint one() {\n    return missing;\n}\n', 'clang-diagnostic-error'),
])
def test_bad_sample(tmp_path, text, check):
    shutil.copy(ROOT / '.clang-tidy', tmp_path)
    cache = tmp_path / 'cache'
    repository = sample(tmp_path, **{'policy/base/a.cpp': text, 'policy/base/a.hpp': ''})
    assert any(check in line for line in tidy.problems(repository, cache))
    assert any(check in line for line in tidy.problems(repository, cache)), 'a file with problems must not count as clean the second time'


def test_changed_header_is_looked_at_again(tmp_path):
    shutil.copy(ROOT / '.clang-tidy', tmp_path)
    cache = tmp_path / 'cache'
    repository = sample(tmp_path, **{'policy/base/a.cpp': '#include "policy/base/a.hpp"\nint one() {\n    return kOne;\n}\n', 'policy/base/a.hpp': 'inline constexpr int kOne = 1;\n'})
    assert tidy.problems(repository, cache) == []
    (tmp_path / 'policy/base/a.hpp').write_text('inline constexpr int first = 1;\n')
    assert any('clang-diagnostic-error' in line for line in tidy.problems(repository, cache))
