#!/usr/bin/env python3
"""Compiles the libbpf-tools of BCC: real BPF programs, written by others.

The sources come from Debian's source package `bpfcc`, the BPF headers from its
source package `libbpf`, and vmlinux.h from the running kernel. Everything lands in
the cache ($BPFLINK_CACHE, else ~/.cache/bpflink), the objects in
objects/libbpf-tools/NAME.bpf.o; nothing is fetched or compiled twice.
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
from debian import Apt, Unavailable, cache_root, digest, locked

HERE = Path(__file__).resolve().parent
RUNNING = Path("/sys/kernel/btf/vmlinux")

# Tried in this order. The first is the one with which the corpus was verified:
# bpfcc 0.35.0 has 57 programs and all of them compile with libbpf 1.7.0.
SUITES = ("forky", "sid", "trixie", "bookworm")

# name: (folder, compilers, -target, -mcpu, objects at least)
VARIANTS = {
    "v3": ("libbpf-tools", CLANGS, "bpf", "v3", 50),
    "v4": ("libbpf-tools-v4", ("clang-19", "clang-20", "clang-18"), "bpf", "v4", 50),
    "eb": ("libbpf-tools-eb", CLANGS, "bpfeb", "v3", 50),
    "clang16": ("libbpf-tools-clang16", ("clang-16",), "bpf", "v3", 40),
    "clang14": ("libbpf-tools-clang14", ("clang-14",), "bpf", "v3", 40),
}


def upstream(package, folder, wanted):
    """Unpacks the files for which WANTED gives a name from a source package's tarball.

    Only the upstream tarball is needed, so a mirror that has lost the Debian part
    of a version still serves. Returns the folder and the upstream version.
    """
    kept = sorted(folder.glob(f"{package}-*/.complete"))
    if kept:
        return kept[-1].parent, kept[-1].parent.name[len(package) + 1:]
    reasons = []
    for suite in SUITES:
        try:
            return _unpack_from(Apt(suite, source=True), package, folder, wanted)
        except Unavailable as reason:
            reasons.append(f"{suite}: {reason}")
    raise Unavailable(f"source package {package}: " + "; ".join(reasons))


def _unpack_from(apt, package, folder, wanted):
    apt.update()
    reason = Unavailable("not listed")
    for version in apt.source_versions(package):
        try:
            uris = apt.source_uris(package, version)
            orig = next((u for u in uris if ".orig.tar." in u.name), None)
            if orig is None:
                continue
            tarball = apt.fetch(orig, folder)
        except Unavailable as why:
            reason = why
            continue
        name = orig.name.split(".orig.tar.")[0].replace("_", "-", 1)
        _unpack(tarball, folder / name, wanted)
        tarball.unlink()
        return folder / name, name[len(package) + 1:]
    raise reason


def _unpack(tarball, folder, wanted):
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(tarball) as archive:
        for member in archive:
            name = wanted(member.name) if member.isfile() else None
            if name:
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.extractfile(member) as source:
                    target.write_bytes(source.read())
    (folder / ".complete").touch()


def tool_file(path):
    """The programs and the headers beside them, without their subfolders."""
    match = re.fullmatch(r"[^/]+/libbpf-tools/([\w.-]+\.(?:bpf\.c|h))", path)
    return match and match[1]


def libbpf_header(path):
    """libbpf's headers, under bpf/ as when installed."""
    match = re.fullmatch(r"[^/]+/src/([\w.-]+\.h)", path)
    return match and f"bpf/{match[1]}"


def headers(sources):
    """The include folder that has bpf/bpf_helpers.h: libbpf's source, else libbpf-dev."""
    try:
        return upstream("libbpf", sources, libbpf_header)
    except Unavailable:
        if Path("/usr/include/bpf/bpf_helpers.h").exists():
            return Path("/usr/include"), "as installed"
        raise


