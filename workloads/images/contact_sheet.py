"""The report of a run of images: one picture of many thumbnails, and an index to look through."""

import html
import io
import json
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote

from fanout.adapters.side_by_side import side_by_side
from fanout.workload import RenderedFile
from workloads.images.parameters import ImageParameters

CONTACT_SHEET, INDEX_JSON, INDEX_HTML = "contact-sheet.png", "index.json", "index.html"
_GAP = 4
# Of photographs the usual level, 6, makes a sheet 3% smaller and takes twice the time.
_COMPRESS_LEVEL = 3
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Images</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{ color-scheme: light dark; font-family: system-ui, sans-serif; }}
main {{ display: flex; flex-wrap: wrap; gap: 1rem; }}
figure {{ margin: 0; width: {size}px; }}
figcaption {{ font-size: .8rem; overflow-wrap: anywhere; }}
</style></head><body><h1>{title}</h1><main>
{figures}
</main></body></html>
"""


def contact_sheet(
    photos: list[dict[str, Any]], parameters: ImageParameters, read_result: Callable[[str], bytes]
) -> RenderedFile:
    """Lay out the thumbnails of photos in rows.

    Args:
        photos: The outputs of the photos.
        parameters: Those of the run.
        read_result: Reads a file of the results by its name.
    """
    from PIL import Image

    thumbnails = side_by_side(*(partial(read_result, photo["thumbnail"]) for photo in photos))
    columns = min(parameters.contact_sheet.columns, len(photos))
    rows = -(-len(photos) // columns)
    step = parameters.thumbnail.size + _GAP
    sheet = Image.new("RGB", (columns * step + _GAP, rows * step + _GAP), "white")
    for number, content in enumerate(thumbnails):
        row, column = divmod(number, columns)
        with Image.open(io.BytesIO(content)) as thumbnail:
            sheet.paste(thumbnail, (_GAP + column * step, _GAP + row * step))
    target = io.BytesIO()
    sheet.save(target, "PNG", compress_level=_COMPRESS_LEVEL)
    return RenderedFile(CONTACT_SHEET, target.getvalue(), "image/png", len(photos))


def index_files(
    photos: list[dict[str, Any]], total: int, parameters: ImageParameters
) -> list[RenderedFile]:
    """List photos as JSON, and as a page that shows them."""
    document = {"photos": photos, "total": total}
    title = f"{total:,} photos" + ("" if len(photos) == total else f", the first {len(photos):,}")
    figures = "\n".join(map(_figure, photos))
    page = _PAGE.format(size=parameters.thumbnail.size, title=title, figures=figures)
    return [
        RenderedFile(INDEX_JSON, json.dumps(document).encode(), "application/json", len(photos)),
        RenderedFile(INDEX_HTML, page.encode(), "text/html", len(photos)),
    ]


def _figure(photo: dict[str, Any]) -> str:
    name = html.escape(photo["name"])
    links = ", ".join(
        f'<a href="{_link(rendition["file"])}">{rendition["width"]} x {rendition["height"]}</a>'
        for rendition in photo["renditions"]
    )
    picture = f'<img src="{_link(photo["thumbnail"])}" alt="{name}" loading="lazy" width="100%">'
    return f"<figure>{picture}<figcaption>{name}<br>{links}</figcaption></figure>"


def _link(file: str) -> str:
    return html.escape(quote(file))
