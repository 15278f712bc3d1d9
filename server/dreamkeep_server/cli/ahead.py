"""What the next dream would make of an entry, for `explain`: looking, and telling a person."""

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from dreamkeep_server.cli.opening import Opened, is_terminal
from dreamkeep_server.cli.text import one_line, plain, plural
from dreamkeep_store.models import Entry, Material

if TYPE_CHECKING:
    from dreamkeep_server.dream.nearness import Vectors
    from dreamkeep_server.dream.outlook import Outlook, Prospect

VECTORS_A_PAGE = 20_000
SLOW_FROM_ENTRIES = 20_000
TEXT_CHARACTERS_MAX = 160
OTHERS_SHOWN_MAX = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What the next dream would make of an entry, and what was not looked at."""

    outlook: "Outlook"
    texts: dict[str, str]
    """What the other entries say, by their id."""
    left_out: tuple[str, ...]


async def look(opened: Opened, entry: Entry) -> Ahead:
    """Find out what the rules judge would make of a live entry; nothing is written, and no model is asked."""
    import anyio.to_thread

    from dreamkeep_server.dream.outlook import look_ahead

    material = await opened.stores.prospective_material(entry.store, base=None, wanted=())
    if len(material.entries) > SLOW_FROM_ENTRIES and is_terminal():
        click.echo(f"Looking through {len(material.entries):,} entries ...", err=True)
    vectors = await _vectors(opened, entry, material)
    outlook = await anyio.to_thread.run_sync(look_ahead, material, entry.entry_id, vectors)
    named = {other for prospect in outlook.prospects for other in prospect.others}
    texts = {str(one.entry_id): one.content for one in material.entries if one.entry_id in named}
    return Ahead(outlook=outlook, texts=texts, left_out=await _left_out(opened, material, vectors))


async def _left_out(opened: Opened, material: Material, vectors: "Vectors | None") -> tuple[str, ...]:
    store = material.entries[0].store
    sessions = (await opened.stores.standing(store)).new_sessions
    seen = len(vectors.places) if vectors is not None else 0
    missing = len(material.entries) - seen
    left_out: list[str] = []
    if vectors is None:
        left_out.append("it went by words only: there are no vectors to compare meanings")
    elif missing:
        left_out.append(f"{plural(missing, 'entry', 'entries')} without a vector went by words only")
    if sessions:
        left_out.append(f"{plural(sessions, 'session')} that no dream has read yet")
    left_out.append("a model as the judge may decide otherwise")
    return tuple(left_out)


async def _vectors(opened: Opened, entry: Entry, material: Material) -> "Vectors | None":
    """The vectors that there are by the embedder that is set; none where it has made none."""
    setting = opened.settings.embedder
    recipe = next((one for one in await opened.stores.recipes() if one.setting == setting and one.embedded), None)
    if recipe is None:
        return None
    import numpy as np

    from dreamkeep_server.dream.nearness import Vectors

    rows: dict[int, int] = {}
    pages: list[bytes] = []
    after = 0
    while True:
        page = await opened.stores.read_vectors(
            (entry.store,), recipe.recipe, after={entry.store: after}, limit=VECTORS_A_PAGE
        )
        read = page.stores[entry.store]
        rows.update(zip(read.content_ids, itertools.count(len(rows)), strict=False))
        pages.append(read.vectors)
        after = read.last
        if not page.more:
            break
    opened_by = (await opened.stores.moments(entry.store)).opened
    contents = dict(zip(opened_by[::5], opened_by[2::5], strict=True))
    places = {
        one.entry_id: rows[contents[one.revision_id]]
        for one in material.entries
        if contents.get(one.revision_id) in rows
    }
    whole = np.frombuffer(b"".join(pages), "<f2").reshape(len(rows), recipe.dimensions).astype(np.float32)
    return Vectors(rows=whole, places=places) if places else None


def as_plain(ahead: Ahead) -> dict[str, Any]:
    """As JSON has it."""
    return {
        "prospects": [
            {
                "operation": prospect.change.operation if prospect.change else None,
                "decision": prospect.change.decision if prospect.change else None,
                "risk": prospect.change.risk if prospect.change else None,
                "reason": prospect.why,
                "evidence": list(prospect.evidence),
                "into": [new.content for new in prospect.change.opens] if prospect.change else [],
                "others": list(prospect.others),
                "nothing_because": prospect.without,
            }
            for prospect in ahead.outlook.prospects
        ],
        "nearest": [
            {
                "entry_id": neighbour.entry.entry_id,
                "content": neighbour.entry.content,
                "same_words": round(neighbour.same_words, 4),
                "cosine": neighbour.cosine,
                "apart": neighbour.apart,
            }
            for neighbour in ahead.outlook.neighbours
        ],
        "not_looked_at": plain(ahead.left_out),
    }


def told(ahead: Ahead) -> list[str]:
    """In lines for a person."""
    lines = [line for prospect in ahead.outlook.prospects for line in _of_prospect(prospect, ahead.texts)]
    if not ahead.outlook.prospects:
        lines.append("  next dream: would leave it as it is")
    for neighbour in ahead.outlook.neighbours:
        near = f"{neighbour.same_words:.0%} of the words"
        if neighbour.cosine is not None:
            near += f", meaning {neighbour.cosine:.2f}"
        entry = neighbour.entry
        lines.append(f"    nearest: {entry.entry_id} ({near}; {neighbour.apart})")
        lines.append(f"      {one_line(entry.content, TEXT_CHARACTERS_MAX)}")
    return [*lines, f"    not looked at: {'; '.join(ahead.left_out)}"]


def _of_prospect(prospect: "Prospect", texts: dict[str, str]) -> list[str]:
    change = prospect.change
    if change is None:
        begun = f"  next dream: nothing ({prospect.without})"
    else:
        begun = f"  next dream: {change.operation}, {change.decision}, {change.risk} risk"
    lines = [f"{begun}: {one_line(prospect.why)}"]
    lines += [f"    because {one_line(remark, TEXT_CHARACTERS_MAX)}" for remark in prospect.evidence]
    if change is not None and change.operation == "split":
        lines += [f"    into {one_line(part.content, TEXT_CHARACTERS_MAX)}" for part in change.opens]
    shown = prospect.others[:OTHERS_SHOWN_MAX]
    lines += [f"    with {other}: {one_line(texts[other], TEXT_CHARACTERS_MAX)}" for other in shown]
    if len(prospect.others) > len(shown):
        lines.append(f"    and {len(prospect.others) - len(shown)} more")
    return lines
