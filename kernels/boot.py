#!/usr/bin/env python3
"""Boots a real kernel in an emulated machine and runs one static binary on it.

    boot.py 6.12 BINARY [ARGUMENT…]       that kernel, its output, its exit status
    boot.py each BINARY [ARGUMENT…]       every amd64 kernel that was fetched
    boot.py each smoke                    the check that comes before all others
    boot.py 6.12 cat /proc/kallsyms       what that kernel shows

A kernel is a NAME, NAME/ARCH or release of the list. An option stands before the
kernel. In file names {} is the kernel's folder, so `--file {}/btf:btf` gives each
kernel its own BTF as /btf. Exit status: the binary's; 124 timeout or no boot;
with `each`, 0 when it was 0 on all and at least two kernels booted.
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "corpus"))

import fetch  # noqa: E402
import initramfs  # noqa: E402
import machine  # noqa: E402
from debian import Unavailable  # noqa: E402

NO_BOOT = 124

# The binaries that come with this script.
OWN = ("smoke", "cat")

# Fewer booted kernels than this prove nothing.
LEAST = 2


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", action="append", default=[], metavar="PATH[:NAME]",
                        help="put a file or folder into the root, as NAME")
    parser.add_argument("--module", action="append", default=[], metavar="NAME",
                        help="load this module before (those under ko/ in the kernel's folder)")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--arch", default="amd64", help="architecture for `each` and bare names")
    parser.add_argument("--memory", type=int, default=256, metavar="MIB")
    parser.add_argument("--cx16", action="store_true",
                        help="a processor with cmpxchg16b: Linux 7 makes no arenas without, but "
                        "qemu 7.2 may crash Linux 6.12 with it")
    parser.add_argument("--timeout", type=int, default=120, metavar="SECONDS")
    parser.add_argument("--console", action="store_true", help="all of the console on stderr")
    parser.add_argument("--quiet", "-q", action="store_true",
                        help="with `each`: the output only of what failed, and one line")
    parser.add_argument("kernel", help="NAME, NAME/ARCH, a release, or `each`")
    parser.add_argument("binary", help="a static binary, `smoke`, or `cat`")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    return parser.parse_args()


def kernels(chosen):
    """The (line of the list, folder) of each chosen kernel that is in the cache."""
    found = {}
    for want in fetch.wanted_kernels():
        names = {str(want), want.release} | ({want.name} if want.arch == chosen.arch else set())
        if chosen.kernel == "each" and want.arch != chosen.arch:
            continue
        if chosen.kernel != "each" and chosen.kernel not in names:
            continue
        release = fetch.cached(want)
        if release is None:
            print(f"SKIP kernel {want}: not in the cache, see fetch.py", flush=True)
        else:
            found.setdefault(release, (want, fetch.store() / release))
    return list(found.values())


def extra_files(chosen, folder):
    for item in chosen.file:
        path, _, name = item.replace("{}", str(folder)).partition(":")
        yield Path(path), name or Path(path).name


def boot(chosen, want, folder):
    """One boot; its outcome."""
    smoke, own = chosen.binary == "smoke", chosen.binary in OWN
    binary = initramfs.program(chosen.binary, want.arch) if own else chosen.binary
    files = list(extra_files(chosen, folder))
    command = list(chosen.arguments)
    if smoke and not command:
        files, command = files + [(folder / "btf", "btf")], ["/btf"]
    modules = [folder / "ko" / f"{name}.ko" for name in chosen.module]
    missing = [m.stem for m in modules if not m.exists()]
    if missing:
        raise Unavailable(f"no module {', '.join(missing)} under {folder / 'ko'}")
    archive = initramfs.build(want.arch, binary, command, chosen.env, files, modules)
    outcome = machine.boot(want.arch, folder / "vmlinux", archive, chosen.memory, chosen.timeout,
                           chosen.cx16)
    if chosen.console:
        sys.stderr.buffer.write(outcome.console)
    return outcome


def show(outcome):
    sys.stdout.flush()
    sys.stdout.buffer.write(outcome.output)
    sys.stdout.flush()


def one(chosen):
    """Boots one kernel; the exit status is the binary's."""
    found = kernels(chosen)
    if not found:
        print(f"boot.py: no kernel {chosen.kernel} for {chosen.arch}", file=sys.stderr)
        return NO_BOOT
    want, folder = found[0]
    try:
        outcome = boot(chosen, want, folder)
    except (machine.BootFailed, Unavailable) as reason:
        print(f"boot.py: {want}: {reason}", file=sys.stderr)
        return NO_BOOT
    show(outcome)
    return outcome.status


def each(chosen):
    """Boots every kernel of an architecture in turn and sums up."""
    booted, bad, times = 0, [], []
    for want, folder in kernels(chosen):
        try:
            outcome = boot(chosen, want, folder)
        except Unavailable as reason:
            print(f"SKIP kernel {want}: {reason}", flush=True)
            continue
        except machine.BootFailed as reason:
            print(f"boot {want}: {reason}", flush=True)
            bad.append(str(want))
            continue
        booted += 1
        times.append(f"{want.name} {outcome.seconds:.1f} s")
        if outcome.status != 0:
            bad.append(f"{want} (exit {outcome.status})")
        if outcome.status != 0 or not chosen.quiet:
            print(f"--- {folder.name}: exit {outcome.status} after {outcome.seconds:.1f} s")
            show(outcome)
    name = Path(chosen.binary).name
    print(f"boots ({chosen.arch}, {name}): {booted} kernels, {', '.join(times)}"
          + (f"; FAILED on {', '.join(bad)}" if bad else ""))
    if booted < LEAST:
        print(f"boots: fewer than {LEAST} kernels booted", file=sys.stderr)
    return 0 if booted >= LEAST and not bad else 1


def main():
    chosen = arguments()
    return each(chosen) if chosen.kernel == "each" else one(chosen)


if __name__ == "__main__":
    sys.exit(main())
