# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the command line share: running it, and TAP."""
import subprocess
import sys


def run(*args, **kwargs):
    return subprocess.run([str(a) for a in args], capture_output=True,
                          text=True, errors="replace", timeout=120, **kwargs)


def refused(got, *says):
    """Problems of a run that should end with 2 and a message."""
    problems = []
    if got.returncode != 2:
        problems.append(f"exit status {got.returncode}, not 2")
    for text in says:
        if text not in got.stderr:
            problems.append(f"no {text!r} in: {got.stderr.strip()}")
    if got.stderr.count("\n") != 1:
        problems.append(f"not one line: {got.stderr.strip()!r}")
    return problems


def report(cases):
    """Print TAP for (name, problems) pairs; the exit status."""
    failed = total = 0
    for name, problems in cases:
        total += 1
        for text in problems:
            print("#", str(text).replace("\n", "\n# "))
        failed += bool(problems)
        print("not ok" if problems else "ok", total, "-", name, flush=True)
    print(f"1..{total}")
    return 1 if failed or not total else 0


def main(tests, usage, nargs):
    sys.dont_write_bytecode = True
    if len(sys.argv) < nargs + 1:
        sys.exit(usage)
    sys.exit(report(tests(*sys.argv[1:])))
