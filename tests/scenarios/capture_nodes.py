"""Reads the stacks of a capture as they were recorded, instruction by instruction: `layout.rs` says what lies where."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

Stack = list[list[object]]
_SEGMENTS, _SEGMENT_BYTES = 128, 32
_NODES, _RECORDS, _CODE = 1, 2, 1
_NODE_BYTES = 64


@dataclass
class Nodes:
    """The call tree: by node its caller's, its code and instruction, and the bytes that are live at the end."""

    rows: list[tuple[int, ...]]
    codes: dict[int, tuple[str, str]]

    def stacks(self) -> list[tuple[int, Stack]]:
        """Live bytes, and the frames that lead there, outermost first."""
        return [(row[4], self._frames(number)) for number, row in enumerate(self.rows) if row[4]]

    def _frames(self, node: int) -> Stack:
        frames: Stack = []
        while node:
            parent, code, instruction, kind, _ = self.rows[node]
            if kind == 0:
                filename, name = self.codes[code]
                frames.append([filename, name, instruction])
            node = parent
        return frames[::-1]


def read_nodes(capture: Path) -> Nodes:
    data = capture.read_bytes()
    nodes = Nodes([], {})
    (count,) = struct.unpack_from("<I", data, 120)
    for number in range(count):
        entry = struct.unpack_from("<IIQQQ", data, _SEGMENTS + number * _SEGMENT_BYTES)
        kind, _, offset, _, used = entry
        segment = data[offset : offset + used]
        if kind == _NODES:
            nodes.rows += [struct.unpack_from("<IIIIQ", segment, at) for at in range(0, used, _NODE_BYTES)]
        elif kind == _RECORDS:
            nodes.codes |= _codes(segment)
    return nodes


def _codes(records: bytes) -> dict[int, tuple[str, str]]:
    codes, at = {}, 0
    while at + 8 <= len(records):
        kind, length = struct.unpack_from("<II", records, at)
        if kind == _CODE:
            number, _, _, filename, name, _ = struct.unpack_from("<6I", records, at + 8)
            text = records[at + 32 : at + 32 + filename + name].decode()
            codes[number] = (text[:filename], text[filename:].rpartition(".")[2])
        at += 8 + (length + 7) // 8 * 8
    return codes
