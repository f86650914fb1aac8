# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may know whom (DESIGN.md): dependencies point one way, and each vendor header appears in the one driver that adapts it."""

import re

import pytest
from repository import Repository, report, sample

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')

# Folders of policy/ from the bottom up; a folder sees those of lower ranks and itself.
POLICY_RANK = {'base': 0, 'address': 1, 'packet': 1, 'radius': 1, 'geo': 2, 'config': 2, 'model': 3, 'access': 4, 'lifecycle': 1, 'accounts': 1, 'ruleset': 4, 'judge': 5, 'events': 5}

PURE_HEADERS = set('''algorithm array bit bitset cctype cassert cerrno cfloat charconv climits cmath compare concepts cstddef cstdint cstdlib cstring cwchar deque exception expected
    flat_map flat_set forward_list functional initializer_list iterator limits list map memory memory_resource new numbers numeric optional queue ranges ratio set source_location span
    stack stdexcept string string_view system_error tuple type_traits typeindex typeinfo unordered_map unordered_set utility valarray variant vector version'''.split())
# Standard too, but files, clocks, threads and terminals: a program may use them, policy/, ports and services may not.
IMPURE_HEADERS = set('''atomic chrono condition_variable csetjmp csignal cstdio ctime filesystem format fstream future iomanip ios iostream istream mutex ostream print random
    semaphore shared_mutex sstream stop_token streambuf thread'''.split())

# Vendor header -> the folders that adapt it.
VENDOR_HEADERS = [
    (r'pcap(/.*)?\.h|pcap/.*', ('drivers/capture/',)),
    (r'nftables/.*', ('drivers/netfilter/',)),
    (r'libnftnl/.*', ('drivers/netfilter/',)),
    (r'libnetfilter_.*', ('drivers/netfilter/',)),
    (r'linux/netfilter.*', ('drivers/netfilter/', 'drivers/capture/')),
    (r'libmnl/.*', ('drivers/netfilter/', 'drivers/network/', 'drivers/capture/')),
    (r'netlink/.*', ('drivers/network/',)),
    (r'uv\.h|uv/.*', ('drivers/system/',)),
    (r'yyjson\.h', ('drivers/json/',)),
    (r'editline/.*|histedit\.h', ('drivers/console/',)),
    (r'mbedtls/.*|psa/.*', ('drivers/tls/',)),
    (r'maxminddb\.h', ('drivers/geoip/',)),
    (r'zstd\.h', ('drivers/storage/',)),
    (r'crypt\.h', ('drivers/password/',)),
]

# What one driver offers to the others.
SHARED_DRIVER_HEADERS = ('drivers/system/event_loop.hpp', 'drivers/system/files.hpp')
# Where a program puts services and drivers together.
COMPOSITION_ROOT = re.compile(r'firmware/(cli|sekishod)/(main|daemon|opened)\.(cpp|hpp)')


def own_folder(path: str) -> str:
    return path.rsplit('/', 1)[0] + '/'


def quoted_problem(path: str, target: str) -> str | None:
    """Why `path` must not include "target" of this repository."""
    if path.startswith('policy/'):
        if not target.startswith('policy/'):
            return 'policy/ knows policy/ only'
        ranks = [POLICY_RANK.get(name.split('/')[1]) for name in (path, target)]
        if None in ranks:
            return 'this folder of policy/ has no rank yet: add it to POLICY_RANK'
        if own_folder(path) != own_folder(target) and ranks[1] >= ranks[0]:
            return 'points upwards in policy/'
        return None
    allowed: tuple[str, ...] = ('policy/', 'firmware/ports/')
    if path.startswith('drivers/'):
        allowed += ('/'.join(path.split('/')[:2]) + '/', *SHARED_DRIVER_HEADERS)
    elif path.startswith('firmware/services/'):
        allowed += ('firmware/services/',)
    elif COMPOSITION_ROOT.fullmatch(path):
        allowed += ('firmware/services/', own_folder(path), 'drivers/')
    elif path.startswith(('firmware/cli/', 'firmware/sekishod/')):
        allowed += ('firmware/services/', own_folder(path))
    return None if target.startswith(allowed) else 'may include ' + ', '.join(allowed)


