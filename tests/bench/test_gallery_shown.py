"""A gallery on a sheet and on a page: what is told, what is escaped, what is framed."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image, ImageFont

from bench.gallery import words
from bench.gallery.draw import FRAME, FRAME_PIXELS, MARGIN, SHARED, _drawable, _wrapped, fitted, halved, sheet
from bench.gallery.gallery import Block, Gallery, Hit, Painted, Ranking, Scene
from bench.gallery.page import page
from bench.gallery.scenes import Searched
from models.config import SENSORS


def scene(split: Searched, row: int, *labels: str) -> Scene:
    return Scene(
        pair_id=f"{split}-{row}", split=split, row=row, labels=labels, tile="33UUP", country=None, date="2017-06-13"
    )


QUERY = scene("query", 0, "Arable land", "Pastures")

PARTNER = Hit(scene=QUERY, rank=17, cosine=0.125, distance=1.75, shared=QUERY.labels, own_place=True)


def hit(row: int, *shared: str) -> Hit:
    labels = ("Marine <waters>", *shared)
    return Hit(scene=scene("archive", row, *labels), rank=row, cosine=0.5, distance=1.0, shared=shared, own_place=False)


CROSS = Ranking(
    direction=("s1", "s2"),
    value=0.25,
    places=40,
    hits=(hit(1, "Pastures"), hit(2)),
    partner=PARTNER,
    partner_places=48,
)

WITHIN = replace(CROSS, direction=("s2", "s2"), hits=(hit(3), hit(4, "Arable land")), partner=None)

GALLERY = Gallery(
    trial_id="run-07",
    candidate="SECD nano",
    seed=3,
    steps=200,
    data="Serbia & Kosovo",
    synthetic=False,
    labelled=True,
    metric="precision@10",
    chosen="lowest mean precision@10 over S1 to S2, S2 to S1",
    judged="mean precision@10",
    legends={"s1": "red VV, green VH, blue VV/VH", "s2": "true colour (B04, B03, B02)"},
    blocks=(Block(query=QUERY, value=0.125, rankings=(WITHIN, CROSS)),),
)

SIDE = 56
"""Pixels of a picture, which is shown twice as large."""

GREY = {"s1": 60, "s2": 160}


def painted() -> Painted:
    places: list[tuple[Searched, int]] = [("query", 0), *(("archive", row) for row in range(1, 5))]
    return {
        (*place, sensor): np.full((SIDE, SIDE, 3), GREY[sensor], np.uint8) for place in places for sensor in SENSORS
    }


def found(image: Image.Image, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """The box around everything of a colour."""
    rows, columns = np.nonzero(np.all(np.asarray(image) == colour, axis=2))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def framed(image: Image.Image) -> list[tuple[int, int]]:
    """Upper left corners of the frames around own places."""
    is_frame = np.all(np.asarray(image) == FRAME, axis=2)
    whole = 2 * SIDE + 2 * FRAME_PIXELS
    bars = {(int(x), int(y)) for y, x in np.argwhere(sliding_window_view(is_frame, whole, axis=1).all(axis=2))}
    return sorted((x, y) for x, y in bars if (x, y - 1) not in bars and (x, y + whole - 1) in bars)


def in_place(number: int) -> Gallery:
    """The gallery of data without labels whose own place was found at a rank."""
    hits = (*CROSS.hits[: number - 1], replace(PARTNER, rank=number), *CROSS.hits[number - 1 :])
    (block,) = GALLERY.blocks
    return replace(GALLERY, blocks=(replace(block, rankings=(WITHIN, replace(CROSS, hits=hits))),))


def test_the_own_place_is_framed_behind_the_results_when_it_is_not_among_them() -> None:
    ((x, y),) = framed(sheet(GALLERY, [painted()]))
    ((third, below),) = framed(sheet(in_place(3), [painted()]))
    assert (x, y) == (third, below)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_own_place_is_framed_where_it_was_found(number: int) -> None:
    corners = [framed(sheet(in_place(one), [painted()])) for one in (1, 2, 3)]
    assert [len(corner) for corner in corners] == [1, 1, 1]
    xs = [corner[0][0] for corner in corners]
    step = xs[1] - xs[0]
    assert step > 3 * SIDE
    assert xs[number - 1] == xs[0] + (number - 1) * step


def test_the_frame_is_around_a_picture_of_the_searched_sensor() -> None:
    image = sheet(GALLERY, [painted()])
    ((x, y),) = framed(image)
    inside = np.asarray(image)[y + FRAME_PIXELS :, x + FRAME_PIXELS :][: 2 * SIDE, : 2 * SIDE]
    assert (inside == GREY["s2"]).all()


def test_a_sheet_grows_by_its_blocks_and_keeps_its_margin() -> None:
    one = sheet(GALLERY, [painted()])
    two = sheet(replace(GALLERY, blocks=GALLERY.blocks * 2), [painted()] * 2)
    assert two.width == one.width
    assert one.height < two.height < 2 * one.height
    assert (np.asarray(one)[:MARGIN] == 255).all()
    assert (np.asarray(one)[:, -MARGIN:] == 255).all()


def test_shared_labels_stand_out_by_a_tick_and_a_colour() -> None:
    marked = sheet(GALLERY, [painted()])
    (block,) = GALLERY.blocks
    bare = tuple(
        replace(ranking, hits=tuple(replace(one, shared=()) for one in ranking.hits), partner=None)
        for ranking in block.rankings
    )
    plain = sheet(replace(GALLERY, blocks=(replace(block, rankings=bare),)), [painted()])
    left, top, right, bottom = found(marked, SHARED)
    assert right - left > 100
    assert bottom - top > 100
    assert not np.all(np.asarray(plain) == SHARED, axis=2).any()


@pytest.mark.parametrize(("pixels", "shown"), [(8, 112), (64, 128), (112, 112), (120, 120), (256, 256), (512, 256)])
def test_pictures_are_fitted_by_whole_numbers(pixels: int, shown: int) -> None:
    picture = np.zeros((pixels, pixels, 3), np.uint8)
    assert fitted(picture).size == (shown, shown)
    assert halved(picture).size == (shown // 2, shown // 2)


@pytest.mark.parametrize("most", [1, 2, 9])
def test_text_never_leaves_its_width(most: int) -> None:
    font = ImageFont.load_default(12)
    text = "Land principally occupied by agriculture, with significant areas of natural vegetation and " + "x" * 90
    rows = _wrapped(text, font, 150, most)
    assert len(rows) <= most
    assert all(font.getlength(row) <= 150 for row in rows)
    assert rows[-1].endswith("…") == (most < 9)


def test_text_is_drawn_in_letters_that_the_font_has() -> None:
    assert _drawable("Île-de-France · Ærø → 森…") == "Ile-de-France · ?r? ? ?…"


class Elements(HTMLParser):
    """The elements of a page and what stands in them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.shown: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.balance = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append(tag)
        self.balance += tag not in {"meta", "img", "br"}
        if tag == "img":
            self.images.append(dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        del tag
        self.balance -= 1

    def handle_data(self, data: str) -> None:
        self.shown.append(data)


def test_a_page_needs_nothing_else() -> None:
    text = page(GALLERY, [painted()])
    elements = Elements(text)
    assert elements.balance == 0
    assert "script" not in elements.opened
    assert re.findall(r"""(?:src|href)=["'](?!data:image/png;base64,)""", text) == []
    assert "http" not in text
    assert len(elements.images) == 2 + 2 * 5
    assert {image["alt"] for image in elements.images} >= {"query-0 by Sentinel-1", "archive-4 by Sentinel-2"}


def test_a_page_escapes_what_comes_from_data() -> None:
    text = page(GALLERY, [painted()])
    assert "Serbia &amp; Kosovo" in text
    assert "Marine &lt;waters&gt;" in text
    assert "<waters>" not in text
    assert "Marine <waters>" in Elements(text).shown


def test_a_page_ticks_shared_labels_and_frames_the_own_place() -> None:
    text = page(GALLERY, [painted()])
    shared = re.findall(r'<li class="shared" title="shared with the query">([^<]+)</li>', text)
    assert shared == ["Arable land", "Pastures", "Arable land", "Pastures"]
    assert len(re.findall(r"<li class=own [^>]+><div(?:(?!</li>).)+<strong>the query's own place</strong>", text)) == 1


@pytest.mark.parametrize("synthetic", [True, False])
def test_synthetic_data_is_called_so_in_the_title_and_the_caption(synthetic: bool) -> None:
    shown = replace(GALLERY, synthetic=synthetic)
    assert ("synthetic" in words.title(shown)) == synthetic
    assert ("the images are generated" in words.caption(shown)[0]) == synthetic
    text = page(shown, [painted()])
    assert ("<title>What SECD nano finds on synthetic data</title>" in text) == synthetic


def test_the_caption_names_trial_candidate_seed_data_metric_and_colours() -> None:
    told = " ".join(words.caption(GALLERY))
    for part in ("run-07", "SECD nano", "seed 3", "200 steps", "Serbia & Kosovo", "precision@10", "B04, B03, B02"):
        assert part in told
    assert words.ranking_heading(GALLERY, CROSS) == "S1 to S2 · precision@10 0.250 · 40 places searched"
    assert words.rank_words(CROSS, PARTNER) == ("rank 17", "of 48")
    assert words.judged(GALLERY, GALLERY.blocks[0]) == "mean precision@10 0.125"


def test_a_tile_that_is_part_of_the_name_is_not_told_again() -> None:
    assert words.place_words(QUERY) == "2017-06-13 · 33UUP"
    assert words.place_words(replace(QUERY, pair_id="S2A_T33UUP_1")) == "2017-06-13"
    assert words.place_words(replace(QUERY, country="Austria", date=None)) == "Austria · 33UUP"
