"""BTF with 32-bit pointers, from the headers of a kernel that was built without BTF.

Debian's i386 kernels carry none. Their header packages have everything that decides a
layout: the headers, the configuration, and what the build generated. `types32.c` is
compiled against them, and pahole encodes its debug information, as a kernel's build does.
"""

import shutil
from pathlib import Path

from debian import Unavailable, run

SOURCE = Path(__file__).resolve().parent / "types32.c"

# Architectures whose BTF comes from headers, not from an image.
ARCHES = {"i386"}

# As arch/x86/Makefile has it for 32 bits, as far as it bears on types or on compiling.
FLAGS = """
    -m32 -g -O2 -std=gnu11 -w -nostdinc -ffreestanding -mregparm=3 -march=i686 -mno-sse
    -fshort-wchar -fno-strict-aliasing -fno-PIE -fno-eliminate-unused-debug-types
    -pg -mfentry -DCC_USING_FENTRY -D__KERNEL__
    -DKBUILD_MODNAME="types32" -DKBUILD_BASENAME="types32"
""".split()


def packages(release):
    """The header packages of a release: its own, and that of all its flavours."""
    version = release.split("-686")[0]
    return [f"linux-headers-{release}", f"linux-headers-{version}-common"]


def encode(apt, release, part):
    """Writes PART/btf, and PART/config, from the headers of RELEASE."""
    for tool in ("gcc", "pahole"):
        if not shutil.which(tool):
            raise Unavailable(f"{tool} is not installed")
    root = part / "root"
    for name in packages(release):
        deb = apt.fetch(apt.binary_uri(name), part)
        run(["dpkg-deb", "-x", str(deb), str(root)])
        deb.unlink()
    own, common = (root / "usr/src" / name for name in packages(release))
    compiled = part / "types32.o"
    run(["gcc", *FLAGS, *includes(own, common), "-c", str(SOURCE), "-o", str(compiled)])
    run(["pahole", "-J", f"--btf_encode_detached={part / 'btf'}", str(compiled)])
    compiled.unlink()
    shutil.copy(own / "include/config/auto.conf", part / "config")
    shutil.rmtree(root)
    (part / "btf").chmod(0o644)


def includes(own, common):
    """The kernel's search path; OWN holds what was generated, COMMON the rest."""
    paths = [
        common / "arch/x86/include", own / "arch/x86/include/generated",
        common / "include", own / "include",
        common / "arch/x86/include/uapi", own / "arch/x86/include/generated/uapi",
        common / "include/uapi", own / "include/generated/uapi",
    ]
    forced = ["compiler-version.h", "kconfig.h", "compiler_types.h"]
    before = [word for name in forced for word in ("-include", str(common / "include/linux" / name))]
    return [f"-I{path}" for path in paths] + before
