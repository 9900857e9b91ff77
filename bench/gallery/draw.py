"""A gallery as one picture: a query a block, its directions below each other."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from bench.gallery import words
from bench.gallery.gallery import Block, Gallery, Hit, Painted, Ranking, Scene
from bench.gallery.pictures import Picture
from models.config import SENSORS, Sensor

PAPER: Final = (255, 255, 255)
INK: Final = (28, 30, 33)
MUTED: Final = (92, 99, 106)
RULE: Final = (208, 212, 217)
SHARED: Final = (11, 110, 61)
FRAME: Final = (194, 65, 12)
"""Of the query's own place."""

FRAME_PIXELS: Final = 4
MARGIN: Final = 28
GAP: Final = 14
SMALLEST_SIDE, LARGEST_SIDE = 112, 256
"""Smaller pictures are enlarged by a whole number, so that their pixels stay square; larger ones are reduced by one."""

_TITLE, _HEADING, _BODY, _SMALL = 24, 16, 13, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Text that is wrapped to a width, and cut off with dots after so many lines."""

    text: str
    size: int = _BODY
    colour: tuple[int, int, int] = INK
    lines: int = 1
    tick: bool = False
    """Whether a tick stands before it."""


def sheet(gallery: Gallery, pictures: Sequence[Painted]) -> Image.Image:
    """The whole gallery on white.

    Args:
        pictures: of each block.
    """
    blocks = [
        _block(gallery, block, painted, position)
        for position, (block, painted) in enumerate(zip(gallery.blocks, pictures, strict=True), start=1)
    ]
    width = max([720, *(block.width for block in blocks)])
    head = _text(
        [
            Line(text=words.title(gallery), size=_TITLE),
            *(Line(text=sentence, colour=MUTED, lines=9) for sentence in words.caption(gallery)),
        ],
        width,
    )
    rule = Image.new("RGB", (width, 2), RULE)
    parts = [head, *(part for block in blocks for part in (rule, block))]
    body = _below(parts, GAP + 6)
    page = Image.new("RGB", (width + 2 * MARGIN, body.height + 2 * MARGIN), PAPER)
    page.paste(body, (MARGIN, MARGIN))
    return page


def fitted(picture: Picture) -> Image.Image:
    """A picture of a size that can be looked at."""
    image = Image.fromarray(picture)
    if max(image.size) > LARGEST_SIDE:
        return image.reduce(-(-max(image.size) // LARGEST_SIDE))
    factor = -(-SMALLEST_SIDE // max(image.size))
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def halved(picture: Picture) -> Image.Image:
    """A picture of half that size."""
    return fitted(picture).reduce(2)


def _block(gallery: Gallery, block: Block, painted: Painted, position: int) -> Image.Image:
    rankings = [_ranking(gallery, ranking, painted) for ranking in block.rankings]
    return _beside([_query(gallery, block, painted, position), _below(rankings, GAP)], 2 * GAP)


def _query(gallery: Gallery, block: Block, painted: Painted, position: int) -> Image.Image:
    seen = {sensor: fitted(painted[block.query.split, block.query.row, sensor]) for sensor in SENSORS}
    each = [
        _below([_framed(image, own_place=False), _text([Line(text=words.SENSOR_NAMES[sensor])], image.width)], 0)
        for sensor, image in seen.items()
    ]
    both = _beside(each, GAP)
    head = [Line(text=f"Query {position} of {len(gallery.blocks)}", size=_HEADING)]
    if judged := words.judged(gallery, block):
        head.append(Line(text=judged, lines=2))
    labels = [Line(text=label, lines=3) for label in block.query.labels]
    return _below([_text([*head, *_whereabouts(block.query)], both.width), both, _text(labels, both.width)], 6)


def _ranking(gallery: Gallery, ranking: Ranking, painted: Painted) -> Image.Image:
    hits = words.shown(ranking)
    tiles = _beside([_tile(ranking, hit, painted) for hit in hits], GAP)
    return _below([_text([Line(text=words.ranking_heading(gallery, ranking), size=_HEADING)], tiles.width), tiles], 4)


def _tile(ranking: Ranking, hit: Hit, painted: Painted) -> Image.Image:
    searched = ranking.direction[1]
    other: Sensor = "s1" if searched == "s2" else "s2"
    image = fitted(painted[hit.scene.split, hit.scene.row, searched])
    small = halved(painted[hit.scene.split, hit.scene.row, other])
    told = [Line(text=line, size=_SMALL) for line in (*words.rank_words(ranking, hit), words.number(hit.cosine))]
    aside = _below([_framed(small, own_place=False), _text(told, small.width + 2 * FRAME_PIXELS)], 0)
    top = _beside([_framed(image, own_place=hit.own_place), aside], 2)
    below = [Line(text=words.OWN_PLACE, size=_SMALL, colour=FRAME)] if hit.own_place else []
    below += _whereabouts(hit.scene)
    below += [
        Line(text=label, size=_SMALL, colour=SHARED if shared else MUTED, lines=2, tick=shared)
        for label, shared in words.labels_in_order(hit)
    ]
    return _below([top, _text(below, top.width)], 2)


def _whereabouts(scene: Scene) -> list[Line]:
    lines = (scene.pair_id, words.place_words(scene))
    return [Line(text=line, size=_SMALL, colour=MUTED) for line in lines if line]


def _framed(image: Image.Image, *, own_place: bool) -> Image.Image:
    """A picture in room for a frame: a thick one for the query's own place, else a line, so that white has an edge."""
    width, height = image.width + 2 * FRAME_PIXELS, image.height + 2 * FRAME_PIXELS
    framed = Image.new("RGB", (width, height), FRAME if own_place else PAPER)
    if not own_place:
        edge = FRAME_PIXELS - 1
        ImageDraw.Draw(framed).rectangle((edge, edge, width - edge - 1, height - edge - 1), outline=RULE)
    framed.paste(image, (FRAME_PIXELS, FRAME_PIXELS))
    return framed


