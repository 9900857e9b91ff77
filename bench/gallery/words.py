"""What a gallery says beside its pictures, the same on a sheet and on a page."""

from typing import Final

from bench.gallery.gallery import Block, Gallery, Hit, Ranking, Scene
from models.config import Sensor

SENSOR_NAMES: Final[dict[Sensor, str]] = {"s1": "Sentinel-1", "s2": "Sentinel-2"}

OWN_PLACE: Final = "the query's own place"


def title(gallery: Gallery) -> str:
    """The headline; generated images are called so at once."""
    return f"What {gallery.candidate} finds" + (" on synthetic data" if gallery.synthetic else "")


def caption(gallery: Gallery) -> tuple[str, ...]:
    """Where the gallery comes from and how it is read, a sentence each."""
    generated = ": the images are generated and say nothing about real ones" if gallery.synthetic else ""
    colours = ". ".join(f"{name}: {gallery.legends[sensor]}" for sensor, name in SENSOR_NAMES.items())
    ticked = "A tick marks a label that the query has too. " if gallery.labelled else ""
    return (
        f"Trial {gallery.trial_id}: {gallery.candidate}, seed {gallery.seed}, {gallery.steps} steps. "
        f"Data: {gallery.data}{generated}.",
        f"Queries: {gallery.chosen}.",
        f"{colours}. Pictures of one query share one stretch.",
        f"Beside each result: the place by the other sensor, the rank, the cosine. {ticked}"
        f"A thick frame marks {OWN_PLACE}.",
    )


def number(value: float) -> str:
    """A score or a cosine."""
    return f"{value:.3f}"


def judged(gallery: Gallery, block: Block) -> str:
    """Why a query was chosen, as "mean precision@10 0.083"; empty when nothing was compared."""
    return "" if block.value is None else f"{gallery.judged} {number(block.value)}"


def ranking_heading(gallery: Gallery, ranking: Ranking) -> str:
    """As "S1 to S2 · precision@10 0.417 · 25 places searched"."""
    query, archive = (sensor.upper() for sensor in ranking.direction)
    scored = "" if ranking.value is None else f" · {gallery.metric} {number(ranking.value)}"
    return f"{query} to {archive}{scored} · {ranking.places:,} places searched"


def rank_words(ranking: Ranking, hit: Hit) -> tuple[str, ...]:
    """The rank of a result in a line or two."""
    if hit is ranking.partner:
        return (f"rank {hit.rank:,}", f"of {ranking.partner_places:,}")
    return (f"rank {hit.rank:,}",)


def place_words(scene: Scene) -> str:
    """Date, country and tile as far as they are known and the name does not tell them; empty when nothing is."""
    tile = None if scene.tile and scene.tile in scene.pair_id else scene.tile
    return " · ".join(filter(None, (scene.date, scene.country, tile)))


def shown(ranking: Ranking) -> tuple[Hit, ...]:
    """The results, and the query's own place behind them where it is not among them."""
    apart = ranking.partner and not any(hit.own_place for hit in ranking.hits)
    return (*ranking.hits, ranking.partner) if apart and ranking.partner else ranking.hits


def labels_in_order(hit: Hit) -> tuple[tuple[str, bool], ...]:
    """Labels of a result and whether the query has them, shared ones first."""
    others = [label for label in hit.scene.labels if label not in hit.shared]
    return (*((label, True) for label in hit.shared), *((label, False) for label in others))
