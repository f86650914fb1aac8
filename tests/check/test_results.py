# SPDX-License-Identifier: GPL-2.0-or-later
"""tests/run must not call a failure a success: what its parts count, and that the fuzz runner notices a finding."""

import subprocess
import sys

import pytest
from repository import ROOT

CASE = '<testsuite><testcase name="one" classname="a">{}</testcase></testsuite>'
CPPUTEST = '<testsuite><testcase name="unit.a" classname="unit.a" status="{}">{}<system-out>{}</system-out></testcase></testsuite>'


def sum_of(folder):
    ended = subprocess.run([sys.executable, '-B', ROOT / 'tests/harness/results.py', folder], capture_output=True, text=True)
    return ended.stdout.splitlines(), ended.returncode


@pytest.mark.parametrize('name, text, last, status', [
    ('a.ok', '', '1 passed, 0 failed, 0 skipped', 0),
    ('a.failed', 'the build', '0 passed, 1 failed, 0 skipped', 1),
    ('a.xml', CASE.format(''), '1 passed, 0 failed, 0 skipped', 0),
    ('a.xml', CASE.format('<failure message="no"/>'), '0 passed, 1 failed, 0 skipped', 1),
    ('a.xml', CASE.format('<error message="no"/>'), '0 passed, 1 failed, 0 skipped', 1),
    ('a.xml', CASE.format('<skipped message="no kernel"/>'), '0 passed, 0 failed, 1 skipped', 1),
    ('a.xml', '<testsuite>', '0 passed, 1 failed, 0 skipped', 1),
    ('a.xml', CPPUTEST.format('run', '', 'OK (12 tests, 11 ran, 34 checks, 1 ignored, 0 filtered out, 1 ms)'), '11 passed, 0 failed, 1 skipped', 0),
    ('a.xml', CPPUTEST.format('fail', '<failure message=""/>', 'a.cpp:1: error: Failure in TEST(a, b)\nErrors (1 failures, 12 tests, 12 ran, 34 checks, 0 ignored, 0 filtered out, 1 ms)'),
     '11 passed, 1 failed, 0 skipped', 1),
    ('a.xml', CPPUTEST.format('fail', '<failure message=""/>', 'Segmentation fault'), '0 passed, 1 failed, 0 skipped', 1),
    ('a.xml', CPPUTEST.format('fail', '<failure message="leak"/>', 'OK (2 tests, 2 ran, 3 checks, 0 ignored, 0 filtered out, 1 ms)'), '2 passed, 1 failed, 0 skipped', 1),
    ('a.txt', 'failed  10_zones/a\n    expected.nft differs\n3 passed, 1 failed, 0 skipped\n', '3 passed, 1 failed, 0 skipped', 1),
    ('a.txt', 'Traceback\n', '0 passed, 1 failed, 0 skipped', 1),
])
def test_sum(tmp_path, name, text, last, status):
    (tmp_path / 'layer').mkdir()
    (tmp_path / 'layer' / name).write_text(text)
    lines, returned = sum_of(tmp_path)
    assert (lines[-1], returned) == (last, status)


def test_empty_layer_is_a_failure(tmp_path):
    (tmp_path / 'layer').mkdir()
    lines, returned = sum_of(tmp_path)
    assert lines == ['failed: layer: nothing ran', '0 passed, 1 failed, 0 skipped'] and returned == 1


def test_skips_have_their_reason(tmp_path):
    (tmp_path / 'layer').mkdir()
    (tmp_path / 'layer/a.xml').write_text(CASE.format('<skipped message="no kernel support"/>'))
    assert any('no kernel support' in line for line in sum_of(tmp_path)[0])


@pytest.mark.parametrize('body, result', [('exit 0', 'packet.ok'), ('echo "does not hold: one line" >&2; exit 77', 'packet.failed')])
def test_fuzz_runner(tmp_path, body, result):
    programs, logs, results = tmp_path / 'programs', tmp_path / 'logs', tmp_path / 'results'
    for folder in (programs, logs, results):
        folder.mkdir()
    (programs / 'fuzz_packet').write_text(f'#!/bin/sh\n{body}\n')
    (programs / 'fuzz_packet').chmod(0o755)
    subprocess.run([ROOT / 'tests/fuzz/run', programs, '1', logs, results], capture_output=True, check=True)
    assert [path.name for path in results.iterdir()] == [result]
    if result.endswith('failed'):
        assert 'does not hold: one line' in (results / result).read_text()


def test_unknown_layer_is_refused():
    assert subprocess.run([ROOT / 'tests/run', 'everything'], capture_output=True).returncode == 2
