#!/usr/bin/env python3
"""Probes in user space, attached by the example loader: what they see of a program.

    probes.py LOADER PROBED OBJECT...    static: the loader; tests/bpf/probed.c, which is also
                                         there as PROBED-pie, not static; probed.bpf.c, compiled
                                         with one or more versions of libbpf's headers

On each fetched amd64 kernel booted (one object each, in turn), and on the running one where it
lets probe. Every place of the map `found` must have what follows from the two sources. Last
line: how many places hold, and how many do not.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "corpus"))

import fetch  # noqa: E402

# By place: what probed.c gives its probes. Twelve arguments, their number, sums of the others'.
NUMBERS = [-1, 200, -300, 60000, -70000, 3000000000, -5000000000, 0xfedcba9876543210, 7, -9,
           -123456, 0x1122334455667788, 12]
TWICE, GUARDED, INDEXED, ONE = 1 + 20 + 1000, 4242, -50, 31
# One, and two by two names that are one place.
MANY, RETURNS = 31 + 1 + 2, 31 + 2 + 3

# uprobe.multi is of this release.
MULTI = (6, 6)


def expected(release, has_indexed):
    """The places that are not 0."""
    has_multi = tuple(int(n) for n in re.findall(r"\d+", release)[:2]) >= MULTI
    values = NUMBERS + [TWICE, GUARDED, INDEXED if has_indexed else 0, ONE,
                        MANY if has_multi else 0, RETURNS if has_multi else 0]
    return {n: v % (1 << 64) for n, v in enumerate(values) if v}


def found(said):
    """What the loader shows of the map."""
    part = re.search(r"^  map found:\n((?:    [0-9a-f]{8}: [0-9a-f]{16}\n)*)", said, re.M)
    return {int.from_bytes(bytes.fromhex(k), "little"): int.from_bytes(bytes.fromhex(v), "little")
            for k, v in re.findall(r"(\w{8}): (\w{16})\n", part[1] if part else "")}


def options(release):
    """As the loader is called; newer programs are optional."""
    multi = any(n in (17, 18) for n in expected(release, False))
    return ["--attach", "--seconds", "0", "--maps", "--exec", "./probed"] + ["--optional"] * multi


def run(*command, **more):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **more)
    return done.stdout + done.stderr


def on_booted(release, loader, probed, program):
    return run(HERE / "boot.py", "--file", f"{probed}:probed", "--file", f"{program}:probed.bpf.o",
               release, loader, *options(release), "/probed.bpf.o")


def on_running(loader, probed, program):
    with tempfile.TemporaryDirectory(prefix="bpflink-probes-") as folder:
        shutil.copy(probed, Path(folder) / "probed")
        return run(loader.resolve(), *options(os.uname().release), program.resolve(), cwd=folder)


def allowed():
    """Whether this process may probe here; a reason why not."""
    if os.geteuid() != 0:
        return "root"
    if not Path("/sys/bus/event_source/devices/uprobe/type").exists():
        return "a kernel with uprobes"
    return None


def releases():
    """The booted kernels, each once."""
    names = [fetch.cached(w) for w in fetch.wanted_kernels() if w.arch == "amd64"]
    return list(dict.fromkeys(name for name in names if name))


def main():
    loader, probed, *programs = map(Path, sys.argv[1:])
    held, wrong = 0, 0
    runs = [(r, programs[i % len(programs)], None) for i, r in enumerate(releases())]
    if allowed():
        print(f"SKIP probes on the running kernel: {allowed()}")
    else:
        runs += [(os.uname().release, p, b) for p in programs
                 for b in (probed, probed.with_name(probed.name + "-pie"))]
    for release, program, here in runs:
        said = on_running(loader, here, program) if here else on_booted(
            release, loader, probed, program)
        want, have = expected(release, "indexed" in said), found(said)
        bad = [n for n in want.keys() | have.keys() if want.get(n) != have.get(n)]
        print(f"{release}, {program.name}: {len(want.keys() - set(bad))} of {len(want)} hold")
        if bad:
            print(f"WRONG at {bad}\n{said}", flush=True)
        held, wrong = held + len(want.keys() - set(bad)), wrong + len(bad)
    print(held, wrong)
    return 1 if wrong or len(runs) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