def _beside(images: Sequence[Image.Image], gap: int) -> Image.Image:
    width = sum(image.width for image in images) + gap * (len(images) - 1)
    whole = Image.new("RGB", (width, max(image.height for image in images)), PAPER)
    x = 0
    for image in images:
        whole.paste(image, (x, 0))
        x += image.width + gap
    return whole


def _below(images: Sequence[Image.Image], gap: int) -> Image.Image:
    height = sum(image.height for image in images) + gap * (len(images) - 1)
    whole = Image.new("RGB", (max(image.width for image in images), height), PAPER)
    y = 0
    for image in images:
        whole.paste(image, (0, y))
        y += image.height + gap
    return whole


def _text(lines: Sequence[Line], width: int) -> Image.Image:
    """Lines below each other, each wrapped to the width."""
    written = [_written(line, width) for line in lines]
    return _below(written, 1) if written else Image.new("RGB", (width, 1), PAPER)


def _written(line: Line, width: int) -> Image.Image:
    font = ImageFont.load_default(line.size)
    indent = FRAME_PIXELS + (line.size if line.tick else 0)  # in line with the pictures, which have room for a frame
    rows = _wrapped(_drawable(line.text), font, width - indent - FRAME_PIXELS, line.lines)
    step = round(line.size * 1.25)
    image = Image.new("RGB", (width, step * len(rows)), PAPER)
    draw = ImageDraw.Draw(image)
    for number, row in enumerate(rows):
        draw.text((indent, number * step), row, fill=line.colour, font=font)
    if line.tick:
        tick = ((0.1, 0.65), (0.33, 0.95), (0.75, 0.3))
        draw.line([(FRAME_PIXELS + x * line.size, y * line.size) for x, y in tick], fill=line.colour, width=2)
    return image


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int, most: int) -> list[str]:
    """Rows of words; what does not fit into so many rows is cut off, a word that is too long in its middle."""
    rows = [""]
    for word in text.split():
        longer = f"{rows[-1]} {word}".lstrip()
        if font.getlength(longer) <= width or not rows[-1]:
            rows[-1] = longer
        else:
            rows.append(word)
    if len(rows) > most:
        last = rows[most - 1]
        while " " in last and font.getlength(f"{last}…") > width:
            last = last.rpartition(" ")[0]
        rows[most - 1] = f"{last}…"
    return [_cut(row, font, width) for row in rows[:most]]


def _cut(row: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """The row without as much of its middle as does not fit: names differ at their ends."""
    kept = len(row)
    shorter = row
    while font.getlength(shorter) > width and kept > 2:
        kept -= 1
        shorter = f"{row[: kept // 2]}…{row[-(kept - kept // 2) :]}"
    return shorter


def _drawable(text: str) -> str:
    """The text in the characters that Pillow's own font has: letters lose their accents, others become a mark."""
    plain = unicodedata.normalize("NFD", text)
    kept = (c for c in plain if not unicodedata.combining(c))
    return "".join(c if " " <= c <= "~" or c in "…·°" else "?" for c in kept)
