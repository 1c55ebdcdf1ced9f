"""Writes docs/benchmarks.md, its plot, and the README's tables from benchmarks/results/*.json.

    python docs/make_benchmarks.py

No figure stands in either that is not in one of these files; a test compares them.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"
PLOT = ROOT / "docs" / "images" / "scaling.svg"
STROKE_PLOT = PLOT.with_name("working-size.svg")
README = ROOT / "README.md"
BEGIN, END = "<!-- measurements: written by docs/make_benchmarks.py -->", "<!-- /measurements -->"
#: Tables that the README shows, in its order, with the columns that matter there.
IN_README = {
    "working_size": ("size", "network", "median_ms", "times the classic", "peak_mb"),
    "peers": ("network", "median_ms", "fps", "times the classic"),
    "loop": (),
    "preprocess-speed": ("what", "median_ms", "fps", "times_warm"),
}
#: Most rows of a table there, and the rows that the longer ones show: by the texts of their columns.
MOST_ROWS = 5
ROWS_IN_README = {
    "working_size": {
        "1280x720, classic 32-64-128",
        "1280x720, classic, at the working size",
        "1280x720, small, ONNX Runtime",
        "1280x720, small, OpenVINO",
        "3840x2160, small, OpenVINO",
    },
    "peers": {
        "classic 32-64-128, ONNX Runtime",
        "classic 32-64-128, OpenVINO",
        "MicroAST's size, ONNX Runtime",
        "artrt small, ONNX Runtime",
        "artrt small, OpenVINO",
    },
    "preprocess-speed": {
        "quantize, warm",
        "cv2.kmeans",
        "superpixels, warm",
        "skimage slic",
        "Pillow MEDIANCUT",
    },
}
#: Order on the page; what is not named here follows by name.
ORDER = (
    "working_size", "stroke_sizes", "stylize", "peers", "loop", "end_to_end", "studio", "scaling", "scaling_batch",
    "precision", "gpu", "gpu_video",
    "evaluation", "any_painting", "new_style", "ladder", "ablation", "temporal", "region_loss", "stabilize",
    "preprocess-speed", "preprocess-colors", "preprocess-regions", "preprocess-flicker", "paint_pairs",
    "paint_curve", "paint_region", "paint_memory", "pipeline",
)  # fmt: skip
HEAD = """# Benchmarks

`python -m benchmarks all --quick` measures everything in under ten minutes on two cores, but for what has to train
networks first; without `--quick` it takes larger pictures and more rounds, and trains. Each script writes JSON and a
table to `benchmarks/results/`. What is compared is measured side by side in one run, contenders in turns, so trust the
ratios: times are one machine's, and a loaded one stretches them. This page is written from that JSON by
`python docs/make_benchmarks.py`.
"""


def records() -> dict[str, dict[str, Any]]:
    """Name -> everything that one benchmark wrote, in the order of the page."""
    found = {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("*.json"))
    }
    names = sorted(found, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    return {name: found[name] for name in names if isinstance(found[name], dict) and found[name].get("rows")}


def table(rows: list[dict[str, Any]], columns: tuple[str, ...] = ()) -> str:
    """A Markdown table of some or all columns."""
    shown = [column for column in columns if column in rows[0]] or list(rows[0])
    lines = [[name.replace("_", " ") for name in shown], ["-"] * len(shown)]
    lines += [[cell(row.get(column)) for column in shown] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def cell(value: object) -> str:
    """A figure with as many digits as mean something."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
    return "" if value is None else str(value)


def machine(record: dict[str, Any]) -> str:
    """When and where it was measured, in one line."""
    about = record.get("machine") or {}
    parts = [record.get("date"), about.get("cpu"), f"{about['cores']} cores" if about.get("cores") else None]
    parts += [f"load {about['load_before']} before" if about.get("load_before") is not None else None]
    parts += [
        f"{name} {version}" for name, version in (about.get("packages") or {}).items() if name in RUNTIMES
    ]
    return ", ".join(str(part) for part in parts if part)


RUNTIMES = ("onnxruntime", "onnxruntime-gpu", "openvino", "torch")


def section(name: str, record: dict[str, Any], columns: tuple[str, ...] = (), level: str = "##") -> str:
    """A heading, the table, and where it was measured."""
    notes = str(record.get("notes") or "").strip()
    where = machine(record)
    parts = [f"{level} {record['title']}", table(record["rows"], columns)]
    parts += [notes] if notes else []
    parts += [f"*`benchmarks/results/{name}.json`{': ' + where if where else ''}.*"]
    return "\n\n".join(parts)


def page(found: dict[str, dict[str, Any]]) -> str:
    """The whole page."""
    parts = [HEAD]
    for name, record in found.items():
        parts.append(section(name, record) + "\n")
        if name == "scaling":
            parts.append("![Milliseconds and memory against megapixels](images/scaling.svg)\n")
        if name == "stroke_sizes":
            parts.append("![The four styles at the four sizes](images/stroke-sizes.jpg)\n")
        if name == "working_size":
            parts.append("![Milliseconds against megapixels, before and after](images/working-size.svg)\n")
    return "\n".join(parts)


