#!/usr/bin/env python3
"""Compiles what the kernel's table of CO-RE cases is made of: its programs and its targets.

    objects.py VARIANT...     v2 v3 v4, eb (big endian), clang16 and the like (-mcpu=v3)

The sources are those of corpus/selftests.py, and so are the flags. The objects of a variant
land in the cache as objects/core-table-VARIANT. The first line says where the kernel's sources
are, then one line for each variant; `SKIP` and the reason where something cannot be had.
"""

import re
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "corpus"))

import selftests  # noqa: E402
from compiling import CLANGS, compile_all, first_of, objects_folder, version_of  # noqa: E402
from debian import Unavailable, cache_root, digest, locked  # noqa: E402

KERNEL = "7.2"
PATTERNS = ("test_core_reloc_*.c", "btf__core_reloc_*.c")


def compiler_of(variant):
    """clangNN of its name, else the one that everything is compiled with."""
    named = re.fullmatch(r"clang(\d+)", variant)
    clang = f"clang-{named[1]}" if named else first_of(CLANGS)
    if clang is None or not shutil.which(clang):
        raise Unavailable(clang or "clang")
    return clang


def flags_of(variant):
    """The flags of the tests, for another byte order where the variant is one."""
    if variant != "eb":
        return [*selftests.FLAGS, "-mcpu=" + (variant if re.fullmatch(r"v\d", variant) else "v3")]
    change = {"-mlittle-endian": "-mbig-endian", "--target=bpfel": "--target=bpfeb"}
    return [*(change.get(flag, flag) for flag in selftests.FLAGS), "-mcpu=v3"]


def sources():
    """The kernel's sources with their bpftool and libbpf. Whoever compiles all selftests holds
    the lock for minutes: it is asked for only where something is missing."""
    tool = f"linux-{KERNEL}.*/bpftool/bootstrap/bpftool"
    for path in sorted((cache_root() / "sources").glob(tool), reverse=True):
        return path.parents[2], path
    with locked(f"selftests-{KERNEL}"):
        linux = selftests.sources(KERNEL)
        return linux, selftests.bpftool(linux)[0]


def build(variant, linux, headers, btf):
    clang = compiler_of(variant)
    tests = linux / selftests.SELFTESTS
    command = [
        clang, *flags_of(variant), f"-ffile-prefix-map={cache_root()}/=",
        f"-I{headers}", f"-I{linux}/bpftool/bootstrap/libbpf/include", f"-I{tests}",
        f"-I{linux}/tools/include/uapi", f"-I{linux}/tools/include",
        *selftests.system_includes(clang),
    ]
    key = {"command": command, "clang": version_of(clang), "btf": digest(btf), "linux": linux.name}
    sources = sorted(s for pattern in PATTERNS for s in (tests / "progs").glob(pattern))
    return compile_all(sources, objects_folder(f"core-table-{variant}"), lambda _: command, key)


def main():
    variants = sys.argv[1:] or ["v3"]
    try:
        linux, tool = sources()
        btf = selftests.kernel_btf(KERNEL)
        headers = selftests.vmlinux_header(tool, btf)
    except Unavailable as reason:
        print(f"SKIP the kernel's table: {reason}")
        return 0
    print(f"linux {linux}")
    failed = 0
    for variant in variants:
        try:
            with locked(f"core-table-{variant}"):
                record = build(variant, linux, headers, btf)
        except Unavailable as reason:
            print(f"SKIP {variant}: {reason}")
            continue
        for program, why in record["failed"].items():
            print(f"{variant}: {program} does not compile: {why}")
        failed += len(record["failed"])
        print(f"{variant} {record['objects']}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
