"""csmae-bench profile: sheets for people, records for scripts."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import fakes
from bench.errors import BenchError
from bench.profile.hardware import HardwareProfile
from bench.profile.speed import Rate, SpeedPlan, Speeds

Ask = Callable[..., Any]

FIXTURES = Path(__file__).parents[1] / "fixtures" / "hardware"
RECORDINGS = sorted(FIXTURES.glob("*.json"))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[[HardwareProfile], None]:
    """Be on this machine."""

    def be(profile: HardwareProfile) -> None:
        monkeypatch.setattr("bench.profile.hardware.probe", lambda: profile)

    return be


SPEEDS = Speeds(
    device="cpu",
    threads=2,
    torch="2.14.1",
    measured_at="2026-01-02T03:04:05+00:00",
    seconds=3.0,
    matmul_flops={"fp32": Rate(median=78.04e9, low=75.9e9, high=79.86e9, repeats=7)},
    copy_bytes=Rate(median=11.4e9, low=9.8e9, high=120e9, repeats=7),
    disk_bytes=Rate(median=512e6, low=480e6, high=1.1e9, repeats=3),
    notes=("other processes used 1.3 of 2 cores meanwhile",),
)


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Devices that were measured; nothing is measured really, and the user's cache is left alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    devices: list[str] = []

    def measure(plan: SpeedPlan) -> Speeds:
        devices.append(plan.device)
        return replace(SPEEDS, device=plan.device)

    monkeypatch.setattr("bench.profile.speed.run_plan", measure)
    return devices


def sheet(text: str) -> dict[str, str]:
    """Names and values of a sheet; the lines of a value are joined by bars."""
    rows: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if not line.strip():
            break
        if not line.startswith("  "):
            name, _, value = line.partition("  ")
            rows[name] = value.strip()
        else:
            rows[name] += f" | {line.strip()}"
    return rows


def test_a_machine_without_a_gpu_is_a_normal_machine(ask: Ask, machine: Callable[..., None]) -> None:
    machine(fakes.HARDWARE)
    answer = ask("profile", "hardware", "--no-measure")
    assert (answer.code, answer.err) == (0, "")
    rows = sheet(answer.out)
    assert rows["Processor"] == "Imaginary CPU at 2 GHz"
    assert rows["Cores"] == "2 usable of 8"
    assert rows["Memory"] == "6.0 GiB free of 8.0 GiB usable, 32.0 GiB in the machine"
    assert rows["Swap"] == rows["Precision"] == rows["Shared memory"] == "unknown"
    assert rows["GPU"] == "none (no NVIDIA driver)"
    assert "SIM" not in rows


def test_what_is_not_known_of_a_machine_is_unknown(ask: Ask, machine: Callable[..., None]) -> None:
    odd = replace(fakes.GPU, memory_total_bytes=None, memory_free_bytes=None, compute_capability=None, driver=None)
    machine(replace(fakes.HARDWARE, cpu_name=None, gpus=(fakes.GPU, replace(odd, index=1)), gpu_note=""))
    rows = sheet(ask("profile", "hardware", "--no-measure").out)
    assert rows["Processor"] == "unknown"
    assert rows["GPU 0"] == (
        "NVIDIA Imaginary 24 | memory 23.0 GiB free of 24.0 GiB | other processes on it unknown"
        " | compute capability 8.6, matrix units for fp16, bf16, tf32"
        " | driver 570.00, power limit unknown, energy unknown"
    )
    assert rows["GPU 1"] == (
        "NVIDIA Imaginary 24 | memory unknown free of unknown | other processes on it unknown"
        " | compute capability unknown, matrix units for unknown"
        " | driver unknown, power limit unknown, energy unknown"
    )
    assert "GPU" not in rows


@pytest.mark.parametrize("file", RECORDINGS, ids=lambda file: str(file.stem))
@pytest.mark.parametrize("columns", [80, 120])
def test_every_recorded_machine_fits_the_terminal_and_says_that_it_is_simulated(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, measured: list[str], file: Path, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    answer = ask("profile", "hardware", "--simulate", str(file))
    assert (answer.code, answer.err) == (0, "")
    assert max(map(len, answer.out.splitlines())) <= columns
    assert answer.out.startswith("SIM ")
    assert file.name in sheet(answer.out)["SIM"]
    assert measured == []


def test_limits_say_what_sets_them(ask: Ask) -> None:
    rows = sheet(ask("profile", "hardware", "--simulate", str(FIXTURES / "container-of-4-gib.json")).out)
    assert rows["Cores"] == "1 usable of 16 (limit: cgroup quota) | cgroup quota 0.5"
    assert rows["Memory"] == "3.0 GiB free of 4.0 GiB usable (limit: cgroup v2), 64.0 GiB in | the machine"
    assert rows["Swap"] == "none"
    assert rows["Shared memory"] == "16 MiB free of 64 MiB"
    assert rows["Precision"] == "units for bf16 (avx2 avx512f avx512_bf16 amx_bf16)"


def test_a_gpu_says_who_else_is_on_it(ask: Ask) -> None:
    rows = sheet(ask("profile", "hardware", "--simulate", str(FIXTURES / "busy-8gb-gpu.json")).out)
    assert "other processes on it now: 2, 4.0 GiB" in rows["GPU 0"]
    assert rows["GPU 0"].endswith("power limit 220 W, energy counted | clock held down now: power limit, heat")


def test_a_gpu_of_another_size_is_simulated_on_this_machine(ask: Ask, machine: Callable[..., None]) -> None:
    machine(fakes.HARDWARE)
    document = json.loads(ask("profile", "hardware", "--gpu-memory", "24GiB", "--json").out)
    assert document["data"]["gpus"][0]["memory_total_bytes"] == 24 * fakes.GIB
    assert document["data"]["simulated"] == "this machine with a GPU of 24.0 GiB"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--gpu-memory", "much"), "'much' is no size"),
        (("--gpu-memory", "0G"), "a GPU without memory is none"),
        (("--simulate", "/no/such/file"), "cannot be read: No such file or directory"),
        (("--simulate", __file__), "is no recording of a machine"),
        (("--gpu-memory", "8G", "--measure"), "a simulated machine cannot be measured"),
    ],
)
def test_a_machine_that_cannot_be_simulated_is_one_line(
    ask: Ask, machine: Callable[..., None], words: tuple[str, ...], said: str
) -> None:
    machine(fakes.HARDWARE)
    answer = ask("profile", "hardware", *words)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert answer.err.count("\n") == 1


def test_speeds_are_measured_once_and_kept(ask: Ask, machine: Callable[..., None], measured: list[str]) -> None:
    machine(fakes.GPU_HARDWARE)
    first = ask("profile", "hardware")
    assert first.err.splitlines() == ["measuring the speed of cpu", "measuring the speed of cuda:0"]
    second = ask("profile", "hardware")
    assert (second.out, second.err) == (first.out, "")
    assert measured == ["cpu", "cuda:0"]
    ask("profile", "hardware", "--measure")
    assert measured == ["cpu", "cuda:0"] * 2


def test_speeds_show_their_range_and_the_vendors_peak_where_it_is_known(ask: Ask, machine: Callable[..., None]) -> None:
    machine(replace(fakes.GPU_HARDWARE, gpus=(replace(fakes.GPU, name="Tesla T4"),)))
    lines = [line.split() for line in ask("profile", "hardware").out.splitlines()]
    assert ["cpu", "fp32", "product", "78.0", "GFLOP/s", "75.9-79.9"] in lines
    assert ["cuda:0", "fp32", "product", "78.0", "GFLOP/s", "75.9-79.9", "8.10", "TFLOP/s", "(1", "%)"] in lines
    assert ["memory", "copy", "11.4", "GB/s", "9.80-120"] in lines
    assert ["disk", "read", "512", "MB/s", "480-1100"] in lines
    text = " ".join(word for line in lines for word in line)
    assert (
        "cpu: measured 2026-01-02 03:04:05 UTC, torch 2.14.1, 2 threads; other processes used 1.3 of 2 cores meanwhile"
    ) in text


def test_speeds_that_cannot_be_measured_are_a_warning(
    ask: Ask, machine: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_plan: SpeedPlan) -> Speeds:
        raise BenchError("the speed of cpu could not be measured: no reason")

    monkeypatch.setattr("bench.profile.speed.run_plan", fail)
    machine(fakes.HARDWARE)
    answer = ask("profile", "hardware")
    assert answer.code == 0
    assert "could not be measured: no reason" in answer.out
    document = json.loads(ask("profile", "hardware", "--json").out)
    assert document["warnings"] == ["the speed of cpu could not be measured: no reason"]
    assert document["data"]["speeds"] == []


def test_a_machine_in_json_is_its_record(ask: Ask, machine: Callable[..., None]) -> None:
    machine(fakes.HARDWARE)
    document = json.loads(ask("profile", "hardware", "--json").out)
    assert document["command"] == "profile hardware"
    assert document["data"]["memory_limit_bytes"] == 8 * fakes.GIB
    assert document["data"]["gpus"] == []
    assert document["data"]["id"] == fakes.HARDWARE.id
    assert document["data"]["speeds"][0]["matmul_flops"]["fp32"]["repeats"] == 7


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