def for_readme(name: str, record: dict[str, Any]) -> dict[str, Any]:
    """The record with the rows that the README shows."""
    chosen = ROWS_IN_README.get(name)
    rows = [row for row in record["rows"] if chosen is None or texts(row) in chosen]
    missing = sorted((chosen or set()) - {texts(row) for row in rows})
    if missing or not 0 < len(rows) <= MOST_ROWS:
        raise SystemExit(f"{name}: {len(rows)} rows for the README, without {missing}; set ROWS_IN_README")
    return {**record, "rows": rows}


def texts(row: dict[str, Any]) -> str:
    """What names a row: its texts, in order."""
    return ", ".join(value for value in row.values() if isinstance(value, str))


def readme(found: dict[str, dict[str, Any]], text: str) -> str:
    """The README with its measurements replaced."""
    shown = [
        section(name, for_readme(name, found[name]), columns, "###")
        for name, columns in IN_README.items()
        if name in found
    ]
    block = "\n\n".join([BEGIN, *shown, END])
    return re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: block, text, flags=re.DOTALL)


def plot(rows: list[dict[str, Any]]) -> str:
    """Time and memory against the size of the picture, on logarithmic axes, as SVG."""
    series = {
        f"{threads} thread{'s' if threads != 1 else ''}": [
            (row["megapixels"], row["median_ms"]) for row in rows if row["threads"] == threads
        ]
        for threads in sorted({row["threads"] for row in rows})
    }
    memory = [(row["megapixels"], row["peak_mb"]) for row in rows if row["threads"] == rows[-1]["threads"]]
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 360" role="img" font-family="sans-serif" '
        'font-size="13"><title>Time and memory as the picture grows</title>'
        '<rect width="900" height="360" rx="10" fill="#fbfaf7"/>'
    ]
    parts += axes(70, "milliseconds for a frame", series)
    parts += axes(520, "peak memory, MB", {"process": memory})
    return "\n".join([*parts, "</svg>"]) + "\n"


def stroke_plot(rows: list[dict[str, Any]]) -> str:
    """Time against the size of the picture: painting all of its pixels, and painting at a working size, as SVG."""
    lines = {
        "painted at the frame's size": "small, at full size",
        "at the working size": "small, ONNX Runtime",
    }
    series = {
        label: [(row["megapixels"], row["median_ms"]) for row in rows if row["network"] == name]
        for label, name in lines.items()
    }
    head = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 450 360" role="img" font-family="sans-serif" '
        'font-size="13"><title>Time as the picture grows, before and after</title>'
        '<rect width="450" height="360" rx="10" fill="#fbfaf7"/>'
    )
    return "\n".join([head, *axes(70, "milliseconds for a frame", series), "</svg>"]) + "\n"


def axes(left: int, title: str, series: dict[str, list[tuple[float, float]]]) -> list[str]:
    """One plot of 340x260 px."""
    points = [point for line in series.values() for point in line]
    (x_low, x_high), (y_low, y_high) = (span([point[axis] for point in points]) for axis in (0, 1))

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - x_low) / (x_high - x_low)
        up = (math.log10(y) - y_low) / (y_high - y_low)
        return round(left + 340 * across, 1), round(310 - 260 * up, 1)

    parts = [f'<text x="{left}" y="34" font-weight="600" fill="#1d1f22">{title}</text>']
    parts += [f'<rect x="{left}" y="50" width="340" height="260" fill="#fff" stroke="#5c6470"/>']
    for x in sorted({point[0] for point in points}):
        at, _ = place(x, 10**y_low)
        parts.append(f'<text x="{at}" y="328" text-anchor="middle" fill="#5c6470">{x:.2g}</text>')
    for y in ticks(y_low, y_high):
        _, at = place(10**x_low, y)
        parts.append(f'<line x1="{left}" x2="{left + 340}" y1="{at}" y2="{at}" stroke="#e4e1d9"/>')
        parts.append(f'<text x="{left - 6}" y="{at + 4}" text-anchor="end" fill="#5c6470">{y:g}</text>')
    for number, (name, line) in enumerate(series.items()):
        colour = ("#2f5fb3", "#b3262f", "#3f7d4a")[number % 3]
        path = " ".join(f"{x},{y}" for x, y in (place(*point) for point in line))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{left + 12}" y="{72 + 18 * number}" fill="{colour}">{name}</text>')
    parts.append(f'<text x="{left + 170}" y="348" text-anchor="middle" fill="#5c6470">megapixels</text>')
    return parts


def span(values: list[float]) -> tuple[float, float]:
    """Logarithms of the ends of an axis, with some air."""
    low, high = math.log10(min(values)), math.log10(max(values))
    air = 0.08 * (high - low) or 0.1
    return low - air, high + air


def ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times the powers of ten within an axis."""
    steps = [
        digit * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for digit in (1, 2, 5)
    ]
    return [step for step in steps if low <= math.log10(step) <= high]


def main() -> None:
    """Writes the page, the plot and the README."""
    found = records()
    PAGE.write_text(page(found), encoding="utf-8")
    if "scaling" in found:
        PLOT.write_text(plot(found["scaling"]["rows"]), encoding="utf-8")
    if "working_size" in found:
        STROKE_PLOT.write_text(stroke_plot(found["working_size"]["rows"]), encoding="utf-8")
    README.write_text(readme(found, README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
