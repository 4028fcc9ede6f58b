#!/usr/bin/env python3
"""Builds the modules of the kernel's own selftests, bpf_testmod above all, for a fetched kernel.

    testmod.py [NAME]          7.2 if not given; a kernel of the list for amd64

The sources are those of Debian's linux-source package (corpus/kernel_tree.py), the build tree is
Debian's linux-headers and linux-kbuild of the kernel's release, unpacked into a folder that is
deleted afterwards. Its programs (modpost, objtool, resolve_btfids) and the pahole that a new
kernel needs are linked with a newer libc than this machine may have: they run with libraries
that are unpacked beside them. The compiler is this machine's.
The modules are put beside those of the kernel's package, kernels/RELEASE/ko/*.ko.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "corpus"))

import fetch  # noqa: E402
import kernel_tree  # noqa: E402
import selftests  # noqa: E402
from compilers import version_of  # noqa: E402
from debian import Apt, Unavailable, digest, locked, run  # noqa: E402

# One that refuses to load without hardware counters, bpf_test_rqspinlock, is left out.
MODULES = ("bpf_testmod", "bpf_test_no_cfi", "bpf_test_modorder_x", "bpf_test_modorder_y")
SOURCES = "test_kmods"

# Has a pahole that is new enough for every kernel of the list.
TOOLS_SUITE = "forky"
LIBRARIES = "lib/x86_64-linux-gnu"
# Programs of the build tree that run, and the file that is meant where Debian's chooses one.
PROGRAMS = {
    "scripts/basic/fixdep": "", "scripts/mod/modpost": ".real-lsb-64",
    "tools/objtool/objtool": ".real-x86", "tools/bpf/resolve_btfids/resolve_btfids": "",
}

# What Debian's compiler can and this machine's may not: option, and what must compile for it.
CAPABILITIES = {
    "CC_HAS_MIN_FUNCTION_ALIGNMENT": (["-fmin-function-alignment=16"], ""),
    "CC_HAS_COUNTED_BY": (["-Werror"], "struct s { int n; int a[] __attribute__((counted_by(n))); };"),
    "CC_HAS_COUNTED_BY_PTR": (
        ["-Werror"], "struct s { int n; int *p __attribute__((counted_by(n))); };"),
}

STAMP = "testmod.json"


class Broken(Exception):
    """The modules do not compile: a defect, nothing that a machine lacks."""


def compiles(options, text):
    """Whether gcc takes these options and this text."""
    return subprocess.run(["gcc", *options, "-x", "c", "-c", "-o", "/dev/null", "-"], input=text,
                          capture_output=True, text=True).returncode == 0


def wrap(program, libraries, real=""):
    """Makes PROGRAM a script that runs it, or the file PROGRAM+REAL, with those libraries."""
    hidden = program.with_name(program.name + ".elf")
    program.with_name(program.name + real).replace(hidden)
    program.unlink(missing_ok=True)
    program.write_text("#!/bin/sh\n"
                       f"exec '{libraries}/ld-linux-x86-64.so.2' --library-path '{libraries}' "
                       f"'{hidden}' \"$@\"\n")
    program.chmod(0o755)


def unpack(apt, names, root):
    """Unpacks packages of one suite into ROOT."""
    for name in names:
        deb = apt.fetch(apt.binary_uri(name), root)
        run(["dpkg-deb", "-x", str(deb), str(root)])
        deb.unlink()


def tools(root):
    """pahole and the libraries of all programs, in ROOT/usr."""
    apt = Apt(TOOLS_SUITE)
    apt.update()
    unpack(apt, apt.with_dependencies("pahole"), root)
    return root / "usr/bin/pahole", root / "usr" / LIBRARIES


def build_tree(folder, suite, release, root, libraries):
    """The folder in which modules of a release are built."""
    version = release.removesuffix("-cloud-amd64")
    apt = Apt(suite)
    apt.update()
    unpack(apt, [f"linux-headers-{release}", f"linux-headers-{version}-common",
                 f"linux-kbuild-{version}"], root)
    own = root / f"usr/src/linux-headers-{release}"
    makefile = own / "Makefile"
    makefile.write_text(makefile.read_text().replace("/usr/src/", f"{root}/usr/src/"))
    for program, real in PROGRAMS.items():
        wrap(root / f"usr/lib/linux-kbuild-{version}" / program, libraries, real)
    lacking = [o for o, (options, text) in CAPABILITIES.items() if not compiles(options, text)]
    for name in ("include/config/auto.conf", "include/generated/autoconf.h"):
        path = own / name
        kept = [line for line in path.read_text().splitlines(True)
                if not any(f"CONFIG_{o}=" in line or f"CONFIG_{o} " in line for o in lacking)]
        path.write_text("".join(kept))
    # Types are numbered over this BTF.
    (own / "vmlinux").unlink(missing_ok=True)
    (own / "vmlinux").symlink_to(folder / "vmlinux")
    return own


def build(folder, suite, sources, work):
    """Builds the modules and puts them under FOLDER/ko."""
    root, there = work / "root", work / SOURCES
    root.mkdir()
    shutil.copytree(sources, there)
    pahole, libraries = tools(root)
    wrap(pahole, libraries)
    tree = build_tree(folder, suite, folder.name, root, libraries)
    done = subprocess.run(["make", "-s", f"-j{os.cpu_count()}", "-C", str(tree), f"M={there}",
                           "CC=gcc", f"PAHOLE={pahole}", "modules"], capture_output=True, text=True)
    if done.returncode:
        raise Broken(done.stderr)
    for name in MODULES:
        run(["strip", "--strip-debug", "-o", str(work / f"{name}.ko"), str(there / f"{name}.ko")])
    for name in MODULES:
        shutil.move(work / f"{name}.ko", folder / "ko" / f"{name}.ko")


def bring(name):
    """Brings the modules of one kernel up to date; its release and whether anything was done."""
    want = next((w for w in fetch.wanted_kernels()
                 if w.arch == "amd64" and name in (w.name, str(w), w.release)), None)
    release = want and fetch.cached(want)
    if release is None:
        raise Unavailable(f"kernel {name}: not in the cache, see fetch.py")
    if not release.startswith(f"{want.name}."):
        raise Unavailable(f"{release} serves as {want.name}, whose sources fit no other kernel")
    if not shutil.which("gcc"):
        raise Unavailable("gcc is not installed")
    folder = fetch.store() / release
    sources = kernel_tree.sources(want.name) / selftests.SELFTESTS / SOURCES
    if not sources.is_dir():
        raise Unavailable(f"the sources of Linux {want.name} have no {SOURCES}")
    key = {"compiler": version_of("gcc"), "script": digest(__file__),
           "sources": {p.name: digest(p) for p in sorted(sources.iterdir()) if p.is_file()}}
    stamp = folder / STAMP
    if stamp.exists() and json.loads(stamp.read_text()) == key:
        return release, False
    stamp.unlink(missing_ok=True)
    suite = json.loads((folder / "facts.json").read_text())["suite"]
    with tempfile.TemporaryDirectory(prefix="bpflink-testmod-") as work:
        build(folder, suite, sources, Path(work))
    stamp.write_text(json.dumps(key, indent=1) + "\n")
    return release, True


def main():
    name = sys.argv[1] if len(sys.argv) > 1 else "7.2"
    try:
        with locked("testmod"):
            release, fresh = bring(name)
    except Broken as reason:
        print(f"testmod ({name}): the modules do not compile\n{reason}", file=sys.stderr)
        return 1
    except Unavailable as reason:
        print(f"SKIP testmod ({name}): {reason}")
        return 0
    print(f"testmod: {' '.join(MODULES)} for {release}{', built' if fresh else ''}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
