"""Converts a checkpoint into a zoo folder: trunk, `stylize` stage, style files, model card, manifest."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from torch import Tensor

from ..engine.errors import InputError, UsageError
from ..engine.files import replacing, write_bytes
from ..engine.zoo.style import SUFFIX, Style, load_style, require_trunk, save_style
from ..engine.zoo.zoo import write_manifest
from ..models.networks.style_encoder import StyleEncoder
from ..models.networks.transformer import CONFIGS, StyleTransformer, save_trunk
from ..models.paintings import PAINTINGS
from ..models.training.checkpoint import averaged_encoder, averaged_weights, read_checkpoint
from .half_weights import with_half_weights
from .onnx_from_style_encoder import onnx_from_style_encoder
from .onnx_from_transformer import onnx_from_transformer
from .parity import TOLERANCES, Parity, measure, require
from .pictures import real_pictures
from .transformer_parity import cpu_stage, stage_painter, torch_painter

LICENCE = "Apache-2.0"
COLUMNS = ["style", "painting", "artist", "year", "public domain"]
COLUMNS += ["painted", "palette", "semantic", "CAM correlation", "top-1 kept"]
SCORES = ("painted", "palette", "semantic", "cam_correlation", "top1_kept")
#: Long side of paintings for the style encoder, as a share of that of the styles: smaller, for larger strokes.
ENCODER_SHARE = 6 / 7
SOURCE = "photograph of the painting, in the public domain"


@dataclass(frozen=True)
class TrainedStyles:
    """Contents of a checkpoint, with averaged weights.

    Attributes:
        trunk: The transformer.
        vectors: Style vectors [D] by name.
        history: One entry for each start of the training: the step and the options.
        step: Total number of steps.
        encoder: The style encoder, if one was trained.
        encoder_history: Likewise, of a training of the encoder alone against the finished trunk.
    """

    trunk: StyleTransformer
    vectors: dict[str, Tensor]
    history: list[dict[str, Any]]
    step: int
    encoder: StyleEncoder | None = None
    encoder_history: list[dict[str, Any]] = field(default_factory=list)


def load_checkpoint(path: Path) -> TrainedStyles:
    """Reads a checkpoint of `artrt train trunk`.

    Raises:
        InputError: It is missing, not a checkpoint of a trunk, or its sizes differ from its configuration's.
    """
    state = read_checkpoint(path)
    if state["config"] not in CONFIGS:
        raise InputError(f"{path} has the unknown configuration {state['config']!r}")
    trunk = StyleTransformer(CONFIGS[state["config"]])
    try:
        trunk.load_state_dict({name: _in_half(tensor) for name, tensor in averaged_weights(state).items()})
    except RuntimeError as error:  # missing weights and other shapes
        raise InputError(
            f"{path} does not contain a trunk of the configuration {state['config']!r}"
        ) from error
    vectors = dict(zip(state["styles"], state["average"]["bank.vectors"], strict=True))
    entries = json.loads(state["history"])
    history = list(entries)
    while history and history[-1]["options"].get("encoder_alone"):
        history.pop()
    alone = entries[len(history) :]
    step = int(alone[0]["step"] if alone else state["step"])  # where the trunk was finished
    return TrainedStyles(trunk.eval(), vectors, history, step, _encoder(state, trunk.style_size), alone)


def _encoder(state: Mapping[str, Any], style_size: int) -> StyleEncoder | None:
    weights = averaged_encoder(state)
    if not weights:
        return None
    encoder = StyleEncoder(style_size)
    encoder.load_state_dict(weights)
    return encoder.eval()


def _in_half(tensor: Tensor) -> Tensor:
    """Rounds to float16 precision: visually equal, and half as large when packed."""
    return tensor.half().to(tensor.dtype)


def zoo_from_checkpoint(
    checkpoint: Path,
    folder: Path,
    *,
    more: Sequence[Path] = (),
    scores: Mapping[str, Mapping[str, float]] | None = None,
    scored_photographs: int = 0,
) -> Path:
    """Writes trunk, stage, styles, card and manifest into a zoo folder; overwrites files of the same names.

    Args:
        checkpoint: `checkpoint.pt` of `artrt train trunk`.
        folder: The zoo folder; created if missing.
        more: Further style files of `artrt train style` for this trunk.
        scores: Measured losses by style name, in the form of `artrt eval --json`.
        scored_photographs: Number of photographs in the measurement.

    Returns:
        The manifest's path.

    Raises:
        InputError: The checkpoint or a style is missing or invalid.
        IntegrityError: A style belongs to another trunk.
        ParityError: The stage differs from the PyTorch trunk; nothing is written.
        UsageError: Two styles have the same name.
    """
    trained = load_checkpoint(checkpoint)
    name, key = trained.trunk.config.name, trained.trunk.trunk_hash()
    training = {"steps": trained.step, "history": trained.history}
    styles = [
        style_of(
            style,
            vector.numpy(),
            trunk=key,
            training=_style_training(trained, style),
            losses=(scores or {}).get(style),
        )
        for style, vector in trained.vectors.items()
    ]
    styles += [_of_trunk(path, key, scores or {}) for path in more]
    if twice := [name for name, count in Counter(style.name for style in styles).items() if count > 1]:
        raise UsageError(
            f"two styles have the name '{twice[0]}': train one of them again under another --name"
        )
    model = with_half_weights(onnx_from_transformer(trained.trunk, extra={"training": training}))
    parity = _checked(model, trained.trunk, styles)
    (folder / "styles").mkdir(parents=True, exist_ok=True)
    write_bytes(folder / f"stylize-{name}.onnx", model.SerializeToString())
    with replacing(folder / f"trunk-{name}.safetensors") as temporary:
        save_trunk(temporary, trained.trunk, training=training)
    if trained.encoder is not None:
        long_side = round(ENCODER_SHARE * trained.history[-1]["options"]["style_long_side_px"])
        reader = onnx_from_style_encoder(trained.encoder, trunk=key, long_side_px=long_side)
        write_bytes(folder / f"style-{name}.onnx", reader.SerializeToString())
    for style in styles:
        save_style(folder / "styles" / f"{style.name}{SUFFIX}", style)
    card = model_card(trained, styles, parity.to_dict(), scored_photographs=scored_photographs)
    (folder / "cards").mkdir(exist_ok=True)
    write_bytes(folder / "cards" / f"stylize-{name}.md", card.encode())
    return write_manifest(folder)


def _of_trunk(path: Path, trunk: str, scores: Mapping[str, Mapping[str, float]]) -> Style:
    """A separately trained style file, with its measured losses; facts that it lacks come from `PAINTINGS`."""
    style = load_style(path)
    require_trunk(style, trunk)
    facts: dict[str, Any] = (
        {} if style.title or style.artist else {"licence": LICENCE, **_known_facts(style.name)}
    )
    return replace(style, losses=scores.get(style.name, style.losses), **facts)


def _checked(model: onnx.ModelProto, trunk: StyleTransformer, styles: list[Style]) -> Parity:
    """The worst parity of the stage with PyTorch over all styles, on real photographs."""
    pictures = real_pictures(limit=2, longest_px=384)
    with tempfile.TemporaryDirectory() as scratch, cpu_stage(model, Path(scratch)) as stage:
        results = [
            measure(torch_painter(trunk, style.vector), stage_painter(stage, style.vector), pictures)
            for style in styles
        ]
    worst = min(results, key=lambda parity: parity.psnr_db)
    worst = replace(
        worst, max_abs=max(parity.max_abs for parity in results), pictures=len(results) * len(pictures)
    )
    require(worst, TOLERANCES["fp32"], what="the stylize stage")
    return worst


def style_of(
    name: str,
    vector: np.ndarray[Any, np.dtype[np.float32]],
    *,
    trunk: str,
    training: Mapping[str, Any],
    losses: Mapping[str, float] | None = None,
) -> Style:
    """A style of a zoo, with the facts about its painting, if they are known."""
    vector = np.ascontiguousarray(vector, np.float32)
    facts = {"licence": LICENCE, **_known_facts(name)}
    return Style(name, vector, trunk, training=training, losses=losses or {}, **facts)


def _known_facts(name: str) -> dict[str, str]:
    """What `PAINTINGS` says about the painting of a style; empty if it is not there."""
    painting = PAINTINGS.get(name)
    if painting is None:
        return {}
    facts = {"title": painting.title, "artist": painting.artist, "year": painting.year}
    return facts | {"public_domain": painting.public_domain, "source": SOURCE}


def model_card(
    trained: TrainedStyles,
    styles: list[Style],
    parity: Mapping[str, Any],
    *,
    scored_photographs: int = 0,
) -> str:
    """The model card of a trunk as Markdown: description, training, measurements."""
    options = trained.history[-1]["options"]
    parameters = sum(p.numel() for p in trained.trunk.parameters())
    lines = [
        f"# stylize-{trained.trunk.config.name}",
        "",
        f"Style transformer with {parameters:,} parameters and {len(styles)} styles "
        f"of {styles[0].vector.size} numbers each. Licence: {LICENCE}.",
        "",
        f"* Trunk: sha256 `{trained.trunk.trunk_hash()}`",
        f"* Steps: {trained.step}, batches of {options['batch']} crops of {options['crop_px']} px",
        f"* Parity of the ONNX stage with PyTorch: PSNR {parity['psnr_db']:.1f} dB, largest difference "
        f"{parity['max_abs']} of 255",
        "",
        "## Styles",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "-|" * len(COLUMNS),
        *(_row(style) for style in styles),
        "",
        *_alone(styles),
        *_encoder_training(trained),
        "## Training",
        "",
        "`" + training_command(trained) + "`",
        "",
        "Each entry is one start of the training, from the step where the one before it ended, with the options that "
        "changed; `averaged`: with the weights of an earlier step, how much of the later ones, and the factor on the "
        "contrast:",
        "",
        "```json",
        json.dumps(_changes(trained.history), indent=1),
        "```",
        "",
        "Photographs: ImageNet samples for research use, without the 64 whose file name has the smallest sha256. "
        f"Scores: on {scored_photographs} of those, at 384 px long side. Loss networks: VGG-19 with normalised "
        "activations (CC-BY-4.0), its compressed encoder (MIT), SqueezeNet 1.1 (Apache-2.0).",
        "",
    ]
    return "\n".join(lines)


def _changes(history: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The starts of a training, each with the options that differ from the previous start, and what ended it."""
    entries, before = [], dict[str, Any]()
    for entry in history:
        options = entry["options"]
        changed = {name: value for name, value in options.items() if before.get(name) != value}
        averaged = {"averaged": entry["averaged"]} if "averaged" in entry else {}
        entries.append({"step": entry["step"], "options": changed} | averaged)
        before = options
    return entries


