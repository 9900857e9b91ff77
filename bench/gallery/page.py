"""A gallery as one HTML file that needs nothing else: no scripts, no fonts, its pictures inside."""

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from PIL import Image

from bench.gallery import words
from bench.gallery.draw import fitted, halved
from bench.gallery.gallery import Block, Gallery, Hit, Painted, Ranking, Scene
from models.config import SENSORS, Sensor

_STYLE: Final = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1c1e21; --muted: #5c636a; --rule: #d0d4d9; --shared: #0b6e3d;
  --frame: #c2410c; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --ink: #e8eaed; --muted: #a3abb3; --rule: #3a3f45;
  --shared: #5ed39a; --frame: #ff8a4c; } }
body { margin: 2rem; background: var(--paper); color: var(--ink); font: 14px/1.4 system-ui, sans-serif; }
h1 { margin: 0 0 .5rem; font-size: 1.6rem; }
h2, h3 { margin: 0; font-size: 1.05rem; font-weight: 600; }
h3 { font-size: .95rem; margin-bottom: .4rem; }
p { margin: 0 0 .2rem; }
p, .where, .small, figcaption { color: var(--muted); }
.where, .small, li { font-size: .8rem; }
.where { overflow-wrap: anywhere; }
section { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 2rem; margin-top: 1.5rem;
  padding-top: 1.5rem; border-top: 1px solid var(--rule); }
.query { max-width: 18rem; }
.both { display: flex; flex-wrap: wrap; gap: .75rem; margin: .5rem 0; }
figure { margin: 0; }
img { display: block; image-rendering: pixelated; outline: 1px solid var(--rule); }
article { margin-bottom: 1.5rem; }
ol { display: flex; flex-wrap: wrap; gap: 1rem; margin: 0; padding: 0; list-style: none; }
ol > li { break-inside: avoid; }
.seen { display: grid; grid-template-columns: max-content 1fr; gap: 0 .5rem; margin-bottom: .3rem; }
.small { display: block; margin-top: .2rem; }
.own > .seen > img { outline: 4px solid var(--frame); }
.own strong { display: block; margin-top: .4rem; color: var(--frame); }
ul { margin: .2rem 0 0; padding: 0; list-style: none; color: var(--muted); }
.shared { color: var(--shared); font-weight: 600; }
.shared::before { content: "\\2713\\00a0"; }
@media (max-width: 98rem) { section { grid-template-columns: minmax(0, 1fr); }
  .query { display: flex; flex-wrap: wrap; gap: 0 1.5rem; max-width: none; } .both { margin-top: 0; } }
@media print { body { margin: 0; } section { break-before: page; } section:first-of-type { break-before: auto; }
  article { break-inside: avoid; } * { print-color-adjust: exact; } }
"""


def page(gallery: Gallery, pictures: Sequence[Painted]) -> str:
    """The whole gallery.

    Args:
        pictures: of each block.
    """
    title = escape(words.title(gallery))
    blocks = (
        _block(gallery, block, painted, position)
        for position, (block, painted) in enumerate(zip(gallery.blocks, pictures, strict=True), start=1)
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        f"{_each('p', words.caption(gallery))}\n{''.join(blocks)}</body>\n</html>\n"
    )


def _block(gallery: Gallery, block: Block, painted: Painted, position: int) -> str:
    seen = "".join(
        f"<figure>{_image(block.query, sensor, painted)}<figcaption>{name}</figcaption></figure>"
        for sensor, name in words.SENSOR_NAMES.items()
    )
    rankings = "".join(_ranking(gallery, ranking, painted) for ranking in block.rankings)
    return (
        f'<section>\n<div class="query">\n<div><h2>Query {position} of {len(gallery.blocks)}</h2>\n'
        f"{_each('p', [words.judged(gallery, block)])}{_where(block.query)}</div>\n"
        f'<div class="both">{seen}</div>\n<ul>{_each("li", block.query.labels)}</ul>\n</div>\n'
        f"<div>\n{rankings}</div>\n</section>\n"
    )


def _ranking(gallery: Gallery, ranking: Ranking, painted: Painted) -> str:
    hits = "\n".join(_hit(ranking, hit, painted) for hit in words.shown(ranking))
    return f"<article>\n<h3>{escape(words.ranking_heading(gallery, ranking))}</h3>\n<ol>\n{hits}\n</ol>\n</article>\n"


def _hit(ranking: Ranking, hit: Hit, painted: Painted) -> str:
    searched = ranking.direction[1]
    other = next(sensor for sensor in SENSORS if sensor != searched)
    told = "<br>".join((*words.rank_words(ranking, hit), words.number(hit.cosine)))
    labels = "".join(
        f'<li class="shared" title="shared with the query">{escape(label)}</li>' if shared else _each("li", [label])
        for label, shared in words.labels_in_order(hit)
    )
    width = fitted(painted[hit.scene.split, hit.scene.row, searched]).width * 3 // 2 + 8
    return (
        f'<li{" class=own" if hit.own_place else ""} style="width:{width}px"><div class="seen">'
        f"{_image(hit.scene, searched, painted)}<div>{_image(hit.scene, other, painted, half=True)}"
        f'<span class="small">{told}</span></div></div>'
        f"{f'<strong>{words.OWN_PLACE}</strong>' if hit.own_place else ''}{_where(hit.scene)}<ul>{labels}</ul></li>"
    )


def _where(scene: Scene) -> str:
    lines = filter(None, (scene.pair_id, words.place_words(scene)))
    return f'<div class="where">{"<br>".join(map(escape, lines))}</div>'


def _each(tag: str, texts: Iterable[str]) -> str:
    return "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts if text)


def _image(scene: Scene, sensor: Sensor, painted: Painted, *, half: bool = False) -> str:
    picture = painted[scene.split, scene.row, sensor]
    shown = halved(picture) if half else fitted(picture)
    stored = min(shown, Image.fromarray(picture), key=lambda image: image.width)  # the browser enlarges without a loss
    file = io.BytesIO()
    stored.save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode("ascii")
    about = escape(f"{scene.pair_id} by {words.SENSOR_NAMES[sensor]}", quote=True)
    return f'<img src="data:image/png;base64,{data}" width="{shown.width}" height="{shown.height}" alt="{about}">'
