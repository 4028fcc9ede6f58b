"""An initramfs with one command to run, and the C programs that go with it."""

import hashlib
import os
import shutil
import stat
import subprocess
from pathlib import Path

from debian import Unavailable, cache_root

HERE = Path(__file__).resolve().parent

COMPILERS = {
    "amd64": ("x86_64-linux-gnu-gcc", "gcc"),
    "arm64": ("aarch64-linux-gnu-gcc",),
    "s390x": ("s390x-linux-gnu-gcc",),
}

FOLDERS = ("dev", "proc", "sys", "tmp", "ko")


def program(name, arch):
    """The static binary of one of the C files here, compiled once per architecture."""
    source = HERE / f"{name}.c"
    compiler = next((c for c in COMPILERS[arch] if shutil.which(c)), None)
    if compiler is None:
        raise Unavailable(f"no compiler for {arch} ({COMPILERS[arch][0]})")
    mark = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    binary = cache_root() / "boot" / f"{name}-{arch}-{mark}"
    if not binary.exists():
        binary.parent.mkdir(parents=True, exist_ok=True)
        partial = binary.with_suffix(f".{os.getpid()}")
        subprocess.run(
            [compiler, "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static",
             "-o", str(partial), str(source)], check=True)
        partial.replace(binary)
    return binary


class Archive:
    """A cpio archive of the `newc` form, uncompressed: what the kernel unpacks fastest."""

    def __init__(self):
        self.parts, self.inode, self.made = [], 0, set()

    def _entry(self, name, mode, data=b"", device=(0, 0)):
        self.inode += 1
        path = name.encode() + b"\0"
        fields = [self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0]
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + path
        self.parts += [head, b"\0" * (-len(head) % 4), data, b"\0" * (-len(data) % 4)]

    def folder(self, name):
        """Adds a folder and those above it, once."""
        if name in ("", ".") or name in self.made:
            return
        self.folder(os.path.dirname(name))
        self.made.add(name)
        self._entry(name, stat.S_IFDIR | 0o755)

    def file(self, name, data, mode=0o644):
        """Adds one file."""
        self.folder(os.path.dirname(name))
        self._entry(name, stat.S_IFREG | mode, data)

    def console(self):
        """Adds the device that the kernel opens for the first process."""
        self.folder("dev")
        self._entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))

    def tree(self, path, name):
        """Adds a file, or a folder with all that is in it."""
        path = Path(path)
        if path.is_dir():
            self.folder(name)
            for inner in sorted(path.iterdir()):
                self.tree(inner, f"{name}/{inner.name}")
        else:
            self.file(name, path.read_bytes(), path.stat().st_mode & 0o777)

    def bytes(self):
        """The whole archive."""
        self._entry("TRAILER!!!", 0)
        return b"".join(self.parts)


def build(arch, binary, arguments, settings, files, modules):
    """The archive whose init runs BINARY; FILES are (path, name) pairs."""
    archive = Archive()
    for folder in FOLDERS:
        archive.folder(folder)
    archive.console()
    archive.file("init", program("init", arch).read_bytes(), 0o755)
    name = f"bin/{Path(binary).name}"
    archive.file(name, Path(binary).read_bytes(), 0o755)
    command = [f"/{name}", *arguments, "", "PATH=/bin", "HOME=/tmp", *settings]
    archive.file("command", b"".join(part.encode() + b"\0" for part in command))
    for number, path in enumerate(modules):
        archive.file(f"ko/{number:02}-{Path(path).name}", Path(path).read_bytes())
    for path, inside in files:
        archive.tree(path, inside.strip("/"))
    return archive.bytes()
