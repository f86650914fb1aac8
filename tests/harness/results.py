#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sums up a run of tests/run: results.py [--layer LAYER] FOLDER

FOLDER/LAYER holds JUnit files (pytest, CTest), the golden runner's output (NAME.txt) and files NAME.ok and NAME.failed (the reason is its text). For one layer a line is printed; for all of them
the failures, the skipped tests with their reasons, and as the last line the sum. Exit status 1 when something failed or nothing ran."""

import re
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

# CppUTest's last line: "OK (12 tests, 11 ran, 34 checks, 1 ignored, 0 filtered out, 1 ms)" or "Errors (2 failures, 12 tests, …)". CTest sees one program.
CPPUTEST = re.compile(r'^(?:OK|Errors) \((?:(\d+) failures?, )?(\d+) tests, (\d+) ran, \d+ checks, (\d+) ignored', re.MULTILINE)


@dataclass
class Summary:
    passed: int = 0
    failures: list[str] = field(default_factory=list)
    skips: list[str] = field(default_factory=list)

    def line(self) -> str:
        return f'{self.passed} passed, {len(self.failures)} failed, {len(self.skips)} skipped'

    def add(self, other: 'Summary') -> None:
        self.passed += other.passed
        self.failures += other.failures
        self.skips += other.skips


def first_line(text: str | None) -> str:
    lines = (text or '').strip().splitlines()
    return lines[0].strip() if lines else 'no reason given'


def read_case(case: ElementTree.Element, where: str, summary: Summary) -> None:
    name = f'{where}: {case.get("classname", "").removeprefix("tests.")}.{case.get("name")}' if case.get('classname') != case.get('name') \
        else f'{where}: {case.get("name")}'
    output = case.findtext('system-out') or ''
    failure = case.find('failure') if case.find('failure') is not None else case.find('error')
    skipped = case.find('skipped')
    program = CPPUTEST.search(output)
    if program:
        failed, _, ran, ignored = (int(number or 0) for number in program.groups())
        summary.passed += ran - failed
        summary.failures += [f'{where}: {test}' for test in re.findall(r'error: Failure in (TEST\(.*\))', output)[:failed]]
        summary.skips += [f'{name}: test ignored in the source'] * ignored
        if failure is not None and not failed:
            summary.failures.append(f'{name}: {first_line(failure.get("message") or failure.text)}')
    elif failure is not None:
        summary.failures.append(f'{name}: {first_line(failure.get("message") or failure.text)}')
    elif skipped is not None or case.get('status') in ('notrun', 'disabled'):
        reason = first_line(skipped.get('message') or skipped.text) if skipped is not None else 'not run'
        summary.skips.append(f'{name}: {reason}')
    else:
        summary.passed += 1


def read_golden(text: str, where: str, summary: Summary) -> None:
    """Lines "failed  CASE" and "skipped  CASE" with their reason on the next line, and the counts as the last one."""
    lines = text.splitlines()
    for line, following in zip(lines, [*lines[1:], '']):
        match = re.match(r'(failed|skipped)  (\S+)$', line)
        if match:
            entries = summary.failures if match[1] == 'failed' else summary.skips
            entries.append(f'{where}: {match[2]}: {following.strip()}')
    counts = re.match(r'(\d+) passed, \d+ failed, \d+ skipped$', lines[-1] if lines else '')
    if counts:
        summary.passed += int(counts[1])
    else:
        summary.failures.append(f'{where}: did not finish: {lines[-1] if lines else "no output"}')


def read_layer(folder: Path) -> Summary:
    summary = Summary()
    for path in sorted(folder.iterdir()):
        where = f'{folder.name}/{path.stem}'
        if path.suffix == '.ok':
            summary.passed += 1
        elif path.suffix == '.failed':
            summary.failures.append(f'{where}: {path.read_text().strip()}')
        elif path.suffix == '.txt':
            read_golden(path.read_text(errors='replace'), where, summary)
        elif path.suffix == '.xml':
            try:
                for case in ElementTree.parse(path).getroot().iter('testcase'):
                    read_case(case, where, summary)
            except ElementTree.ParseError as problem:
                summary.failures.append(f'{where}: results are not readable ({problem})')
    return summary


def main(words: list[str]) -> int:
    if len(words) == 3 and words[0] == '--layer':
        folder = Path(words[2]) / words[1]
        print(f'-- {words[1]}: {read_layer(folder).line() if folder.is_dir() else "nothing ran"}')
        return 0
    total = Summary()
    for folder in sorted(path for path in Path(words[0]).iterdir() if path.is_dir()):
        layer = read_layer(folder)
        if layer.passed + len(layer.failures) + len(layer.skips) == 0:
            layer.failures.append(f'{folder.name}: nothing ran')
        total.add(layer)
    for title, entries in (('failed', total.failures), ('skipped', total.skips)):
        for entry in entries:
            print(f'{title}: {entry}')
    print(total.line(), flush=True)
    return 0 if total.passed > 0 and not total.failures else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
