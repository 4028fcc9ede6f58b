"""The programs that are measured: started anew for each link, or kept to link on request."""
import os
import select
import subprocess
import tempfile

from figures import Runs

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("BPFLINK_BENCH", os.path.join(HERE, "..", "build", "bench"))
BUILD = os.path.normpath(BUILD)

# In the order in which they take turns; the first is what the others are compared with.
COLD = ["bpflink-shared", "bpflink-static", "libbpf", "aya", "cilium", "bpflink-musl", "libbpf-musl"]
# Of those what is an installation like any other.
USUAL = ["bpflink-shared", "libbpf", "aya", "cilium"]
WARM = ["bpflink-crate", "libbpf", "aya", "cilium"]
NAMES = {
    "bpflink-shared": "bpflink, libbpflink.so",
    "bpflink-static": "bpflink, in a static program",
    "bpflink-musl": "bpflink, in a static program on musl",
    "bpflink-crate": "bpflink",
    "libbpf": "libbpf",
    "libbpf-musl": "libbpf, in a static program on musl",
    "aya": "aya-obj",
    "cilium": "cilium/ebpf",
    "nothing": "a process that does nothing",
    "floor": "one pass over the bytes of the BTF",
}


def there(names):
    """Those that were built, and in one line each those that were not."""
    built = [n for n in names if os.access(program(n), os.X_OK)]
    for name in names:
        if name not in built:
            print(f"SKIPPED {NAMES[name]}: needs {program(name)} (make -C bench {name})")
    return built


def program(name):
    return os.path.join(BUILD, name)


def pinned(cpu):
    """What makes a command stay on one processor."""
    return ["taskset", "-c", str(cpu)] if cpu is not None else []


def processes(commands, rounds, cpu=None):
    """Runs each command in turn, `rounds` times; for each its Runs."""
    with tempfile.NamedTemporaryFile("w", suffix=".commands") as file:
        file.writelines(" ".join(command) + "\n" for command in commands)
        file.flush()
        call = [*pinned(cpu), program("measure"), str(rounds), file.name]
        out = subprocess.run(call, check=True, capture_output=True, text=True).stdout
    runs = [Runs() for _ in commands]
    for line in out.splitlines():
        which, wall, micros, _ = map(int, line.split())
        runs[which].add(wall, 1000 * micros)
    return runs


def digest_of(text):
    """The line that says what was computed."""
    lines = [line for line in text.splitlines() if line and not line.startswith(("Vm", "Rss"))]
    return lines[-1] if lines else "nothing"


def once(name, *arguments):
    """One cold run: what it computed, and what it held in memory, in kilobytes."""
    done = subprocess.run([program(name), *arguments], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{name} {' '.join(arguments)}: {done.returncode}: {done.stderr.strip()}")
    memory = {}
    for line in done.stdout.splitlines():
        if line.startswith(("Vm", "Rss")):
            key, value = line.split(":")
            memory[key] = int(value.split()[0])
    return digest_of(done.stdout), memory


# A process that goes on keeps what it frees. By itself glibc gives memory back beyond sizes that
# it guesses, and who is on the wrong side of one fetches every page anew in each link.
KEPT = 1 << 30
KEEPING = f"glibc.malloc.trim_threshold={KEPT}:glibc.malloc.mmap_threshold={KEPT}"


class Server:
    """A contestant that keeps the kernel's BTF and links what it is told."""

    def __init__(self, name, btf=None, cpu=None):
        self.name = name
        command = [*pinned(cpu), program(name), "serve", *([btf] if btf else [])]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True,
                                        env={**os.environ, "GLIBC_TUNABLES": KEEPING})

    def processor_time(self):
        """Seconds since its start."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ask(self, *words, patience=None):
        """The words of the answer; none where it ended, or took more processor time than
        `patience` seconds, after which it is ended."""
        try:
            self.process.stdin.write(" ".join(map(str, words)) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return []
        while patience and not select.select([self.process.stdout], [], [], 0.5)[0]:
            if self.processor_time() > patience:
                self.end()
                return []
        return self.process.stdout.readline().split()

    def digest(self, path, patience=None):
        """[sum, programs, instructions, failed]; None where it did not survive."""
        return self.ask("digest", path, patience=patience) or None

    def time(self, *words):
        """(wall, processor) nanoseconds."""
        answer = self.ask(*words)
        if len(answer) != 2:
            raise SystemExit(f"{self.name} gave up: {' '.join(map(str, words))[:200]}")
        return tuple(map(int, answer))

    def end(self):
        self.process.kill()
        self.process.wait()
