import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.data import cache
from bench.data.cache import open_split, prepare
from bench.data.pairs import SPLITS, open_pairs
from bench.errors import DataError
from data_fakes import FakePairs
from models.config import SENSORS


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_every_pair_comes_back_normalised(root: Path) -> None:
    pairs = FakePairs()
    done = prepare(pairs, root=root)
    statistics = pairs.statistics()
    for split in SPLITS:
        cached = open_split(done.folder, split)
        assert cached.ids == tuple(pairs.ids(split))
        np.testing.assert_array_equal(cached.labels, pairs.labels(split))
        for sensor in SENSORS:
            images = getattr(cached, sensor)
            assert isinstance(images, np.memmap)
            assert images.dtype == np.float16
            for row, name in enumerate(cached.ids):
                for band, image in enumerate(pairs.read(name)[sensor]):
                    wanted = (image - statistics[sensor].mean[band]) / statistics[sensor].std[band]
                    np.testing.assert_allclose(images[row, band], wanted, rtol=1e-3, atol=1e-3)
    assert done.clipped_values == 0


def test_rows_of_a_split_are_read_in_the_order_asked(root: Path) -> None:
    whole = open_split(prepare(FakePairs(), root=root).folder, "train")
    few = whole.rows(np.array([3, 0]))
    assert few.ids == ("t3", "t0")
    assert np.array_equal(few.s2, whole.s2[[3, 0]])
    assert whole.labels is not None
    assert few.labels is not None
    assert np.array_equal(few.labels, whole.labels[[3, 0]])


def test_what_is_opened_can_be_changed_without_changing_the_cache(root: Path) -> None:
    folder = prepare(FakePairs(), root=root).folder
    open_split(folder, "query").s1[0] = 7
    assert not (open_split(folder, "query").s1[0] == 7).any()


def test_data_without_labels_have_none_in_the_cache(root: Path) -> None:
    assert open_split(prepare(FakePairs(classes=()), root=root).folder, "train").labels is None


def test_the_second_time_only_one_pair_a_split_is_looked_at(root: Path) -> None:
    first, again = FakePairs(), FakePairs()
    told: list[tuple[str, int, int]] = []
    done = prepare(first, root=root)
    assert prepare(again, root=root, progress=lambda *what: told.append(what)) == done
    assert len(first.reads) == 12
    assert len(again.reads) == 3
    assert told == []


def test_images_that_changed_under_the_same_names_are_decoded_again(root: Path) -> None:
    old = FakePairs()
    folder = prepare(old, root=root).folder
    brighter = {s: image + 1 for s, image in old.read("t2").items()}
    new = FakePairs(changed={"t2": brighter})
    assert prepare(new, root=root).folder == folder
    assert len(new.reads) > 12
    mean = old.statistics()["s1"]
    np.testing.assert_allclose(
        open_split(folder, "train").s1[2, 0], (brighter["s1"][0] - mean.mean[0]) / mean.std[0], rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize("name", ["about.json", "query/s1.npy", "train/labels.npy", "train/ids.json"])
def test_a_damaged_cache_is_made_again(root: Path, name: str) -> None:
    folder = prepare(FakePairs(), root=root).folder
    damaged = folder / name
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-9])
    prepare(FakePairs(), root=root)
    assert damaged.read_bytes() == whole


@pytest.mark.parametrize("name", ["s1.npy", "labels.npy", "ids.json"])
def test_a_damaged_split_is_an_error_in_words(root: Path, name: str) -> None:
    folder = prepare(FakePairs(), root=root).folder
    (folder / "query" / name).write_bytes((folder / "query" / name).read_bytes()[:-9])
    with pytest.raises(DataError, match=r"decoded pairs in .*query are gone or damaged .*: start the run again"):
        open_split(folder, "query")


def test_progress_is_told_about_every_fifty_pairs_up_to_the_last(root: Path) -> None:
    told: list[tuple[str, int, int]] = []
    prepare(
        open_pairs("synthetic:train=90,query=10,archive=20,pixels=16"), root=root, progress=lambda *w: told.append(w)
    )
    assert told == [("decoding", done, 120) for done in (0, 50, 100, 120)]


@pytest.mark.parametrize(("value", "band"), [(np.nan, "B03"), (np.inf, "B03"), (-np.inf, "B03")])
def test_a_pixel_that_is_no_finite_number_is_refused_by_name(root: Path, value: float, band: str) -> None:
    image = FakePairs().read("q1")
    image["s2"][1, 4, 4] = value
    with pytest.raises(DataError, match=f"^q1 in fakes: band {band} has pixels that are no finite number$"):
        prepare(FakePairs(changed={"q1": image}), root=root)
    assert not [path for path in root.iterdir() if path.is_dir()]


