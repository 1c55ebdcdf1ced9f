"""artrt contacts nobody on its own: proved in a network namespace in which every attempt is counted by the kernel."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from artrt.engine.frame import write_image

# A namespace without routes: the kernel refuses each contact and counts it, from Python and from native libraries.
PROGRAM = """
import contextlib, importlib.util, socket, sys
from pathlib import Path
from artrt.cli.main import run

def attempts():
    lines = Path("/proc/net/snmp").read_text().splitlines()
    names, numbers = (line.split()[1:] for line in lines if line.startswith("Ip: "))
    counts = dict(zip(names, map(int, numbers), strict=True))
    return counts["OutNoRoutes"] + counts["OutRequests"]

OPENVINO = "openvino" if importlib.util.find_spec("openvino") else "cpu"
for words in (
    ["stylize", "a.png", "-o", "b.png", "--style", "udnie", "--keep-salient", "0.5", "--quantize", "8"],
    ["stylize", "a.png", "-o", "c.png", "--style", "udnie", "--provider", OPENVINO],
    ["saliency", "a.png", "-o", "masks"],
    ["styles", "list"],
    ["live", "test://64x48@30", "--headless", "--max-frames", "3", "-o", "e.mp4"],
    ["doctor", "--provider", "cpu"],
):
    with contextlib.redirect_stdout(sys.stderr):
        code = run(words)
    print(words[0], code, attempts())
with contextlib.suppress(OSError):
    socket.getaddrinfo("example.com", 80)
print("looked up a name", attempts() > 0)
"""


def test_nobody_is_contacted(use_tiny_zoo, tmp_path, picture):
    alone = [shutil.which("unshare") or "", "-rn"]
    if not alone[0] or subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs unshare -rn: a network namespace of the user's own")
    write_image(tmp_path / "a.png", picture(32, 32))
    words = [*alone, sys.executable, "-c", PROGRAM]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    *commands, control = done.stdout.splitlines()
    assert control == "looked up a name True"  # a contact would have been counted
    assert [line.split()[1:] for line in commands] == [["0", "0"]] * 6, done.stdout + done.stderr
