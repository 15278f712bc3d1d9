"""model2vec and fastembed with their real loading code, on folders that the tests make: no network is asked."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from dreamkeep_server.embedding.builtin import FOLDER, MiniLM
from dreamkeep_server.embedding.embedder import Embedder, EmbedderError
from dreamkeep_server.embedding.opening import open_embedder

BGE = "BAAI/bge-small-en-v1.5"
WORDS = ("[UNK]", "ana", "likes", "tea", "coffee", "rain")
TEXTS = ("Ana likes tea", "coffee", "rain and more rain", "tea " * 30_000, "half \ud83d tea \x00")
OFFLINE = """
import sys
from dreamkeep_server.embedding.embedder import EmbedderError
from dreamkeep_server.embedding.opening import open_embedder
try:
    open_embedder(sys.argv[1])
except EmbedderError as error:
    print(error)
"""


def save_model2vec(folder: Path, seed: int = 1) -> None:
    from model2vec import StaticModel

    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    vectors = np.random.default_rng(seed).standard_normal((len(WORDS), 8)).astype(np.float32)
    StaticModel(vectors, tokenizer).save_pretrained(folder)


def save_fastembed(folder: Path) -> None:
    """The package's own model, in the files of the one that fastembed calls BAAI/bge-small-en-v1.5."""
    folder.mkdir()
    shutil.copyfile(FOLDER / "model.onnx", folder / "model_optimized.onnx")
    vocabulary = (FOLDER / "vocab.txt").read_text(encoding="utf-8").split("\n")
    tokenizer = Tokenizer(
        models.WordPiece({token: number for number, token in enumerate(vocabulary) if token}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 101), ("[SEP]", 102)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 256, "pad_token": "[PAD]"}))
    (folder / "config.json").write_text(json.dumps({"pad_token_id": 0}))


def opened(setting: str) -> Embedder:
    embedder = open_embedder(setting)
    assert embedder is not None
    return embedder


@pytest.fixture
def static(tmp_path: Path) -> Path:
    save_model2vec(tmp_path / "static")
    return tmp_path / "static"


@pytest.fixture
def fast(tmp_path: Path) -> Path:
    save_fastembed(tmp_path / "fast")
    return tmp_path / "fast"


def test_a_model2vec_folder_gives_vectors_that_depend_on_no_neighbour(static: Path) -> None:
    embedder = opened(f"model2vec:{static}")
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.dimensions) == (len(TEXTS), 8)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert np.array_equal(vectors, np.concatenate([embedder.embed([text]) for text in TEXTS]))
    assert embedder.embed([]).shape == (0, 8)


def test_model2vec_says_which_text_it_knows_no_word_of_when_asked_one_by_one(static: Path) -> None:
    embedder = opened(f"model2vec:{static}")
    with pytest.raises(EmbedderError, match="knows no word"):
        embedder.embed(["tea", "数据库"])
    assert embedder.embed(["tea"]).shape == (1, 8)


def test_threads_may_use_one_model2vec_at_once(static: Path) -> None:
    embedder = opened(f"model2vec:{static}")
    expected = embedder.embed(TEXTS)
    with ThreadPoolExecutor(4) as threads:
        assert all(np.array_equal(vectors, expected) for vectors in threads.map(embedder.embed, [TEXTS] * 8))


def test_a_model2vec_recipe_follows_the_model_and_not_its_place(static: Path, tmp_path: Path) -> None:
    recipe = opened(f"model2vec:{static}").recipe
    moved = tmp_path / "elsewhere" / "static"
    shutil.copytree(static, moved)
    assert opened(f"model2vec:{moved}").recipe == recipe
    save_model2vec(moved, seed=2)
    assert opened(f"model2vec:{moved}").recipe != recipe


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_damaged_model2vec_folder_is_told_in_a_sentence(static: Path, name: str) -> None:
    (static / name).write_bytes((static / name).read_bytes()[:20])
    with pytest.raises(EmbedderError, match=r"^The embedder model2vec:.* failed: .+Give a folder with a model"):
        opened(f"model2vec:{static}")


def test_a_folder_without_a_model_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match="failed: Could not find expected model files"):
        opened(f"model2vec:{tmp_path}")


def test_a_fastembed_folder_gives_the_vectors_of_its_model(fast: Path, minilm: MiniLM) -> None:
    embedder = opened(f"fastembed:{BGE}@{fast}")
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.dimensions) == (len(TEXTS), 384)
    assert np.allclose(vectors, minilm.embed([text.replace("\ud83d", "?") for text in TEXTS]), atol=1e-5)
    assert embedder.embed([]).shape == (0, 384)


def test_a_fastembed_recipe_follows_the_files(fast: Path) -> None:
    recipe = opened(f"fastembed:{BGE}@{fast}").recipe
    assert opened(f"fastembed:{BGE}@{fast}").recipe == recipe
    (fast / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 16, "pad_token": "[PAD]"}))
    assert opened(f"fastembed:{BGE}@{fast}").recipe != recipe


@pytest.mark.parametrize("name", ["model_optimized.onnx", "tokenizer.json"])
def test_a_damaged_fastembed_folder_is_told_in_a_sentence(fast: Path, name: str) -> None:
    (fast / name).write_bytes(b"{")
    with pytest.raises(EmbedderError, match=r"^The embedder fastembed:.* failed: .+Give a name that fastembed lists"):
        opened(f"fastembed:{BGE}@{fast}")


def test_a_name_that_fastembed_does_not_know_is_told_in_a_sentence() -> None:
    with pytest.raises(EmbedderError, match=r"fastembed:acme/none failed: Model acme/none is not supported"):
        opened("fastembed:acme/none")


@pytest.mark.parametrize("setting", ["model2vec:acme/no-such-model", f"fastembed:{BGE}"])
def test_a_model_that_cannot_be_downloaded_is_told_in_a_sentence(setting: str, tmp_path: Path) -> None:
    """In a process of its own: whether there is a network is read when the packages are imported."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", OFFLINE, setting], check=True, capture_output=True, text=True, env=environment
    )
    (sentence,) = ran.stdout.splitlines()
    assert sentence.startswith(f"The embedder {setting} failed: ")
    assert "download" in sentence
