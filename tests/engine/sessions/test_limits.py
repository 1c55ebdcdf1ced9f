"""Cores and memory of containers (cgroup v1, v2, nested) and shells."""

from __future__ import annotations

import resource

import pytest

from artrt.engine.sessions import limits

PLENTY = "MemAvailable:   64000000 kB\n"
MEGA = 2**20


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """An imaginary machine of 8 cores and 64 GB; gives a function that writes its files."""

    def write(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    monkeypatch.setattr(limits.os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(limits.resource, "getrlimit", lambda what: (resource.RLIM_INFINITY,) * 2)
    for constant, name in (
        ("GROUPS", "groups"),
        ("OWN_GROUPS", "own"),
        ("MEMORY_INFO", "meminfo"),
        ("OWN_MEMORY", "statm"),
    ):
        monkeypatch.setattr(limits, constant, tmp_path / name)
    write("meminfo", PLENTY)
    return write


def test_no_group_no_limit(machine):
    assert limits.usable_cores() == 8
    assert limits.available_memory_bytes() == 64_000_000 * 1024


def test_version_2_as_a_container_sees_it(machine):
    machine("own", "0::/\n")
    machine("groups/cpu.max", "250000 100000\n")
    machine("groups/memory.max", f"{700 * MEGA}\n")
    machine("groups/memory.current", f"{200 * MEGA}\n")
    assert limits.usable_cores() == 3
    assert limits.available_memory_bytes() == 500 * MEGA
    machine("groups/cpu.max", "max 100000\n")
    machine("groups/memory.max", "max\n")
    assert limits.usable_cores() == 8
    assert limits.available_memory_bytes() == 64_000_000 * 1024


@pytest.mark.parametrize("tight", ["a/b", "a"])
def test_version_2_nested_the_tightest_group_binds(machine, tight):
    machine("own", "0::/a/b\n")
    for group in ("a", "a/b"):
        machine(f"groups/{group}/memory.max", f"{(700 if group == tight else 9000) * MEGA}\n")
        machine(f"groups/{group}/memory.current", f"{100 * MEGA}\n")
        machine(f"groups/{group}/cpu.max", f"{50000 if group == tight else 'max'} 100000\n")
    assert limits.available_memory_bytes() == 600 * MEGA
    assert limits.usable_cores() == 1


def test_version_1(machine):
    machine("own", "12:cpu,cpuacct:/limited\n4:memory:/limited\n1:name=systemd:/x\n0::/x\n")
    machine("groups/cpu,cpuacct/limited/cpu.cfs_quota_us", "150000\n")
    machine("groups/cpu,cpuacct/limited/cpu.cfs_period_us", "100000\n")
    machine("groups/memory/limited/memory.limit_in_bytes", f"{700 * MEGA}\n")
    machine("groups/memory/limited/memory.usage_in_bytes", f"{650 * MEGA}\n")
    machine("groups/memory/limited/memory.stat", f"cache 1\ntotal_inactive_file {150 * MEGA}\n")
    machine("groups/memory/memory.limit_in_bytes", f"{2**63 - 4096}\n")
    machine("groups/memory/memory.usage_in_bytes", f"{900 * MEGA}\n")
    assert limits.usable_cores() == 2
    assert limits.available_memory_bytes() == 200 * MEGA  # pages of files can be dropped


def test_version_1_in_a_container_that_sees_its_own_group_as_the_root(machine):
    machine("own", "4:memory:/docker/1f2e\n")
    machine("groups/memory/memory.limit_in_bytes", f"{300 * MEGA}\n")
    machine("groups/memory/memory.usage_in_bytes", f"{100 * MEGA}\n")
    machine("groups/cpu/cpu.cfs_quota_us", "-1\n")
    assert limits.available_memory_bytes() == 200 * MEGA
    assert limits.usable_cores() == 8


def test_a_group_outside_of_what_is_seen(machine):
    machine("own", "0::/../../other\n")
    machine("groups/memory.max", f"{300 * MEGA}\n")
    machine("groups/memory.current", f"{100 * MEGA}\n")
    assert limits.available_memory_bytes() == 200 * MEGA


def test_the_limit_of_the_shell(machine, monkeypatch):
    machine("statm", "25600 100 100 1 0 1 0\n")
    monkeypatch.setattr(limits.resource, "getrlimit", lambda what: (400 * MEGA, resource.RLIM_INFINITY))
    monkeypatch.setattr(limits.resource, "getpagesize", lambda: 4096)
    assert limits.available_memory_bytes() == 300 * MEGA
    machine("statm", "2560000 100 100 1 0 1 0\n")
    assert limits.available_memory_bytes() == 0
