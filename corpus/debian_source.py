"""The sources of BPF programs and of their headers from Debian's source packages."""

import os
import re
import shutil
import subprocess
import tarfile
from functools import cache
from pathlib import Path

from debian import Apt, Unavailable, cache_root, digest, locked

HERE = Path(__file__).resolve().parent
RUNNING = Path("/sys/kernel/btf/vmlinux")

# Tried in this order. The first is the one with which the corpus was verified:
# bpfcc 0.35.0 has 57 programs and all of them compile with libbpf 1.7.0.
SUITES = ("forky", "sid", "trixie", "bookworm")


def upstream(package, wanted):
    """Unpacks the files for which WANTED gives a name from a source package's tarball.

    Only the upstream tarball is needed, so a mirror that has lost the Debian part
    of a version still serves. Returns the folder and the upstream version.
    """
    with locked(f"source-{package}"):
        return _upstream(package, wanted)


def _upstream(package, wanted):
    folder = cache_root() / "sources"
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
            orig = next((u for u in uris if re.search(r"\.orig\.tar\.\w+$", u.name)), None)
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


def libbpf_header(path):
    """libbpf's headers, under bpf/ as when installed."""
    match = re.fullmatch(r"[^/]+/src/([\w.-]+\.h)", path)
    return match and f"bpf/{match[1]}"


@cache
def headers():
    """The include folder that has bpf/bpf_helpers.h: libbpf's source, else libbpf-dev."""
    try:
        return upstream("libbpf", libbpf_header)
    except Unavailable:
        if Path("/usr/include/bpf/bpf_helpers.h").exists():
            return Path("/usr/include"), "as installed"
        raise


@cache
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


def kernel_btf():
    """The running kernel's BTF, else that of the newest kernel fetched."""
    fetched = sorted((cache_root() / "kernels").glob("*-amd64/btf"))
    found = next((f for f in (RUNNING, *reversed(fetched)) if f.exists()), None)
    if found is None:
        raise Unavailable(f"{RUNNING} does not exist; give a kernel's BTF with --btf")
    return found
