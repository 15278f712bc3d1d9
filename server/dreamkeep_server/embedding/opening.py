"""Which embedder a setting names. Numbers, models and clients are imported when one is opened, not before."""

import re
from dataclasses import dataclass
from typing import Literal, assert_never
from urllib.parse import SplitResult, urlsplit

from dreamkeep_server.embedding.embedder import Embedder

FORMS = "minilm, none, model2vec:NAME-OR-FOLDER, fastembed:NAME, fastembed:NAME@FOLDER, openai:MODEL@BASE-URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfModel2Vec:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfFastEmbed:
    name: str
    folder: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfEndpoint:
    model: str
    base_url: str


type_of_choice = Literal["minilm", "none"] | _OfModel2Vec | _OfFastEmbed | _OfEndpoint


def check_setting(setting: str) -> str:
    """The setting, without what does not matter in it (blanks around it, a slash behind a URL).

    Raises ValueError, in one sentence, when it has no known form. Whether the model is there, opening says.
    """
    choice = _parsed(setting)
    match choice:
        case "minilm" | "none" as plain:
            return plain
        case _OfModel2Vec(name=name):
            return f"model2vec:{name}"
        case _OfFastEmbed(name=name, folder=folder):
            return f"fastembed:{name}" if folder is None else f"fastembed:{name}@{folder}"
        case _OfEndpoint(model=model, base_url=base_url):
            return f"openai:{model}@{base_url}"
        case _:
            assert_never(choice)


def open_embedder(setting: str, *, key: str | None = None) -> Embedder | None:
    """The embedder that `setting` names, ready to embed, or None for "none".

    It blocks: a tenth of a second for `minilm`, a download for others the first time, a request for an
    endpoint, to which `key` goes as a bearer token. Raises EmbedderError when it cannot be opened, and
    ValueError as `check_setting`.
    """
    choice = _parsed(setting)
    match choice:
        case "none":
            return None
        case "minilm":
            from dreamkeep_server.embedding.builtin import open_minilm

            return open_minilm()
        case _OfModel2Vec(name=name):
            from dreamkeep_server.embedding.with_model2vec import open_model2vec

            return open_model2vec(name)
        case _OfFastEmbed(name=name, folder=folder):
            from dreamkeep_server.embedding.with_fastembed import open_fastembed

            return open_fastembed(name, folder)
        case _OfEndpoint(model=model, base_url=base_url):
            from dreamkeep_server.embedding.endpoint import Endpoint

            return Endpoint(model=model, base_url=base_url, key=key)
        case _:
            assert_never(choice)


def _parsed(setting: str) -> type_of_choice:
    kind, colon, rest = setting.strip().partition(":")
    match kind.strip().lower(), rest.strip():
        case ("minilm" | "none") as plain, "" if not colon:
            return plain
        case "model2vec", name if name:
            return _OfModel2Vec(name=name)
        case "fastembed", name if name:
            model, at, folder = (part.strip() for part in name.partition("@"))
            if not model or (at and not folder):
                raise ValueError(f"{setting!r} lacks a model's name or a folder; write fastembed:NAME@FOLDER.")
            return _OfFastEmbed(name=model, folder=folder or None)
        case "openai", name if name:
            return _endpoint(name)
        case _:
            raise ValueError(f"{setting!r} names no embedder; there are: {FORMS}.")


def _endpoint(name: str) -> _OfEndpoint:
    """MODEL@BASE-URL; a model's name may hold an @ of its own.

    The sentences do not repeat what was set: somebody may have put a password into the address.
    """
    found = re.fullmatch(r"(.+?)\s*@\s*(https?://.+)", name, re.IGNORECASE)
    parts = None if found is None else _split(found[2])
    if found is None or parts is None:
        raise ValueError(
            "The embedder openai: needs a model and a base URL, such as openai:my-model@http://127.0.0.1:8080/v1."
        )
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError(
            "The base URL of an embeddings endpoint takes no name, password, query or fragment; set the key apart."
        )
    return _OfEndpoint(model=found[1], base_url=found[2].rstrip("/"))


def _split(address: str) -> SplitResult | None:
    """The address in its parts, or None when no request could go to it."""
    try:
        parts = urlsplit(address)
        reachable = bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, an open bracket
        return None
    return parts if reachable and not re.search(r"\s", address) else None
