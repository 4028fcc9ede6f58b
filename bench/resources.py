"""What does not depend on the machine's load: memory, instructions, the library's size."""
import collections
import concurrent.futures
import os
import re
import subprocess

from contestants import BUILD, once, program

LIBRARY = os.path.join(BUILD, "prefix", "lib", "libbpflink.so")
STRIPPED = os.path.join(BUILD, "libbpflink-stripped.so")


def allocated(*command):
    """(bytes asked for, calls, bytes held at the most) by malloc and its kin."""
    environment = dict(os.environ, LD_PRELOAD=os.path.join(BUILD, "allocated.so"))
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    found = re.search(r"^allocated (\d+) (\d+) (\d+)$", done.stderr, re.M)
    return tuple(map(int, found.groups())) if found else None


def memory(names, path):
    """For each contestant: peak of memory of its own, in kB, and what it allocated, in bytes."""
    rows = {}
    for name in names:
        _, told = once(name, "memory", path)
        own = told["VmHWM"] - told["RssFile"] - told["RssShmem"]
        counted = allocated(program(name), "cold", path)
        if "VmAllocated" in told:  # Go has an allocator of its own
            counted = (1024 * told["VmAllocated"], None, None)
        rows[name] = (own, counted)
    return rows


def counted(*command, lines=None):
    """Instructions of a whole process; None where valgrind cannot run it."""
    call = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command]
    try:
        done = subprocess.run(call, capture_output=True, text=True, input=lines, timeout=300)
    except (subprocess.TimeoutExpired, FileNotFoundError):
        return None
    found = re.search(r"Collected : (\d+)", done.stderr)
    return int(found[1]) if found and not done.returncode else None


def cold_instructions(names, path):
    """Of a process that links once."""
    return {name: counted(program(name), "cold", path) for name in names}


def warm_instructions(names, path):
    """Of one link more in a process that has linked before."""
    rows = {}
    for name in names:
        few, many = (counted(program(name), "serve", lines=f"link {n} {path}\n") for n in (2, 12))
        rows[name] = (many - few) / 10 if few and many else None
    return rows


def growth(stem, half, full):
    """How many times as many instructions bpflink takes for the object of full size."""
    def of(size):
        return counted(program("bpflink-crate"), "cold", f"{stem}-{size}.bpf.o", f"{stem}-{size}.btf")

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        few, many = pool.map(of, (half, full))
    return many / few if few and many else None


def sections():
    """Bytes of each section of the stripped library, the largest first."""
    out = subprocess.run(["size", "-A", STRIPPED], check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in out.splitlines() if line.startswith(".")]
    return sorted(((int(size), name) for name, size, *_ in rows), reverse=True)


def owner(symbol):
    """The crate that a function comes from; of an implementation the type's."""
    symbol = re.sub(r"^[<&*(\[]*(?:(?:mut|const|dyn|impl) )?", "", symbol)
    found = re.match(r"([a-z_0-9]+)(?:\[[0-9a-f]+\])?::(?:([a-z_0-9]+)::)?", symbol)
    if not found:
        return "bpflink, the C ABI" if symbol.startswith("bpflink_") else "other"
    crate, module = found.groups()
    if crate == "bpflink":
        return f"bpflink::{module}" if module else "bpflink"
    return crate


def functions():
    """Bytes of code by where it comes from, the largest first."""
    call = ["nm", "-S", "--defined-only", "-C", LIBRARY]
    out = subprocess.run(call, check=True, capture_output=True, text=True).stdout
    sums, largest = collections.Counter(), []
    for line in out.splitlines():
        fields = line.split(None, 3)
        if len(fields) == 4 and fields[2] in "tTwW":
            size = int(fields[1], 16)
            sums[owner(fields[3])] += size
            largest.append((size, fields[3]))
    return sums.most_common(), sorted(largest, reverse=True)


def needed():
    """The libraries that it needs."""
    out = subprocess.run(["readelf", "-d", LIBRARY], check=True, capture_output=True, text=True).stdout
    return re.findall(r"NEEDED.*\[(.*)\]", out)


def stripped_size():
    return os.path.getsize(STRIPPED)
