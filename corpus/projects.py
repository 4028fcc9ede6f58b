"""BPF programs of other projects, as their own makefiles compile them, from Debian's source packages."""

import json
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import compilers
from compiling import Job
from debian import Unavailable, cache_root, digest, run
from debian_source import headers, kernel_btf, upstream, vmlinux_header


@dataclass
class Project:
    """Where the programs of one source package are and how they are compiled."""

    package: str
    wanted: str
    """Files to unpack: what matches this behind the archive's first folder."""
    programs: str
    """Which of them are compiled."""
    includes: tuple = ()
    flags: tuple = ()
    made: dict = field(default_factory=dict)
    """Files that the project's configuration writes."""

    def unpacked(self):
        """The folder and the version."""
        wanted = re.compile(r"[^/]+/(" + self.wanted + ")")

        def name(path):
            match = wanted.fullmatch(path)
            return match and match[1]

        folder, version = upstream(self.package, name)
        for path, text in self.made.items():
            if not (folder / path).exists():
                (folder / path).write_text(text)
        return folder, version


@dataclass
class Module(Project):
    """Programs in a Go module, among them such as somebody compiled already."""

    version: str = ""

    def unpacked(self):
        if not shutil.which("go"):
            raise Unavailable("Go is not installed")
        with tempfile.TemporaryDirectory() as empty:
            run(["go", "mod", "init", "fetch"], cwd=empty)
            told = run(["go", "mod", "download", "-json", f"{self.package}@{self.version}"], cwd=empty)
        return Path(json.loads(told)["Dir"]), self.version


PROJECTS = {
    "xdp-tools": Project(
        "xdp-tools", r"(?:headers|lib|xdp-\w+)/.*\.[ch]", r".*\.bpf\.c|.*/(?:xdpfilt_\w+|xdpdump_\w+)\.c"
        r"|lib/testing/(?:xdp_\w+|test_long_func_name)\.c|lib/libxdp/(?:xsk_def\w+|tests/xdp_disp\w+)[\d.]*\.c",
        includes=("headers", "lib/util"), flags=("-DMAX_DISPATCHER_ACTIONS=10", "-Wno-visibility")),
    "systemd": Project(
        "systemd", r"src/bpf/.*\.[ch]|src/(?:basic|fundamental|shared)/.*\.h", r".*\.bpf\.c",
        includes=("src/basic", "src/fundamental", "src/shared", "src/bpf"),
        flags=("-std=gnu17", "-D__x86_64__", "-DDYNAMIC_UID_MIN=0xEF00", "-DDYNAMIC_UID_MAX=0xFFEF",
               "-DCONTAINER_UID_BASE_MIN=0x80000", "-DCONTAINER_UID_BASE_MAX=0x6FFF0000")),
    "suricata": Project(
        "suricata", r"ebpf/.*\.[ch]", r"ebpf/.*\.c", includes=("ebpf/include", "ebpf"),
        flags=("-DBUILD_CPUMAP",)),
    "falco": Project(
        "falcosecurity-libs", r"driver/(?:[^/]*|modern_bpf/.*)\.[ch]", r"driver/modern_bpf/.*\.bpf\.c",
        includes=("driver/modern_bpf", "."), flags=("-D__USE_VMLINUX__", "-D__NDEBUG__"),
        made={"driver/driver_config.h": "#define PPM_API_CURRENT_VERSION_MAJOR 8\n"
              "#define PPM_API_CURRENT_VERSION_MINOR 0\n#define PPM_API_CURRENT_VERSION_PATCH 0\n"
              "#define PPM_SCHEMA_CURRENT_VERSION_MAJOR 3\n#define PPM_SCHEMA_CURRENT_VERSION_MINOR 0\n"
              "#define PPM_SCHEMA_CURRENT_VERSION_PATCH 0\n#include \"ppm_api_version.h\"\n"}),
    "cilium-ebpf": Module(
        "github.com/cilium/ebpf", r".*\.(?:[ch]|elf|o)",
        # But for those that have the name of another one.
        r".*testdata/[^/]*\.c|examples/(?!xdp/).*\.c|docs/examples/(?!variables/).*\.c",
        includes=("examples/headers", "testdata"), version="v0.22.0"),
    "iproute2": Project(
        "iproute2", r"(?:examples/bpf|include)/.*\.[ch]",
        r"examples/bpf/(?:[^/]*|legacy/bpf_(?:cyclic|tailcall))\.c", includes=("include",), flags=("-D__x86_64__",)),
    "pwru": Project(
        "pwru", r"bpf/.*\.[ch]", r"bpf/kprobe_pwru\.c", includes=("bpf/headers",),
        flags=("-DOUTPUT_SKB", "-DHAS_KPROBE_MULTI", "-Wno-address-of-packed-member")),
    "bpftop": Project("bpftop", r"src/bpf/.*\.[ch]", r"src/bpf/.*\.bpf\.c", includes=("src/bpf",)),
    "knot": Project(
        "knot", r"src/libknot/.*\.h|src/libknot/xdp/bpf-kernel\.c", r".*bpf-kernel\.c", includes=("src",),
        flags=("-DNDEBUG",)),
}


@cache
def unpacked(name):
    """The folder and the version of one project's sources."""
    return PROJECTS[name].unpacked()


def job(name, variant, btf=None):
    """How the programs of one project are compiled."""
    project = PROJECTS[name]
    clang = compilers.clang(variant.clang)
    folder, version = unpacked(name)
    libbpf, libbpf_version = headers()
    btf = btf or kernel_btf()
    command = [
        clang, *variant.flags(), "-g", "-D__TARGET_ARCH_x86", "-Wno-unknown-warning-option", *project.flags,
        f"-ffile-prefix-map={cache_root()}/=", *(f"-I{folder / i}" for i in project.includes),
        f"-I{vmlinux_header(btf)}", f"-I{libbpf}", *compilers.system_includes(clang),
    ]
    programs = re.compile(project.programs)
    sources = sorted(f for f in folder.rglob("*.c") if programs.fullmatch(str(f.relative_to(folder))))
    key = {"command": command, "clang": compilers.version_of(clang), "btf": digest(btf),
           name: version, "libbpf": libbpf_version}
    return Job(sources, command, key).quick(variant)
