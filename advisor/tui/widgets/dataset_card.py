"""The data set: name, sizes, bands, labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.reactive import reactive

from advisor.tui.widgets.facts import Facts
from advisor.tui.widgets.plain import plain

if TYPE_CHECKING:
    from bench.profile.dataset import DatasetProfile


class DatasetCard(Facts):
    """What the data set is; generated images are marked as such."""

    BORDER_TITLE = "Data"

    dataset: reactive[DatasetProfile | None] = reactive(None, init=False)

    def watch_dataset(self, dataset: DatasetProfile | None) -> None:
        """Show the data set."""
        if dataset is not None:
            self.border_subtitle = "SYNTHETIC images, not real ones" if dataset.synthetic else ""
            self.facts = {
                "Name": plain(dataset.name),
                "Layout": dataset.layout,
                "Pairs": ", ".join(f"{split} {pairs:,}" for split, pairs in dataset.pairs.items()),
                "Images": f"{dataset.image_pixels} x {dataset.image_pixels} pixels",
                "S1 bands": plain(" ".join(dataset.bands["s1"])),
                "S2 bands": plain(" ".join(dataset.bands["s2"])),
                "Labels": _labels(dataset),
            }


def _labels(dataset: DatasetProfile) -> str:
    if not dataset.classes:
        return "none: partner retrieval is scored"
    words = f"{len(dataset.classes)} classes"
    if dataset.labels_per_pair is not None:
        words += f", {dataset.labels_per_pair:.1f} a pair"
    return f"{words}, {dataset.unlabelled_pairs:,} pairs without" if dataset.unlabelled_pairs else words
