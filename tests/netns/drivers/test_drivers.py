# SPDX-License-Identifier: GPL-2.0-or-later
"""The packet filter's and the packet log's contract tests: each CppUTest test in a process of its own, in network namespaces that it makes for itself."""

import os
import subprocess
from pathlib import Path

import pytest

BUILD = Path(os.environ.get('SEKISHO_BUILD', Path(__file__).resolve().parents[3] / 'build' / 'debug'))
PROGRAM = BUILD / 'tests' / 'netns' / 'drivers' / 'netns_drivers'

PROBE = '''table inet probe {
    set ranges { type ipv4_addr; flags interval,timeout; }
    counter c { }
    chain nat { type nat hook postrouting priority srcnat; masquerade; }
    chain input { type filter hook input priority filter; ct mark set 1 ip saddr @ranges counter name c log group 1 drop; }
}'''


def names() -> list[str]:
    if not PROGRAM.exists():
        return ['packet_filter.was_not_built']
    return subprocess.run([PROGRAM, '-ln'], capture_output=True, text=True, check=True).stdout.split()


@pytest.fixture(scope='module')
def kernel():
    """Skips where the kernel lacks what the drivers work on."""
    if os.geteuid() != 0:
        pytest.skip('needs root: network namespaces and packet filters')
    run = subprocess.run(['unshare', '-n', 'nft', '-f', '-'], input=PROBE, capture_output=True, text=True)
    if run.returncode != 0:
        pytest.skip(f'this kernel lacks something that the packet filter needs: {run.stderr.strip()}')


@pytest.mark.parametrize('name', names())
def test_driver(kernel, name):
    group, _, test = name.partition('.')
    assert PROGRAM.exists(), f'{PROGRAM} was not built (tests/run netns builds it)'
    run = subprocess.run([PROGRAM, '-sg', group, '-sn', test, '-v'], capture_output=True, text=True, timeout=120,
                         env={**os.environ, 'ASAN_OPTIONS': 'abort_on_error=1:detect_leaks=1', 'UBSAN_OPTIONS': 'print_stacktrace=1'})
    assert run.returncode == 0 and '1 ran' in run.stdout, run.stdout + run.stderr
