#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Golden cases: a configuration in, the nft rules or the diagnostics out.

A case is a folder somewhere below this one with input.conf, its first comment saying what it is about, and

    expected.nft   standard output of `sekisho render input.conf`; there exactly where the configuration is accepted
    expected.err   standard error; there exactly where something is written to it
    command        optional: the whole command instead of `render …`, one word per line; its standard output is expected.out then, which nft does not see
    arguments      optional: what follows `sekisho render` instead of the usual, one per line; may make input.conf needless

Countries come from a database of a few networks (COUNTRIES below). An accepted one ends with status 0 and its rules pass `nft -c` in a network namespace of their own; a refused one ends with status 1.
Runs inside the build environment:  toolchain/run python3 tests/golden/run.py [--regenerate] [SEKISHO] [CASE...]
"""

import argparse
import difflib
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
PROGRAM = CHECKOUT / "build/debug/firmware/cli/sekisho"
sys.path.insert(0, str(CHECKOUT))

from tests.harness import mmdb  # noqa: E402

ARGUMENTS = ["input.conf", "--now", "2026-11-23T00:00:00Z"]
# Neighbours of one country, which merge, and one whose second half belongs to nobody.
COUNTRIES = {
    "1.0.16.0/20": "JP", "1.0.64.0/18": "JP", "2.56.0.0/14": "DE", "5.8.0.0/21": "RU", "5.8.8.0/22": "KP", "8.8.8.0/24": "US",
    "2001:200::/32": "JP", "2001:240::/32": "JP", "2001:608::/32": "DE", "2a00:1fa0::/29": "RU"}
TIMEOUT_S = 30


class Outcome:
    """What a run of sekisho gave; a text is None where the file must not exist."""

    def __init__(self, status, output, errors):
        self.status = status
        self.output = output if status == 0 else None
        self.errors = errors or None
        self.stray = output if status != 0 else ""


def run_case(program, countries, case):
    command = case / "command"
    arguments = case / "arguments"
    given = arguments.read_text().splitlines() if arguments.exists() else [*ARGUMENTS, "--geo", str(countries)]
    words = command.read_text().splitlines() if command.exists() else ["render", *given]
    done = subprocess.run([str(program), *words], cwd=case, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=TIMEOUT_S, check=False)
    return Outcome(done.returncode, done.stdout.decode(errors="backslashreplace"),
                   done.stderr.decode(errors="backslashreplace"))


def output_of(case):
    return case / ("expected.out" if (case / "command").exists() else "expected.nft")


def expected_text(path):
    return path.read_text() if path.exists() else None


def difference(name, expected, actual):
    if expected == actual:
        return []
    lines = difflib.unified_diff((expected or "").splitlines(), (actual or "").splitlines(), f"{name} (expected)",
                                 f"{name} (now)", lineterm="", n=1)
    return [*lines] or [f"{name}: there is {'no' if actual is None else 'now such'} output"]


class Nft:
    """nft -c in an empty network namespace; why it can't be had, where it can't."""

    def __init__(self):
        namespace = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
        self.command = [*namespace, "nft", "-c", "-f", "-"]
        self.missing = self.refusal("")

    def refusal(self, text):
        try:
            done = subprocess.run(self.command, input=text.encode(), capture_output=True, timeout=TIMEOUT_S, check=False)
        except OSError as error:
            return str(error)
        return "" if done.returncode == 0 else done.stderr.decode(errors="backslashreplace").strip() or "refused"


def problems_of(case, outcome):
    problems = difference(output_of(case).name, expected_text(output_of(case)), outcome.output)
    problems += difference("expected.err", expected_text(case / "expected.err"), outcome.errors)
    if outcome.status not in (0, 1):
        problems.append(f"exit status {outcome.status}")
    if outcome.stray:
        problems.append("a refused configuration wrote to standard output")
    if outcome.status != 0 and outcome.errors is None:
        problems.append("a refused configuration said nothing on standard error")
    return problems


def write(path, text):
    if text is None:
        path.unlink(missing_ok=True)
    else:
        path.write_text(text)


def cases_in(names):
    cases = sorted({path.parent for name in ("input.conf", "arguments", "command") for path in HERE.rglob(name)})
    if not names:
        return cases
    return [case for case in cases if any(name.rstrip("/") in str(case.relative_to(HERE)) for name in names)]


def main():
    parser = argparse.ArgumentParser(description="Runs the golden cases.")
    parser.add_argument("--regenerate", action="store_true", help="write what comes out as what is expected")
    parser.add_argument("program", nargs="?", default=PROGRAM, type=pathlib.Path, help="the sekisho to run")
    parser.add_argument("cases", nargs="*", help="only cases whose path contains one of these")
    arguments = parser.parse_args()
    program = arguments.program.resolve()
    if not os.access(program, os.X_OK):
        sys.exit(f"golden: {program} is not there or can't be run")
    cases = cases_in(arguments.cases)
    if not cases:
        sys.exit("golden: no such case")

    folder = tempfile.TemporaryDirectory(prefix="golden-")
    countries = pathlib.Path(folder.name, "country.mmdb")
    countries.write_bytes(mmdb.database({network: mmdb.nested(code) for network, code in COUNTRIES.items()}))
    nft = Nft()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for case in cases:
        name = case.relative_to(HERE)
        try:
            outcome = run_case(program, countries, case)
        except subprocess.TimeoutExpired:
            print(f"failed  {name}\n    no end within {TIMEOUT_S} s")
            counts["failed"] += 1
            continue
        if arguments.regenerate:
            write(output_of(case), outcome.output)
            write(case / "expected.err", outcome.errors)
        problems = problems_of(case, outcome)
        verdict = "passed"
        if outcome.output is not None and not problems and not (case / "command").exists():
            if nft.missing:
                verdict, problems = "skipped", [f"nft -c: {nft.missing}"]
            elif refusal := nft.refusal(outcome.output):
                problems = ["nft -c refuses:", *refusal.splitlines()]
        if problems and verdict != "skipped":
            verdict = "failed"
        counts[verdict] += 1
        if problems:
            print("\n    ".join([f"{verdict}  {name}", *problems]))
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
