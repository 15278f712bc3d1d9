"""Settings of an embedder: which forms there are, and that looking at one imports nothing slow."""

import subprocess
import sys

import pytest

from dreamkeep_server.embedding.opening import check_setting, open_embedder


@pytest.mark.parametrize(
    ("setting", "same"),
    [
        ("minilm", "minilm"),
        (" MiniLM ", "minilm"),
        ("none", "none"),
        ("model2vec:minishlab/potion-base-8M", "model2vec:minishlab/potion-base-8M"),
        ("model2vec: /models/with space", "model2vec:/models/with space"),
        ("fastembed:BAAI/bge-small-en-v1.5", "fastembed:BAAI/bge-small-en-v1.5"),
        (r"fastembed:BAAI/bge-small-en-v1.5@C:\models\bge", r"fastembed:BAAI/bge-small-en-v1.5@C:\models\bge"),
        ("openai:nomic-embed-text@http://127.0.0.1:11434/v1/", "openai:nomic-embed-text@http://127.0.0.1:11434/v1"),
        ("openai:@cf/baai/bge@https://api.example/v4/ai/v1", "openai:@cf/baai/bge@https://api.example/v4/ai/v1"),
    ],
)
def test_a_setting_is_kept_without_what_does_not_matter(setting: str, same: str) -> None:
    assert check_setting(setting) == same
    assert check_setting(same) == same


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("", "names no embedder; there are: minilm, none"),
        ("minilm:small", "names no embedder"),
        ("bert", "names no embedder"),
        ("model2vec:", "names no embedder"),
        ("fastembed:@/models", "fastembed:NAME@FOLDER"),
        ("fastembed:name@", "fastembed:NAME@FOLDER"),
        ("openai:model", "needs a model and a base URL"),
        ("openai:@http://127.0.0.1/v1", "needs a model and a base URL"),
        ("openai:model@ftp://127.0.0.1/v1", "needs a model and a base URL"),
        ("openai:model@http://", "needs a model and a base URL"),
        ("openai:model@http://127.0.0.1:port/v1", "needs a model and a base URL"),
        ("openai:model@http://[::1/v1", "needs a model and a base URL"),
        ("openai:model@http://two words/v1", "needs a model and a base URL"),
        ("openai:model@https://ana:secret@example.org/v1", "takes no name, password"),
        ("openai:model@https://example.org/v1?key=secret", "takes no name, password"),
    ],
)
def test_a_setting_of_no_known_form_is_refused_in_a_sentence(setting: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        check_setting(setting)
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match=says):
        open_embedder(setting)


def test_none_is_no_embedder() -> None:
    assert open_embedder("none") is None


def test_the_default_opens() -> None:
    embedder = open_embedder("minilm")
    assert embedder is not None
    assert embedder.embed(["tea"]).shape == (1, embedder.dimensions)


def test_looking_at_a_setting_imports_nothing_slow() -> None:
    program = (
        "import sys; from dreamkeep_server.embedding.opening import check_setting; check_setting('minilm');"
        "print([name for name in ('numpy', 'onnxruntime', 'httpx2', 'stamina', 'pydantic', 'model2vec', 'fastembed')"
        " if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("package", "setting", "says"),
    [
        ("onnxruntime", "minilm", "needs onnxruntime"),
        ("model2vec", "model2vec:x", r"pip install 'dreamkeep\[model2vec\]'"),
        ("fastembed", "fastembed:x", r"pip install 'dreamkeep\[fastembed\]'"),
    ],
)
def test_a_package_that_is_not_installed_is_named(
    package: str, setting: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dreamkeep_server.embedding.embedder import EmbedderError

    monkeypatch.setitem(sys.modules, package, None)  # what the import system keeps for a package that is not there
    with pytest.raises(EmbedderError, match=says):
        open_embedder(setting)
