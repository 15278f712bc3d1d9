"""The committed model is what its script builds from the published weights."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from dreamkeep_server.embedding.builtin import FOLDER, MiniLM
from dreamkeep_server.embedding.wordpiece import WordPiece

BUILD = Path(__file__).parents[3] / "server" / "minilm" / "build.py"
TEXTS = (
    "Ana prefers pnpm over npm.",
    "Das Team trifft sich jeden Dienstag um zehn.",
    "The staging database listens on port 5433, and the production one on 5432.",
    "She keeps the tide tables in the green cupboard beside the door. " * 30,
)


def test_a_rebuild_gives_the_same_vectors(minilm: MiniLM, tmp_path: Path) -> None:
    weights = os.environ.get("MINILM_WEIGHTS")
    if weights is None:
        pytest.skip("MINILM_WEIGHTS names no folder with model.safetensors; server/minilm/build.py says how to get it")
    missing = [package for package in ("onnx", "safetensors") if find_spec(package) is None]
    if missing:
        pytest.skip(f"building the model needs {' and '.join(missing)}; pip install them")
    import onnxruntime  # pyright: ignore[reportMissingTypeStubs]  # it has none

    subprocess.run([sys.executable, str(BUILD), weights, str(tmp_path)], check=True, capture_output=True)
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    rebuilt = MiniLM(session, WordPiece((tmp_path / "vocab.txt").read_text(encoding="utf-8")))
    assert (rebuilt.embed(TEXTS) * minilm.embed(TEXTS)).sum(axis=1).min() > 0.999
    assert (tmp_path / "vocab.txt").read_bytes() == (FOLDER / "vocab.txt").read_bytes()