def test_values_beyond_float16_are_clipped_and_counted(root: Path) -> None:
    image = FakePairs().read("q0")
    image["s1"][0, 0, :3] = 1e30
    image["s1"][1, 0, 0] = -1e30
    done = prepare(FakePairs(changed={"q0": image}), root=root)
    assert done.clipped_values == 4
    assert prepare(FakePairs(changed={"q0": image}), root=root).clipped_values == 4
    cached = open_split(done.folder, "query").s1[0].astype(float)
    assert cached[0, 0, 0] == 10_000
    assert cached[1, 0, 0] == -10_000


class _Killed(BaseException):
    pass


def test_a_build_that_is_interrupted_leaves_nothing_behind(root: Path) -> None:
    def interrupt(_what: str, done: int, _total: int) -> None:
        if done:
            raise _Killed

    with pytest.raises(_Killed):
        prepare(FakePairs(), root=root, progress=interrupt)
    assert [path.suffix for path in root.iterdir()] == [".lock"]


SYNTHETIC = "synthetic:train=100,query=10,archive=10,pixels=16"

BUILDER = f"""
import os, signal, sys
from pathlib import Path
from bench.data.cache import prepare
from bench.data.pairs import open_pairs

def tell(what, done, total):
    print(what, done, flush=True)
    if done == 50 and sys.argv[2] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if done == 0 and sys.argv[2] == "wait":
        sys.stdin.readline()

print(prepare(open_pairs({SYNTHETIC!r}), root=Path(sys.argv[1]), progress=tell).folder)
"""


def _start(root: Path, how: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(root), how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_a_killed_build_is_not_taken_for_whole_and_does_not_stop_the_next(root: Path) -> None:
    with _start(root, "die") as killed:
        killed.communicate()
    assert killed.returncode == -9
    assert [path.suffix for path in root.iterdir() if path.is_dir()] == [".partial"]
    done = prepare(open_pairs(SYNTHETIC), root=root)
    assert len(open_split(done.folder, "train").ids) == 100
    assert [path.name for path in root.iterdir() if path.is_dir()] == [done.folder.name]


def test_of_two_processes_one_builds_and_the_other_waits(root: Path) -> None:
    first = _start(root, "wait")
    assert first.stdout is not None
    assert first.stdout.readline() == "decoding 0\n"
    second = _start(root, "go")
    assert second.stdout is not None
    assert second.stdout.readline() == "waiting for another process 0\n"
    told, _ = first.communicate("go on\n")
    waited, _ = second.communicate()
    assert (first.returncode, second.returncode) == (0, 0)
    assert waited == told.splitlines()[-1] + "\n"


def test_a_place_that_cannot_be_written_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"cannot be written to .*file/x: .*XDG_CACHE_HOME can name another folder"):
        prepare(FakePairs(), root=tmp_path / "file" / "x")


def test_a_disk_without_room_is_refused_before_anything_is_written(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "FREE_BYTES", 10**18)
    with pytest.raises(DataError, match=r"need .* GiB in .*, where .* are free"):
        prepare(FakePairs(), root=root)
    assert not [path for path in root.iterdir() if path.is_dir()]


def test_a_disk_that_fills_up_is_an_error_and_leaves_nothing(root: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from bench.data.cache import prepare; from bench.data.pairs import open_pairs\n"
        "from bench.errors import DataError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        f"try: prepare(open_pairs({SYNTHETIC!r}), root=Path({str(root)!r}))\n"
        "except DataError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "cannot be written to" in done.stdout
    assert "File too large" in done.stdout
    assert not [path for path in root.iterdir() if path.is_dir()]


def test_a_cache_that_is_gone_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"decoded pairs in .*gone/train are gone or damaged.*start the run again"):
        open_split(str(tmp_path / "gone"), "train")


def test_real_pairs_end_up_near_mean_0_and_deviation_1(shared_data: Path, root: Path) -> None:
    for layout in ("ben-v1-lmdb", "ben-v2-lmdb"):
        with_labels = open_split(prepare(open_pairs(shared_data / layout), root=root).folder, "train")
        for images in (with_labels.s1, with_labels.s2):
            assert images.shape[2:] == (120, 120)
            assert abs(float(images.mean(dtype=np.float64))) < 1.5
            assert 0.3 < float(images.std(dtype=np.float64)) < 2
