#!/usr/bin/env python3
"""Compiles the BPF programs of the kernel's own selftests, as many as this clang can.

The sources come from a Debian package `linux-source-*`, vmlinux.h from the BTF of a
fetched kernel of that version, and both bpftool and libbpf's headers from the same
sources, because packaged ones are older than the programs. Objects land in the cache
as objects/selftests-VERSION/NAME.bpf.o; those that the tests link of several with
`bpftool gen object` beside them. Nothing is fetched or compiled twice.
"""

import argparse
import sys
from pathlib import Path

import compilers
import kernel_tree
import linking
import variants
from compiling import Job, compile_all, objects_folder
from debian import Unavailable, cache_root, digest, locked

HERE = Path(__file__).resolve().parent
SELFTESTS = "tools/testing/selftests/bpf"

# Programs that compile at least, the plain way.
LEAST = {"7.2": 880, "6.12": 700}

NO_INLINE = {"test_l4lb_noinline.c", "test_xdp_noinline.c"}
CPUS = ("v3", "v4", "v2")


def flags(variant):
    """The flags of the tests' own Makefile."""
    endian = "little" if variant.order == "el" else "big"
    return f"""
        -g -{variant.level} -Wall -D__TARGET_ARCH_x86 -m{endian}-endian --target=bpf{variant.order} -std=gnu11
        -fno-strict-aliasing -Wno-microsoft-anon-tag -fms-extensions -DENABLE_ATOMICS_TESTS
        -Wno-compare-distinct-pointer-types -Wno-initializer-overrides -Wno-unknown-warning-option
        -mcpu={variant.cpu}
    """.split()


def sample():
    """The names of the sample's programs, without their endings."""
    lines = (HERE / "selftests.sample").read_text().splitlines()
    return [word for line in lines if not line.startswith("#") for word in line.split()]


def job(version, variant, btf=None):
    """How the tests of one kernel are compiled."""
    clang = compilers.clang(variant.clang)
    linux = kernel_tree.sources(version)
    tests = linux / SELFTESTS
    tool, headers = kernel_tree.bpftool(linux)
    btf = btf or kernel_tree.kernel_btf(version)
    vmlinux = kernel_tree.vmlinux_header(tool, btf)
    command = [
        clang, *flags(variant), f"-ffile-prefix-map={cache_root()}/=",
        f"-I{vmlinux}", f"-I{headers}", f"-I{tests}",
        f"-I{linux}/tools/include/uapi", f"-I{linux}/tools/include",
        f"-I{tests}/libarena/include", *compilers.system_includes(clang),
    ]
    key = {"command": command, "clang": compilers.version_of(clang), "btf": digest(btf),
           "linux": linux.name}
    programs = sorted((tests / "progs").glob("*.c"))
    return Job(programs, command, key, own={name: ["-fno-inline"] for name in NO_INLINE},
               header=vmlinux / "vmlinux.h").quick(variant)


def build(version, variant, btf, jobs, only):
    """Brings the objects up to date and returns their record."""
    made = job(version, variant, btf)
    linux = kernel_tree.sources(version)
    tool, _ = kernel_tree.bpftool(linux)
    folder = variant.folder(f"selftests-{version}") + ("-sample" if only else "")
    with locked(f"objects-{folder}"):
        record = compile_all(made.only(only) if only else made, objects_folder(folder), jobs)
        record["linked"], record["unlinked"] = linking.by_makefile(
            tool, linux / SELFTESTS / "Makefile", record["objects"])
    return record


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("version", nargs="?", default="7.2", choices=LEAST,
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
        record = build(chosen.version, variants.parse(chosen.cpu), chosen.btf, chosen.jobs,
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
    least = record["total"] if chosen.sample else LEAST[chosen.version]
    return 0 if compiled >= least else 1


if __name__ == "__main__":
    sys.exit(main())
