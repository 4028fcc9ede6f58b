#!/usr/bin/env python3
"""Loads every object of a folder with libbpf and with bpflink's example loader, on the
running kernel or on booted ones, and compares what came of each program.

    load.py --loader LOADER --libbpf LIBBPF-LOAD [--kernel NAME]... FOLDER

Both binaries must be static where a kernel is booted. `running` is this machine's kernel,
any other name one of kernels/list. The classes of programs are those of verdicts.py.
Exit status: 0 where the loader loads whatever libbpf loads, and the kernel refuses the rest
to both for the same reason; else 1.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "kernels"))

import fetch  # noqa: E402
import initramfs  # noqa: E402
import machine  # noqa: E402
import table  # noqa: E402
import verdicts  # noqa: E402
from debian import Unavailable, cache_root, digest  # noqa: E402

STRIPS = ("llvm-strip-19", "llvm-strip-20", "llvm-strip", "llvm-strip-18", "llvm-strip-16")


# Objects for one boot: a kernel that does not come through them all costs no more than these.
GROUP = 120
BOOT_SECONDS = 1800


class Place:
    """A kernel on which objects are loaded."""

    def __init__(self, name, modules):
        self.name = name
        self.booted = name != "running"
        self.failed = 0  # boots of it
        if self.booted:
            self.want, self.folder = self._find(name)
            self.release = self.folder.name
            paths = [Path(m) if "/" in m else self.folder / f"ko/{m}.ko" for m in modules]
            self.modules = [p for p in paths if p.exists()]
            # What boots need is compiled here, not by several of them at once.
            each_binary()
            for name in ("init", "tsc"):
                initramfs.program(name, "amd64")
        else:
            self.release = os.uname().release

    @staticmethod
    def _find(name):
        for want in fetch.wanted_kernels():
            if name in (want.name, str(want), want.release) and want.arch == "amd64":
                release = fetch.cached(want)
                if release is not None:
                    return want, fetch.store() / release
        raise Unavailable(f"kernel {name}: not in the cache, see kernels/fetch.py")

    def groups(self, paths, boots):
        """Cuts the objects into those that one run or one boot takes."""
        size = max(1, min(GROUP, -(-len(paths) // boots)) if self.booted else len(paths))
        return [paths[at:at + size] for at in range(0, len(paths), size)]

    def each(self, paths, seconds, command):
        """What COMMAND says of each object, as `each` prints it."""
        if self.booted:
            return self._boot(paths, seconds, command)
        line = [str(each_binary()), str(seconds), str(paths[0].parent), *map(str, command)]
        return subprocess.run(line, stdout=subprocess.PIPE, check=True).stdout.decode(
            errors="replace")

    def _boot(self, paths, seconds, command):
        binary = Path(command[0])
        inside = ["/" + binary.name, *command[1:]]
        files = [(binary, binary.name)] + [(p, f"objects/{p.name}") for p in paths]
        archive = initramfs.build("amd64", each_binary(), [str(seconds), "/objects", *inside],
                                  [], files, self.modules)
        memory = 768 + 3 * len(archive) // (1 << 20)
        try:
            outcome = machine.boot("amd64", self.folder / "vmlinux", archive, memory, BOOT_SECONDS)
        except machine.BootFailed as reason:
            print(f"{self.release}, from {paths[0].name} on: {reason}", file=sys.stderr)
            self.failed += 1
            return ""
        if sys.stderr.isatty() or os.environ.get("BPFLINK_PROGRESS"):
            print(f"{self.release}: {binary.name}, {len(paths)} objects from {paths[0].name} on: "
                  f"{outcome.seconds:.0f} s", file=sys.stderr)
        return outcome.output.decode(errors="replace")


def each_binary():
    """The static runner, compiled once."""
    source = HERE / "each.c"
    binary = cache_root() / "boot" / f"each-{digest(source)[:12]}"
    if not binary.exists():
        binary.parent.mkdir(parents=True, exist_ok=True)
        partial = binary.with_suffix(f".{os.getpid()}")
        subprocess.run(["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static",
                        "-o", str(partial), str(source)], check=True)
        partial.replace(binary)
    return binary


def chosen_objects(folder, names, into):
    """Copies the objects into a folder of their own, without debug information, which no
    loader reads and which would fill a booted machine's memory."""
    paths = sorted(folder.glob("*.o"))
    if names:
        paths = [p for p in paths if p.name.removesuffix(".bpf.o") in names]
        missing = set(names) - {p.name.removesuffix(".bpf.o") for p in paths}
        if missing:
            raise Unavailable(f"no objects {', '.join(sorted(missing))} in {folder}")
    for path in paths:
        shutil.copy(path, into)
    strip = next((s for s in STRIPS if shutil.which(s)), None)
    if strip and paths:
        subprocess.run([strip, "--strip-debug", *(str(into / p.name) for p in paths)], check=True)
    return len(paths)


