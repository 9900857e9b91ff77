"""What the README promises is there."""

import re
from pathlib import Path

import pytest

from advisor.cli import COMMANDS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_its_line(command: str) -> None:
    assert f"`csmae-bench {command}" in README


@pytest.mark.parametrize("target", re.findall(r"^make (\w+)", README, re.MULTILINE))
def test_each_make_target_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md", "CHANGELOG.md"])
def test_local_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_modules_named_in_the_architecture_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for name in re.findall(r"`((?:bench|advisor|models)(?:\.\w+)+)`", text):
        parts = name.split(".")
        places = [ROOT.joinpath(*parts[:depth]) for depth in (len(parts), len(parts) - 1, len(parts) - 2) if depth > 0]
        assert any(place.with_suffix(".py").exists() or place.is_dir() for place in places), name
