"""A compression of messages: its name on the wire, and both directions.

Floor 14: stands on the framing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

from stablehttp.framing import Compressor, Decompressor, compress_gzip, decompress_gzip


@final
@dataclass(frozen=True, slots=True)
class ConnectCompression:
    """A compression that client and server know by `name`, in lower case.

    `decompress` is given octets and how many may come out at most, and must not make more on the way.
    """

    name: str
    compress: Compressor
    decompress: Decompressor


GZIP: Final = ConnectCompression("gzip", compress_gzip, decompress_gzip)
"""The compression that everybody who speaks Connect knows."""
