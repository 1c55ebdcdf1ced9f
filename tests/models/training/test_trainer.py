"""Training: learns, resumes to the step, stops cleanly, refuses what does not fit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from artrt.engine.errors import ArtrtError, InputError, UsageError
from artrt.models import losses
from artrt.models.networks.transformer import CONFIGS, StyleTransformer, TransformerConfig
from artrt.models.paintings import PAINTINGS
from artrt.models.training import style_training
from artrt.models.training.checkpoint import CHECKPOINT_FILE, averaged_encoder, read_checkpoint
from artrt.models.training.loading import Batches
from artrt.models.training.options import TermWeights, TrainingOptions
from artrt.models.training.style_bank import balanced
from artrt.models.training.style_training import closest_style, train_style
from artrt.models.training.trainer import Trainer, prepare_photographs
from support.weights import write_weights

ALL_TERMS = TermWeights(match=0.1, cam=0.5, category=0.05, edge=0.1, color=0.1, temporal=1.0)


@pytest.fixture(scope="module")
def material(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("material")
    write_weights(folder / "weights")
    for name, count, side in (("photos", 6, 80), ("paintings", 2, 72)):
        (folder / name).mkdir()
        for index in range(count):
            rng = np.random.default_rng(index)
            picture = cv2.resize(rng.integers(0, 256, (9, 9, 3), np.uint8), (side, side))
            cv2.imwrite(str(folder / name / f"{index}.png"), picture)
    return folder


@pytest.fixture
def options(material, tmp_path) -> TrainingOptions:
    torch.set_num_threads(1)
    return TrainingOptions(
        paintings={"one": material / "paintings" / "0.png", "two": material / "paintings" / "1.png"},
        photographs=material / "photos",
        output=tmp_path / "run",
        weights_directory=material / "weights",
        steps=6,
        batch=2,
        crop_px=64,
        losses=ALL_TERMS,
        ramp_start=1,
        ramp_steps=2,
        sample_steps=3,
    )


@pytest.fixture(autouse=True)
def _few_paintings_set_up_an_encoder(monkeypatch):
    monkeypatch.setattr("artrt.models.training.trainer.ENCODER_SAMPLE", 8)


def run(options: TrainingOptions, **arguments) -> Trainer:
    stop_after = arguments.pop("stop_after", None)
    trainer = Trainer(options, **arguments)
    for progress in trainer.run(
        prepare_photographs(options), stop=lambda: stop_after is not None and trainer.step >= stop_after
    ):
        assert np.isfinite(progress.terms["total"])
    return trainer


def test_interrupted_and_resumed_equals_uninterrupted(options):
    whole = run(options)
    part = replace(options, output=options.output.with_name("part"))
    run(part, stop_after=3)
    resumed = run(part, resume=part.output / CHECKPOINT_FILE)
    assert resumed.step == whole.step == 6
    for a, b in zip(whole.averaged()[1].values(), resumed.averaged()[1].values(), strict=True):
        torch.testing.assert_close(a, b, atol=0, rtol=0)
    assert whole.averaged()[0].trunk_hash() == resumed.averaged()[0].trunk_hash()


def test_the_losses_see_the_same_random_part_of_painting_and_photograph(options, monkeypatch):
    seen, variation = [], losses.total_variation
    monkeypatch.setattr(losses, "total_variation", lambda image: seen.append(image) or variation(image))
    objective = Trainer(replace(options, margin=0.125, bfloat16=False)).objective
    columns = torch.arange(96.0).expand(1, 3, 96, 96) / 96
    for seed in range(9):
        terms = objective.terms(
            lambda image, style, *, rim_px=0: image,
            columns,
            torch.zeros(1, dtype=torch.int64),
            torch.zeros(1, 1),
            weights=objective.weights_at(0),
            rng=np.random.default_rng(seed),
        )
        assert float(terms["content"]) == pytest.approx(0, abs=1e-6)
    assert {tuple(image.shape) for image in seen} == {(1, 3, 72, 72)}
    firsts = [round(96 * float(image[0, 0, 0, 0])) for image in seen]
    assert len(set(firsts)) > 3
    assert 0 <= min(firsts) <= max(firsts) <= 24
    with pytest.raises(UsageError, match="margin"):
        replace(options, margin=0.3)


def test_a_training_goes_on_from_a_smaller_one_with_other_paintings(options, material, monkeypatch):
    monkeypatch.setitem(
        CONFIGS, "small", TransformerConfig("small", width=8, dilations=(1,), decoder_width=4)
    )
    first = run(options)
    checkpoint = options.output / CHECKPOINT_FILE
    monkeypatch.setitem(
        CONFIGS, "small", TransformerConfig("small", width=8, dilations=(1, 2), decoder_width=6)
    )
    paintings = {"two": options.paintings["two"], "new": material / "paintings" / "0.png"}
    onward = replace(options, output=options.output.with_name("onward"), paintings=paintings, steps=9)
    started = Trainer(onward, warm_start=checkpoint)
    assert started.step == started.begun == 6
    assert [entry["step"] for entry in started.history] == [0, 6]
    image = torch.rand(1, 3, 40, 40)
    trunk, vectors = first.averaged()
    grown, grown_vectors = started.averaged()
    with torch.no_grad():
        before, after = trunk(image, vectors["two"][None]), grown(image, grown_vectors["two"][None])
    torch.testing.assert_close(after, before, atol=1e-5, rtol=0)
    assert run(onward, warm_start=checkpoint).step == 9
    with pytest.raises(UsageError, match="--start"):
        Trainer(options, resume=checkpoint)


def test_a_trunk_starts_from_no_single_style_and_no_other_dilations(options, monkeypatch):
    trunk = StyleTransformer(CONFIGS["small"])
    one = {"one": options.paintings["one"]}
    run(replace(options, paintings=one), trunk=trunk)
    with pytest.raises(UsageError, match="trains single styles"):
        Trainer(options, warm_start=options.output / CHECKPOINT_FILE)
    run(replace(options, output=options.output.with_name("joint"), steps=1))
    checkpoint = options.output.with_name("joint") / CHECKPOINT_FILE
    monkeypatch.setitem(CONFIGS, "other", TransformerConfig("other", width=64, dilations=(1, 4, 1)))
    with pytest.raises(UsageError, match=r"dilations \(1, 2, 1\).*cannot grow"):
        Trainer(replace(options, config="other"), warm_start=checkpoint)


def test_writes_samples_scalars_and_tensorboard(options):
    run(options)
    names = {path.name for path in options.output.iterdir()}
    assert {"checkpoint.pt", "samples-000003.jpg", "samples-000006.jpg", "scalars.jsonl"} <= names
    assert any(name.startswith("events.out.tfevents") for name in names)


def test_terms_begin_with_the_ramp_and_those_without_weight_are_not_computed(options):
    options = replace(options, losses=TermWeights(cam=1.0), ramp_start=2)
    trainer = Trainer(options)
    seen = [set(p.terms) for p in trainer.run(prepare_photographs(options))]
    assert "cam" not in seen[1]
    assert "cam" in seen[4]
    assert not {"edge", "color", "temporal"} & set.union(*seen)


def test_shape_term_compares_masks_of_the_shipped_saliency_network(options):
    options = replace(options, steps=2, losses=TermWeights(shape=1.0), ramp_start=-10)
    terms = [progress.terms for progress in Trainer(options).run(prepare_photographs(options))]
    assert all(0 < term["shape"] <= 1 for term in terms)
    assert min(term["shape"] for term in terms) < 1


def test_loss_falls_on_the_same_pictures(options):
    options = replace(options, steps=60, losses=TermWeights(content=0.05), ramp_start=1000)
    trainer, photographs = Trainer(options), prepare_photographs(options)

    def style_loss_at_step_0() -> float:
        trainer.step = 0
        return float(trainer._terms(Batches(options, photographs, None, step=0).at(0))["style"].detach())

    before = style_loss_at_step_0()
    assert all(np.isfinite(progress.terms["total"]) for progress in trainer.run(photographs))
    assert style_loss_at_step_0() < 0.8 * before


def test_styles_are_drawn_equally_often():
    drawn = np.concatenate([balanced(0, step, 4, [1] * 6) for step in range(30)])
    assert np.bincount(drawn, minlength=6).tolist() == [20] * 6


def test_a_style_may_take_part_twice_in_a_round():
    drawn = np.concatenate([balanced(0, step, 4, [1, 2, 1]) for step in range(20)])
    assert np.bincount(drawn).tolist() == [20, 40, 20]


def test_a_loss_that_is_not_finite_names_its_term(options):
    options = replace(options, losses=TermWeights(style=1e38, content=0.1), ramp_start=100)
    with pytest.raises(ArtrtError, match=r"the style loss is no longer finite at step \d+: lower its weight"):
        run(options)
    state = read_checkpoint(options.output / CHECKPOINT_FILE)
    assert all(torch.isfinite(weight).all() for weight in state["transformer"].values())


def test_an_infinite_gradient_leaves_the_last_good_checkpoint(options, monkeypatch):
    trainer, photographs = Trainer(options), prepare_photographs(options)
    clean = torch.nn.utils.clip_grad_norm_

    def poisoned(parameters, limit):
        if trainer.step == 3:
            trainer.transformer.head.bias.grad.fill_(float("inf"))
        return clean(parameters, limit)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", poisoned)
    with pytest.raises(ArtrtError, match="no longer finite at step 3"):
        list(trainer.run(photographs))
    state = read_checkpoint(options.output / CHECKPOINT_FILE)
    assert state["step"] == 3
    assert all(torch.isfinite(weight).all() for weight in state["transformer"].values())
    monkeypatch.undo()
    assert run(options, resume=options.output / CHECKPOINT_FILE).step == options.steps


def test_checkpoint_of_other_styles_or_no_checkpoint_is_refused(options, tmp_path):
    run(options, stop_after=1)
    other = replace(options, paintings={"three": options.paintings["one"]})
    with pytest.raises(UsageError, match="trains the styles one, two, not three"):
        Trainer(other, resume=options.output / CHECKPOINT_FILE)
    (tmp_path / "text.pt").write_text("text")
    with pytest.raises(InputError, match="cannot read the checkpoint"):
        Trainer(options, resume=tmp_path / "text.pt")


def test_cuda_without_a_gpu_and_negative_weights_are_usage_errors(options):
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="finds no CUDA GPU"):
            Trainer(replace(options, device="cuda"))
    with pytest.raises(UsageError, match="the weight of cam is -1"):
        TermWeights(cam=-1)


def test_a_new_style_leaves_the_trunk_alone(options):
    torch.manual_seed(0)
    trunk = StyleTransformer()
    before = trunk.trunk_hash()
    one = replace(options, paintings={"one": options.paintings["one"]}, steps=3)
    vector, trainer = train_style(one, trunk=trunk, known={}, photographs=prepare_photographs(one))
    assert trainer.step == 3
    assert trunk.trunk_hash() == before
    assert vector.shape == (trunk.style_size,)
    assert not torch.allclose(vector, trunk.neutral_style())


def test_steps_follow_from_the_time_that_is_given(options, monkeypatch):
    monkeypatch.setattr(style_training, "LEAST_STEPS", 4)
    one = replace(options, paintings={"one": options.paintings["one"]}, losses=TermWeights())
    _, trainer = train_style(
        one, trunk=StyleTransformer(), known={}, photographs=prepare_photographs(one), minutes=1e-6
    )
    assert trainer.step == 4  # no time at all still takes the least number of steps


def test_a_machine_that_becomes_slower_ends_in_time(options, monkeypatch):
    monkeypatch.setattr(style_training, "LEAST_STEPS", 2)
    monkeypatch.setattr(
        Trainer, "measure_step", lambda trainer, photographs: None
    )  # steps seem to take no time
    one = replace(options, paintings={"one": options.paintings["one"]}, losses=TermWeights())
    _, trainer = train_style(
        one, trunk=StyleTransformer(), known={}, photographs=prepare_photographs(one), minutes=0.4 / 60
    )
    assert 2 <= trainer.step < 1000
    assert trainer.step == trainer.options.steps  # complete, though it was to be more


def test_closest_known_style_is_the_start(options):
    one = replace(options, paintings={"one": options.paintings["one"]})
    trainer = Trainer(one, trunk=StyleTransformer())
    good, bad = trainer.transformer.neutral_style(), torch.full((trainer.transformer.style_size,), 50.0)
    assert closest_style(trainer, {"bad": bad, "good": good}, prepare_photographs(one))[0] == "good"


def test_history_records_every_start_without_folders(options):
    run(options, stop_after=2)
    trainer = run(options, resume=options.output / CHECKPOINT_FILE)
    assert [entry["step"] for entry in trainer.history] == [0, 2]
    assert str(options.output.parent) not in json.dumps(trainer.history)


def test_paintings_are_public_domain():
    assert all(painting.died <= 1955 for painting in PAINTINGS.values())


def test_a_style_encoder_learns_beside_the_styles_and_resumes(options, material):
    options = replace(options, encoder_paintings=(material / "paintings",), encoder_batch=1)
    whole = run(options)
    part = replace(options, output=options.output.with_name("part"))
    run(part, stop_after=3)
    resumed = run(part, resume=part.output / CHECKPOINT_FILE)
    first, second = (read_checkpoint(o.output / CHECKPOINT_FILE) for o in (options, part))
    assert resumed.step == whole.step
    for name, weights in averaged_encoder(first).items():
        torch.testing.assert_close(weights, averaged_encoder(second)[name], atol=0, rtol=0)
    fresh = Trainer(replace(options, output=options.output.with_name("fresh")))
    moved = [
        (a - b).abs().max()
        for a, b in zip(whole.encoder.parameters(), fresh.encoder.parameters(), strict=True)
    ]
    assert all(change > 0 for change in moved)


def test_a_training_with_an_encoder_starts_from_one_without(options, material):
    run(options)
    start = options.output / CHECKPOINT_FILE
    options = replace(
        options,
        output=options.output.with_name("more"),
        steps=8,
        encoder_paintings=(material / "paintings",),
        encoder_batch=1,
    )
    assert run(options, warm_start=start).step == 8


def test_an_encoder_alone_leaves_trunk_and_styles_as_they_are(options, material):
    run(options)
    start = options.output / CHECKPOINT_FILE
    alone = replace(
        options,
        output=options.output.with_name("alone"),
        steps=8,
        encoder_paintings=(material / "paintings",),
        encoder_alone=True,
    )
    run(alone, warm_start=start)
    before, after = read_checkpoint(start), read_checkpoint(alone.output / CHECKPOINT_FILE)
    for part in ("transformer", "bank"):
        for name, weights in before[part].items():
            torch.testing.assert_close(after[part][name], weights, atol=0, rtol=0)
    assert set(before["average"]) < set(after["average"])
    with pytest.raises(UsageError, match="encoder_alone needs encoder_paintings"):
        replace(alone, encoder_paintings=())


def test_the_gate_measures_from_the_start_of_the_ramp_and_stands_in_the_checkpoint(options, monkeypatch):
    from artrt.models.training import trainer as training

    monkeypatch.setattr(training, "STEPS_BETWEEN", 2)
    trainer = Trainer(replace(options, steps=4))
    measured = [p.step for p in trainer.run(prepare_photographs(trainer.options)) if "painted" in p.terms]
    assert measured == [1, 3]
    state = read_checkpoint(options.output / CHECKPOINT_FILE)
    assert state["gate"] == {"factor": trainer.gate.factor, "reference": trainer.gate.reference}
    assert Trainer(replace(options, gate_drop=0.0)).gate is None


def test_matches_only_at_the_scales_that_are_compared(options):
    options = replace(options, style_scales=(1,), losses=TermWeights(match=0.1), steps=1)
    (progress,) = Trainer(options).run(prepare_photographs(options))
    assert 0 < progress.terms["match"] < 2
