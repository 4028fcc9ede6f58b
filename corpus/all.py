#!/usr/bin/env python3
"""Compiles the whole corpus: all sets, each in its variants; or the fixed sample of it.

A run that was interrupted goes on where it stopped. One line per folder of objects says how
many programs compiled, and what the compilers said of the others.
"""

import argparse
import re
import resource
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import kernel_programs
import kernel_tree
import libbpf_tools
import linking
import prebuilt
import projects
import selftests
import variants
from compiling import compile_all, objects_folder
from debian import Unavailable, locked

HERE = Path(__file__).resolve().parent
FEW = tuple(map(variants.parse, "v3 clang16-eb clang22-O1-v4".split()))

# Selftests of which every variant is made: CO-RE, functions of one object and of several.
CORE = ("test_core_reloc_", "btf__core_reloc_", "linked_", "test_static_linked", "test_subprogs", "for_each_",
        "test_global_func", "verifier_global_subprogs", "exceptions")


@dataclass
class Set:
    """Programs of one origin."""

    name: str
    job: Callable
    """The job of a variant."""
    ways: tuple
    core: tuple = ()
    """Beginnings of the names of those programs that are made in every other way, too."""
    after: Callable = None
    """Links objects of a folder together."""

    @property
    def large(self):
        return self.name.startswith(("selftests", "falco"))


def _bpftool():
    return kernel_tree.bpftool(kernel_tree.sources("7.2"))[0]


def _selftests(version, ways, core=()):
    def after(objects):
        linux = kernel_tree.sources(version)
        return linking.by_makefile(_bpftool(), linux / selftests.SELFTESTS / "Makefile", objects)

    return Set(f"selftests-{version}", lambda v: selftests.job(version, v), ways, core, after)


def _project(name, ways, after=None):
    return Set(name, lambda v: projects.job(name, v), ways, after=after)


def _of_kernel(name, version, ways):
    return Set(f"{name}-{version}", lambda v: kernel_programs.job(name, version, v), ways)


SETS = [
    Set("libbpf-tools", libbpf_tools.job, tuple(variants.product())),
    _selftests("7.2", variants.PAIRS, CORE),
    *(_project(name, variants.PAIRS) for name in projects.PROJECTS if name != "falco"),
    _of_kernel("sched_ext", "7.2", variants.PAIRS),
    _of_kernel("kernel-tools", "7.2", variants.PAIRS),
    _of_kernel("samples", "7.2", FEW),
    _of_kernel("samples", "6.12", FEW),
    _project("falco", FEW, after=lambda objects: linking.all_of(_bpftool(), objects, "bpf_probe")),
    _selftests("6.12", FEW),
]
BY_NAME = {s.name: s for s in SETS}

# Sets of which nothing is in the sample: their sources are large, and others of their kind are in it.
NOT_IN_SAMPLE = {"selftests-6.12", "samples-6.12"}

# Folders whose objects go through the static linker once more, each alone.
RELINKED = ("libbpf-tools", "libbpf-tools-eb", "selftests-7.2", "selftests-7.2-clang14")


def plan():
    """What is compiled, as (set, variant, whether only its core).

    The plain ways come first, what has many programs in its other ways last.
    """
    whole = [(s, way, False) for s in SETS for way in s.ways]
    rest = [(s, way, True) for s in SETS if s.core for way in variants.product() if way not in s.ways]

    def order(item):
        kind, way, core = item
        large = kind.large and not core
        return (bool(way.name) or kind.name == "selftests-6.12", large, way not in variants.PAIRS)

    return sorted(whole + rest, key=order)


def compile_folder(kind, variant, core, jobs):
    """Brings one folder up to date."""
    job = kind.job(variant)
    if core:
        job.only({n for n in job.names() if n.startswith(kind.core)})
    folder = variant.folder(kind.name)
    with locked(f"objects-{folder}"):
        record = compile_all(job, objects_folder(folder), jobs)
        if kind.after:
            record["linked"], record["unlinked"] = kind.after(record["objects"])
    return record


# --- the sample

def sample(path=HERE / "peers.sample"):
    """The sample's lines: a folder and the names of some of its programs."""
    chosen = {}
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            folder, _, names = line.partition(":")
            chosen.setdefault(folder.strip(), []).extend(names.split())
    return chosen


