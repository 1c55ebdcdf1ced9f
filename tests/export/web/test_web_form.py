from __future__ import annotations

import numpy as np

from artrt.export.onnx_from_transformer import onnx_from_transformer
from artrt.export.transformer_parity import cpu_stage
from artrt.export.web.web_form import MOST_OUTPUTS, web_form


def test_no_node_has_many_outputs_and_nothing_changes(transformer, style, picture, tmp_path):
    model = onnx_from_transformer(transformer)
    assert max(len(node.output) for node in model.graph.node) > MOST_OUTPUTS
    form = web_form(model)
    assert max(len(node.output) for node in form.graph.node) <= MOST_OUTPUTS
    image = picture(72, 100)
    paintings = [cpu_stage(graph, tmp_path)(image, style=style) for graph in (model, form)]
    assert np.array_equal(*paintings)
    assert paintings[0].std() > 5