def vmlinux_header(btf):
    """The folder with the vmlinux.h that bpftool writes for a kernel's BTF."""
    kfuncs = HERE / "kfuncs.h"
    folder = cache_root() / "headers" / (digest(btf)[:16] + "-" + digest(kfuncs)[:4])
    header = folder / "vmlinux.h"
    if not header.exists():
        bpftool = shutil.which("bpftool") or shutil.which("bpftool", path="/usr/sbin:/sbin")
        if not bpftool:
            raise Unavailable("bpftool is not installed")
        command = [bpftool, "btf", "dump", "file", str(btf), "format", "c"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise Unavailable(f"bpftool: {done.stderr.strip()}")
        text = done.stdout
        if "bpf_task_from_pid(" not in text:
            text += kfuncs.read_text()
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f"vmlinux.h.{os.getpid()}"
        partial.write_text(text)
        partial.replace(header)
    return folder


def build(variant, btf, out):
    """Brings one variant of the corpus up to date and returns its record."""
    folder, compilers, target, cpu, least = VARIANTS[variant]
    clang = first_of(compilers)
    if clang is None:
        raise Unavailable(f"no {compilers[0]}")
    sources = cache_root() / "sources"
    tools, tools_version = upstream("bpfcc", sources, tool_file)
    include, libbpf_version = headers(sources)
    command = [
        clang, "-target", target, "-O2", "-g", f"-mcpu={cpu}", "-D__TARGET_ARCH_x86",
        "-Wno-unknown-warning-option", f"-ffile-prefix-map={cache_root()}/=",
        f"-I{vmlinux_header(btf)}", f"-I{include}",
    ]
    key = {
        "command": command, "clang": version_of(clang), "btf": digest(btf),
        "bpfcc": tools_version, "libbpf": libbpf_version,
    }
    record = compile_all(sorted(tools.glob("*.bpf.c")), objects_folder(out or folder),
                         lambda source: command, key)
    record["least"] = least
    return record


def report(name, record, quiet):
    """Prints what one variant came to; returns whether enough of it compiled."""
    key, failed = record["key"], record["failed"]
    compiled = record["total"] - len(failed)
    if not quiet:
        for program, why in failed.items():
            print(f"libbpf-tools ({name}): {program} does not compile: {why}")
    print(
        f"libbpf-tools ({name}): {compiled} of {record['total']} compiled, "
        f"bpfcc {key['bpfcc']}, libbpf {key['libbpf']}, {key['command'][0]} -> {record['objects']}"
    )
    if compiled < record["least"]:
        print(f"libbpf-tools ({name}): expected at least {record['least']}", file=sys.stderr)
        return False
    return True


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("variant", nargs="*", default=["v3"], metavar="VARIANT",
                        help=f"{', '.join(VARIANTS)} or all (default: v3)")
    parser.add_argument("--btf", type=Path, default=RUNNING, metavar="FILE",
                        help="the kernel's BTF from which vmlinux.h is made")
    parser.add_argument("--out", metavar="NAME", help="folder under objects/ to use instead")
    parser.add_argument("--quiet", "-q", action="store_true", help="one line per variant")
    chosen = parser.parse_args()
    if "all" in chosen.variant:
        chosen.variant = list(VARIANTS)
    for name in chosen.variant:
        if name not in VARIANTS:
            parser.error(f"no variant {name}")
    if chosen.out and len(chosen.variant) > 1:
        parser.error("--out names the folder of one variant")
    return chosen


def main():
    chosen = arguments()
    good = True
    for name in chosen.variant:
        try:
            if not chosen.btf.exists():
                raise Unavailable(f"{chosen.btf} does not exist; give a kernel's BTF with --btf")
            with locked("libbpf-tools"):
                record = build(name, chosen.btf, chosen.out)
        except Unavailable as reason:
            print(f"SKIP libbpf-tools ({name}): {reason}")
            continue
        good &= report(name, record, chosen.quiet)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
