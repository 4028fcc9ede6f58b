#!/usr/bin/env python3
"""A program that needs a module, linked offline and loaded where the module is.

    modules.py BPFLINK LOADER OBJECT       the command, the static example loader, module.bpf.o

For each fetched amd64 kernel:
 * linked here, for its BTF and nf_conntrack's, every CO-RE answer is what bpftool reads
   there, and the functions are nf_conntrack's by the ids that bpftool reads;
 * booted, with nf_conntrack loaded, the loader makes the same bytes of it;
 * and the kernel loads and runs the program, which finds what it looks for.
Linux 5.10 has no BTF of modules: there the program must be refused by the names of what
is missing. Last line: how many of these hold, and how many do not.
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

MODULE = "nf_conntrack"
# In the order in which they can be loaded; a kernel has those that it needs.
NEEDED = ("libcrc32c", "nf_defrag_ipv6", "nf_defrag_ipv4", MODULE)
FUNCTIONS = ("bpf_xdp_ct_lookup", "bpf_ct_release")
STRUCT = "bpf_ct_opts"
MEMBERS = ("error", "dir")


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


def read_by_bpftool(folder):
    """What bpftool says of the module's BTF: ids of functions; id, size and members' offsets."""
    module = folder / "modules" / f"{MODULE}.btf"
    text = run("bpftool", "btf", "dump", "-B", folder / "btf", "file", module).stdout
    ids = {name: int(number) for number, name in re.findall(r"^\[(\d+)\] FUNC '(\w+)'", text, re.M)}
    found = re.search(rf"^\[(\d+)\] STRUCT '{STRUCT}' size=(\d+) .*\n((?:\t.*\n)*)", text, re.M)
    offsets = dict(re.findall(r"'(\w+)' type_id=\d+ bits_offset=(\d+)", found[3]))
    facts = [int(found[1]), int(found[2])] + [int(offsets[name]) // 8 for name in MEMBERS]
    return [ids[name] for name in FUNCTIONS], facts


class Kernel:
    """One fetched kernel and what is wrong with it."""

    def __init__(self, folder, bpflink, loader, program):
        self.folder, self.bpflink = folder, bpflink
        self.loader, self.program = loader, program
        self.held, self.wrong = 0, []

    def check(self, holds, what):
        if holds:
            self.held += 1
        else:
            self.wrong.append(what)

    def boot(self, *arguments):
        modules = [name for name in NEEDED if (self.folder / "ko" / f"{name}.ko").exists()]
        options = [part for name in modules for part in ("--module", name)]
        return run(HERE / "boot.py", "--file", f"{self.program}:module.bpf.o", *options,
                   self.folder.name, self.loader, *arguments, "/module.bpf.o")

    def link(self):
        """Offline; the program's line of the JSON, or what was said of its failure."""
        module = self.folder / "modules" / f"{MODULE}.btf"
        said = run(self.bpflink, "link", "--json", "--btf", self.folder / "btf",
                   *(["--btf", module] if module.exists() else []), self.program)
        for line in map(json.loads, said.stdout.splitlines()):
            if line.get("program") == "lookup":
                return line
        return {"error": said.stderr}

    def with_modules(self):
        ids, facts = read_by_bpftool(self.folder)
        linked = self.link()
        if "bytes" not in linked:
            self.check(False, f"offline: {linked['error']}")
            return
        kinds = ("target_type_id", "type_size", "byte_off", "type_exists")
        told = [r["new"] for r in linked["relocations"] if r["kind"] in kinds]
        self.check(told == facts + [0], f"CO-RE says {told}, bpftool {facts + [0]}")
        where = [r["target"] for r in linked["relocations"] if r["kind"] == "target_type_id"]
        self.check(all(MODULE in text for text in where), f"the type's module is not told: {where}")
        calls = {r["name"]: r for r in linked["refs"] if r["kind"] == "kfunc"}
        stream = bytes.fromhex(linked["bytes"])
        for name, number in zip(FUNCTIONS, ids):
            at = calls[name]["insn"] * 8
            call = stream[at:at + 8]
            self.check(calls[name].get("module") == MODULE, f"{name} is not told to be {MODULE}'s")
            self.check(int.from_bytes(call[4:], "little") == number, f"{name} is not [{number}]")
        dumped = self.boot("--dump")
        self.check(f"lookup {linked['bytes']}" in dumped.stdout,
                   f"booted it is linked otherwise: {dumped.stdout}{dumped.stderr}")
        ran = self.boot("--run", "lookup")
        self.check("program lookup ran and returned 2" in ran.stdout,
                   f"booted: {ran.stdout}{ran.stderr}")

    def without_modules(self):
        error = self.link()["error"]
        self.check(FUNCTIONS[0] in error or FUNCTIONS[1] in error, f"offline: {error}")
        booted = self.boot()
        said = booted.stdout + booted.stderr
        self.check(booted.returncode == 1 and any(name in said for name in FUNCTIONS),
                   f"booted: {said}")

    def run(self):
        if (self.folder / "modules" / f"{MODULE}.btf").exists():
            self.with_modules()
        else:
            self.without_modules()
        return self


def main():
    bpflink, loader, program = map(Path, sys.argv[1:4])
    held, wrong, done = 0, 0, set()
    for want in fetch.wanted_kernels():
        release = fetch.cached(want) if want.arch == "amd64" else None
        if release is None or release in done:
            continue
        done.add(release)
        kernel = Kernel(fetch.store() / release, bpflink, loader, program).run()
        print(f"{release}: {kernel.held} hold" + "".join(f"\n  WRONG {w}" for w in kernel.wrong),
              flush=True)
        held, wrong = held + kernel.held, wrong + len(kernel.wrong)
    print(held, wrong)
    return 1 if wrong or len(done) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
