"""csmae-bench profile: sheets for people, records for scripts."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import fakes
from bench.profile.hardware import HardwareProfile

Ask = Callable[..., Any]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[[HardwareProfile], None]:
    """Be on this machine."""

    def be(profile: HardwareProfile) -> None:
        monkeypatch.setattr("bench.profile.hardware.probe", lambda: profile)

    return be


def sheet(text: str) -> dict[str, str]:
    """Names and values of a sheet."""
    rows = (line.partition("  ") for line in text.splitlines())
    return {name.strip(): value.strip() for name, _, value in rows}


def test_a_machine_without_a_gpu_is_a_normal_machine(ask: Ask, machine: Callable[..., None]) -> None:
    machine(fakes.HARDWARE)
    answer = ask("profile", "hardware")
    assert (answer.code, answer.err) == (0, "")
    rows = sheet(answer.out)
    assert rows["Processor"] == "Imaginary CPU at 2 GHz"
    assert rows["Cores"] == "2 usable of 8"
    assert rows["Memory"] == "6.0 GiB free of 8.0 GiB usable, 32.0 GiB in the machine"
    assert rows["GPU"] == "none (no NVIDIA driver)"


def test_what_is_not_known_of_a_machine_is_unknown(
    ask: Ask, machine: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    odd = replace(fakes.GPU, memory_total_bytes=None, memory_free_bytes=None, compute_capability=None, driver=None)
    machine(replace(fakes.HARDWARE, cpu_name=None, gpus=(fakes.GPU, replace(odd, index=1)), gpu_note=""))
    rows = sheet(ask("profile", "hardware").out)
    assert rows["Processor"] == "unknown"
    assert rows["GPU 0"] == (
        "NVIDIA Imaginary 24, memory 23.0 GiB free of 24.0 GiB, compute capability 8.6, driver 570.00"
    )
    assert rows["GPU 1"] == (
        "NVIDIA Imaginary 24, memory unknown free of unknown, compute capability unknown, driver unknown"
    )
    assert "GPU" not in rows


def test_a_machine_in_json_is_its_record(ask: Ask, machine: Callable[..., None]) -> None:
    machine(fakes.HARDWARE)
    document = json.loads(ask("profile", "hardware", "--json").out)
    assert document["command"] == "profile hardware"
    assert document["data"]["memory_limit_bytes"] == 8 * fakes.GIB
    assert document["data"]["gpus"] == []
    assert document["data"]["id"] == fakes.HARDWARE.id


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Find this data set wherever one looks."""

    class Opened:
        def close(self) -> None:
            """Nothing is open."""

    def be(**changes: object) -> None:
        profile = replace(fakes.REAL_DATASET, **changes)  # type: ignore[arg-type]  # the test knows the fields
        monkeypatch.setattr("bench.data.pairs.open_pairs", lambda _path: Opened())
        monkeypatch.setattr("bench.profile.dataset.profile_dataset", lambda _pairs: profile)

    return be


def test_a_data_set_shows_its_splits_bands_and_labels(ask: Ask, data: Callable[..., None]) -> None:
    data(notes=("2 pairs were left out: no S1 image.",))
    answer = ask("profile", "data", "somewhere")
    assert (answer.code, answer.err) == (0, "")
    rows = sheet(answer.out)
    assert rows["Data"] == "BigEarthNet excerpt"
    assert rows["Pairs"] == "64 train, 8 query, 32 archive"
    assert rows["Bands of S1"] == "VV VH"
    assert rows["Image"] == "32 x 32 pixels"
    assert rows["Labels"] == "4 classes, 1.50 a pair on average, 0 pairs without any"
    assert rows["Fingerprint"] == "be" * 32
    assert ["Arable", "land", "32", "4", "16"] in [line.split() for line in answer.out.splitlines()]
    assert answer.out.splitlines()[-1].strip() == "2 pairs were left out: no S1 image."


def test_generated_data_say_so(ask: Ask, data: Callable[..., None]) -> None:
    data(name="synthetic", synthetic=True)
    assert sheet(ask("profile", "data", "synthetic").out)["Data"] == "synthetic, generated"


def test_data_without_labels_have_no_table_of_classes(ask: Ask, data: Callable[..., None]) -> None:
    data(classes=(), class_pairs={"train": (), "query": (), "archive": ()}, labels_per_pair=None)
    answer = ask("profile", "data", "somewhere")
    assert sheet(answer.out)["Labels"] == "none"
    assert "Pairs with the class" not in answer.out


def test_names_in_the_data_are_text(ask: Ask, data: Callable[..., None]) -> None:
    data(name="[red]x[/red] \x1b[2J", classes=("[b]a", "b", "c", ":smile:"))
    out = ask("profile", "data", "somewhere").out
    assert "[red]x[/red] \N{REPLACEMENT CHARACTER}[2J" in out
    assert "[b]a" in out
    assert ":smile:" in out


def test_a_data_set_in_json_is_its_record_and_its_notes_are_warnings(ask: Ask, data: Callable[..., None]) -> None:
    data(notes=("2 pairs were left out.",))
    document = json.loads(ask("profile", "data", "somewhere", "--json").out)
    assert document["command"] == "profile data"
    assert document["data"]["pairs"] == {"train": 64, "query": 8, "archive": 32}
    assert document["warnings"] == ["2 pairs were left out."]


def test_a_folder_that_is_not_there_is_a_line_and_code_2(ask: Ask) -> None:
    answer = ask("profile", "data", "/no/such/folder")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("csmae-bench: error: ")
    assert "/no/such/folder" in answer.err
