"""Objects that are linked of others with `bpftool gen object`, as builds of skeletons do."""

import re
import subprocess

from compiling import record_beside, write_record

# A skeleton's line in the selftests' Makefile: NAME.skel.h-deps := A.bpf.o B.bpf.o
LINKED = re.compile(r"^(\w+)\.skel\.h-deps := (.*)$", re.M)


def together(tool, target, parts):
    """Links PARTS into TARGET, unless it is there and no older; None, or what is wrong."""
    if target.exists() and all(target.stat().st_mtime >= p.stat().st_mtime for p in parts):
        return None
    partial = target.with_suffix(".part")
    done = subprocess.run([str(tool), "gen", "object", str(partial), *map(str, parts)],
                          capture_output=True, text=True, errors="replace")
    if done.returncode == 0:
        partial.replace(target)
        return None
    partial.unlink(missing_ok=True)
    target.unlink(missing_ok=True)
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines[-1] if lines else f"exit {done.returncode}"


def by_makefile(tool, makefile, objects):
    """Links the objects of which the selftests make one; how many were, and what failed."""
    linked, failed = 0, {}
    for name, parts in LINKED.findall(makefile.read_text()):
        paths = [objects / part for part in parts.split()]
        if len(paths) < 2 or not all(p.exists() for p in paths):
            continue
        target = objects / f"linked-{name}.bpf.o"
        why = together(tool, target, paths)
        if why:
            failed[target.name] = why
        linked += not why
    return linked, failed


def all_of(tool, objects, name):
    """Links all objects of a folder into one, as falco does."""
    # In a sample of the folder some of the parts are missing, which the others may do without.
    parts = sorted(p for p in objects.glob("*.bpf.o") if not p.name.startswith("linked-"))
    target = objects / f"linked-{name}.bpf.o"
    why = together(tool, target, parts) if parts else "nothing to link"
    return int(not why), {target.name: why} if why else {}


def each(tool, objects, out):
    """Passes each object of a folder through the static linker, into a folder of its own.

    What the selftests load went through it, alone or not: types are deduplicated, sections laid
    out anew. Returns a record like that of compiling.
    """
    out.mkdir(parents=True, exist_ok=True)
    made = {p.name for p in objects.glob("*.bpf.o") if not p.name.startswith("linked-")}
    for left in out.glob("*.bpf.o"):
        if left.name not in made:
            left.unlink()
    key = {"linked of": objects.name, "key": record_beside(objects).get("key"), "bpftool": str(tool)}
    failed = {}
    for name in sorted(made):
        why = together(tool, out / name, [objects / name])
        if why:
            failed[name] = why
    write_record(out, {"key": key, "failed": failed})
    return {"key": key, "failed": failed, "objects": out, "total": len(made)}
