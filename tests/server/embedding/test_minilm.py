"""The embedder that comes with the package: its files, and what its vectors promise."""

import hashlib
import shutil
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dreamkeep_server.embedding.builtin import (
    DIMENSIONS,
    FOLDER,
    MODEL_SHA256,
    RECIPE,
    VOCABULARY_SHA256,
    MiniLM,
    open_minilm,
)
from dreamkeep_server.embedding.embedder import EmbedderError

SENTENCES = (
    "Ana prefers pnpm over npm.",
    "The staging database listens on port 5433.",
    "Deploys are frozen on Fridays.",
    "Das Team trifft sich jeden Dienstag um zehn.",
    "数据库在周末备份。",
    "Команда пишет на Python и Go.",
    "الفريق يجتمع يوم الأحد",
    "टीम सोमवार को मिलती है",
    "🙂🚀",
    "\x00\x07\x1b",
    "\u200b\u202e",
    "half a character: \ud83d",
    "[CLS] [SEP] [MASK]",
    "x" * 5_000,
)
PARAPHRASES = (
    ("Ana likes to work with dark themes.", "Ana prefers a dark colour scheme."),
    ("The invoice must be paid within thirty days.", "Payment of the bill is due in a month."),
    ("Her daughter starts school in September.", "In autumn her little girl begins first grade."),
    ("The server crashed because the disk was full.", "No space was left on the drive, so the machine went down."),
    ("He is allergic to peanuts.", "Nuts make him sick."),
    ("Tests run on every push.", "Each commit triggers the continuous integration checks."),
)


def test_the_files_are_those_whose_hashes_stand_in_the_code() -> None:
    for name, sha256 in (("model.onnx", MODEL_SHA256), ("vocab.txt", VOCABULARY_SHA256)):
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == sha256
        assert f"`{sha256}`" in (FOLDER / "PROVENANCE.md").read_text(encoding="utf-8")


def test_the_licence_is_beside_the_model() -> None:
    assert "Apache License" in (FOLDER / "LICENSE").read_text(encoding="utf-8")


def test_vectors_are_finite_of_unit_length_and_as_wide_as_promised(minilm: MiniLM) -> None:
    vectors = minilm.embed(SENTENCES)
    assert vectors.shape == (len(SENTENCES), minilm.dimensions) == (len(SENTENCES), DIMENSIONS)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_no_texts_give_no_vectors(minilm: MiniLM) -> None:
    assert minilm.embed([]).shape == (0, DIMENSIONS)


@given(texts=st.lists(st.sampled_from(SENTENCES) | st.text("aé 中.\x00🙂", max_size=12), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_text_has_the_same_vector_whatever_is_beside_it_and_in_whatever_order(
    minilm: MiniLM, texts: list[str]
) -> None:
    together = minilm.embed(texts)
    assert np.array_equal(together[::-1], minilm.embed(texts[::-1]))
    assert np.array_equal(together, np.concatenate([minilm.embed([text]) for text in texts]))


def test_two_loads_give_the_same_vectors(minilm: MiniLM) -> None:
    assert np.array_equal(open_minilm().embed(SENTENCES), minilm.embed(SENTENCES))


def test_threads_that_embed_at_once_get_their_own_vectors(minilm: MiniLM) -> None:
    expected = minilm.embed(SENTENCES)
    turns = [deque(range(len(SENTENCES))) for _ in range(8)]
    for number, turn in enumerate(turns):
        turn.rotate(number)
    texts = [[SENTENCES[place] for place in turn] for turn in turns]
    with ThreadPoolExecutor(4) as threads:
        given = list(threads.map(minilm.embed, texts))
    for turn, vectors in zip(turns, given, strict=True):
        assert np.array_equal(vectors, expected[list(turn)])


def test_only_the_beginning_of_a_very_long_text_counts(minilm: MiniLM) -> None:
    long = "The harbour master keeps the tide tables in the green cupboard. " * 1_600
    assert len(long) > 100_000
    assert np.array_equal(minilm.embed([long]), minilm.embed([long[:20_000]]))


def test_what_means_the_same_is_nearer_than_what_does_not(minilm: MiniLM) -> None:
    left = minilm.embed([pair[0] for pair in PARAPHRASES])
    right = minilm.embed([pair[1] for pair in PARAPHRASES])
    cosines = left @ right.T
    same = cosines.diagonal()
    other = cosines[~np.eye(len(PARAPHRASES), dtype=bool)]
    assert (cosines.argmax(axis=1) == np.arange(len(PARAPHRASES))).all()
    assert same.min() > other.max()


def test_a_recipe_stands_for_these_vectors() -> None:
    """Whoever changes what a vector is changes the recipe too: kept vectors would mean something else."""
    beginnings = open_minilm().embed(["Ana prefers pnpm over npm.", "数据库在周末备份。"])[:, :6]
    assert (
        RECIPE
        == "all-MiniLM-L6-v2 model=1ccf54dcc826 vocabulary=07eced375cec tokenizer=wordpiece-uncased-256 pooling=mean "
        "form=onnx-dynamic-int8 version=1"
    )
    assert MODEL_SHA256.startswith("1ccf54dcc826")
    assert VOCABULARY_SHA256.startswith("07eced375cec")
    assert np.allclose(
        beginnings,
        [
            [0.043, -0.045, -0.049, -0.032, 0.062, 0.005],
            [0.053, 0.092, 0.040, 0.060, -0.010, 0.041],
        ],
        atol=0.02,  # another processor rounds in another place
    )


@pytest.mark.parametrize("name", ["model.onnx", "vocab.txt"])
def test_a_missing_file_is_named_and_what_to_do_is_said(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "minilm"
    shutil.copytree(FOLDER, folder)
    (folder / name).unlink()
    with pytest.raises(EmbedderError, match=rf"cannot read .*{name}.*reinstall dreamkeep\.$"):
        open_minilm(folder)


@pytest.mark.parametrize("name", ["model.onnx", "vocab.txt"])
def test_a_damaged_file_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "minilm"
    shutil.copytree(FOLDER, folder)
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(EmbedderError, match=rf"{name} damaged.*reinstall dreamkeep\.$"):
        open_minilm(folder)


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "minilm"
    shutil.copytree(FOLDER, folder)
    (folder / "model.onnx").write_bytes(b"")
    with pytest.raises(EmbedderError, match="damaged"):
        open_minilm(folder)
