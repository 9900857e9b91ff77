"""What loads what: faces and planning start light, and the terminal interface never meets torch."""

import subprocess
import sys

import pytest

HEAVY = {"torch", "timm", "faiss", "torchvision"}


def loaded_by(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after the statement."""
    code = f"import sys\n{statement}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module",
    ["models.config", "models.cost", "bench.session", "bench.store.results", "bench.score", "advisor.explain"],
)
def test_planning_storing_and_advising_load_neither_torch_nor_textual(module: str) -> None:
    assert not loaded_by(f"import {module}") & (HEAVY | {"textual"})


def test_the_command_line_starts_without_what_its_commands_need() -> None:
    assert not loaded_by("import advisor.cli") & (HEAVY | {"textual", "duckdb", "pyarrow", "scipy", "numpy"})


def test_the_terminal_interface_loads_no_torch() -> None:
    assert not loaded_by("import advisor.tui.app, bench.session") & HEAVY
