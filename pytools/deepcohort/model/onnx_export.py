"""A PileupNet as an ONNX graph, written node by node.

Batch norms and the scale of pixels are folded into the convolutions before it, which the runtime
then fuses with the activation. No exporter package is needed, and the graph is the same every time.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from deepcohort.model.net import SUPPORT, SUPPORT_ALT, PileupNet
from deepcohort.model.types import N_CLASSES

OPSET = 20


class Graph:
    """Nodes and constants of a graph being written."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._count = 0

    def constant(self, value: Any) -> str:
        """Name of a constant."""
        name = f"w{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Name of the output of one node."""
        self._count += 1
        out = f"{op.lower()}{self._count}"
        self.nodes.append(helper.make_node(op, list(inputs), [out], **attributes))
        return out

    def activation(self, layer: nn.Module, x: str) -> str:
        """Name of the output of an activation."""
        if isinstance(layer, nn.ReLU):
            return self.add("Relu", x)
        if isinstance(layer, nn.LeakyReLU):
            return self.add("LeakyRelu", x, alpha=layer.negative_slope)
        if isinstance(layer, nn.ELU):
            return self.add("Elu", x)
        if isinstance(layer, nn.GELU):
            return self.add("Gelu", x, approximate="tanh")
        if isinstance(layer, nn.SiLU):
            return self.add("Mul", x, self.add("Sigmoid", x))
        return self.add("Sigmoid" if isinstance(layer, nn.Sigmoid) else "Tanh", x)

    def linear(self, layer: nn.Linear, x: str) -> str:
        """Name of the output of a dense layer."""
        return self.add(
            "Gemm",
            x,
            self.constant(as_float32(layer.weight)),
            self.constant(as_float32(layer.bias)),
            transB=1,
        )


def as_float32(value: torch.Tensor) -> NDArray[np.float32]:
    """A tensor as a float32 array."""
    return value.detach().cpu().numpy().astype(np.float32)


def _folded(
    conv: nn.Conv1d | nn.Conv2d, norm: nn.Module | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    weight = conv.weight.detach().double()
    bias = conv.bias.detach().double() if conv.bias is not None else torch.zeros(len(weight)).double()
    if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
        assert norm.running_var is not None
        assert norm.running_mean is not None
        scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
        weight = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
        bias = (bias - norm.running_mean.double()) * scale + norm.bias.double()
    return as_float32(weight), as_float32(bias)


def add_sequence(graph: Graph, layers: nn.Sequential, x: str, input_scale: float) -> str:
    """Name of the output of `layers` on `x`, which is multiplied by `input_scale` first."""
    items = list(layers)
    for index, layer in enumerate(items):
        if isinstance(layer, nn.Conv1d | nn.Conv2d):
            following = items[index + 1] if index + 1 < len(items) else None
            weight, bias = _folded(layer, following)
            weight = weight * np.float32(input_scale)
            input_scale = 1.0
            pads = [0, 1, 0, 1] if isinstance(layer, nn.Conv2d) else [1, 1]
            x = graph.add("Conv", x, graph.constant(weight), graph.constant(bias), pads=pads)
        elif isinstance(layer, nn.MaxPool2d):
            x = graph.add("MaxPool", x, kernel_shape=[1, 2], strides=[1, 2])
        elif isinstance(layer, nn.MaxPool1d):
            x = graph.add("MaxPool", x, kernel_shape=[2], strides=[2])
        elif isinstance(layer, nn.Linear):
            x = graph.linear(layer, x)
        elif not isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.Dropout):
            x = graph.activation(layer, x)
    return x


def export_onnx(network: PileupNet, shape: tuple[int, int, int]) -> bytes:
    """ONNX bytes: inputs pixels uint8 (B, channels, rows, columns), features float (B, F); output logits."""
    network = network.eval()
    g = Graph()
    axis = {k: g.constant(np.array([k], np.int64)) for k in (1, 2, 3)}
    plane = g.add(
        "Slice", "pixels", g.constant(np.array([SUPPORT], np.int64)),
        g.constant(np.array([SUPPORT + 1], np.int64)), axis[1],
    )  # fmt: skip
    # (B, 1, R, W) -> (B, 1, R, 1); uint8 maxima are not in every runtime, so cast first
    support = g.add("ReduceMax", g.add("Cast", plane, to=TensorProto.FLOAT), axis[3], keepdims=1)
    zero, half = g.constant(np.float32(0.5)), g.constant(np.float32(SUPPORT_ALT - 0.5))
    there = g.add("Cast", g.add("Greater", support, zero), to=TensorProto.FLOAT)
    alt = g.add("Cast", g.add("Greater", support, half), to=TensorProto.FLOAT)
    pixels = g.add("Cast", "pixels", to=TensorProto.FLOAT)
    x = g.add("Mul", add_sequence(g, network.reads, pixels, 1.0 / 255.0), there)
    one = g.constant(np.float32(1.0))

    def mean(values: str, mask: str) -> str:
        n = g.add("Max", g.add("ReduceSum", mask, axis[2], keepdims=0), one)
        return g.add("Div", g.add("ReduceSum", values, axis[2], keepdims=0), n)

    pooled = g.add(
        "Concat", mean(x, there), mean(g.add("Mul", x, alt), alt),
        g.add("ReduceMax", x, axis[2], keepdims=0), axis=1,
    )  # fmt: skip
    site = g.add("Flatten", add_sequence(g, network.sites, pooled, 1.0), axis=1)
    if network.features is not None:
        known = g.add("Max", "features", g.constant(as_float32(network.standardise.low)))
        known = g.add("Min", known, g.constant(as_float32(network.standardise.high)))
        shifted = g.add("Sub", known, g.constant(as_float32(network.standardise.mean)))
        standard = g.add("Mul", shifted, g.constant(as_float32(network.standardise.scale)))
        site = g.add("Concat", site, add_sequence(g, network.features, standard, 1.0), axis=1)
    logits = add_sequence(g, network.head, site, 1.0)
    g.nodes.append(helper.make_node("Identity", [logits], ["logits"]))
    return model_bytes(g, shape, len(network.standardise.mean), N_CLASSES)


def model_bytes(g: Graph, shape: Sequence[int | str], n_features: int, n_outputs: int) -> bytes:
    """A graph from pixels uint8 (B, *shape) and features float (B, n_features) to logits (B, n_outputs)."""
    graph = helper.make_graph(
        g.nodes,
        "deepcohort",
        [
            helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["B", *shape]),
            helper.make_tensor_value_info("features", TensorProto.FLOAT, ["B", n_features]),
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["B", n_outputs])],
        g.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()
