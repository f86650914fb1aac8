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


def test_of_files_read_together_the_bad_one_is_named(tmp_path):
    shutil.copy(ROOT / '.clang-tidy', tmp_path)
    cache = tmp_path / 'cache'
    good, bad = 'namespace {\nint one() {\n    return 1;\n}\n} // namespace\nint %s() {\n    return one();\n}\n', 'int %s() {\n    return 2;\n}\n'
    repository = sample(tmp_path, **{'policy/base/a.cpp': good % 'a', 'policy/base/b.cpp': bad % 'b', 'policy/base/c.cpp': good % 'c', 'policy/base/d.cpp': bad % 'BadName'})
    assert tidy.Tidy(tmp_path, None).batches(['policy/base/a.cpp', 'policy/base/b.cpp', 'policy/base/c.cpp', 'policy/base/d.cpp']) == [
        ['policy/base/a.cpp', 'policy/base/b.cpp', 'policy/base/d.cpp'], ['policy/base/c.cpp']]
    found = tidy.problems(repository, cache)
    assert [line.split(':')[0] for line in found] == ['policy/base/d.cpp']
    assert len(list(cache.iterdir())) == 3
    (tmp_path / 'policy/base/d.cpp').write_text(bad % 'd')
    assert tidy.problems(repository, cache) == []


def test_the_analyzer_sees_every_file_of_drivers(tmp_path):
    shutil.copy(ROOT / '.clang-tidy', tmp_path)
    (tmp_path / 'drivers').mkdir()
    shutil.copy(ROOT / 'drivers/.clang-tidy', tmp_path / 'drivers')
    bad = 'int b(int c) {\n    int *p = nullptr;\n    if (c > 3) {\n        p = &c;\n    }\n    return *p;\n}\n'
    repository = sample(tmp_path, **{'drivers/x/a.cpp': 'int a() {\n    return 1;\n}\n', 'drivers/x/b.cpp': bad})
    assert any('clang-analyzer-core.NullDereference' in line for line in tidy.problems(repository, None))


def test_names_of_a_source_file():
    assert tidy.own_names('''using namespace a;
struct Found {
    int inner = 1;
};
enum class Kind { one };
using List = std::vector<int>;
constexpr std::array<int, 2> kTwo{1, 2};
template <typename T> T twice(const T &value) {
    return value;
}
std::string Class::method(int a) {
}
Bytes operator+(Bytes a, const Bytes &b) {
TEST(Group, name) {
int later();''') == {'Found', 'Kind', 'List', 'kTwo', 'twice', 'operator+', 'later'}


def test_changed_header_is_looked_at_again(tmp_path):
    shutil.copy(ROOT / '.clang-tidy', tmp_path)
    cache = tmp_path / 'cache'
    repository = sample(tmp_path, **{'policy/base/a.cpp': '#include "policy/base/a.hpp"\nint one() {\n    return kOne;\n}\n', 'policy/base/a.hpp': 'inline constexpr int kOne = 1;\n'})
    assert tidy.problems(repository, cache) == []
    (tmp_path / 'policy/base/a.hpp').write_text('inline constexpr int first = 1;\n')
    assert any('clang-diagnostic-error' in line for line in tidy.problems(repository, cache))
