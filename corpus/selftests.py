#!/usr/bin/env python3
"""Compiles the BPF programs of the kernel's own selftests, as many as this clang can.

The sources come from a Debian package `linux-source-*`, vmlinux.h from the BTF of a
fetched kernel of that version, and both bpftool and libbpf's headers from the same
sources, because packaged ones are older than the programs. Objects land in the cache
as objects/selftests-VERSION/NAME.bpf.o; those that the tests link of several with
`bpftool gen object` beside them. Nothing is fetched or compiled twice.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from compiling import CLANGS, compile_all, first_of, objects_folder, version_of
from debian import Apt, Unavailable, cache_root, digest, locked, run

# version: (suites that have the sources, programs that compile at least)
SOURCES = {
    "7.2": (("forky", "trixie-backports", "sid"), 880),
    "6.12": (("trixie", "bookworm-backports"), 700),
}

HERE = Path(__file__).resolve().parent
SELFTESTS = "tools/testing/selftests/bpf"

# What of the kernel's sources is unpacked: the tests, libbpf, bpftool and their headers.
WANTED = re.compile(
    r"tools/(testing/selftests/bpf|lib|include|bpf|scripts|build|arch)/|include/uapi/"
    r"|scripts/bpf_doc\.py|kernel/bpf/disasm\.|Makefile$")

# The flags of the tests' own Makefile.
FLAGS = """
    -g -O2 -Wall -D__TARGET_ARCH_x86 -mlittle-endian --target=bpfel -std=gnu11
    -fno-strict-aliasing -Wno-microsoft-anon-tag -fms-extensions -DENABLE_ATOMICS_TESTS
    -Wno-compare-distinct-pointer-types -Wno-initializer-overrides -Wno-unknown-warning-option
""".split()
NO_INLINE = {"test_l4lb_noinline.c", "test_xdp_noinline.c"}
CPUS = ("v3", "v4", "v2")

# A skeleton's line in the tests' Makefile: NAME.skel.h-deps := A.bpf.o B.bpf.o
LINKED = re.compile(r"^(\w+)\.skel\.h-deps := (.*)$", re.M)


def sources(version):
    """Unpacks the kernel's sources of one version; their folder, named after the package's."""
    folder = cache_root() / "sources"
    kept = sorted(folder.glob(f"linux-{version}.*/.complete"))
    if kept:
        return kept[-1].parent
    package, reasons = f"linux-source-{version}", []
    for suite in SOURCES[version][0]:
        try:
            apt = Apt(suite)
            apt.update()
            deb = apt.fetch(apt.binary_uri(package), folder)
        except Unavailable as reason:
            reasons.append(f"{suite}: {reason}")
            continue
        release = re.search(r"_([\d.]+)", deb.name)[1]
        _unpack(deb, package, folder / f"linux-{release}")
        deb.unlink()
        return folder / f"linux-{release}"
    raise Unavailable(f"package {package}: " + "; ".join(reasons))


def _unpack(deb, package, folder):
    """The tarball inside the package, streamed through, for nobody needs it whole."""
    outer = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE)
    inner = subprocess.Popen(["tar", "-xO", f"./usr/src/{package}.tar.xz"],
                             stdin=outer.stdout, stdout=subprocess.PIPE)
    outer.stdout.close()
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(fileobj=inner.stdout, mode="r|xz") as archive:
        for member in archive:
            _, _, name = member.name.partition("/")
            if WANTED.match(name) and member.isfile():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.extractfile(member) as source:
                    target.write_bytes(source.read())
                target.chmod(member.mode & 0o777)
            elif WANTED.match(name) and member.issym():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(member.linkname)
    inner.stdout.close()
    if inner.wait() or outer.wait():
        raise Unavailable(f"{deb.name} cannot be unpacked")
    (folder / ".complete").touch()


def bpftool(linux):
    """The sources' own bpftool; libbpf's headers lie beside it, as its build installs them."""
    out = linux / "bpftool"
    tool = out / "bootstrap/bpftool"
    if not tool.exists():
        out.mkdir(exist_ok=True)
        run(["make", "-s", "-C", str(linux / "tools/bpf/bpftool"), "bootstrap", f"OUTPUT={out}/"])
    return tool, out / "bootstrap/libbpf/include"


def vmlinux_header(tool, btf):
    """The folder with the vmlinux.h of one kernel, kernel functions and all."""
    folder = cache_root() / "headers" / f"selftests-{digest(btf)[:16]}"
    if not (folder / "vmlinux.h").exists():
        text = run([str(tool), "btf", "dump", "file", str(btf), "format", "c"])
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f"vmlinux.h.{os.getpid()}"
        partial.write_text(text)
        partial.replace(folder / "vmlinux.h")
    return folder


def kernel_btf(version):
    """The BTF of a fetched kernel of this version."""
    found = sorted((cache_root() / "kernels").glob(f"{version}.*-amd64/btf"))
    if not found:
        raise Unavailable(f"no kernel {version} is fetched (kernels/fetch.py {version}/amd64)")
    return found[-1]


def sample():
    """The names of the sample's programs, without their endings."""
    lines = (HERE / "selftests.sample").read_text().splitlines()
    return [word for line in lines if not line.startswith("#") for word in line.split()]


