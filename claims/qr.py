"""QR codes (ISO/IEC 18004) with their margin, of which a seventh may be unreadable: as points, or as SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import zxingcpp

if TYPE_CHECKING:
    from typing_extensions import Buffer

_LEVEL: Final = "M"


def points(text: str) -> list[bytes]:
    """Return the code's modules, row by row, each black (0) or white (255)."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=_LEVEL)
    image = cast("Buffer", code.to_image())
    data, side = memoryview(image).tobytes(), len(memoryview(image))
    return [data[start : start + side] for start in range(0, len(data), side)]


def svg(text: str) -> str:
    """Return the code as an element for an HTML page, as large as its place."""
    rows = points(text)
    side = len(rows)
    dark = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, one in enumerate(row) if one == 0)
    return (
        f'<svg viewBox="0 0 {side} {side}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{side}v{side}H0z"/><path d="{dark}"/></svg>'
    )
