"""What may need a change: a closed union of candidates, found without a model and without taste.

Every rule about when two entries are one lives in `words`, `slots` and `likeness`; here they are applied to
the entries of a material, in order of id, so that the order in which they came does not matter.
"""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from dreamkeep_server import staleness
from dreamkeep_server.dream import denials, likeness, paraphrase, slots, turns, words
from dreamkeep_server.dream.injection import looks_like_instruction, may_instruct
from dreamkeep_server.dream.nearness import Nearness, Vectors
from dreamkeep_server.dream.statements import Statement, find_statements
from dreamkeep_server.dream.survivors import ranked, survivor
from dreamkeep_store.models import Entry, EntryId, Material, Transcript

_OPPOSED_FROM: Final = 0.7
_QUANTITY_FROM: Final = 0.85
_PASSES: Final = 7
"""How often all entries are gone through; once more where they are compared by meaning."""
_ENTRIES_A_STEP: Final = 256
STALE_A_DREAM_MAX: Final = 25
"""How many stale entries one dream asks about; the next one asks about the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactDuplicates:
    """Entries with the same text, letter for letter."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SameWords:
    """Entries that differ in letter case, white space, quotes or sentence punctuation only."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NearDuplicates:
    """Entries that are alike to the first one, with nothing that keeps them apart from it."""

    entries: tuple[Entry, ...]
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotValues:
    """Two values of one attribute of one subject, each as the entries that say it in the same words."""

    slot: str
    newer: tuple[Entry, ...]
    older: tuple[Entry, ...]
    certain: bool
    """Whether there is no doubt that it is one slot, and that the newer value came later."""
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opposed:
    """Two entries that are alike, but for a denial, a quantity, an opposite or a figure."""

    entries: tuple[Entry, Entry]
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """An ephemeral entry whose time is over."""

    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """A standard entry that nobody asserted or used for long."""

    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructing:
    """Entries with the same words, which read like an order to the memory or to an agent."""

    entries: tuple[Entry, ...]
    why: str
    """What they look like, as a phrase for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputed:
    """An entry that was found wrong or outdated more often than useful."""

    entry: Entry
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What one session stated."""

    statement: Statement
    transcript: Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """What at least two sessions stated, once for each, the earliest first."""

    statements: tuple[Statement, ...]
    transcripts: tuple[Transcript, ...]


Candidate = (
    ExactDuplicates
    | SameWords
    | NearDuplicates
    | SlotValues
    | Opposed
    | Expired
    | Stale
    | Instructing
    | Disputed
    | Stated
    | Repeated
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """The entries that say the same words, and the one they would become."""

    entries: tuple[Entry, ...]
    as_one: Entry


def entries_of(candidate: Candidate) -> tuple[Entry, ...]:
    """Return the entries that a judgement of this candidate may name."""
    match candidate:
        case ExactDuplicates() | SameWords() | NearDuplicates() | Opposed() | Instructing():
            return candidate.entries
        case SlotValues():
            return candidate.newer + candidate.older
        case Expired() | Stale() | Disputed():
            return (candidate.entry,)
        case Stated() | Repeated():
            return ()


class _Steps:
    """How far the search is; it goes through the entries several times."""

    def __init__(self, watch: Callable[[int, int], None] | None, total: int) -> None:
        self._watch = watch
        self._done = 0
        self._total = total

    def step(self, count: int = 1) -> None:
        """So many entries more were gone through."""
        before = self._done
        self._done = min(before + count, self._total)
        if self._watch is not None and self._done // _ENTRIES_A_STEP > before // _ENTRIES_A_STEP:
            self._watch(self._done, self._total)

    def over(self, said: Iterable["_Said"]) -> Iterator["_Said"]:
        """The same, noticed one by one."""
        for one in said:
            yield one
            self.step()


def find_candidates(
    material: Material, vectors: Vectors | None = None, watch: Callable[[int, int], None] | None = None
) -> tuple[Candidate, ...]:
    """Return all that a judge should look at, in an order that only the material's content sets.

    With `vectors`, what is near in meaning is found as well; `watch` is told how much is done, of how much.
    """
    entries = sorted(material.entries, key=lambda entry: entry.entry_id)
    steps = _Steps(watch, (_PASSES if vectors is None else _PASSES + 1) * len(entries))
    expired = [entry for entry in entries if staleness.has_expired(entry, material.now)]
    gone = {entry.entry_id for entry in expired}
    said = _say_the_same(entry for entry in entries if entry.entry_id not in gone)
    slot_values = [*_slot_values(steps.over(said)), *_announced(said, steps)]
    slot_values += _turned(said, turns.find_turns([one.as_one for one in said]), _pairs_of(slot_values))
    steps.step(len(said))
    replaced = {entry.entry_id for found in slot_values if found.certain for entry in found.older}
    lasting = [one for one in said if one.as_one.entry_id not in replaced]
    nearness = vectors.of([one.as_one.entry_id for one in lasting]) if vectors is not None else None
    if nearness is not None:
        # Among those that stay: what is replaced for certain replaces nothing else.
        moved = turns.find_moved([one.as_one for one in lasting], nearness)
        slot_values += _turned(lasting, moved, _pairs_of(slot_values))
    instructing = list(_instructing(steps.over(lasting)))
    suspect = {entry.entry_id for found in instructing for entry in found.entries}
    disputed = list(_disputed(lasting, suspect))
    suspect |= {found.entry.entry_id for found in disputed}
    faded = [
        one.as_one
        for one in lasting
        if staleness.has_faded(one.as_one, material.now) and one.as_one.entry_id not in suspect
    ]
    apart = _pairs_of(found for found in slot_values if not found.certain)
    return (
        *(Expired(entry=entry) for entry in expired),
        *_duplicates(said),
        *slot_values,
        *_alike(lasting, apart, nearness, steps),
        *instructing,
        *disputed,
        *(Stale(entry=entry) for entry in _stalest(faded, material)),
        *_stated(material, said),
    )


def _pairs_of(values: Iterable[SlotValues]) -> set[frozenset[EntryId]]:
    return {frozenset((found.newer[0].entry_id, found.older[0].entry_id)) for found in values}


def _stalest(faded: Iterable[Entry], material: Material) -> list[Entry]:
    """Return the first to ask about, the stalest first: a memory of old facts would bury all other changes."""
    in_order = sorted(faded, key=lambda entry: (staleness.freshness(entry, material.now), entry.entry_id))
    return in_order[:STALE_A_DREAM_MAX]


def _say_the_same(entries: Iterable[Entry]) -> list[_Said]:
    """Return the entries, those with the same words together, the survivor of each first."""
    groups: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[words.same_words(entry.content)].append(entry)
    said = [
        _Said(entries=tuple(ranked(group)), as_one=survivor(group) if len(group) > 1 else group[0])
        for group in groups.values()
    ]
    return sorted(said, key=lambda one: one.as_one.entry_id)


def _duplicates(said: Iterable[_Said]) -> Iterator[Candidate]:
    for one in said:
        if len(one.entries) > 1:
            exact = len({entry.content for entry in one.entries}) == 1
            yield ExactDuplicates(entries=one.entries) if exact else SameWords(entries=one.entries)


def _slot_values(said: Iterable[_Said]) -> Iterator[SlotValues]:
    """Yield for every slot its newest value against each of the others."""
    filled: defaultdict[str, list[tuple[slots.Slot, _Said]]] = defaultdict(list)
    for one in said:
        slot = slots.find_slot(one.as_one.content)
        if slot is not None:
            filled[slot.key].append((slot, one))
    for key in sorted(filled):
        by_topic: defaultdict[str, list[tuple[slots.Slot, _Said]]] = defaultdict(list)
        for slot, one in filled[key]:
            by_topic[one.as_one.topic or ""].append((slot, one))
        for topic in sorted(by_topic):
            yield from _values_of_slot(key, by_topic[topic])


def _values_of_slot(key: str, values: Sequence[tuple[slots.Slot, _Said]]) -> Iterator[SlotValues]:
    in_order = sorted(values, key=lambda value: (value[1].as_one.asserted_at, value[1].as_one.entry_id))
    newest, newer = in_order[-1]
    uncertain = 0
    for slot, older in in_order[:-1]:
        if slot.value == newest.value:
            continue
        refined = slots.is_refinement(slot.value, newest.value)
        in_turn = older.as_one.asserted_at < newer.as_one.asserted_at
        certain = slot.plain and newest.plain and newest.replaces and not refined and in_turn
        if not certain:
            if refined or uncertain == likeness.STAR_ENTRIES_MAX - 1:
                continue
            uncertain += 1
        yield SlotValues(
            slot=key,
            newer=newer.entries,
            older=older.entries,
            certain=certain,
            evidence=(f"{key}: {slot.value}, then {newest.value}",),
        )


def _announced(said: Sequence[_Said], steps: _Steps) -> Iterator[SlotValues]:
    """Yield the statements that a newer entry says outright to have ended."""
    # By subject and last word, so that a thousand "the user no longer ..." do not meet each "the user ...".
    ended: defaultdict[tuple[tuple[str, ...], str], list[tuple[slots.Announced, _Said]]] = defaultdict(list)
    for one in steps.over(said):
        announced = slots.find_announced(one.as_one.content)
        if announced is not None:
            ended[announced.subject, words.stem(announced.ended[-1])].append((announced, one))
    if not ended:
        return
    lengths = sorted({len(subject) for subject, _ in ended})
    lasts = {last for _, last in ended}
    for older in said:
        if len(older.as_one.content) > slots.TEXT_CHARACTERS_MAX:
            continue
        tokens = words.tokens(older.as_one.content)
        if not tokens or words.stem(slots.SPELLINGS.get(tokens[-1], tokens[-1])) not in lasts:
            continue
        tokens = slots.bare_subject(tokens)
        for length in lengths:
            if length >= len(tokens):
                break
            for announced, newer in ended.get((tokens[:length], words.stem(tokens[-1])), ()):
                certain = slots.ends(announced, older.as_one.content) if newer is not older else None
                if certain is None or newer.as_one.asserted_at <= older.as_one.asserted_at:
                    continue
                same_topic = newer.as_one.topic == older.as_one.topic
                yield SlotValues(
                    slot=" ".join(announced.subject),
                    newer=newer.entries,
                    older=older.entries,
                    certain=certain and same_topic,
                    evidence=(f"the newer one says that this ended: {' '.join(announced.ended)}",),
                )


def _turned(
    said: Sequence[_Said], found: Iterable[turns.Turn], paired: set[frozenset[EntryId]]
) -> Iterator[SlotValues]:
    """Yield the attitudes that a newer entry contradicts, restates, narrows or says to have changed."""
    for turn in found:
        newer, older = said[turn.newer], said[turn.older]
        if frozenset((newer.entries[0].entry_id, older.entries[0].entry_id)) not in paired:
            yield SlotValues(
                slot=turn.key,
                newer=newer.entries,
                older=older.entries,
                certain=turn.certain,
                evidence=(turn.evidence,),
            )


class _Likeness:
    """How alike the entries of a list are, by words and, where it is known, by meaning."""

    def __init__(self, said: Sequence[_Said], nearness: Nearness | None, steps: _Steps) -> None:
        self.said = said
        self._nearness = nearness
        self._words = [likeness.words_of(one.as_one.content) for one in steps.over(said)]
        self._steps = steps

    def pairs(self) -> list[tuple[int, int]]:
        """The pairs that are worth a look, those with most words in common first."""
        scores = {(pair.left, pair.right): pair.score for pair in likeness.find_pairs(self._words)}
        self._steps.step(len(self.said))
        if self._nearness is not None:
            for left, right in self._nearness.find_pairs(paraphrase.NEAR_FROM, self._steps.step):
                if (left, right) not in scores:
                    scores[left, right] = self.score(left, right)
        return sorted(scores, key=lambda pair: (-scores[pair], pair))

    def score(self, left: int, right: int) -> float:
        """How many of their words are the same."""
        return likeness.score(self._words[left], self._words[right])

    def cosine(self, left: int, right: int) -> float | None:
        """How near they are in meaning; None where that is not known."""
        return self._nearness.cosine(left, right) if self._nearness is not None else None

    def difference(self, left: int, right: int) -> words.Difference | None:
        """What keeps them apart."""
        return words.difference(self.said[left].as_one.content, self.said[right].as_one.content)

    def differs_in_figure(self, left: int, right: int) -> bool:
        """Whether they are one but for one figure."""
        return likeness.differs_in_figure(self._words[left], self._words[right])

    def may_say_the_same(self, left: int, right: int) -> bool:
        """Whether they are alike enough, whatever keeps them apart."""
        cosine = self.cosine(left, right)
        if cosine is None:
            return likeness.is_alike(self._words[left], self._words[right], self.score(left, right))
        return paraphrase.is_paraphrase(self.said[left].as_one.content, self.said[right].as_one.content, cosine)

    def are_alike(self, left: int, right: int) -> bool:
        """Whether they are alike enough, and nothing keeps them apart."""
        return self.may_say_the_same(left, right) and self.difference(left, right) is None

    def evidence(self, star: Sequence[int]) -> tuple[str, ...]:
        """How alike the rays of a star are to its centre, for a person."""
        pairs = [(star[0], ray) for ray in star[1:]]
        told = f"{min(self.score(*pair) for pair in pairs):.0%} or more of the words are the same"
        cosines = [cosine for pair in pairs if (cosine := self.cosine(*pair)) is not None]
        return (told, f"near in meaning ({min(cosines):.2f} or more)") if cosines else (told,)


def _alike(
    said: Sequence[_Said], apart: set[frozenset[EntryId]], nearness: Nearness | None, steps: _Steps
) -> Iterator[Candidate]:
    """Yield the stars of near duplicates, the pairs that something keeps apart, and what is denied outright."""
    known = _Likeness(said, nearness, steps)
    alike: list[tuple[int, int]] = []
    opposed: dict[tuple[int, int], Opposed] = {}
    for pair in known.pairs():
        here, there = said[pair[0]].as_one, said[pair[1]].as_one
        if frozenset((here.entry_id, there.entry_id)) in apart:
            continue
        score, may_be_same = known.score(*pair), known.may_say_the_same(*pair)
        differs_in_figure = known.differs_in_figure(*pair)
        if not (may_be_same or differs_in_figure or score >= _OPPOSED_FROM):
            continue
        differs = known.difference(*pair)
        if differs is None:
            if may_be_same:
                alike.append(pair)
        elif _is_opposed(differs, score, differs_in_figure=differs_in_figure):
            evidence = (differs.text, f"{score:.0%} of the words are the same")
            opposed[pair] = Opposed(entries=(here, there), evidence=evidence)
    alike.sort(key=lambda pair: (-(known.cosine(*pair) or known.score(*pair)), pair))
    for star in likeness.make_stars(alike, known.are_alike):
        yield NearDuplicates(entries=tuple(said[at].as_one for at in star), evidence=known.evidence(star))
    yield from opposed.values()
    yield from _denied(said, nearness, apart, opposed)
    steps.step(len(said))


def _denied(
    said: Sequence[_Said],
    nearness: Nearness | None,
    apart: set[frozenset[EntryId]],
    opposed: Container[tuple[int, int]],
) -> Iterator[Opposed]:
    """Yield the entries that speak of what another one says never was, each two once."""
    met: set[tuple[int, int]] = set()
    for denied in denials.find_denied([one.as_one.content for one in said], nearness):
        pair = (denied.denial, denied.other) if denied.denial < denied.other else (denied.other, denied.denial)
        entries = (said[pair[0]].as_one, said[pair[1]].as_one)
        if pair in opposed or pair in met or frozenset(entry.entry_id for entry in entries) in apart:
            continue
        met.add(pair)
        yield Opposed(entries=entries, evidence=(f'one says that this never was: "{denied.what}"',))


def _is_opposed(differs: words.Difference, score: float, *, differs_in_figure: bool) -> bool:
    """Say whether the difference makes a contradiction likely, rather than another fact of the same form."""
    match differs.kind:
        case "denial" | "opposite":
            return score >= _OPPOSED_FROM
        case "quantity":
            return score >= _QUANTITY_FROM
        case "specific":
            return differs_in_figure
        case "question" | "subject":
            return False


def _instructing(said: Iterable[_Said]) -> Iterator[Instructing]:
    for one in said:
        content = one.as_one.content
        why = looks_like_instruction(content) if may_instruct(content) else None
        if why is not None:
            yield Instructing(entries=one.entries, why=why)


def _disputed(said: Iterable[_Said], suspect: set[EntryId]) -> Iterator[Disputed]:
    for one in said:
        for entry in one.entries:
            usage = entry.usage
            if max(usage.wrong, usage.outdated) > usage.useful and entry.entry_id not in suspect:
                counts = f"reported wrong {usage.wrong}, outdated {usage.outdated}, useful {usage.useful} times"
                yield Disputed(entry=entry, evidence=(counts,))


def _stated(material: Material, said: Sequence[_Said]) -> Iterator[Candidate]:
    """Yield what sessions stated and the memory does not say, the same statement of several as one."""
    if not material.transcripts:
        return
    live = {words.same_words(one.as_one.content) for one in said}
    found: defaultdict[str, dict[str, tuple[Statement, Transcript]]] = defaultdict(dict)
    for transcript in sorted(material.transcripts, key=lambda transcript: transcript.session.session_id):
        for statement in find_statements(transcript):
            key = words.same_words(statement.content)
            if key and key not in live:
                found[key].setdefault(transcript.session.session_id, (statement, transcript))
    for key in sorted(found):
        by_time = sorted(found[key].values(), key=lambda stated: (stated[0].asserted_at, stated[1].session.session_id))
        if len(by_time) > 1:
            yield Repeated(
                statements=tuple(statement for statement, _ in by_time),
                transcripts=tuple(transcript for _, transcript in by_time),
            )
        else:
            yield Stated(statement=by_time[0][0], transcript=by_time[0][1])
