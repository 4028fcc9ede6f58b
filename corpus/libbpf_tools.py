#!/usr/bin/env python3
"""Compiles the libbpf-tools of BCC: real BPF programs, written by others.

The sources come from Debian's source package `bpfcc`, the BPF headers from its
source package `libbpf`, and vmlinux.h from the running kernel. Everything lands in
the cache ($BPFLINK_CACHE, else ~/.cache/bpflink), the objects in
objects/libbpf-tools/NAME.bpf.o; nothing is fetched or compiled twice.
"""

import argparse
import re
import sys
from pathlib import Path

import compilers
import variants
from compiling import Job, compile_all, objects_folder
from debian import Unavailable, cache_root, digest, locked
from debian_source import headers, kernel_btf, upstream, vmlinux_header

# What `all` makes; any other way has a name, too (variants.py).
VARIANTS = ("v3", "v4", "eb", "clang16", "clang14")
LEAST = 50
# Older compilers make less of it.
LEAST_OLD = 40


def tool_file(path):
    """The programs and the headers beside them, without their subfolders."""
    match = re.fullmatch(r"[^/]+/libbpf-tools/([\w.-]+\.(?:bpf\.c|h))", path)
    return match and match[1]


def job(variant, btf=None):
    """How the programs are compiled."""
    clang = compilers.clang(variant.clang)
    btf = btf or kernel_btf()
    tools, tools_version = upstream("bpfcc", tool_file)
    include, libbpf_version = headers()
    vmlinux = vmlinux_header(btf)
    command = [
        clang, "-target", "bpf" if variant.order == "el" else "bpfeb", f"-{variant.level}", "-g",
        f"-mcpu={variant.cpu}", "-D__TARGET_ARCH_x86", "-Wno-unknown-warning-option",
        f"-ffile-prefix-map={cache_root()}/=", f"-I{vmlinux}", f"-I{include}",
    ]
    key = {
        "command": command, "clang": compilers.version_of(clang), "btf": digest(btf),
        "bpfcc": tools_version, "libbpf": libbpf_version,
    }
    return Job(sorted(tools.glob("*.bpf.c")), command, key,
               header=vmlinux / "vmlinux.h").quick(variant)


def build(variant, btf, out):
    """Brings one variant of the corpus up to date and returns its record."""
    made = job(variant, btf)
    folder = out or variant.folder("libbpf-tools")
    with locked(f"objects-{folder}"):
        record = compile_all(made, objects_folder(folder))
    record["least"] = LEAST_OLD if variant.clang in ("14", "16") else LEAST
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
                        help=f"as in clang14-O1-v2-eb; all for {', '.join(VARIANTS)} (default: v3)")
    parser.add_argument("--btf", type=Path, metavar="FILE",
                        help="the kernel's BTF from which vmlinux.h is made (default: the running one's)")
    parser.add_argument("--out", metavar="NAME", help="folder under objects/ to use instead")
    parser.add_argument("--quiet", "-q", action="store_true", help="one line per variant")
    chosen = parser.parse_args()
    if "all" in chosen.variant:
        chosen.variant = list(VARIANTS)
    try:
        chosen.variant = {name: variants.parse(name) for name in chosen.variant}
    except ValueError as wrong:
        parser.error(str(wrong))
    if chosen.out and len(chosen.variant) > 1:
        parser.error("--out names the folder of one variant")
    return chosen


def main():
    chosen = arguments()
    good = True
    for name, variant in chosen.variant.items():
        try:
            record = build(variant, chosen.btf, chosen.out)
        except Unavailable as reason:
            print(f"SKIP libbpf-tools ({name}): {reason}")
            continue
        good &= report(name, record, chosen.quiet)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
