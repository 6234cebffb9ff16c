"""Say how the pixels of a video are stored."""

from __future__ import annotations

from dataclasses import dataclass

import av

_RANGES = {1: "limited", 2: "full"}
_MATRICES = {
    0: "rgb", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco", 9: "bt2020nc",
    10: "bt2020c", 14: "ictcp",
}  # fmt: skip
_TRANSFERS = {
    1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear", 13: "srgb", 14: "bt2020-10",
    15: "bt2020-12", 16: "pq", 18: "hlg",
}  # fmt: skip
_PRIMARIES = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020", 11: "dci-p3",
    12: "display-p3",
}  # fmt: skip
"""Names of the code points of ITU-T H.273."""


@dataclass(frozen=True)
class PixelFormat:
    """A pixel format says how the pixels of a video are stored, as file and decoder state it.

    Attributes:
        name: FFmpeg's name of the layout, such as ``yuv420p10le``.
        bits: bits per component.
        range: ``limited`` (16..235), ``full`` or ``unknown``.
        matrix: from YCbCr to RGB, such as ``bt709``; ``unknown`` if the file does not say.
        transfer: from stored values to light, such as ``bt709``, ``pq`` or ``hlg``.
        primaries: the colors of red, green and blue, such as ``bt709`` or ``bt2020``.
        interlaced: whether a frame holds two fields.
    """

    name: str
    bits: int
    range: str
    matrix: str
    transfer: str
    primaries: str
    interlaced: bool

    @classmethod
    def of(cls, frame: av.VideoFrame) -> PixelFormat:
        """Return the pixel format of a decoded frame."""
        full = frame.format.name.startswith("yuvj")
        return cls(
            name=frame.format.name,
            bits=max((component.bits for component in frame.format.components), default=8),
            range="full" if full else _RANGES.get(int(frame.color_range), "unknown"),
            matrix=_MATRICES.get(int(frame.colorspace), "unknown"),
            transfer=_TRANSFERS.get(int(frame.color_trc), "unknown"),
            primaries=_PRIMARIES.get(int(frame.color_primaries), "unknown"),
            interlaced=frame.interlaced_frame,
        )

    @property
    def is_hdr(self) -> bool:
        """Return whether the range of brightness is high: PQ (HDR10, Dolby Vision) or HLG."""
        return self.transfer in ("pq", "hlg")

    def __str__(self) -> str:
        said = dict.fromkeys(text for text in (self.matrix, self.transfer, self.primaries) if text != "unknown")
        parts = [f"{self.name} {self.bits} bit", f"{self.range} range", "/".join(said)]
        return ", ".join(part for part in (*parts, "interlaced" if self.interlaced else "") if part)
