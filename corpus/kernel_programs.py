"""BPF programs of the kernel's tree beside its BPF selftests: schedulers, tools, samples."""

from dataclasses import dataclass

import compilers
import kernel_tree
from compiling import Job
from debian import cache_root, digest


@dataclass
class Programs:
    """Some programs of the tree and how its makefiles compile them."""

    sources: tuple
    includes: tuple = ()
    flags: tuple = ()


SETS = {
    "sched_ext": Programs(
        ("tools/sched_ext/*.bpf.c", "tools/testing/selftests/sched_ext/*.bpf.c"),
        ("tools/sched_ext/include", "tools/sched_ext/include/bpf-compat", "tools/testing/selftests/sched_ext/include"),
        ("-Wno-compare-distinct-pointer-types",)),
    "kernel-tools": Programs(
        ("tools/perf/util/bpf_skel/*.bpf.c", "tools/bpf/bpftool/skeleton/*.bpf.c", "tools/bpf/runqslower/*.bpf.c",
         "tools/tracing/rtla/src/*.bpf.c", "kernel/bpf/preload/iterators/*.bpf.c",
         "tools/testing/selftests/net/**/*.bpf.c", "tools/testing/selftests/drivers/net/**/*.bpf.c"),
        ("tools/perf/util/bpf_skel", "tools/perf/util", "tools/lib", "tools/testing/selftests/bpf"),
        ("-fms-extensions", "-Wno-microsoft-anon-tag")),
    "samples": Programs(
        # The others want the headers of a configured kernel.
        ("samples/bpf/*.bpf.c",),
        ("samples/bpf", "tools/testing/selftests/bpf"),
        ("-Wno-compare-distinct-pointer-types", "-Wno-visibility", "-fno-asynchronous-unwind-tables")),
}


def job(name, version, variant):
    """How the programs of one set are compiled."""
    programs = SETS[name]
    clang = compilers.clang(variant.clang)
    linux = kernel_tree.sources(version)
    tool, headers = kernel_tree.bpftool(linux)
    btf = kernel_tree.kernel_btf(version)
    vmlinux = kernel_tree.vmlinux_header(tool, btf)
    command = [
        clang, "-g", *variant.flags(), "-D__TARGET_ARCH_x86", "-D__x86_64__", "-std=gnu11", "-fno-strict-aliasing",
        "-Wno-unknown-warning-option", *programs.flags, f"-ffile-prefix-map={cache_root()}/=",
        f"-I{vmlinux}", f"-I{headers}", *(f"-I{linux / i}" for i in programs.includes),
        f"-I{linux}/tools/include/uapi", f"-I{linux}/tools/include", *compilers.system_includes(clang),
    ]
    key = {"command": command, "clang": compilers.version_of(clang), "btf": digest(btf), "linux": linux.name}
    sources = sorted({f for pattern in programs.sources for f in linux.glob(pattern)})
    return Job(sources, command, key, header=vmlinux / "vmlinux.h").quick(variant)
