"""What a BTF blob holds, counted by a reader that is independent of the library."""

import struct

MAGIC = 0xEB9F

# Bytes after the 12 of struct btf_type: fixed, and per member.
TAIL = {
    1: (4, 0), 2: (0, 0), 3: (12, 0), 4: (0, 12), 5: (0, 12), 6: (0, 8), 7: (0, 0),
    8: (0, 0), 9: (0, 0), 10: (0, 0), 11: (0, 0), 12: (0, 0), 13: (0, 8), 14: (4, 0),
    15: (0, 12), 16: (0, 0), 17: (4, 0), 18: (0, 0), 19: (0, 12),
}


class BadBtf(Exception):
    """These bytes are not BTF."""


class Header:
    """The header at the start of DATA; sections are bounds-checked."""

    def __init__(self, data, at=0):
        if len(data) - at < 24:
            raise BadBtf("shorter than a header")
        self.order = {b"\x9f\xeb": "<", b"\xeb\x9f": ">"}.get(bytes(data[at:at + 2]))
        if self.order is None:
            raise BadBtf("no magic")
        fields = struct.unpack_from(self.order + "HBBIIIII", data, at)
        _, version, flags, self.length, *sections = fields
        self.type_off, self.type_len, self.str_off, self.str_len = sections
        if version != 1 or flags != 0 or not 24 <= self.length <= 256:
            raise BadBtf("unknown version, flags or header length")
        self.size = self.length + self.str_off + self.str_len
        if self.type_off + self.type_len > self.str_off or self.size > len(data) - at:
            raise BadBtf("sections overlap or pass the end")
        # A module that adds no name has no strings at all (cast_common of 6.1).
        if self.str_len != 0 and data[at + self.size - 1] != 0:
            raise BadBtf("strings do not end with NUL")


def find(image):
    """The largest BTF blob in a flat image."""
    best = None
    for magic in (b"\x9f\xeb\x01\x00", b"\xeb\x9f\x01\x00"):
        at = image.find(magic)
        while at >= 0:
            try:
                size = Header(image, at).size
                if best is None or size > len(best):
                    blob = image[at:at + size]
                    facts(blob)
                    best = blob
            except BadBtf:
                pass
            at = image.find(magic, at + 1)
    if best is None:
        raise BadBtf("no BTF in the image")
    return best


def facts(data):
    """Byte order, number of types (without void), and whether they are sorted by name."""
    header = Header(data)
    unpack = struct.Struct(header.order + "III").unpack_from
    at = header.length + header.type_off
    end = at + header.type_len
    strings = header.length + header.str_off
    count, last, ordered, anonymous_over = 0, b"", True, False
    while at < end:
        if end - at < 12:
            raise BadBtf("type section ends within a type")
        name, info, _ = unpack(data, at)
        kind = info >> 24 & 0x7F if header.length > 24 else info >> 24 & 0x1F
        vlen = info & 0xFFFFFF if header.length > 24 else info & 0xFFFF
        if kind not in TAIL:
            raise BadBtf(f"type {count + 1} has kind {kind}")
        fixed, each = TAIL[kind]
        at += 12 + fixed + each * vlen
        count += 1
        text = data[strings + name:data.index(0, strings + name)] if name else b""
        anonymous_over |= bool(text)
        ordered = ordered and last <= text and (bool(text) or not anonymous_over)
        last = text
    if at != end:
        raise BadBtf("last type passes the end of its section")
    order = "little" if header.order == "<" else "big"
    return {"bytes": len(data), "types": count, "order": order, "sorted": ordered}
