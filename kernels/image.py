"""From a packaged kernel image to what can be booted and to its BTF."""

import lzma
import struct
import subprocess
import zlib

import btf_facts

ZSTD, XZ, LZ4 = b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\x00", b"\x02\x21\x4c\x18"
GZIP = b"\x1f\x8b\x08"
FILTERS = {ZSTD: ["zstd", "-dcq"], LZ4: ["lz4", "-dcq"]}


class BadImage(Exception):
    """The image has a form that is not known here."""


def decompress(data):
    """Unpacks one stream; what follows it in DATA is ignored."""
    if data.startswith(XZ):
        return lzma.LZMADecompressor().decompress(data)
    if data.startswith(GZIP):
        return zlib.decompressobj(31).decompress(data)
    for magic, command in FILTERS.items():
        if data.startswith(magic):
            # The tools complain of what follows the stream after having written it all.
            done = subprocess.run(command, input=data, capture_output=True)
            if done.stdout:
                return done.stdout
            raise BadImage(f"{command[0]}: {done.stderr.decode(errors='replace').strip()}")
    raise BadImage(f"unknown compression, starts with {data[:6].hex()}")


def section(elf, wanted):
    """The contents of an ELF file's section, None if there is none of that name."""
    if elf[:4] != b"\x7fELF":
        raise BadImage("not an ELF file")
    wide, order = elf[4] == 2, "<" if elf[5] == 1 else ">"
    table = struct.unpack_from(order + ("Q" if wide else "I"), elf, 40 if wide else 32)[0]
    entry, count, names = struct.unpack_from(order + "HHH", elf, 58 if wide else 46)
    form = order + ("IIQQQQ" if wide else "IIIIII")

    def read(index):
        name, _, _, _, offset, size = struct.unpack_from(form, elf, table + index * entry)
        return name, offset, size

    base = read(names)[1]
    for index in range(count):
        name, offset, size = read(index)
        start = base + name
        if elf[start:elf.index(0, start)] == wanted:
            return elf[offset:offset + size]
    return None


def x86_payload(image):
    """The compressed ELF file within a bzImage."""
    if image[0x202:0x206] != b"HdrS":
        raise BadImage("no x86 setup header")
    setup = (image[0x1F1] or 4) + 1
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = setup * 512 + offset
    # The last four bytes are the size that the decompressor is told, not its stream.
    return image[start:start + length - 4]


def scan(image):
    """Every stream in IMAGE that unpacks to something of a kernel's size."""
    for magic in (ZSTD, XZ, LZ4, GZIP):
        at = image.find(magic)
        while at >= 0:
            try:
                data = decompress(image[at:])
            except (BadImage, lzma.LZMAError, zlib.error):
                data = b""
            if len(data) > 4 << 20:
                yield data
            at = image.find(magic, at + 1)


def unpack(image, arch):
    """What qemu boots, and the kernel's BTF."""
    if arch in ("amd64", "i386"):
        kernel = decompress(x86_payload(image))
        btf = section(kernel, b".BTF")
        if btf is None:
            raise BadImage("built without BTF")
        return kernel, bytes(btf)
    for data in [image] if arch == "arm64" else scan(image):
        try:
            return image, btf_facts.find(data)
        except btf_facts.BadBtf:
            continue
    raise BadImage("no BTF in it")