def angle_problem(path: str, target: str) -> str | None:
    """Why `path` must not include <target>."""
    for pattern, folders in VENDOR_HEADERS:
        if re.fullmatch(pattern, target) and not path.startswith(folders):
            return 'vendor header, belongs in ' + ' or '.join(folders)
    if path.startswith('drivers/') or target in PURE_HEADERS:
        return None
    if path.startswith('firmware/') and not path.startswith(('firmware/ports/', 'firmware/services/')) and target in IMPURE_HEADERS:
        return None
    return 'files, clocks, threads and terminals are behind ports' if target in IMPURE_HEADERS else 'not a header of the C++ standard: the outside belongs in drivers/'


def problems(repository: Repository) -> list[str]:
    found = []
    files = set(repository.files)
    for path in repository.under('policy/', 'drivers/', 'firmware/', 'tests/', suffixes=('.cpp', '.hpp')):
        for number, line in enumerate(repository.lines(path), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            kind, target = match.groups()
            problem = None
            if kind == '"' and target not in files:
                problem = 'no such file: includes are written from the root of the repository'
            elif not path.startswith('tests/'):
                problem = quoted_problem(path, target) if kind == '"' else angle_problem(path, target)
            if problem:
                found.append(f'{path}:{number}: {line.strip()}: {problem}')
    return found


def test_repository():
    report(problems(Repository()))


@pytest.mark.parametrize('path, line, word', [
    ('policy/base/a.hpp', '#include <sys/socket.h>', 'outside belongs in drivers'),
    ('policy/base/a.hpp', '#include <fstream>', 'behind ports'),
    ('policy/base/a.hpp', '#include "policy/config/tree.hpp"', 'upwards'),
    ('policy/packet/a.hpp', '#include "policy/address/range_set.hpp"', 'upwards'),
    ('policy/model/a.hpp', '#include "firmware/ports/clock.hpp"', 'policy/ only'),
    ('policy/unknown/a.hpp', '#include "policy/base/error.hpp"', 'no rank'),
    ('firmware/services/a.cpp', '#include "drivers/system/event_loop.hpp"', 'may include'),
    ('firmware/services/a.cpp', '#include <ctime>', 'behind ports'),
    ('firmware/ports/a.hpp', '#include "firmware/services/apply.hpp"', 'may include'),
    ('firmware/cli/shell.cpp', '#include "drivers/system/event_loop.hpp"', 'may include'),
    ('firmware/cli/main.cpp', '#include <uv.h>', 'vendor header'),
    ('drivers/netfilter/a.cpp', '#include <pcap/pcap.h>', 'vendor header'),
    ('drivers/netfilter/a.cpp', '#include "drivers/capture/reader.hpp"', 'may include'),
    ('drivers/netfilter/a.cpp', '#include "firmware/services/apply.hpp"', 'may include'),
    ('tests/unit/a.cpp', '#include "missing.hpp"', 'no such file'),
])
def test_bad_sample(tmp_path, path, line, word):
    targets = ['policy/base/error.hpp', 'policy/config/tree.hpp', 'policy/address/range_set.hpp', 'firmware/ports/clock.hpp', 'firmware/services/apply.hpp',
               'drivers/system/event_loop.hpp', 'drivers/capture/reader.hpp']
    repository = sample(tmp_path, **{name: '' for name in targets}, **{path: f'// first\n{line}\n'})
    found = problems(repository)
    assert len(found) == 1 and found[0].startswith(f'{path}:2:') and word in found[0]


@pytest.mark.parametrize('path, line', [
    ('policy/config/a.cpp', '#include "policy/base/error.hpp"'),
    ('drivers/netfilter/a.cpp', '#include <libnftnl/set.h>'),
    ('drivers/netfilter/a.cpp', '#include "drivers/system/event_loop.hpp"'),
    ('firmware/sekishod/main.cpp', '#include "drivers/system/event_loop.hpp"'),
    ('firmware/services/a.cpp', '#include <vector>'),
    ('tests/unit/a.cpp', '#include "drivers/system/event_loop.hpp"'),
])
def test_good_sample(tmp_path, path, line):
    assert problems(sample(tmp_path, **{'policy/base/error.hpp': '', 'drivers/system/event_loop.hpp': ''}, **{path: line})) == []
