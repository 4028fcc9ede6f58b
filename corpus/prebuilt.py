"""Objects that others compiled and published: those in the Go module cilium/ebpf."""

import shutil

from compiling import objects_folder, write_record
from projects import unpacked


def collect(folder="cilium-ebpf-built"):
    """Copies the objects of the module into one folder and returns its record."""
    source, version = unpacked("cilium-ebpf")
    objects = objects_folder(folder)
    shutil.rmtree(objects, ignore_errors=True)
    objects.mkdir(parents=True)
    found = sorted(p for p in source.rglob("*") if p.suffix in (".elf", ".o"))
    for path in found:
        shutil.copyfile(path, objects / name_of(path.relative_to(source)))
    key = {"cilium-ebpf": version}
    write_record(objects, {"key": key, "failed": {}})
    return {"key": key, "failed": {}, "objects": objects, "total": len(found)}


def name_of(path):
    """examples/tcx/bpf_bpfel.o becomes examples-tcx-bpf_bpfel.bpf.o, testdata/a-el.elf a-el.bpf.o."""
    parts = [part for part in path.parts[:-1] if part not in ("testdata", "btf")]
    return "-".join([*parts, path.stem]) + ".bpf.o"
