"""Compiling many programs into one folder of objects, with a record of how it was done."""

import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

from debian import cache_root

# clang that knows BPF's instructions up to v4 comes first: the corpus was verified with it.
CLANGS = ("clang-19", "clang-20", "clang-18", "clang-17", "clang-16", "clang")

RECORD = "corpus.json"


def first_of(compilers):
    """The first of these compilers that is installed, or None."""
    return next((c for c in compilers if shutil.which(c)), None)


def version_of(compiler):
    """What the compiler calls itself, in one line."""
    done = subprocess.run([compiler, "--version"], capture_output=True, text=True)
    return done.stdout.splitlines()[0]


def compile_one(source, target, command):
    """Compiles one program. Returns None, or the first line that says what is wrong."""
    partial = target.with_suffix(".part")
    done = subprocess.run(
        [*command, "-c", source.name, "-o", str(partial)],
        cwd=source.parent, capture_output=True, text=True,
    )
    if done.returncode == 0:
        partial.replace(target)
        return None
    partial.unlink(missing_ok=True)
    target.unlink(missing_ok=True)
    lines = done.stderr.splitlines() or [f"exit {done.returncode}"]
    return next((line for line in lines if "error" in line), lines[0])


def object_name(source):
    """The name of a source's object: NAME.bpf.c and NAME.c become NAME.bpf.o."""
    return source.name.removesuffix(".c").removesuffix(".bpf") + ".bpf.o"


def compile_all(sources, objects, command_of, key, jobs=None):
    """Brings a folder of objects up to date and returns its record.

    COMMAND_OF gives the compiler's command for a source; KEY holds all that the objects
    depend on: where it is that of the record beside the objects, nothing is compiled.
    """
    stamp = objects / RECORD
    record = _read(stamp)
    if record.get("key") != key or not _complete(record, objects, sources):
        objects.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        with ThreadPoolExecutor(jobs or os.cpu_count()) as pool:
            results = pool.map(
                lambda s: compile_one(s, objects / object_name(s), command_of(s)), sources)
            failed = {s.name: why for s, why in zip(sources, results) if why}
        record = {"key": key, "failed": failed}
        stamp.write_text(json.dumps(record, indent=1) + "\n")
    record.update(objects=objects, total=len(sources))
    return record


def _read(stamp):
    try:
        return json.loads(stamp.read_text())
    except (OSError, ValueError):
        return {}


def _complete(record, objects, sources):
    good = (s for s in sources if s.name not in record.get("failed", {}))
    return all((objects / object_name(s)).exists() for s in good)


def objects_folder(name):
    """Where the objects called NAME are kept."""
    return cache_root() / "objects" / name
