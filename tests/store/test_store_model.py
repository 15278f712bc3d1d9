"""Any sequence of calls whatever: the store agrees with dicts, version by version.

STORE_MODEL_EXAMPLES says how many sequences are tried; the default is CI's share.
"""

import os
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from unittest.mock import patch

import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dreamkeep_store.database import to_micros
from dreamkeep_store.errors import ConflictError
from dreamkeep_store.models import (
    TIERS,
    Closed,
    DraftChange,
    DreamId,
    Entry,
    EntryId,
    Moments,
    NewEntry,
    NewRevision,
    Operation,
    Switched,
    Tier,
)
from dreamkeep_store.store import Stores, open_stores

from .dreaming import NEW_DREAM, USER, draft, edited, opening, said, shown

T = TypeVar("T")
EXAMPLES = int(os.environ.get("STORE_MODEL_EXAMPLES", "100"))
STEPS = 25
TEXTS = [f"text {letter}" for letter in "abcdef"]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

Says = tuple[str, Tier, tuple[str, ...], str | None, str, datetime]


@dataclass(frozen=True, kw_only=True)
class State:
    """What an entry says, and the write that first said it so."""

    root: int
    says: Says


States = dict[EntryId, State]


@dataclass(kw_only=True)
class ModelChange:
    """A change as the model knows it."""

    number: int
    operation: Operation
    decision: str
    reads: States
    closes: States
    opens: dict[EntryId, Says]
    applied: bool | None = None
    opened: States = field(default_factory=dict[EntryId, State])


@dataclass(kw_only=True)
class ModelDream:
    """A completed dream with a proposal, and where its undecided changes are."""

    dream_id: DreamId
    changes: list[ModelChange]
    version: int
    base: States
    state: str = "proposed"


@dataclass(kw_only=True)
class Mover:
    """A switch or a rollback, as what it did in whole changes."""

    number: int
    kind: str
    steps: list[tuple[str, States, States]]
    """Each with what it closed and what it opened."""
    undone_before: dict[int, int]
    undoes: list[int] = field(default_factory=list[int])
    hand_writes: int = 0


def says(entry: Entry | NewRevision) -> Says:
    return (entry.content, entry.tier, entry.tags, entry.topic, entry.trust, entry.asserted_at)


def without(states: States, gone: Iterable[EntryId]) -> States:
    lost = set(gone)
    return {entry_id: state for entry_id, state in states.items() if entry_id not in lost}


class StoreModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        # Ids are random; hypothesis replays a sequence only when the same ids come again.
        self.seeded = patch("secrets.choice", Random(0).choice)
        self.seeded.start()
        self.folder = tempfile.TemporaryDirectory()
        self.portal_manager = start_blocking_portal()
        self.portal = self.portal_manager.__enter__()
        self.opened = self.portal.wrap_async_context_manager(open_stores(Path(self.folder.name) / "dreamkeep.db"))
        self.stores: Stores = self.opened.__enter__()
        self.live: States = {}
        self.followed: dict[int, tuple[int, int]] = {}
        self.moments: Moments | None = None
        self.roots = 0
        self.hand_writes = 0
        self.ids = 0
        self.asked = 0
        self.versions: dict[int, States] = {1: {}}
        self.order: list[int] = [1]
        """Published versions in order of their seq."""
        self.wrote_since_version = False
        self.digests: dict[int, str] = {}
        self.forgotten: dict[EntryId, State] = {}
        self.said_gone: list[tuple[str, datetime]] = []
        self.ended: dict[EntryId, tuple[EntryId, ...]] = {}
        """What each entry that is not live went into."""
        self.movers: list[Mover] = []
        self.undone: dict[int, int] = {}
        self.dreams: list[ModelDream] = []

    def teardown(self) -> None:
        try:
            for number, digest in self.digests.items():
                assert self.do(self.stores.digest, USER, number) == digest
            assert self.do(self.stores.verify) == []
        finally:
            self.opened.__exit__(None, None, None)
            self.portal_manager.__exit__(None, None, None)
            self.folder.cleanup()
            self.seeded.stop()

    def do(self, call: Callable[..., Awaitable[T]], *arguments: Any, **named: Any) -> T:
        return self.portal.call(partial(call, *arguments, **named))

    # What the model does

    def new_state(self, state_says: Says) -> State:
        self.roots += 1
        return State(root=self.roots, says=state_says)

    def written(self) -> None:
        self.hand_writes += 1
        self.wrote_since_version = True

    def set_live(self, entry_id: EntryId, state: State) -> None:
        self.live[entry_id] = state
        self.ended.pop(entry_id, None)
        self.forgotten.pop(entry_id, None)

    def end(self, entry_id: EntryId, into: tuple[EntryId, ...] = ()) -> None:
        del self.live[entry_id]
        self.ended[entry_id] = into

    def now_says(self, entry_id: EntryId) -> Says:
        (found,) = self.do(self.stores.get_entries, [entry_id])
        assert isinstance(found, Entry)
        return says(found)

    def checkpointed(self, number: int | None) -> None:
        """A checkpoint is taken exactly when something was written since the newest version."""
        assert (number is not None) == self.wrote_since_version
        if number is not None:
            self.published(number)

    def published(self, number: int) -> None:
        self.versions[number] = dict(self.live)
        self.order.append(number)
        self.wrote_since_version = False
        self.digests[number] = self.do(self.stores.digest, USER, number)

    @property
    def proposal(self) -> ModelDream | None:
        return next((dream for dream in self.dreams if dream.state == "proposed"), None)

    def proposed(self, dream: ModelDream) -> States:
        states = dict(dream.base)
        for change in dream.changes:
            if change.decision == "included" and change.applied is None:
                states = without(states, change.closes)
                states |= {entry_id: State(root=0, says=one) for entry_id, one in change.opens.items()}
        return states

    # By hand

    @initialize()
    def first(self) -> None:
        for text in TEXTS[:3]:
            self.remember(text, None, (), None)

    @rule(
        text=st.sampled_from(TEXTS),
        tier=st.none() | st.sampled_from(TIERS),
        tags=st.sampled_from([(), ("x",), ("x", "y")]),
        at=st.none() | st.just(LONG_AGO),
    )
    def remember(self, text: str, tier: Tier | None, tags: tuple[str, ...], at: datetime | None) -> None:
        new = NewEntry(content=text, tier=tier, tags=tags, asserted_at=at)
        kept = self.do(self.stores.remember, USER, new, actor="agent")
        same = [(state.says[5], entry_id) for entry_id, state in self.live.items() if state.says[0] == text]
        if not same:
            assert kept.outcome == "new"
            assert kept.entry_id not in self.live
            was: Says | None = None
            wanted = (text, tier or "standard", tags, None, "agent")
        else:
            assert kept.outcome == "confirmed"
            assert kept.entry_id == min(same)[1]
            was = self.live[kept.entry_id].says
            lasting = min(tier or was[1], was[1], key=TIERS.index)
            wanted = (text, lasting, tuple(sorted({*was[2], *tags})), was[3], was[4])
        now = self.now_says(kept.entry_id)
        assert now[:5] == wanted
        if now != was:
            self.set_live(kept.entry_id, self.new_state(now))
            self.written()

    @precondition(lambda self: self.live)
    @rule(data=st.data(), text=st.sampled_from(TEXTS))
    def replace(self, data: st.DataObject, text: str) -> None:
        ids = data.draw(st.lists(st.sampled_from(sorted(self.live)), min_size=1, max_size=3, unique=True))
        kept = self.do(self.stores.remember, USER, NewEntry(content=text, replaces=tuple(ids)), actor="agent")
        assert kept.entry_id == ids[0]
        assert set(kept.closed) == set(ids[1:])
        for entry_id in ids[1:]:
            self.end(entry_id, (ids[0],))
        was = self.live[ids[0]].says
        now = self.now_says(ids[0])
        assert now[:4] == (text, *was[1:4])
        self.set_live(ids[0], self.new_state(now))
        self.written()

    @precondition(lambda self: self.live)
    @rule(data=st.data(), tier=st.sampled_from(TIERS), add=st.sampled_from([(), ("x",)]))
    def retag(self, data: st.DataObject, tier: Tier, add: tuple[str, ...]) -> None:
        entry_id = data.draw(st.sampled_from(sorted(self.live)))
        was = self.live[entry_id].says
        (entry,) = self.do(self.stores.retag, [entry_id], tier=tier, add_tags=add, remove_tags=["y"], actor="agent")
        tags = tuple(sorted({*was[2], *add} - {"y"}))
        assert says(entry) == (was[0], tier, tags, *was[3:])
        if says(entry) != was:
            self.set_live(entry_id, self.new_state(says(entry)))
            self.written()

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        entry_id = data.draw(st.sampled_from(sorted(self.live)))
        (closed,) = self.do(self.stores.forget, [entry_id], reason="no longer so", actor="agent")
        state = self.live[entry_id]
        self.end(entry_id)
        self.forgotten[entry_id] = state
        self.said_gone.append((state.says[0], closed.closed_at))
        self.written()

    @precondition(lambda self: self.forgotten)
    @rule(data=st.data())
    def unforget(self, data: st.DataObject) -> None:
        entry_id = data.draw(st.sampled_from(sorted(self.forgotten)))
        state = self.forgotten[entry_id]
        (entry,) = self.do(self.stores.unforget, [entry_id], actor="agent")
        assert says(entry) == state.says
        self.set_live(entry_id, state)
        self.written()

    @rule(count=st.integers(1, 3))
    def record_session(self, count: int) -> None:
        session = self.do(
            self.stores.record_session,
            USER,
            said(*[f"message {number}" for number in range(count)]),
            session_id="client-session",
            trust="user",
            redactions=0,
            actor="agent",
        )
        assert session.messages >= count

    # Dreams

    @precondition(lambda self: self.proposal is None)
    @rule(data=st.data(), ending=st.sampled_from(["completed"] * 4 + ["canceled", "failed", "canceled early"]))
    def dream(self, data: st.DataObject, ending: str) -> None:
        base = data.draw(st.none() | st.sampled_from(self.order))
        self.asked += 1
        new = replace(NEW_DREAM, base=base, instructions=f"dream {self.asked}")
        started = self.do(self.stores.start_dream, new).dream
        if base is None:
            taken = started.base if started.base not in self.versions else None
            self.checkpointed(taken)
        base_states = self.versions[started.base]
        if ending == "canceled early":
            self.do(self.stores.cancel_dream, started.dream_id, actor="agent")
            return
        self.do(self.stores.claim_dream, "worker", lease_seconds=60.0)
        shown_entries = self.do(self.stores.material, started.dream_id).entries
        assert {entry.entry_id: says(entry) for entry in shown_entries} == {
            entry_id: state.says for entry_id, state in base_states.items()
        }
        drafts, changes = self.plan(data, shown_entries, base_states)
        number = self.do(self.stores.propose, started.dream_id, 1, drafts, ["One was refused."])
        assert (number is None) == (not drafts)
        if ending == "canceled":
            self.do(self.stores.cancel_dream, started.dream_id, actor="agent")
        elif ending == "failed":
            self.do(self.stores.fail_dream, started.dream_id, 1, "internal_error", "It broke.")
        else:
            self.do(self.stores.complete_dream, started.dream_id, 1, recall_checked=0, recall_kept=0)
        if number is not None:
            state = "proposed" if ending == "completed" else "discarded"
            self.dreams.append(
                ModelDream(dream_id=started.dream_id, changes=changes, version=number, base=base_states, state=state)
            )

    def plan(
        self, data: st.DataObject, entries: Sequence[Entry], base: States
    ) -> tuple[list[DraftChange], list[ModelChange]]:
        """Whole changes; the included ones share no entry, the suggested ones take any."""
        drafts: list[DraftChange] = []
        changes: list[ModelChange] = []
        free = list(entries)
        for number in range(1, data.draw(st.integers(0, 5)) + 1):
            is_included = data.draw(st.booleans())
            pool = free if is_included else list(entries)
            picked = data.draw(
                st.lists(st.sampled_from(pool), max_size=3, unique_by=lambda entry: entry.entry_id)
                if pool
                else st.just([])
            )
            made = self.draft(data, picked)
            if is_included:
                free = [entry for entry in free if entry not in picked]
            made = replace(made, decision="included" if is_included else "suggested")
            drafts.append(made)
            reads = {entry.entry_id: base[entry.entry_id] for entry in picked if entry.revision_id in made.reads}
            closes = {entry.entry_id: base[entry.entry_id] for entry in picked if entry.revision_id in made.closes}
            changes.append(
                ModelChange(
                    number=number,
                    operation=made.operation,
                    decision=made.decision,
                    reads=reads,
                    closes=closes,
                    opens={new.entry_id: says(new) for new in made.opens},
                )
            )
        return drafts, changes

    def draft(self, data: st.DataObject, picked: list[Entry]) -> DraftChange:
        text = data.draw(st.sampled_from([*TEXTS, "text g"]))
        self.ids += 1
        new_id = EntryId(f"e_dream{self.ids:03}")
        if not picked:
            at = data.draw(st.sampled_from([LONG_AGO, datetime.now(UTC) + timedelta(minutes=1)]))
            new = NewRevision(
                entry_id=new_id,
                content=text,
                tier="standard",
                tags=(),
                topic="/themes",
                trust="agent",
                asserted_at=at,
                session_id=None,
            )
            return draft("add", opens=[new])
        first = picked[0]
        match data.draw(st.sampled_from(["merge", "merge anew", "supersede", "archive", "split", "insight", "retier"])):
            case "merge":
                return draft("merge", picked, picked, [opening(first, text)])
            case "merge anew":
                return draft("merge", picked, picked, [opening(first, text, entry_id=new_id)])
            case "supersede":
                return draft("supersede", picked, [first])
            case "archive":
                return draft("archive", [first], [first])
            case "split":
                both = [opening(first, text), opening(first, first.content, entry_id=new_id)]
                return draft("split", [first], [first], both)
            case "insight":
                return draft("insight", picked, [], [opening(first, text, entry_id=new_id)])
            case _:
                return draft("retier", [first], [first], [opening(first, first.content, tier="persistent")])

    # Review

    @precondition(lambda self: self.dreams)
    @rule(data=st.data(), verb=st.sampled_from(["accept", "accept", "reject", "edit"]))
    def decide(self, data: st.DataObject, verb: str) -> None:
        dream = data.draw(st.sampled_from(self.dreams))
        change = data.draw(st.sampled_from(dream.changes))
        refused = self.why_refused(dream, change, verb)
        try:
            match verb:
                case "accept":
                    self.do(self.stores.decide, dream.dream_id, accept=[change.number], actor="user")
                case "reject":
                    self.do(self.stores.decide, dream.dream_id, reject=[change.number], actor="user")
                case _:
                    if len(change.opens) != 1:
                        return
                    edit = edited(change.number, "text edited")
                    self.do(self.stores.decide, dream.dream_id, edit=edit, actor="user")
        except ConflictError:
            assert refused
            return
        assert not refused
        if dream.state == "published" and verb != "reject":
            self.open_next_proposal(dream)
        if verb == "accept":
            change.decision = "included"
        elif verb == "reject":
            change.decision = "rejected"
        else:
            ((entry_id, was),) = change.opens.items()
            change.opens = {entry_id: ("text edited", *was[1:4], "user", was[5])}

    def why_refused(self, dream: ModelDream, change: ModelChange, verb: str) -> str | None:
        if dream.state == "discarded":
            return "discarded"
        if change.applied is not None:
            return "switched to"
        base = dream.base
        if dream.state == "published" and verb != "reject":
            if self.proposal is not None:
                return "another proposal is open"
            base = self.live
        if verb == "edit" and change.decision == "included":
            beside = [one for one in dream.changes if one.decision == "included" and one is not change]
            texts = {says[0] for one in beside if one.applied is None for says in one.opens.values()}
            return "overlaps" if "text edited" in texts else None
        if verb != "accept":
            return None
        for entry_id, state in change.reads.items():
            if any(entry_id not in seen or seen[entry_id].root != state.root for seen in (base, self.live)):
                return "changed since"
        for other in dream.changes:
            if other is change or other.decision != "included" or other.applied is not None:
                continue
            if (
                change.closes.keys() & other.reads.keys()
                or change.reads.keys() & other.closes.keys()
                or change.opens.keys() & other.opens.keys()
                or {one[0] for one in change.opens.values()} & {one[0] for one in other.opens.values()}
            ):
                return "overlaps"
        return None

    def open_next_proposal(self, dream: ModelDream) -> None:
        number = self.do(self.stores.get_dream, dream.dream_id).output_version
        assert number is not None
        if self.wrote_since_version:
            self.checkpointed(number - 1)
        dream.version, dream.state, dream.base = number, "proposed", dict(self.live)

    @precondition(lambda self: self.proposal is not None)
    @rule()
    def discard(self) -> None:
        dream = self.proposal
        assert dream is not None
        self.do(self.stores.discard, dream.dream_id, actor="user")
        dream.state = "discarded"

    # Switching and rolling back

    @precondition(lambda self: self.proposal is not None)
    @rule()
    def switch(self) -> None:
        dream = self.proposal
        assert dream is not None
        live = dict(self.live)
        switched = self.do(self.stores.switch, USER, dream.version, actor="user")
        self.checkpointed(switched.checkpoint)
        steps: list[tuple[str, States, States]] = []
        skipped: list[str] = []
        for change in dream.changes:
            if change.decision != "included" or change.applied is not None:
                continue
            if self.must_skip(change, live):
                skipped.append(f"c{change.number}")
                change.applied = False
                continue
            change.applied = True
            change.opened = {entry_id: self.new_state(one) for entry_id, one in change.opens.items()}
            into = tuple(sorted({*change.opens, *(change.reads.keys() - change.closes.keys())}))
            for entry_id in change.closes:
                self.end(entry_id, into)
            steps.append((f"v{dream.version} c{change.number}", change.closes, change.opened))
        for _, _, opened in steps:
            for entry_id, state in opened.items():
                self.set_live(entry_id, state)
        assert [one.change for one in switched.skipped] == skipped
        assert switched.applied == len(steps)
        assert switched.head == dream.version
        dream.state = "published"
        self.moved(Mover(number=dream.version, kind="dream", steps=steps, undone_before=dict(self.undone)))

    def must_skip(self, change: ModelChange, live: States) -> bool:
        if any(entry_id not in live or live[entry_id].root != one.root for entry_id, one in change.reads.items()):
            return True
        if change.operation not in ("add", "insight"):
            return False
        ((text, *_, at),) = change.opens.values()
        is_live = any(state.says[0] == text for state in live.values())
        return is_live or any(gone == text and when >= at for gone, when in self.said_gone)

    def moved(self, mover: Mover) -> None:
        mover.hand_writes = self.hand_writes
        self.movers.append(mover)
        self.published(mover.number)

    @rule(data=st.data())
    def revert(self, data: st.DataObject) -> None:
        number = data.draw(st.none() | st.sampled_from(self.order))
        movers = self.to_undo(number)
        writes_then = self.writes_at(number)
        try:
            switched = self.do(self.stores.rollback, USER, number, actor="user")
        except ConflictError:
            assert not movers
            return
        assert [mover.number for mover in movers] == list(switched.undone)
        self.checkpointed(switched.checkpoint)
        left = self.undo(movers, switched)
        if number is not None and not left and writes_then == self.hand_writes:
            self.check_live(self.versions[number])

    def writes_at(self, number: int | None) -> int | None:
        """How many writes by hand there had been at a version that moved the head; None when nobody knows."""
        return next((mover.hand_writes for mover in self.movers if mover.number == number), None)

    def to_undo(self, number: int | None) -> list[Mover]:
        """Newest first, without a revert and what it undid when both came after that version."""
        if number is None:
            standing = [m for m in self.movers if m.kind == "dream" and m.number not in self.undone]
            if not standing:
                return []
            after = self.movers[self.movers.index(standing[-1]) :]
        else:
            place = self.order.index(number)
            after = [mover for mover in self.movers if self.order.index(mover.number) > place]
        numbers = {mover.number for mover in after}
        cancelled: set[int] = set()
        for mover in reversed(after):
            if mover.kind == "revert" and mover.number not in self.undone and set(mover.undoes) <= numbers:
                cancelled |= {mover.number, *mover.undoes}
        return [mover for mover in reversed(after) if mover.number not in cancelled]

    def undo(self, movers: Sequence[Mover], switched: Switched) -> list[str]:
        before = dict(self.undone)
        steps: list[tuple[str, States, States]] = []
        left: list[str] = []
        live = dict(self.live)
        for mover in movers:
            for name, closed, opened in reversed(mover.steps):
                if self.cannot_undo(closed, opened, live):
                    left.append(name)
                    continue
                live = without(live, opened) | closed
                steps.append((name, opened, closed))
        assert [one.change for one in switched.skipped] == left
        assert switched.applied == len(steps)
        self.become(live, {entry_id for _, one, other in steps for entry_id in (*one, *other)})
        for mover in movers:
            place = self.movers.index(mover)
            later = {other.number for other in self.movers[place:]}
            self.undone = mover.undone_before | {key: by for key, by in self.undone.items() if key in later}
        self.undone |= {mover.number: switched.head for mover in movers}
        numbers = [mover.number for mover in movers]
        named = [(f"v{switched.head} c{place}", one, other) for place, (_, one, other) in enumerate(steps, start=1)]
        self.moved(Mover(number=switched.head, kind="revert", steps=named, undone_before=before, undoes=numbers))
        return left

    def cannot_undo(self, closed: States, opened: States, live: States) -> bool:
        if any(entry_id not in live or live[entry_id].root != state.root for entry_id, state in opened.items()):
            return True
        for entry_id, state in closed.items():
            if entry_id not in opened and entry_id in live:
                return True
            others = without(live, {*opened, entry_id})
            if any(other.says[0] == state.says[0] for other in others.values()):
                return True
        return False

    def become(self, live: States, touched: set[EntryId]) -> None:
        for entry_id in touched:
            if entry_id in self.live and entry_id not in live:
                self.end(entry_id)
            elif entry_id in live and self.live.get(entry_id) != live[entry_id]:
                self.set_live(entry_id, live[entry_id])

    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.order))
        switched = self.do(self.stores.rollback, USER, number, mode="restore", actor="user")
        self.checkpointed(switched.checkpoint)
        before = dict(self.undone)
        place = self.order.index(number)
        after = [mover for mover in self.movers if self.order.index(mover.number) > place]
        at_that_time = after[0].undone_before if after else self.undone
        assert set(switched.undone) == {mover.number for mover in after} - self.undone.keys()
        self.undone = at_that_time | {mover.number: self.undone.get(mover.number, switched.head) for mover in after}
        wanted = self.versions[number]
        different = sorted(
            entry_id for entry_id in {*wanted, *self.live} if not same(wanted.get(entry_id), self.live.get(entry_id))
        )
        steps: list[tuple[str, States, States]] = []
        for index, entry_id in enumerate(different, start=1):
            closed = {entry_id: self.live[entry_id]} if entry_id in self.live else {}
            opened = {entry_id: wanted[entry_id]} if entry_id in wanted else {}
            steps.append((f"v{switched.head} c{index}", closed, opened))
        assert switched.applied == len(steps)
        self.become(dict(wanted), set(different))
        self.moved(Mover(number=switched.head, kind="restore", steps=steps, undone_before=before))
        assert self.digests[switched.head] == self.digests.get(number, self.digests[switched.head])

    # Looking

    @rule(data=st.data())
    def diff(self, data: st.DataObject) -> None:
        readable: dict[int | None, States] = {**self.versions, None: self.live}
        if self.proposal is not None:
            readable[self.proposal.version] = self.proposed(self.proposal)
        numbers = sorted(number for number in readable if number is not None)
        base, target = data.draw(st.tuples(*[st.none() | st.sampled_from(numbers)] * 2))
        before, after = readable[base], readable[target]
        if base is None and self.proposal is not None and target == self.proposal.version:
            before = self.proposal.base
        page = self.do(self.stores.diff, USER, base, target)
        assert page.total == len(page.differences)
        assert [one.entry_id for one in page.differences] == sorted(
            entry_id for entry_id in {*before, *after} if say(before, entry_id) != say(after, entry_id)
        )
        for one in page.differences:
            assert (None if one.before is None else says(one.before)) == say(before, one.entry_id)
            assert (None if one.after is None else says(one.after)) == say(after, one.entry_id)

    @rule(data=st.data())
    def read_version(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.order))
        self.same_as(self.do(shown, self.stores, number), self.versions[number])

    @precondition(lambda self: self.ended)
    @rule(data=st.data())
    def became(self, data: st.DataObject) -> None:
        entry_id = data.draw(st.sampled_from(sorted(self.ended)))
        (closed,) = self.do(self.stores.get_entries, [entry_id])
        assert isinstance(closed, Closed)
        wanted: set[EntryId] = set()
        seen, pending = {entry_id}, [entry_id]
        while pending:
            for next_id in self.ended[pending.pop()]:
                if next_id in self.live and next_id not in seen:
                    wanted.add(next_id)
                elif next_id not in seen:
                    pending.append(next_id)
                seen.add(next_id)
        assert set(closed.became) == wanted

    def check_live(self, wanted: States) -> None:
        assert {entry_id: state.says for entry_id, state in self.live.items()} == {
            entry_id: state.says for entry_id, state in wanted.items()
        }

    def same_as(self, entries: dict[EntryId, Entry], states: States) -> None:
        assert {entry_id: says(entry) for entry_id, entry in entries.items()} == {
            entry_id: state.says for entry_id, state in states.items()
        }

    @invariant()
    def the_head_shows_what_the_model_does(self) -> None:
        if self.live:
            self.same_as(self.do(shown, self.stores), self.live)
        if self.proposal is not None:
            self.same_as(self.do(shown, self.stores, self.proposal.version), self.proposed(self.proposal))

    @invariant()
    def what_has_changed_adds_up_to_what_is_live(self) -> None:
        if self.live:
            self.followed, self.moments = self.do(follow, self.stores, self.followed, self.moments)
            assert self.followed == {
                entry.revision_id: (TIERS.index(entry.tier), to_micros(entry.asserted_at))
                for entry in self.do(shown, self.stores).values()
            }


async def follow(
    stores: Stores, known: dict[int, tuple[int, int]], after: Moments | None
) -> tuple[dict[int, tuple[int, int]], Moments]:
    """Tier and time of the live entries by revision, from what was known and what has changed since."""
    moments = await stores.moments(USER, after=after)
    flat = list(moments.opened)
    opened = {flat[at]: (flat[at + 3], flat[at + 4]) for at in range(0, len(flat), 5)}
    kept = {} if moments.whole else {key: row for key, row in known.items() if key not in moments.closed}
    return kept | opened, moments


def say(states: States, entry_id: EntryId) -> Says | None:
    return states[entry_id].says if entry_id in states else None


def same(one: State | None, other: State | None) -> bool:
    return (None if one is None else one.root) == (None if other is None else other.root)


@pytest.mark.promise("rollback-exact")
@pytest.mark.promise("input-unchanged")
@pytest.mark.promise("whole-changes")
def test_any_sequence_of_calls_leaves_the_store_as_dicts_would_be() -> None:
    run_state_machine_as_test(
        StoreModel,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize="STORE_MODEL_EXAMPLES" not in os.environ,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        ),
    )
