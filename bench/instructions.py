#!/usr/bin/env python3
"""Counts the instructions of fixed works (src/work.rs) with valgrind, and compares them with
`instructions.counts`: a guard of speed that no machine's load disturbs.

    bench/instructions.py            compare
    bench/instructions.py --bless    write the counts of now, where a change of them is meant

Another compiler makes other instructions: the counts say which one they are of, and where the
machine's is another, more is allowed.
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
COUNTS = os.path.join(HERE, "instructions.counts")
PROGRAM = os.path.join(os.environ.get("CARGO_TARGET_DIR") or os.path.join(TOP, "target"), "release", "bpflink-bench")

WORKS = {
    "open": "50 tools opened",
    "warm-one": "one tool linked, the kernel's BTF known",
    "warm-many": "50 tools linked, the kernel's BTF known",
    "relocate": "CO-RE alone, of 50 tools",
    "cold-one": "the kernel's BTF parsed and one tool linked",
    "cold-wide": "the same with 300 types",
    "programs": "1,000 programs of ten relocations",
    "functions": "a program that reaches 1,000 functions",
    "sharing": "100 programs that share 1,000 functions",
    "members": "100 relocations of a struct of 6,000 members",
    "nesting": "300 relocations 30 structs deep",
}
# In percent; the second where the compiler is another than that of the counts.
SAME_COMPILER, OTHER_COMPILER = 3, 20
# What one relocation may cost, all told.
PER_RELOCATION = 3000


def count(work, folder):
    """(instructions, relocations) of a work."""
    call = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
            "--toggle-collect=*work*measured*", PROGRAM, "work", work, folder]
    done = subprocess.run(call, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found or found[1] == "0":
        raise SystemExit(f"{work}: {done.stderr}")
    return int(found[1]), int(done.stdout)


def fixed(work, folder):
    """The same, and what the work needs is written first."""
    os.makedirs(folder, exist_ok=True)
    subprocess.run([PROGRAM, "inputs", folder], check=True)
    return count(work, folder)


def compiler():
    return subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True).stdout.strip()


def known():
    """The compiler of the counts, and the counts."""
    counts, of = {}, ""
    try:
        with open(COUNTS, encoding="utf-8") as file:
            for line in file:
                key, value = line.rstrip("\n").split(": ", 1)
                if key == "compiler":
                    of = value
                else:
                    counts[key] = int(value)
    except FileNotFoundError:
        pass
    return of, counts


def bless(counts):
    with open(COUNTS, "w", encoding="utf-8") as file:
        file.write(f"compiler: {compiler()}\n")
        file.writelines(f"{work}: {counts[work][0]}\n" for work in WORKS)


def judged(work, now, before, tolerance):
    """A line for a work, and whether it holds."""
    if not before:
        return f"FAILED: {work}: {now:,} instructions, and none to compare with (--bless)", False
    change = 100 * (now / before - 1)
    text = f"{work}: {now:,} instructions, {change:+.1f} % ({WORKS[work]})"
    if change > tolerance:
        return f"FAILED: {text}: more than {before:,} by over {tolerance} %", False
    if change < -tolerance:
        text += f": fewer than {before:,}; write that down: bench/instructions.py --bless"
    return f"ok: {text}", True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bless", action="store_true")
    parser.add_argument("--folder", default=os.path.join(TOP, "build", "bench", "instructions"))
    args = parser.parse_args()
    os.makedirs(args.folder, exist_ok=True)
    subprocess.run([PROGRAM, "inputs", args.folder], check=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = dict(zip(WORKS, pool.map(lambda work: count(work, args.folder), WORKS)))
    if args.bless:
        bless(counts)
    of, before = known()
    tolerance = SAME_COMPILER
    if of != compiler():
        tolerance = OTHER_COMPILER
        print(f"The counts are of {of}, this is {compiler()}: up to {tolerance} % more are let pass")
    failed = 0
    for work, (now, _) in counts.items():
        line, holds = judged(work, now, before.get(work), tolerance)
        failed += not holds
        print(line)
    instructions, relocations = counts["relocate"]
    each = instructions / relocations
    holds = each < PER_RELOCATION
    failed += not holds
    print(f"{'ok' if holds else 'FAILED'}: {each:,.0f} instructions for each of {relocations} relocations; at most {PER_RELOCATION:,}")
    print(f"{len(counts) + 1 - failed} hold, {failed} do not")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