def _alone(styles: list[Style]) -> list[str]:
    """The lines about styles that were trained after the trunk."""
    kinds = {
        kind: [s.name for s in styles if s.training.get("kind") == kind] for kind in ("vector", "refined")
    }
    lines = []
    if kinds["vector"]:
        lines.append(
            f"Learned alone, against the finished trunk, by `artrt train style`: {', '.join(kinds['vector'])}."
        )
    if kinds["refined"]:
        lines.append(
            f"Trained together with the trunk, then refined alone against it, with less content and a loss that sees "
            f"only the inner part of each picture, so that a frame earns nothing: {', '.join(kinds['refined'])}."
        )
    if lines and len(kinds["vector"]) + len(kinds["refined"]) < len(styles):
        lines.append("The others were trained together with the trunk.")
    return [" ".join(lines), ""] if lines else []


def _encoder_training(trained: TrainedStyles) -> list[str]:
    """The lines about a style encoder that was trained after the trunk."""
    if not trained.encoder_history:
        return []
    options = trained.encoder_history[-1]["options"]
    steps = options["steps"] - trained.encoder_history[0]["step"]
    before = (
        "together with the trunk, then " if trained.history[-1]["options"].get("encoder_paintings") else ""
    )
    return [
        f"The style encoder was trained {before}alone, against the finished trunk: {steps} steps of "
        f"{options['encoder_batch']} photographs, each with a painting of its own out of "
        f"{' and '.join(options['encoder_paintings'])}, by the loss network {options['loss_network']}.",
        "",
    ]


