from pathlib import Path

import pytest

from bench.profile.cgroup import MEMBERSHIP, Limits, Throttling, limits, paths, throttling
from bench.profile.recording import read_files

TOP = "sys/fs/cgroup"
FREE = Limits()

TREES = {
    "no cgroups at all, as on macOS": ({}, FREE),
    "version 2, no limit": (
        {"proc/self/cgroup": "0::/a\n", f"{TOP}/a/memory.max": "max\n", f"{TOP}/a/cpu.max": "max 100000\n"},
        FREE,
    ),
    "version 2, in a namespace of its own": (
        {
            "proc/self/cgroup": "0::/\n",
            f"{TOP}/memory.max": "1000\n",
            f"{TOP}/memory.current": "700\n",
            f"{TOP}/memory.stat": "anon 500\ninactive_file 200\nactive_file 0\n",
            f"{TOP}/cpu.max": "150000 100000\n",
        },
        Limits(memory_bytes=1000, memory_free_bytes=500, memory_version=2, cpus=1.5),
    ),
    "version 2, a tighter group above": (
        {
            "proc/self/cgroup": "0::/slice/job/step\n",
            f"{TOP}/slice/job/step/memory.max": "max\n",
            f"{TOP}/slice/job/memory.max": "4000\n",
            f"{TOP}/slice/job/memory.current": "1000\n",
            f"{TOP}/slice/memory.max": "5000\n",
            f"{TOP}/slice/memory.current": "4900\n",
            f"{TOP}/slice/job/step/cpu.max": "400000 100000\n",
            f"{TOP}/slice/cpu.max": "200000 100000\n",
        },
        Limits(memory_bytes=4000, memory_free_bytes=100, memory_version=2, cpus=2.0),
    ),
    "version 2, seen from a namespace beside ours": (
        {"proc/self/cgroup": "0::/../other\n", f"{TOP}/memory.max": "1000\n"},
        Limits(memory_bytes=1000, memory_free_bytes=1000, memory_version=2),
    ),
    "version 2, over its limit": (
        {"proc/self/cgroup": "0::/\n", f"{TOP}/memory.max": "1000\n", f"{TOP}/memory.current": "1200\n"},
        Limits(memory_bytes=1000, memory_free_bytes=0, memory_version=2),
    ),
    "version 1": (
        {
            "proc/self/cgroup": "4:memory:/job\n3:cpu,cpuacct:/job\n1:name=systemd:/\n",
            f"{TOP}/memory/job/memory.limit_in_bytes": "3000\n",
            f"{TOP}/memory/job/memory.usage_in_bytes": "2000\n",
            f"{TOP}/memory/job/memory.stat": "inactive_file 1\ntotal_inactive_file 500\n",
            f"{TOP}/memory/memory.limit_in_bytes": "9223372036854771712\n",
            f"{TOP}/cpu/job/cpu.cfs_quota_us": "50000\n",
            f"{TOP}/cpu/job/cpu.cfs_period_us": "100000\n",
            f"{TOP}/cpu/cpu.cfs_quota_us": "-1\n",
            f"{TOP}/cpu/cpu.cfs_period_us": "100000\n",
        },
        Limits(memory_bytes=3000, memory_free_bytes=1500, memory_version=1, cpus=0.5),
    ),
    "version 1, in a container that mounts its own group as the top": (
        {"proc/self/cgroup": "4:memory:/docker/123\n", f"{TOP}/memory/memory.limit_in_bytes": "3000\n"},
        Limits(memory_bytes=3000, memory_free_bytes=3000, memory_version=1),
    ),
    "both versions at once": (
        {
            "proc/self/cgroup": "4:memory:/job\n0::/job\n",
            f"{TOP}/memory/job/memory.limit_in_bytes": "3000\n",
            f"{TOP}/unified/job/memory.max": "1\n",
        },
        Limits(memory_bytes=3000, memory_free_bytes=3000, memory_version=1),
    ),
    "version 2, swap forbidden": (
        {"proc/self/cgroup": "0::/a\n", f"{TOP}/a/memory.swap.max": "0\n", f"{TOP}/memory.swap.max": "max\n"},
        Limits(swap_bytes=0),
    ),
    "version 1, memory and swap limited together": (
        {
            "proc/self/cgroup": "4:memory:/\n",
            f"{TOP}/memory/memory.limit_in_bytes": "3000\n",
            f"{TOP}/memory/memory.memsw.limit_in_bytes": "5000\n",
        },
        Limits(memory_bytes=3000, memory_free_bytes=3000, memory_version=1, swap_bytes=2000),
    ),
    "rubbish": (
        {
            "proc/self/cgroup": "rubbish\n::\n0::/\n",
            f"{TOP}/memory.max": "lots\n",
            f"{TOP}/memory.stat": "inactive_file\n",
            f"{TOP}/cpu.max": "\n",
            f"{TOP}/cpu.cfs_quota_us": "100\n",
        },
        FREE,
    ),
}


def on_disk(root: Path, files: dict[str, str]) -> dict[str, str]:
    """What is read of these files by the paths that the membership names."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    membership = read_files([MEMBERSHIP], root)
    return {**membership, **read_files(paths(membership.get(MEMBERSHIP, "")), root)}


@pytest.mark.parametrize(("files", "expected"), TREES.values(), ids=TREES)
def test_the_tightest_limit_counts(tmp_path: Path, files: dict[str, str], expected: Limits) -> None:
    assert limits(on_disk(tmp_path, files)) == expected


def test_binary_rubbish_is_no_limit(tmp_path: Path) -> None:
    on_disk(tmp_path, {MEMBERSHIP: "0::/\n", f"{TOP}/memory.max": ""})
    (tmp_path / TOP / "memory.max").write_bytes(b"\xff\xfe")
    assert limits(on_disk(tmp_path, {})) == FREE


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({MEMBERSHIP: "0::/a", f"{TOP}/a/cpu.stat": "usage_usec 5"}, None),
        (
            {
                MEMBERSHIP: "0::/a",
                f"{TOP}/a/cpu.stat": "nr_periods 9\nnr_throttled 0",
                f"{TOP}/cpu.stat": "nr_periods 7\nnr_throttled 3",
            },
            Throttling(periods=7, throttled=3),
        ),
        (
            {MEMBERSHIP: "1:cpu:/", f"{TOP}/cpu/cpu.stat": "nr_periods 2\nnr_throttled 1"},
            Throttling(periods=2, throttled=1),
        ),
        ({}, None),
    ],
)
def test_the_group_that_is_stopped_most_counts(files: dict[str, str], expected: Throttling | None) -> None:
    assert throttling(files) == expected
