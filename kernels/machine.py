"""The emulated machine: how qemu boots each architecture's kernel, and what came of it."""

import platform
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from debian import Unavailable
from initramfs import program

COMMON = ["-accel", "tcg", "-smp", "1", "-display", "none", "-nodefaults", "-no-user-config",
          "-no-reboot", "-monitor", "none"]

BLACKLIST = "jent_mod_init,load_system_certificate_list,init_encrypted,init_ima,init_evm"
QUIET = f"panic=-1 quiet random.trust_cpu=on cryptomgr.notests initcall_blacklist={BLACKLIST}"

MACHINES = {
    # microvm and PVH instead of a BIOS, and without cx16: qemu 7.2 crashes on it at times.
    "amd64": ("qemu-system-x86_64", [
        "-cpu", "max,-cx16", "-M", "microvm,acpi=off,pic=on,pit=on,rtc=on,x-option-roms=off,"
        "auto-kernel-cmdline=off,isa-serial=on",
        "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-serial", "stdio",
    ], "console=ttyS0 tsc=reliable noreplace-smp mitigations=off"),
    "arm64": ("qemu-system-aarch64", [
        "-cpu", "cortex-a57", "-M", "virt", "-serial", "stdio",
    ], "console=ttyAMA0"),
    "s390x": ("qemu-system-s390x", [
        "-cpu", "max", "-M", "s390-ccw-virtio", "-chardev", "stdio,id=c0",
        "-device", "sclpconsole,chardev=c0",
    ], "console=ttysclp0"),
}

BEGIN = re.compile(rb"\r?\nINIT-BEGIN\r?\n")
END = re.compile(rb"\r?\nINIT-EXIT (\d+)\r?\n")


class BootFailed(Exception):
    """The kernel did not come as far as running the command, or not to its end."""


class Outcome:
    """What one boot came to."""

    def __init__(self, status, output, console, seconds):
        self.status, self.output, self.console, self.seconds = status, output, console, seconds


def clock():
    """The kernel argument that spares the guest measuring an emulated clock."""
    if platform.machine() != "x86_64":
        return ""
    done = subprocess.run([program("tsc", "amd64")], capture_output=True, text=True, check=True)
    return " tsc_early_khz=" + done.stdout.strip()


def command(arch, kernel, initrd, memory, cx16=False):
    """qemu's command line."""
    binary, machine, console = MACHINES[arch]
    if not shutil.which(binary):
        raise Unavailable(f"{binary} is not installed")
    if cx16:
        machine = [part.replace("max,-cx16", "max") for part in machine]
    append = f"{console} {QUIET}" + (clock() if arch == "amd64" else "")
    return [binary, *COMMON, "-m", f"{memory}M", *machine, "-kernel", str(kernel),
            "-initrd", str(initrd), "-append", append]


def boot(arch, kernel, archive, memory, limit, cx16=False):
    """Boots KERNEL with the initramfs ARCHIVE and waits until the machine stops."""
    with tempfile.TemporaryDirectory(prefix="bpflink-boot-") as folder:
        initrd = Path(folder) / "initrd"
        initrd.write_bytes(archive)
        line = command(arch, kernel, initrd, memory, cx16)
        start = time.monotonic()
        try:
            done = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=limit)
        except subprocess.TimeoutExpired as late:
            raise BootFailed(f"no end after {limit} s\n{_text(late.stdout)}") from late
        return judge(done.stdout, time.monotonic() - start)


def judge(console, seconds):
    """Cuts the command's output and its status out of what came over the console."""
    begin = BEGIN.search(console)
    ends = list(END.finditer(console))
    if not begin or not ends:
        raise BootFailed(f"the command did not run to its end\n{_text(console)}")
    output = console[begin.end():ends[-1].start()]
    return Outcome(int(ends[-1][1]), output, console, seconds)


def _text(console):
    return (console or b"").decode(errors="replace")[-8000:]
