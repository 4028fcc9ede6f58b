"""Compiling many programs into one folder of objects, with a record of how it was done.

A run that was interrupted goes on where it stopped: an object appears in its folder when it is
whole, a program that does not compile in the record as soon as that is known.
"""

import json
import os
import shutil
import subprocess
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from debian import Unavailable, cache_root

RECORD = "corpus.json"
# Nothing here takes a minute; what does so does not end.
SECONDS = 300


@dataclass
class Job:
    """What it takes to compile a folder of objects."""

    sources: list
    command: list
    """The compiler and the flags that all programs share."""
    key: dict
    """All that the objects depend on, and the command."""
    own: dict = field(default_factory=dict)
    """Flags of one program, by the name of its source."""
    header: Path = None
    """The header to compile once for all programs that begin with it."""
    missing: list = field(default_factory=list)
    """Names that programs were asked for by and that none has."""
    strip: bool = False
    """Without DWARF, as what is built into a skeleton."""

    def names(self):
        """Of all programs."""
        return [program_name(s) for s in self.sources]

    def only(self, names):
        """The programs of these names alone; those that there are none of count as failed."""
        self.missing = sorted(set(names) - set(self.names()))
        self.sources = [s for s in self.sources if program_name(s) in names]
        self.key = self.key | {"only": sorted(names)}
        return self

    def quick(self, variant):
        """For any but the plain way: a third of the time and a tenth of the room.

        The plain way is a developer's, DWARF and all. With a precompiled header the compiler
        writes some types in another order.
        """
        if variant.name:
            self.strip = True
            self.key = self.key | {"quick": True}
        else:
            self.header = None
        return self


def compile_all(job, objects, jobs=None):
    """Brings a folder of objects up to date and returns its record.

    Objects of another key are removed first; of the same, only what is missing is compiled.
    """
    twice = [name for name, count in Counter(job.names()).items() if count > 1]
    if twice:
        raise ValueError(f"{objects.name}: several programs are called {', '.join(twice)}")
    record = _opened(objects, job)
    missing = [s for s in job.sources
               if s.name not in record["failed"] and not (objects / object_name(s)).exists()]
    if missing:
        _compile(job, missing, objects, record, jobs)
    record["failed"].update({name: "the sources have no such program" for name in job.missing})
    record.update(objects=objects, total=len(job.sources) + len(job.missing), compiled=len(missing))
    return record


def _opened(objects, job):
    """The record of a folder that holds objects of this key alone."""
    record = record_beside(objects)
    if record.get("key") != job.key or "failed" not in record:
        shutil.rmtree(objects, ignore_errors=True)
        objects.mkdir(parents=True)
        record = {"key": job.key, "failed": {}}
    # Programs that are no longer among the sources.
    names = {source.name for source in job.sources}
    record["failed"] = {name: why for name, why in record["failed"].items() if name in names}
    write_record(objects, record)
    gone = {p for p in objects.glob("*.bpf.o") if not p.name.startswith("linked-")}
    gone -= {objects / object_name(source) for source in job.sources}
    for left in (*gone, *objects.glob("*.part"), *objects.glob("*.pch")):
        left.unlink()
    return record


def _compile(job, sources, objects, record, jobs):
    first = _precompiled(job, sources, objects)
    stripper = _stripper() if job.strip else None
    lock = threading.Lock()

    def one(source):
        command = job.command + job.own.get(source.name, []) + first.get(source, [])
        why = compile_one(source, objects / object_name(source), command, stripper)
        if why:
            with lock:
                record["failed"][source.name] = why
                write_record(objects, record)

    with ThreadPoolExecutor(jobs or os.cpu_count()) as pool:
        list(pool.map(one, sources))
    for words in first.values():
        Path(words[-1]).unlink(missing_ok=True)


def compile_one(source, target, command, stripper=None):
    """Compiles one program. Returns None, or the first line that says what is wrong."""
    partial = target.with_suffix(".part")
    why = _run([*command, "-c", source.name, "-o", str(partial)], source.parent)
    if not why and stripper:
        why = _run([stripper, "--strip-debug", str(partial)], source.parent)
    if not why:
        partial.replace(target)
        return None
    partial.unlink(missing_ok=True)
    return why


def _run(command, folder):
    """None, or what a command says is wrong."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace",
                              timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"does not end within {SECONDS} s"
    if done.returncode == 0:
        return None
    lines = done.stderr.splitlines() or [f"exit {done.returncode}"]
    return next((line for line in lines if "error" in line), lines[0])


def _precompiled(job, sources, objects):
    """The flags that name the precompiled header, for each source that may have it."""
    if job.header is None:
        return {}
    takes = [s for s in sources if begins_with(s.read_text(errors="replace"), job.header.name)]
    header = objects / "header.pch"
    if not takes or _run([*job.command, "-x", "c-header", str(job.header), "-o", str(header)], objects):
        return {}
    return {s: ["-include-pch", str(header)] for s in takes if s.name not in job.own}


def begins_with(text, header):
    """Whether the first directive of a source includes HEADER: nothing before can change it."""
    directives = (line.strip() for line in text.splitlines() if line.lstrip().startswith("#"))
    return next(directives, "") in (f'#include "{header}"', f"#include <{header}>")


def _stripper():
    """The tool that takes DWARF from objects for BPF; that of binutils does not know them."""
    names = ("llvm-objcopy-19", "llvm-objcopy", *(f"llvm-objcopy-{n}" for n in range(23, 13, -1)))
    found = next(filter(shutil.which, names), None)
    if found is None:
        raise Unavailable("no llvm-objcopy")
    return found


def program_name(source):
    """NAME of NAME.bpf.c and of NAME.c."""
    return source.name.removesuffix(".c").removesuffix(".bpf")


def object_name(source):
    """The name of a source's object."""
    return program_name(source) + ".bpf.o"


def record_beside(objects):
    """The record in a folder of objects; empty, where there is none."""
    try:
        return json.loads((objects / RECORD).read_text())
    except (OSError, ValueError):
        return {}


def write_record(objects, record):
    """Puts the record into a folder of objects."""
    stamp = objects / RECORD
    partial = stamp.with_suffix(".new")
    partial.write_text(json.dumps(record, indent=1) + "\n")
    partial.replace(stamp)


def objects_folder(name):
    """Where the objects called NAME are kept."""
    return cache_root() / "objects" / name
