"""
Binary Canonical Serialization, both ways, from its specification: fixed integers little endian, lengths and
variant indices in minimal ULEB128, no tags, no trailing bytes.

A type is a pair of functions: `read(Reader) -> JSON value` and `write(JSON value) -> bytes`. The JSON form is
that of `tx.decode`: u64 as decimal string, bytes as lower-case hex, a variant as {"Name": content}, an
absent option as null.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from refusal import Refused


class Reader:
    def __init__(self, data: bytes):
        self.data = data
        self.at = 0

    def take(self, n: int) -> bytes:
        if self.at + n > len(self.data):
            raise Refused("CODEC_MALFORMED")
        self.at += n
        return self.data[self.at - n : self.at]

    def length(self) -> int:
        value, shift = 0, 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if value >= 2**32:
                raise Refused("CODEC_MALFORMED")
            if byte & 0x80 == 0:
                if byte == 0 and shift > 0:
                    raise Refused("CODEC_MALFORMED")
                return value
            shift += 7


def uleb(n: int) -> bytes:
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


@dataclass(frozen=True)
class Type:
    read: Callable[[Reader], Any]
    write: Callable[[Any], bytes]


def number(width: int) -> Type:
    return Type(lambda r: int.from_bytes(r.take(width), "little"), lambda n: n.to_bytes(width, "little"))


u8, u16, u32 = number(1), number(2), number(4)
u64 = Type(lambda r: str(int.from_bytes(r.take(8), "little")), lambda text: int(text).to_bytes(8, "little"))


def _read_bool(r: Reader) -> bool:
    byte = r.take(1)[0]
    if byte > 1:
        raise Refused("CODEC_MALFORMED")
    return byte == 1


boolean = Type(_read_bool, lambda value: bytes([value]))


def fixed(n: int) -> Type:
    """n raw bytes."""
    return Type(lambda r: r.take(n).hex(), bytes.fromhex)


def _write_bytes(text: str) -> bytes:
    data = bytes.fromhex(text)
    return uleb(len(data)) + data


byte_string = Type(lambda r: r.take(r.length()).hex(), _write_bytes)


def _read_string(r: Reader) -> str:
    try:
        return r.take(r.length()).decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("CODEC_MALFORMED") from None


def _write_string(text: str) -> bytes:
    data = text.encode("utf-8")
    return uleb(len(data)) + data


string = Type(_read_string, _write_string)


def vector(item: Type) -> Type:
    return Type(
        lambda r: [item.read(r) for _ in range(r.length())],
        lambda items: uleb(len(items)) + b"".join(item.write(x) for x in items),
    )


def option(item: Type) -> Type:
    def read(r: Reader) -> Any:
        flag = r.take(1)[0]
        if flag > 1:
            raise Refused("CODEC_MALFORMED")
        return item.read(r) if flag else None

    return Type(read, lambda value: b"\0" if value is None else b"\1" + item.write(value))


def struct(**fields: Type) -> Type:
    return Type(
        lambda r: {name: t.read(r) for name, t in fields.items()},
        lambda value: b"".join(t.write(value[name]) for name, t in fields.items()),
    )


unit = Type(lambda _: None, lambda _: b"")


def enum(**variants: Type) -> Type:
    names = list(variants)

    def read(r: Reader) -> Any:
        index = r.length()
        if index >= len(names):
            raise Refused("CODEC_MALFORMED")
        return {names[index]: variants[names[index]].read(r)}

    def write(value: Any) -> bytes:
        ((name, content),) = value.items()
        return uleb(names.index(name)) + variants[name].write(content)

    return Type(read, write)


def decode(t: Type, data: bytes, limit: int) -> Any:
    if len(data) > limit:
        raise Refused("CODEC_TOO_LARGE")
    reader = Reader(data)
    value = t.read(reader)
    if reader.at != len(data):
        raise Refused("CODEC_NOT_CANONICAL")
    return value