def set_of(folder):
    """The set and the variant of a folder's name."""
    for kind in sorted(SETS, key=lambda s: -len(s.name)):
        if folder == kind.name or folder.startswith(kind.name + "-"):
            return kind, variants.parse(folder[len(kind.name) + 1:])
    raise ValueError(f"no set has a folder {folder}")


def compile_sample(folder, names, jobs):
    """Brings one folder of the sample up to date."""
    kind, variant = set_of(folder)
    job = kind.job(variant).only(names)
    with locked(f"objects-sample-{folder}"):
        record = compile_all(job, objects_folder("sample") / folder, jobs)
        if kind.after:
            record["linked"], record["unlinked"] = kind.after(record["objects"])
    return record


# --- what is told

def told(name, record, quiet, share=0, seconds=0):
    """Prints what one folder came to; whether as much of it compiled as must."""
    failed = record["failed"]
    good = record["total"] - len(failed)
    linked = f", {record['linked']} linked of several" if record.get("linked") else ""
    print(f"corpus ({name}): {good} of {record['total']} compiled{linked}, {seconds:.0f} s of CPU -> "
          f"{record['objects']}", flush=True)
    if not quiet:
        for why, count in Counter(map(reason, failed.values())).most_common():
            names = [n for n, w in failed.items() if reason(w) == why]
            print(f"    {count} not: {why} ({', '.join(names[:3])}{', …' if count > 3 else ''})")
        for linked, why in record.get("unlinked", {}).items():
            print(f"    {linked} not linked: {why}")
    # Of a single program there is no part that compiles.
    enough = good >= share * record["total"] or (record["total"] == 1 and share < 0.5)
    return record["total"] > 0 and enough


def cpu():
    """Seconds of CPU that the commands called so far took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def reason(text):
    """What a compiler said, without the place."""
    said = re.sub(r"0x[0-9a-f]+: ", "", text.split("error: ", 1)[-1])
    unknown = re.match(r".*Cannot select: \w+ = \w+", said)
    return unknown[0] if unknown else said[:160]


def fetch_kernels():
    """The kernels from whose BTF vmlinux.h is made."""
    subprocess.run([HERE.parent / "kernels" / "fetch.py", "--quiet", "7.2/amd64", "6.12/amd64"], check=False)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("only", nargs="*", metavar="SET", help=f"of {', '.join(BY_NAME)} (default: all)")
    parser.add_argument("--sample", action="store_true", help="what peers.sample names, into objects/sample")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="compilers at once (default: 2)")
    parser.add_argument("--quiet", "-q", action="store_true", help="one line per folder")
    chosen = parser.parse_args()
    for name in chosen.only:
        if name not in BY_NAME:
            parser.error(f"no set {name}")
    return chosen


def least(variant):
    """The share of a set's programs that compiles in this way: nearly all in the plain way; in others
    some, for a compiler may be older than they are, or an instruction set lack what they use."""
    return 0.01 if variant.name else 0.85


def steps(chosen):
    """What to do, as (name, function that makes the record, share of the programs that must compile)."""
    if chosen.sample:
        for folder, names in sample().items():
            yield folder, lambda f=folder, n=names: compile_sample(f, n, chosen.jobs), 1
        return
    for kind, variant, core in plan():
        if not chosen.only or kind.name in chosen.only:
            yield (variant.folder(kind.name),
                   lambda k=kind, v=variant, c=core: compile_folder(k, v, c, chosen.jobs), least(variant))
    if not chosen.only:
        for folder in RELINKED:
            yield f"{folder}-linked", lambda f=folder: linking.each(
                _bpftool(), objects_folder(f), objects_folder(f + "-linked")), 0.9
        yield "cilium-ebpf-built", prebuilt.collect, 1


def main():
    chosen = arguments()
    started, good, skipped, objects, programs = time.monotonic(), True, 0, 0, 0
    fetch_kernels()
    for name, make, share in steps(chosen):
        before = cpu()
        try:
            record = make()
        except Unavailable as why:
            print(f"SKIP corpus ({name}): {why}", flush=True)
            skipped += 1
            continue
        good &= told(name, record, chosen.quiet, share, cpu() - before)
        programs += record["total"]
        objects += record["total"] - len(record["failed"]) + record.get("linked", 0)
    print(f"corpus: {objects} objects of {programs} programs, {skipped} folders skipped; "
          f"{time.monotonic() - started:.0f} s, {cpu():.0f} s of CPU")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