def on(place, objects, chosen):
    """The rows of one kernel's table, group by group, as they are known."""
    def compared(paths):
        theirs = verdicts.libbpf_runs(place.each(paths, chosen.seconds, [chosen.libbpf]))
        # Twice the time: where libbpf only just came to its end, that is no difference.
        ours = verdicts.bpflink_runs(
            place.each(paths, 2 * chosen.seconds, [chosen.loader, "--table", "--optional"]))
        return verdicts.compare(theirs, ours)

    groups = place.groups(sorted(objects.iterdir()), chosen.boots)
    with ThreadPoolExecutor(chosen.boots if place.booted else 1) as pool:
        yield from pool.map(compared, groups)


def summary(place, title, rows):
    """One line for a kernel."""
    count = Counter(c for row in rows for c in row.classes.values())
    whole = sum(row.libbpf.whole for row in rows), sum(row.bpflink.whole for row in rows)
    classes = ", ".join(f"{count[c]} {c}" for c in verdicts.CLASSES if count[c])
    return (f"{title} on {place.release}: {len(rows)} objects, whole by libbpf {whole[0]}, by "
            f"bpflink {whole[1]}; {sum(count.values())} programs: {classes}")


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loader", required=True, type=Path)
    parser.add_argument("--libbpf", required=True, type=Path)
    parser.add_argument("--kernel", action="append", default=[], metavar="NAME")
    parser.add_argument("--module", action="append", default=[], metavar="NAME|FILE",
                        help="load this module before, on a booted kernel that has it")
    parser.add_argument("--seconds", type=int, default=120, help="for one object (120)")
    parser.add_argument("--boots", type=int, default=os.cpu_count(), metavar="N",
                        help="emulated machines at once (one for each processor)")
    parser.add_argument("--title", help="what the objects are called (the folder's name)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there")
    parser.add_argument("--into", type=Path, metavar="FILE",
                        help="replace the part of this document that has the table's title")
    parser.add_argument("--brief", action="store_true",
                        help="in the table only the objects in which the two differ")
    parser.add_argument("--object", action="append", default=[], metavar="NAME")
    parser.add_argument("folder", type=Path)
    return parser.parse_args()


def run(chosen):
    bad = 0
    title = chosen.title or chosen.folder.name
    with tempfile.TemporaryDirectory(prefix="bpflink-load-") as work:
        objects = Path(work) / "objects"
        objects.mkdir()
        if not chosen_objects(chosen.folder, chosen.object, objects):
            raise Unavailable(f"no objects in {chosen.folder}")
        for name in chosen.kernel or ["running"]:
            place = Place(name, chosen.module)
            rows = []
            for group in on(place, objects, chosen):
                rows += group
                for text in table.differences(group):
                    print(text, flush=True)
            line = summary(place, title, rows)
            print(line, flush=True)
            part = table.markdown(rows, line, chosen.brief)
            if chosen.markdown:
                chosen.markdown.write_text(part)
            if chosen.into:
                table.replace(chosen.into, f"{title} {name}", part)
            bad += sum(row.bad for row in rows) + (not rows) + place.failed
    return 1 if bad else 0


def main():
    chosen = arguments()
    try:
        return run(chosen)
    except (Unavailable, machine.BootFailed) as reason:
        print(f"load: {reason}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
