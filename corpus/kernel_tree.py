"""The kernel's sources from Debian's packages `linux-source-*`: unpacked, with their own bpftool."""

import os
import re
import shutil
import subprocess
import tarfile
from functools import cache

from debian import Apt, Unavailable, cache_root, digest, locked, run

# version: the suites that have the sources.
SUITES = {
    "7.2": ("forky", "trixie-backports", "sid"),
    "6.12": ("trixie", "bookworm-backports"),
}

# What of them is unpacked: BPF programs, libbpf, bpftool and their headers.
WANTED = re.compile(
    r"tools/(testing/selftests/(bpf|sched_ext|net|drivers/net)|lib|include|bpf|scripts|build|arch"
    r"|sched_ext|perf/util/bpf_skel|tracing/rtla/src)/|include/uapi/|samples/bpf/"
    r"|kernel/bpf/preload/|scripts/bpf_doc\.py|kernel/bpf/disasm\.|Makefile$")


@cache
def sources(version):
    """Unpacks the kernel's sources of one version; their folder, named after the package's."""
    with locked(f"linux-{version}"):
        return _unpacked(version)


def _unpacked(version):
    folder = cache_root() / "sources"
    kept = sorted(folder.glob(f"linux-{version}.*/.complete"), key=_release)
    whole = [stamp for stamp in kept if stamp.read_text() == WANTED.pattern]
    if whole:
        return whole[-1].parent
    package, reasons = f"linux-source-{version}", []
    for suite in SUITES[version]:
        try:
            apt = Apt(suite)
            apt.update()
            deb = apt.fetch(apt.binary_uri(package), folder)
        except Unavailable as reason:
            reasons.append(f"{suite}: {reason}")
            continue
        release = re.search(r"_([\d.]+)", deb.name)[1]
        _unpack(deb, package, folder / f"linux-{release}")
        deb.unlink()
        return folder / f"linux-{release}"
    if kept:
        return kept[-1].parent
    raise Unavailable(f"package {package}: " + "; ".join(reasons))


def _release(stamp):
    """7.2.12 of .../linux-7.2.12/.complete, as numbers."""
    return [int(part) for part in re.findall(r"\d+", stamp.parent.name)]


def _unpack(deb, package, folder):
    """The tarball inside the package, streamed through, for nobody needs it whole.

    What is there already stays: objects may be compiling from it.
    """
    outer = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE)
    inner = subprocess.Popen(["tar", "-xO", f"./usr/src/{package}.tar.xz"],
                             stdin=outer.stdout, stdout=subprocess.PIPE)
    outer.stdout.close()
    if not (folder / ".complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(fileobj=inner.stdout, mode="r|xz") as archive:
        for member in archive:
            _, _, name = member.name.partition("/")
            if WANTED.match(name):
                _keep(archive, member, folder / name)
    inner.stdout.close()
    if inner.wait() or outer.wait():
        raise Unavailable(f"{deb.name} cannot be unpacked")
    (folder / ".complete").write_text(WANTED.pattern)


def _keep(archive, member, target):
    if target.is_symlink() or target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if member.issym():
        target.symlink_to(member.linkname)
    elif member.isfile():
        with archive.extractfile(member) as source:
            target.write_bytes(source.read())
        target.chmod(member.mode & 0o777)


@cache
def bpftool(linux):
    """The sources' own bpftool; libbpf's headers lie beside it, as its build installs them."""
    out = linux / "bpftool"
    tool = out / "bootstrap/bpftool"
    with locked(f"{linux.name}-bpftool"):
        if not tool.exists():
            out.mkdir(exist_ok=True)
            run(["make", "-s", "-C", str(linux / "tools/bpf/bpftool"), "bootstrap", f"OUTPUT={out}/"])
    return tool, out / "bootstrap/libbpf/include"


@cache
def vmlinux_header(tool, btf):
    """The folder with the vmlinux.h of one kernel, kernel functions and all."""
    folder = cache_root() / "headers" / f"selftests-{digest(btf)[:16]}"
    if not (folder / "vmlinux.h").exists():
        text = run([str(tool), "btf", "dump", "file", str(btf), "format", "c"])
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f"vmlinux.h.{os.getpid()}"
        partial.write_text(text)
        partial.replace(folder / "vmlinux.h")
    return folder


def kernel_btf(version):
    """The BTF of a fetched kernel of this version."""
    found = sorted((cache_root() / "kernels").glob(f"{version}.*-amd64/btf"))
    if not found:
        raise Unavailable(f"no kernel {version} is fetched (kernels/fetch.py {version}/amd64)")
    return found[-1]
