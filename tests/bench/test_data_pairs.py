import subprocess
import sys
from pathlib import Path

import pytest

from bench.data.pairs import LAYOUTS, open_pairs
from bench.errors import DataError
from data_fakes import write_lmdb


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("/nowhere", "^/nowhere does not exist$"),
        ("syntetic:train=5", "^syntetic:train=5 does not exist: did you mean 'synthetic'\\?$"),
        ("~nobody-of-this-name/data", "^~nobody-of-this-name/data cannot be opened: "),
        ("x" * 5000, "cannot be opened: .*File name too long"),
        (__file__, "test_data_pairs.py is no folder: give the one that holds the data set"),
    ],
)
def test_a_path_that_cannot_be_a_data_set_is_refused_in_one_line(data: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_pairs(data)


def test_a_folder_of_no_known_layout_is_told_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        open_pairs(tmp_path)
    message = str(raised.value)
    assert "\n" not in message
    for layout in LAYOUTS.values():
        assert layout.title in message
        assert layout.holds in message
    assert "'synthetic'" in message


def test_an_lmdb_of_other_things_is_no_known_layout(tmp_path: Path) -> None:
    write_lmdb(tmp_path / "x", {"key": b"neither a pickle nor safetensors"})
    with pytest.raises(DataError, match="holds no data set of a known layout"):
        open_pairs(tmp_path)


def test_a_folder_called_synthetic_is_opened_as_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("synthetic").mkdir()
    with pytest.raises(DataError, match="no data set of a known layout"):
        open_pairs(Path("synthetic"))
    assert open_pairs("synthetic:train=1,query=1,archive=1").synthetic


def test_the_home_folder_can_be_abbreviated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "data").mkdir()
    with pytest.raises(DataError, match=f"^{tmp_path}/data holds no data set"):
        open_pairs("~/data")


@pytest.mark.parametrize(("data", "layout"), [("ben-v1-lmdb", "ben-v1-lmdb"), ("ben-v2-lmdb", "ben-v2-lmdb")])
def test_real_archives_are_known_by_what_they_hold(shared_data: Path, data: str, layout: str) -> None:
    opened = open_pairs(str(shared_data / data))
    assert opened.layout == layout
    assert opened.name == data
    assert not opened.synthetic
    assert opened.bands["s1"] == ("VH", "VV")
    assert opened.bands["s2"] == ("B02", "B03", "B04", "B08", "B05", "B06", "B07", "B11", "B12", "B8A")
    assert len(opened.classes) == 19
    assert list(opened.classes) == sorted(opened.classes, key=str.lower)


def test_opening_loads_neither_torch_nor_the_other_layouts() -> None:
    code = (
        "import sys, bench.data.pairs as p\n"
        "heavy = {'torch', 'pyarrow', 'lmdb', 'scipy', 'safetensors'}\n"
        "assert not heavy & set(sys.modules), 'the table'\n"
        "p.open_pairs('synthetic:train=1,query=1,archive=1').labels('train')\n"
        "assert not heavy & set(sys.modules), 'the synthetic set'\n"
        "import bench.data.cache, bench.data.ben_v1_lmdb, bench.data.ben_v2_lmdb\n"
        "assert not {'torch', 'timm', 'faiss', 'textual'} & set(sys.modules), 'everything'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
