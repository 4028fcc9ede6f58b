#!/usr/bin/env python3
"""What the example loader makes of programs that need bpf_testmod: they run, and do their work.

    testmod_runs.py BPFLINK LOADER OBJECT FOLDER     the command, the static example loader,
                                    tests/bpf/testmod.bpf.c compiled, the kernel's selftests

On the booted kernel 7.2 with the modules that testmod.py built, the table RUNS: an object, the
loader's options, lines that must be in its answer. What those lines say is computed from the
sources of the programs and of the module, or is what the test of the program asserts.
Those of LINKED are linked here too, for the kernel's BTF and that of the module's file, whose types
are numbered over a base of their own (.BTF.base): each program must have the bytes that it has
where the kernel itself moved that BTF onto its own.
Last line: how many of these hold, and how many do not.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "corpus"))

import fetch  # noqa: E402

KERNEL = "7.2"
MODULES = ("bpf_testmod", "bpf_test_modorder_x", "bpf_test_modorder_y")
FILE = "/sys/kernel/bpf_testmod"
READ = 100  # bytes, as the loader reads


def number(value, size=8):
    """As the loader shows a number in a map."""
    return value.to_bytes(size, "little", signed=value < 0).hex()


def ran(name, result):
    """The line of a program that ran."""
    return f"program {name} ran and returned {result % (1 << 32)}\n"


def places(*values):
    """The lines of an array of numbers, those that are not 0."""
    return [f"{number(i, 4)}: {number(v)}\n" for i, v in enumerate(values) if v]


ATTACH = ["--attach", "--seconds", "0"]

# object: options, and what must be answered.
RUNS = {
    # Functions of the module: sums of the programs' numbers (prog_tests/kfunc_call.c).
    "kfunc_call_test": (
        [f"--run=kfunc_call_{name}" for name in (
            "test1", "test2", "test4", "test5", "test5_asm", "test_ref_btf_id", "test_get_mem")],
        [ran("kfunc_call_test1", 12), ran("kfunc_call_test2", 3), ran("kfunc_call_test4", -1234),
         ran("kfunc_call_test5", 0), ran("kfunc_call_test5_asm", 0),
         ran("kfunc_call_test_ref_btf_id", 0), ran("kfunc_call_test_get_mem", 42)]),
    # Functions of two modules, in either order: 0 where x answers 'x' and y answers 'y'.
    "kfunc_module_order": (
        ["--run", "call_kfunc_xy", "--run", "call_kfunc_yx"],
        [ran("call_kfunc_xy", 0), ran("call_kfunc_yx", 0)]),
    # A variable of the module for each CPU, which one of its functions sets to 42.
    "test_ksyms_module": (
        ["--run", "load", "--maps"], [ran("load", 0), f"00000000: {number(42, 4)}\n"]),
    # Iterators of the module: a thousand times 1000, and ten times a million.
    "iters_testmod_seq": (
        [*ATTACH, "--maps"], [number(1000 * 1000), number(10 * 1000000)]),
    # Tables of functions that the module calls when they are registered, with 4 and their
    # `data`: the last one adds 3. One has a member that the kernel lacks.
    "struct_ops_module": (
        [*ATTACH, "--maps"],
        ["struct_ops testmod_1 registered\n", "struct_ops testmod_2 registered\n",
         "struct_ops testmod_incompatible registered\n",
         "struct_ops testmod_zeroed        NOT CREATED",
         f"00000000: {number(0xdeadbeef, 4)}{number(4 + 3, 4)}\n"]),
    # More functions than one page of the kernel's calls to them has room for.
    "struct_ops_multi_pages": (ATTACH, ["struct_ops multi_pages registered\n"]),
    # Every way to attach to the module; -EIO is what its function returns.
    "testmod": (
        [*ATTACH, "--maps", "--read", FILE], places(READ, 5, READ, READ, READ, 1, 1, 1, 1)),
}

LINKED = ("kfunc_call_test", "struct_ops_module", "testmod")


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


class Bench:
    """The kernel, the two programs, and what held so far."""

    def __init__(self, folder, bpflink, loader):
        self.folder, self.bpflink, self.loader = folder, bpflink, loader
        self.held, self.wrong = 0, 0

    def check(self, holds, what, said):
        self.held += bool(holds)
        self.wrong += not holds
        if not holds:
            print(f"WRONG {what}\n{said}", flush=True)

    def boot(self, program, *options):
        modules = [part for name in MODULES for part in ("--module", name)]
        done = run(HERE / "boot.py", "--file", f"{program}:{program.name}", *modules,
                   self.folder.name, self.loader, *options, f"/{program.name}")
        return done.stdout + done.stderr

    def runs(self, program, options, expected):
        said = self.boot(program, *options)
        for text in expected:
            self.check(text in said, f"{program.name}: `{text.strip()}` is not said", said)

    def same_bytes(self, program):
        """Linked here or there, its programs are the same."""
        files = [self.folder / "btf"] + [self.folder / "ko" / f"{m}.ko" for m in MODULES]
        lines = run(self.bpflink, "link", "--json", "--kconfig", self.folder / "config",
                    "--release", re.match(r"[\d.]+", self.folder.name)[0],
                    *(part for f in files for part in ("--btf", f)), program).stdout.splitlines()
        here = {p["program"]: p["bytes"] for p in map(json.loads, lines) if "bytes" in p}
        there = dict(re.findall(r"^(\w+) ((?:[0-9a-f]{16})+)$", self.boot(program, "--dump"), re.M))
        self.check(here and here == there, f"{program.name}: linked otherwise when booted",
                   f"here {here}\nthere {there}")


def main():
    bpflink, loader, own, objects = map(Path, sys.argv[1:5])
    want = next(w for w in fetch.wanted_kernels() if str(w) == f"{KERNEL}/amd64")
    bench = Bench(fetch.store() / fetch.cached(want), bpflink, loader)
    for name, (options, expected) in RUNS.items():
        program = own if name == "testmod" else objects / f"{name}.bpf.o"
        bench.runs(program, options, expected)
        if name in LINKED:
            bench.same_bytes(program)
    print(bench.held, bench.wrong)
    return 1 if bench.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
