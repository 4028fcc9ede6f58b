"""Where it is measured, and with what."""
import os
import platform
import re
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))


def first(pattern, path):
    try:
        with open(path, encoding="utf-8") as file:
            found = re.search(pattern, file.read(), re.M)
    except OSError:
        return None
    return found[1] if found else None


def said(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[0]
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def about():
    """A line for each thing that the numbers depend on."""
    btf = os.stat("/sys/kernel/btf/vmlinux").st_size
    processor = first(r"^model name\s*: (.*)$", "/proc/cpuinfo")
    versions = [("libbpf", r"LIBBPF_VERSION := (.*)", "../peers/Makefile"),
                ("cilium/ebpf", r"cilium/ebpf (v\S+)$", "../peers/cilium/go.mod"),
                ("aya-obj", r'aya-obj = "=(.*)"', "aya/Cargo.toml")]
    found = [f"{name} {first(pattern, os.path.join(HERE, path))}" for name, pattern, path in versions]
    return [f"{processor}, {os.cpu_count()} processors",
            f"Linux {platform.release()}, {btf / 1e6:.1f} MB of BTF",
            f"{said('rustc', '--version')}; {said('cc', '--version')}; {said('go', 'version')}",
            ", ".join(found)]


def load():
    """How many others want to run."""
    return os.getloadavg()[0]


def warning(own=0):
    """One loud line where others are at work, else None; `own` is how many of ours are."""
    now = load()
    if now < own + 0.5:
        return None
    return (f"Others were at work on the machine (load {now:.1f}, {os.cpu_count()} processors): "
            "wall time tells little, processor time is what to look at.")