def system_includes(clang):
    """Where this clang looks for the system's headers when it compiles for this machine."""
    done = subprocess.run([clang, "-v", "-E", "-"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    found = re.search(r"<\.\.\.> search starts here:\n(.*?)End of search", done.stderr, re.S)
    return [word for line in found[1].split("\n") if line for word in ("-idirafter", line.strip())]


def link_together(linux, tool, objects):
    """Links the objects of which the tests make one with `bpftool gen object`."""
    text = (linux / SELFTESTS / "Makefile").read_text()
    linked, failed = 0, {}
    for name, parts in LINKED.findall(text):
        paths = [objects / part for part in parts.split()]
        if len(paths) < 2 or not all(p.exists() for p in paths):
            continue
        target = objects / f"linked-{name}.bpf.o"
        done = subprocess.run([str(tool), "gen", "object", str(target), *map(str, paths)],
                              capture_output=True, text=True)
        if done.returncode:
            target.unlink(missing_ok=True)
            failed[target.name] = done.stderr.strip().splitlines()[-1]
        linked += not done.returncode
    return linked, failed


def build(version, cpu, btf, jobs, only):
    """Brings the objects up to date and returns their record."""
    clang = first_of(CLANGS)
    if clang is None:
        raise Unavailable("no clang")
    linux = sources(version)
    tests = linux / SELFTESTS
    tool, headers = bpftool(linux)
    btf = btf or kernel_btf(version)
    command = [
        clang, *FLAGS, f"-mcpu={cpu}", f"-ffile-prefix-map={cache_root()}/=",
        f"-I{vmlinux_header(tool, btf)}", f"-I{headers}", f"-I{tests}",
        f"-I{linux}/tools/include/uapi", f"-I{linux}/tools/include",
        f"-I{tests}/libarena/include", *system_includes(clang),
    ]
    key = {"command": command, "clang": version_of(clang), "btf": digest(btf), "linux": linux.name}
    programs = sorted((tests / "progs").glob("*.c"))
    if only:
        programs = [p for p in programs if p.stem in only]
        key["only"] = sorted(only)
    objects = objects_folder(
        f"selftests-{version}" + ("" if cpu == "v3" else f"-{cpu}") + ("-sample" if only else ""))
    record = compile_all(
        programs, objects,
        lambda s: command + (["-fno-inline"] if s.name in NO_INLINE else []), key, jobs)
    record["linked"], record["unlinked"] = link_together(linux, tool, objects)
    return record


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("version", nargs="?", default="7.2", choices=SOURCES,
                        help="of the kernel whose sources are taken (default: 7.2)")
    parser.add_argument("--cpu", default="v3", choices=CPUS, help="-mcpu (default: v3)")
    parser.add_argument("--btf", type=Path, metavar="FILE",
                        help="the BTF from which vmlinux.h is made, else the fetched kernel's")
    parser.add_argument("--sample", action="store_true",
                        help="only the programs of selftests.sample, in a folder of their own")
    parser.add_argument("--jobs", type=int, metavar="N", help="compilers at once")
    parser.add_argument("--quiet", "-q", action="store_true", help="one line in all")
    return parser.parse_args()


def main():
    chosen = arguments()
    try:
        with locked(f"selftests-{chosen.version}"):
            record = build(chosen.version, chosen.cpu, chosen.btf, chosen.jobs,
                           sample() if chosen.sample else None)
    except Unavailable as reason:
        print(f"SKIP selftests ({chosen.version}): {reason}")
        return 0
    failed = record["failed"]
    if not chosen.quiet:
        for program, why in failed.items():
            print(f"selftests ({chosen.version}): {program} does not compile: {why}")
        for linked, why in record["unlinked"].items():
            print(f"selftests ({chosen.version}): {linked} cannot be linked: {why}")
    compiled = record["total"] - len(failed)
    print(f"selftests ({chosen.version} {chosen.cpu}): {compiled} of {record['total']} compiled, "
          f"{record['linked']} of several linked, {record['key']['linux']}, "
          f"{record['key']['command'][0]} -> {record['objects']}")
    # Of the sample, every one.
    least = record["total"] if chosen.sample else SOURCES[chosen.version][1]
    return 0 if compiled >= least else 1


if __name__ == "__main__":
    sys.exit(main())