def training_command(trained: TrainedStyles) -> str:
    """The command line of the last start of the training."""
    options = trained.history[-1]["options"]
    words = ["artrt train trunk", *(f"paintings/{picture}" for picture in options["paintings"].values())]
    words += [
        f"--photos {options['photographs']}",
        f"--steps {options['steps']}",
        f"--batch {options['batch']}",
    ]
    words += [f"--crop {options['crop_px']}", f"--loss-network {options['loss_network']}"]
    words += [f"--ramp {options['ramp_start']}:{options['ramp_steps']}", f"--seed {options['seed']}"]
    words += [f"--weight {name}={value:g}" for name, value in options["losses"].items()]
    words += [f"--style-size {options['style_long_side_px']}"]
    words += [f"--style-scale {name}={factor:g}" for name, factor in options["style_scale"].items()]
    words += [f"--content-scale {name}={factor:g}" for name, factor in options["content_scale"].items()]
    words += [f"--style-share {name}={count}" for name, count in options.get("style_share", {}).items()]
    words += [f"--encoder-paintings {folder}" for folder in options.get("encoder_paintings", ())]
    return " ".join(words)


def _style_training(trained: TrainedStyles, style: str) -> dict[str, Any]:
    """The training record of a style file; the trunk's file has the full record."""
    options = trained.history[-1]["options"]
    long_side = round(options["style_long_side_px"] * options["style_scale"].get(style, 1.0))
    return {"kind": "joint", "steps": trained.step, "style_long_side_px": long_side}


def _row(style: Style) -> str:
    numbers = [_score(style, key) for key in SCORES]
    facts = [style.name, style.title, style.artist, style.year, style.public_domain, *numbers]
    return "| " + " | ".join(facts) + " |"


def _score(style: Style, key: str) -> str:
    value = style.losses.get(key)
    return "" if value is None else f"{value:.3f}"
