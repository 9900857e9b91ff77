"""The parquet metadata of BigEarthNet v2, cut down to the pairs that an LMDB holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bench.data.bigearthnet import CLASSES, label_row, refuse_empty
from bench.data.lmdb_file import LmdbFile
from bench.data.pairs import Split
from bench.errors import DataError

METADATA: Final = "metadata.parquet"
CLOUDY_METADATA: Final = "metadata_for_patches_with_snow_cloud_or_shadow.parquet"
"""The patches with a flag set, which the authors advise to leave out."""

_SPLIT_WORDS: Final[dict[Split, str]] = {"train": "train", "query": "validation", "archive": "test"}
_FLAGS: Final = ("contains_seasonal_snow", "contains_cloud_or_shadow")
_COUNTRY: Final = "country"
_SCHEMA: Final = pa.schema(
    {
        "patch_id": pa.large_string(),
        "labels": pa.list_(pa.large_string()),
        "split": pa.large_string(),
        "s1_name": pa.large_string(),
        **dict.fromkeys(_FLAGS, pa.bool_()),
        _COUNTRY: pa.large_string(),
    }
)
"""The columns that are used; the official files hold more. A file without the country will do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What the metadata say of the pairs in an LMDB."""

    ids: dict[Split, tuple[str, ...]]
    """S2 names, sorted."""
    labels: dict[Split, NDArray[np.bool_]]
    s1_names: dict[str, str]
    """By S2 name."""
    countries: dict[str, str]
    """By S2 name, as far as they are told."""
    notes: tuple[str, ...]


def read_metadata(database: LmdbFile) -> Metadata:
    """The usable pairs: both images in the LMDB, no snow, no cloud, no shadow.

    Raises: DataError: no metadata beside the LMDB, damaged, or of other patches.
    """
    path = database.beside(METADATA)
    if path is None:
        raise DataError(
            f"{database.path} is a BigEarthNet v2 LMDB, but {METADATA} is missing: put the official file into "
            f"{database.folder.absolute().parent}"
        )
    keys = pa.array(database.keys(), pa.large_string())
    listed = _read(path)
    stored = _in_lmdb(listed, keys)
    used = stored.filter(_clear(stored)).sort_by("patch_id")
    left_out = len(stored) - len(used)
    cloudy = path.with_name(CLOUDY_METADATA)
    if cloudy.is_file():
        left_out += len(_in_lmdb(_read(cloudy), keys))
    names = _texts(used, "patch_id", path)
    s1_names = dict(zip(names, _texts(used, "s1_name", path), strict=True))
    if len(s1_names) < len(names):
        raise DataError(f"{path} names a patch twice: its split is not clear")
    rows = _rows_by_split(used, path)
    labels = _label_matrix(used, path)
    ids = {split: tuple(names[row] for row in mine) for split, mine in rows.items()}
    refuse_empty(ids, f"{database.path} with {path.name}")
    return Metadata(
        ids=ids,
        labels={split: labels[mine] for split, mine in rows.items()},
        s1_names=s1_names,
        countries=_countries(used, names),
        notes=_notes(left_out=left_out, skipped=len(listed) - len(stored), listed=len(listed)),
    )


def _read(path: Path) -> pa.Table:
    try:
        if _COUNTRY in pq.read_schema(path).names:
            return pq.read_table(path, columns=_SCHEMA.names).cast(_SCHEMA)
        table = pq.read_table(path, columns=[name for name in _SCHEMA.names if name != _COUNTRY])
        return table.append_column(_COUNTRY, pa.nulls(len(table))).cast(_SCHEMA)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as BigEarthNet v2 metadata: {str(error).splitlines()[0]}") from error


def _texts(table: pa.Table, column: str, path: Path) -> list[str]:
    texts = table[column].to_pylist()
    if not all(isinstance(text, str) for text in texts):
        raise DataError(f"{path}: column {column} has cells without text")
    return [str(text) for text in texts]


def _countries(table: pa.Table, names: Sequence[str]) -> dict[str, str]:
    cells = zip(names, table[_COUNTRY].to_pylist(), strict=True)
    return {name: str(country) for name, country in cells if country}


def _in_lmdb(table: pa.Table, keys: pa.LargeStringArray) -> pa.Table:
    return table.filter(pc.and_(pc.is_in(table["patch_id"], keys), pc.is_in(table["s1_name"], keys)))


def _clear(table: pa.Table) -> "pa.ChunkedArray[pa.BooleanScalar]":
    clear: pa.ChunkedArray[pa.BooleanScalar] = pc.invert(pc.or_(table[_FLAGS[0]], table[_FLAGS[1]]))
    return clear


def _rows_by_split(table: pa.Table, path: Path) -> dict[Split, Sequence[int]]:
    words = _texts(table, "split", path)
    unknown = set(words) - set(_SPLIT_WORDS.values())
    if unknown:
        raise DataError(f"{path}: {unknown.pop()!r} is no split; known: {', '.join(_SPLIT_WORDS.values())}")
    return {split: [row for row, own in enumerate(words) if own == word] for split, word in _SPLIT_WORDS.items()}


def _label_matrix(table: pa.Table, path: Path) -> NDArray[np.bool_]:
    lists = table["labels"].combine_chunks()
    names = pc.unique(pc.list_flatten(lists)).to_pylist()
    columns = {name: int(label_row([name], str(path)).argmax()) for name in names}
    matrix = np.zeros((len(table), len(CLASSES)), dtype=bool)
    column = [columns[name] for name in pc.list_flatten(lists).to_pylist()]
    matrix[pc.list_parent_indices(lists).to_numpy(), column] = True
    return matrix


def _notes(*, left_out: int, skipped: int, listed: int) -> tuple[str, ...]:
    notes = []
    if left_out:
        notes.append(f"{left_out:,} pairs with snow, cloud or shadow were left out, as the authors advise")
    if skipped:
        notes.append(f"{skipped:,} of {listed:,} pairs in {METADATA} are not in the LMDB and were skipped")
    return tuple(notes)
