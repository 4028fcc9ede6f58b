"""The compilers of the corpus: the machine's own, else Debian's, fetched into the cache.

A fetched compiler runs with the C library of the suite that it was built for, so that an
older machine runs a newer one; nothing of it is installed.
"""

import re
import shutil
import subprocess
from functools import cache

from debian import Apt, Unavailable, cache_root, locked, run

# clang that knows BPF's instructions up to v4 comes first: the corpus was verified with it.
CLANGS = ("clang-19", "clang-20", "clang-18", "clang-17", "clang-16", "clang")

# Where a compiler is taken from that this machine lacks.
SUITES = {
    "14": ("bookworm",),
    "16": ("bookworm",),
    "19": ("trixie", "bookworm"),
    "22": ("trixie", "forky", "sid"),
}
# The first clang that knows -mcpu=v4.
V4_SINCE = 18

# Of all that a compiler depends on, what compiling for BPF needs: no linker, no headers but its own.
NEEDED = re.compile(r"(clang-\d+|libclang-(cpp|common-).*|lib(?!.*-dev$|binutils|objc|ctf|gprofng|jansson).*|zlib1g)$")

LAUNCHER = """#!/bin/sh
root=$(dirname "$(readlink -f "$0")")/root
exec "$root/{loader}" --library-path "{libraries}" "$root/usr/lib/llvm-{number}/bin/clang" \\
	-resource-dir "$root/{resources}" "$@"
"""


def first_of(compilers):
    """The first of these compilers that is installed, or None."""
    return next((c for c in compilers if shutil.which(c)), None)


@cache
def version_of(compiler):
    """What the compiler calls itself, in one line."""
    return run([compiler, "--version"]).splitlines()[0]


@cache
def clang(number=""):
    """A command for clang of this major version; without one, for the corpus' own."""
    if not number:
        found = first_of(CLANGS)
        if found is None:
            raise Unavailable("no clang")
        return found
    if shutil.which(f"clang-{number}"):
        return f"clang-{number}"
    with locked(f"clang-{number}"):
        return str(_fetched(number))


def _fetched(number):
    """The launcher of a fetched clang."""
    launcher = cache_root() / "tools" / f"clang-{number}" / "clang"
    if launcher.exists():
        return launcher
    reasons = []
    for suite in SUITES.get(number, ()):
        try:
            _unpack(suite, number, launcher)
            version_of(launcher)
            return launcher
        except Unavailable as reason:
            launcher.unlink(missing_ok=True)
            reasons.append(f"{suite}: {reason}")
    raise Unavailable(f"no clang-{number} (" + "; ".join(reasons) + ")")


def _unpack(suite, number, launcher):
    home = launcher.parent
    root = home / "root"
    shutil.rmtree(home, ignore_errors=True)
    root.mkdir(parents=True)
    apt = Apt(suite, arches=(run(["dpkg", "--print-architecture"]).strip(),))
    apt.update()
    for uri in apt.closure(f"clang-{number}"):
        if NEEDED.match(uri.name.split("_")[0]):
            package = apt.fetch(uri, home)
            run(["dpkg-deb", "-x", str(package), str(root)])
            package.unlink()
    launcher.write_text(LAUNCHER.format(
        number=number, loader=_one(root, "lib*/**/ld-linux*", "usr/lib*/**/ld-linux*"),
        libraries=":".join(sorted({f"$root/{f.parent.relative_to(root)}" for f in root.rglob("lib*.so.*")
                                   if "gdb" not in f.parts})),
        resources=_one(root, f"usr/lib/llvm-{number}/lib/clang/*")))
    launcher.chmod(0o755)


def _one(root, *patterns):
    """The first file under ROOT that one of the patterns finds, as seen from there."""
    for pattern in patterns:
        for found in sorted(root.glob(pattern)):
            if found.exists():
                return found.relative_to(root)
    raise Unavailable(f"no {patterns[0]} in the packages")


@cache
def system_includes(compiler):
    """Where this clang looks for the system's headers when it compiles for this machine."""
    done = subprocess.run([compiler, "-v", "-E", "-"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    found = re.search(r"<\.\.\.> search starts here:\n(.*?)End of search", done.stderr, re.S)
    if not found:
        raise Unavailable(f"{compiler} names no folders of headers")
    return [word for line in found[1].split("\n") if line for word in ("-idirafter", line.strip())]
