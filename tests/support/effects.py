"""Runs the effects' stages from given states."""

from __future__ import annotations

import numpy as np

from artrt.engine.stage_spec import state_input, state_output
from artrt.export.fuse import spec_of


class Runner:
    """A stage model on the processor: `runner(image, states, **controls)` gives its outputs by plain names."""

    def __init__(self, model):
        import onnxruntime

        self.spec = spec_of(model)
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), providers=["CPUExecutionProvider"]
        )

    def __call__(self, image, states=None, **controls):
        shapes = self.spec.state_shapes(*image.shape[:2])
        fresh = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
        feeds = {state_input(name): (states or fresh)[name] for name in fresh}
        feeds |= {name: control.default_array() for name, control in self.spec.controls.items()}
        feeds |= {name: np.asarray(value, np.float32) for name, value in controls.items()}
        names = [output.name for output in self._session.get_outputs()]
        results = dict(zip(names, self._session.run(None, {"frame": image} | feeds), strict=True))
        return results | {name: results[state_output(name)] for name in fresh}

    def states(self, results):
        return {name: results[name] for name in self.spec.states}


def colors_of(image):
    return np.unique(image.reshape(-1, 3), axis=0)
