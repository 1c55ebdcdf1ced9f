"""TensorRT plans and their sidecars: what an engine was built for, and whether it fits the machine at hand.

stylize.plan        the engine
stylize.plan.json   model and plan sha256, TensorRT, driver, GPU, platform, precision, shapes, stage contract
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import IntegrityError, ProviderError
from ..files import sha256_of

SIDECAR = 1
TENSORRT_FIX = "pip install 'artrt[tensorrt]' (on a Jetson TensorRT comes with JetPack: pip install pycuda)"


@dataclass(frozen=True)
class Device:
    """The GPU and software that an engine belongs to.

    Args:
        gpu: Name of the GPU.
        compute_capability: As in "8.7".
        tensorrt: TensorRT's version.
        cuda_driver: Version of the CUDA driver, as in "12.6".
        machine: Processor architecture ("x86_64", "aarch64").
    """

    gpu: str
    compute_capability: str
    tensorrt: str
    cuda_driver: str
    machine: str


def sidecar_path(plan: Path) -> Path:
    """The JSON beside a plan."""
    return plan.with_name(plan.name + ".json")


def write_sidecar(plan: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Writes the sidecar of a plan that lies on disk, with its sha256, and returns what was written."""
    data = {"sidecar": SIDECAR, "plan_sha256": sha256_of(plan), **facts}
    sidecar_path(plan).write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return data


def read_sidecar(plan: Path) -> dict[str, Any]:
    """The sidecar of a plan, after the plan's bytes were compared with it.

    Raises:
        IntegrityError: It is missing or unreadable, or the plan was changed.
    """
    path = sidecar_path(plan)
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        known = data["sidecar"] == SIDECAR
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{path} is missing or unreadable: export the engine again") from error
    if not known:
        raise IntegrityError(f"{path} is of another version of artrt: export the engine again")
    if sha256_of(plan) != data["plan_sha256"]:
        raise IntegrityError(f"{plan} is not the engine of its sidecar (sha256 differs): export it again")
    return data


def require_fit(sidecar: Mapping[str, Any], here: Device, *, plan: Path) -> None:
    """Checks that an engine was built for this machine.

    Args:
        sidecar: The plan's sidecar.
        here: This machine.
        plan: The plan, for the message.

    Raises:
        ProviderError: It was not; the message names every difference and the command that rebuilds it.
    """
    built = sidecar["device"]
    loose = {"hardware": {"gpu", "compute_capability"}, "version": {"tensorrt"}}
    ignored = {"cuda_driver"}.union(*(loose[kind] for kind in sidecar.get("compatible", ())))
    now = {**here.__dict__}
    differences = [
        f"{name} {built[name]} there, {now[name]} here"
        for name in now
        if name not in ignored and built.get(name) != now[name]
    ]
    if "hardware" in sidecar.get("compatible", ()) and float(here.compute_capability) < 8.0:
        differences.append(f"compute capability {here.compute_capability} here, 8.0 or newer is needed")
    if differences:
        raise ProviderError(
            f"{plan.name} was built for another machine ({'; '.join(differences)}): engines are not portable; "
            f"build it here: {sidecar.get('rebuild', 'artrt export --format engine')}"
        )


def this_machine() -> str:
    """Processor architecture."""
    return platform.machine()
