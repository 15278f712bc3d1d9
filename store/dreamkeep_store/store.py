"""The store's one door: every store of a database file, one transaction a method."""

import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, TypeVar

from dreamkeep_store import (
    changes,
    comparing,
    dreams,
    entries,
    erasure,
    inputs,
    limits,
    material,
    merging,
    moments,
    names,
    proposals,
    recipes,
    search,
    sessions,
    settled,
    standing,
    switching,
    tokens,
    topics,
    vectors,
    verification,
    versions,
)
from dreamkeep_store import diff as differences
from dreamkeep_store import rollback as rollbacks
from dreamkeep_store.database import (
    SECURE_DELETE_SINCE,
    Database,
    Transaction,
    open_database,
    preferred_library,
    to_micros,
)
from dreamkeep_store.errors import ConflictError, InvalidError, UnavailableError
from dreamkeep_store.models import (
    ChangePage,
    Closed,
    Decision,
    Decisions,
    DiffPage,
    DraftChange,
    Dream,
    DreamId,
    Edit,
    Embedded,
    Entry,
    EntryId,
    Erased,
    ErrorCode,
    Match,
    Material,
    Message,
    Moments,
    NewDream,
    NewEntry,
    Operation,
    Outcome,
    Outcomes,
    Problem,
    Recalled,
    Recipe,
    RecipeStanding,
    Remembered,
    RevisionId,
    Risk,
    RollbackMode,
    Search,
    Session,
    SessionId,
    Standing,
    Started,
    StoreName,
    Switched,
    TextToEmbed,
    Tier,
    Token,
    TokenUsage,
    Transcript,
    Trust,
    Unfit,
    VectorPage,
    Version,
    WordScores,
)

T = TypeVar("T")
EXPORT_PAGE = 1_000
CONTENTS_PER_TRANSACTION = 500


class Stores:
    """Every store of one database, or those of them that a caller may know of.

    A store comes into being at its first write; reading one that is not there raises NotFoundError.
    Every method raises UnavailableError when the database cannot serve.
    """

    def __init__(self, database: Database, library: ModuleType, visible: names.Visible = None) -> None:
        """Use `open_stores`."""
        self._database = database
        self._library = library
        self._visible = visible

    @property
    def path(self) -> Path:
        """The database file."""
        return self._database.path

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is not as it should be about the file or the SQLite library, a sentence each."""
        return self._database.warnings

    @property
    def visible(self) -> names.Visible:
        """The stores that this view may know of; None is all of them."""
        return self._visible

    def within(self, visible: frozenset[StoreName]) -> "Stores":
        """The same database, in which every other store reads as not found."""
        return Stores(self._database, self._library, visible)

    # Entries

    async def remember(self, store: StoreName, new: NewEntry, *, actor: str) -> Remembered:
        """Keep a fact: new, confirming the entry that says the same, or instead of `new.replaces`.

        Raises InvalidError past a limit, NotFoundError or ConflictError for an id in `replaces`.
        """
        return await self._write(actor, lambda tx: entries.remember(tx, store, new, self._visible))

    async def remember_all(self, store: StoreName, new: Sequence[NewEntry], *, actor: str) -> list[Remembered]:
        """Keep many facts in one transaction: all of them, or none when one is refused."""
        return await self._write(actor, lambda tx: [entries.remember(tx, store, one, self._visible) for one in new])

    async def retag(
        self,
        entry_ids: Sequence[EntryId],
        *,
        tier: Tier | None = None,
        add_tags: Sequence[str] = (),
        remove_tags: Sequence[str] = (),
        actor: str,
    ) -> list[Entry]:
        """Change the tier and tags of live entries; gives them as they are now."""
        return await self._write(
            actor, lambda tx: entries.retag(tx, entry_ids, tier, add_tags, remove_tags, self._visible)
        )

    async def forget(self, entry_ids: Sequence[EntryId], *, reason: str | None = None, actor: str) -> list[Closed]:
        """Close entries; `unforget` brings them back."""
        return await self._write(actor, lambda tx: entries.forget(tx, entry_ids, reason, self._visible))

    async def unforget(self, entry_ids: Sequence[EntryId], *, actor: str) -> list[Entry]:
        """Bring forgotten entries back as they were."""
        return await self._write(actor, lambda tx: entries.unforget(tx, entry_ids, self._visible))

    async def get_entries(self, entry_ids: Sequence[EntryId]) -> list[Entry | Closed]:
        """The entries as they are, or how they ended, in the order asked; NotFoundError names unknown ids."""
        return await self._read(lambda tx: entries.get_entries(tx, entry_ids, self._visible))

    async def search(self, wanted: Search) -> list[Match]:
        """The entries that say the query's words, best first; the newest ones for an empty query."""
        return await self._read(lambda tx: search.search(tx, wanted, self._visible))

    async def word_scores(self, query: str, stores: Sequence[StoreName], *, enough: int, limit: int) -> WordScores:
        """How well the best `limit` texts say the query's words, and more while fewer than `enough` are theirs."""
        return await self._read(
            lambda tx: search.word_scores(tx, query, stores, enough=enough, limit=limit, visible=self._visible)
        )

    async def saying(self, wanted: Search, contents: Sequence[int]) -> list[Match]:
        """The entries that say these texts and pass the filters, in that order; the query plays no part."""
        return await self._read(lambda tx: search.saying(tx, wanted, contents, self._visible))

    async def suggested_newer(self, revisions: Sequence[RevisionId]) -> dict[EntryId, EntryId]:
        """Of these live revisions' entries, those that a dream suggests to replace, with what would replace them."""
        return await self._read(lambda tx: search.suggested_newer(tx, revisions))

    async def moments(self, store: StoreName, *, after: Moments | None = None) -> Moments:
        """The live entries in numbers; with `after`, what has changed since, or all when that does not continue."""
        return await self._read(lambda tx: moments.moments(tx, self._find(tx, store), after))

    async def moments_of_version(self, store: StoreName, number: int) -> Moments:
        """The entries that a version shows, in numbers; InvalidError for a discarded one."""
        return await self._read(lambda tx: moments.moments_of_version(tx, self._find(tx, store), number))

    async def outcomes(self, store: StoreName) -> Outcomes:
        """How the live entries fared of which somebody said so."""
        return await self._read(lambda tx: moments.outcomes(tx, self._find(tx, store)))

    async def newest_outcome(self) -> int:
        """The number of the newest outcome in the database; a larger one means that something fared otherwise."""
        return await self._read(moments.newest_outcome)

    async def record_recalls(self, recalls: Sequence[Recalled]) -> None:
        """Write answered recalls down; they are usage, so nothing gets a seq."""
        await self._write("recall", lambda tx: search.record_recalls(tx, recalls, self._visible))

    async def recorded_recalls(self, store: StoreName, *, before: datetime, limit: int) -> list[Recalled]:
        """The newest recalls until `before` that found something, one a query."""
        return await self._read(lambda tx: search.recorded_recalls(tx, self._find(tx, store), to_micros(before), limit))

    async def record_outcome(
        self, entry_ids: Sequence[EntryId], outcome: Outcome, *, note: str | None = None, actor: str
    ) -> list[Entry]:
        """Note how entries served; gives them with their usage."""
        return await self._write(actor, lambda tx: entries.record_outcome(tx, entry_ids, outcome, note, self._visible))

    # Sessions

    async def record_session(
        self,
        store: StoreName,
        messages: Sequence[Message],
        *,
        session_id: str | None = None,
        trust: Trust,
        redactions: int,
        recorded_by: str | None = None,
        actor: str,
    ) -> Session:
        """Keep a conversation, or let the one known by this id grow."""
        return await self._write(
            actor,
            lambda tx: sessions.record_session(
                tx,
                store,
                messages,
                session_id=session_id,
                trust=trust,
                redactions=redactions,
                recorded_by=recorded_by,
                visible=self._visible,
            ),
        )

    async def get_session(self, session_id: SessionId) -> Session:
        """A session without its messages."""
        return await self._read(lambda tx: sessions.get_session(tx, session_id, self._visible))

    async def get_transcript(self, session_id: SessionId) -> Transcript:
        """A session with its messages."""
        return await self._read(lambda tx: sessions.get_transcript(tx, session_id, self._visible))

    async def list_sessions(
        self, store: StoreName, *, new_only: bool = False, limit: int = 100, offset: int = 0
    ) -> list[Session]:
        """A page of sessions, oldest recorded first."""
        return await self._read(
            lambda tx: sessions.list_sessions(tx, self._find(tx, store), new_only=new_only, limit=limit, offset=offset)
        )

    # Dreams, for whoever asks for one

    async def start_dream(self, new: NewDream) -> Started:
        """Queue a dream, or give the earlier one over the same input; ConflictError while one is open."""
        return await self._write(new.requested_by, lambda tx: dreams.start_dream(tx, new, self._visible))

    async def start_due_dream(self, new: NewDream, is_due: Callable[[Standing], bool]) -> Started | None:
        """Queue a dream if the store stands as `is_due` wants; None when it does not, ConflictError while one is open.

        Looking and queueing are one transaction: of several processes that see the same, one starts a dream.
        """

        def work(tx: Transaction) -> Started | None:
            if not is_due(standing.standing(tx, self._find(tx, new.store))):
                return None
            return dreams.start_dream(tx, new, self._visible)

        return await self._write(new.requested_by, work)

    async def prospective_material(
        self, store: StoreName, *, base: int | None, wanted: Sequence[SessionId] | Literal["new"]
    ) -> Material:
        """What a dream would read if it started now; nothing is written."""
        return await self._read(
            lambda tx: material.prospective_material(tx, self._find(tx, store), base, wanted, self._visible)
        )

    async def settled(self, store: StoreName, questions: Sequence[bytes]) -> frozenset[bytes]:
        """Which of these questions, by their SHA-256, a model has answered already."""
        return await self._read(lambda tx: settled.settled(tx, self._find(tx, store), questions))

    async def get_dream(self, dream_id: DreamId | None, *, store: StoreName | None = None) -> Dream:
        """The dream, or without an id the latest one of the store."""
        return await self._read(lambda tx: dreams.to_dream(tx, dreams.find_dream(tx, dream_id, store, self._visible)))

    async def cancel_dream(self, dream_id: DreamId, *, actor: str) -> Dream:
        """Stop a dream that has not ended; ConflictError for one that has, unless it was canceled."""
        return await self._write(actor, lambda tx: dreams.cancel_dream(tx, dream_id, self._visible))

    async def archive_dream(self, dream_id: DreamId, *, actor: str) -> Dream:
        """Put an ended dream away."""
        return await self._write(actor, lambda tx: dreams.archive_dream(tx, dream_id, self._visible))

    async def check_awaited(self, dream_id: DreamId) -> None:
        """ConflictError when the dream does not wait for a judge."""
        await self._read(lambda tx: dreams.check_awaited(tx, dream_id, self._visible))

    async def answer_step(
        self, dream_id: DreamId, *, step: str, payload: bytes, done: int, wait_seconds: float | None, actor: str
    ) -> None:
        """Journal an answer of the judge that a dream waits for; no further wait lets a worker go on.

        ConflictError when the dream waits for no judge, or this was answered meanwhile.
        """
        wait_micros = None if wait_seconds is None else int(wait_seconds * 1e6)
        await self._write(
            actor,
            lambda tx: dreams.answer_step(
                tx, dream_id, step=step, payload=payload, done=done, wait_micros=wait_micros, visible=self._visible
            ),
        )

    async def dream_waits(self) -> bool:
        """Whether a worker would find something to do."""
        return await self._read(dreams.dream_waits)

    # Dreams, for the worker that has one under its lease; ConflictError when it lost it

    async def claim_dream(self, owner: str, *, lease_seconds: float) -> Dream | None:
        """Take the oldest waiting dream under a lease; None when none waits."""
        return await self._write("worker", lambda tx: dreams.claim_dream(tx, owner, int(lease_seconds * 1e6)))

    async def beat(
        self,
        dream_id: DreamId,
        attempt: int,
        *,
        lease_seconds: float,
        stage: str,
        done: int,
        total: int,
        decisions: Decisions | None = None,
    ) -> None:
        """Extend the lease and record progress, for whoever watches."""
        lease_micros = int(lease_seconds * 1e6)
        await self._write(
            "worker",
            lambda tx: dreams.beat(
                tx,
                dream_id,
                attempt,
                lease_micros=lease_micros,
                stage=stage,
                done=done,
                total=total,
                decisions=decisions,
            ),
        )

    async def read_step(self, dream_id: DreamId, step: str) -> bytes | None:
        """What a step gave, if the journal has it."""
        return await self._read(lambda tx: dreams.read_step(tx, dream_id, step))

    async def read_steps(self, dream_id: DreamId, prefix: str) -> dict[str, bytes]:
        """What the steps of the dream whose names begin so gave, by their names."""
        return await self._read(lambda tx: dreams.read_steps(tx, dream_id, prefix))

    async def write_step(
        self, dream_id: DreamId, attempt: int, step: str, payload: bytes, *, cost: TokenUsage | None = None
    ) -> None:
        """Journal what a step gave."""
        await self._write("worker", lambda tx: dreams.write_step(tx, dream_id, attempt, step, payload, cost))

    async def await_judge(
        self,
        dream_id: DreamId,
        attempt: int,
        *,
        step: str,
        payload: bytes,
        done: int = 0,
        batches: int,
        wait_seconds: float,
    ) -> None:
        """Journal batches for a judge that answers when it likes, and give the lease back meanwhile.

        `batches` is how many there are in all, `done` how many of them were answered.
        """
        wait_micros = int(wait_seconds * 1e6)
        await self._write(
            "worker",
            lambda tx: dreams.await_judge(
                tx, dream_id, attempt, step=step, payload=payload, done=done, batches=batches, wait_micros=wait_micros
            ),
        )

    async def note_estimate(self, dream_id: DreamId, attempt: int, *, tokens: int, usd: float | None) -> None:
        """Keep what judging is to take."""
        await self._write("worker", lambda tx: dreams.note_estimate(tx, dream_id, attempt, tokens, usd))

    async def settle(self, dream_id: DreamId, attempt: int, answers: Mapping[bytes, bytes]) -> None:
        """Keep what a model answered, by the SHA-256 of the question, for the dreams after this one."""
        await self._write("worker", lambda tx: settled.settle(tx, dream_id, attempt, answers))

    async def settled_before(self, dream_id: DreamId, questions: Sequence[bytes]) -> dict[bytes, bytes]:
        """What earlier dreams of the same store were answered to these questions."""
        return await self._read(lambda tx: settled.settled_before(tx, dream_id, questions))

    async def leave_unread(self, dream_id: DreamId, attempt: int, session_ids: Sequence[SessionId]) -> None:
        """Let these sessions of the dream stay new: no judge came to them."""

        def work(tx: Transaction) -> None:
            dreams.check_fence(tx, dream_id, attempt)
            sessions.leave_unread(tx, dream_id, session_ids)

        await self._write("worker", work)

    async def check_input(self, dream_id: DreamId) -> Unfit | None:
        """Why the dream cannot read its version or its sessions; None when it can. Ask before `material`."""
        return await self._read(lambda tx: inputs.find_unfit(tx, dream_id))

    async def material(self, dream_id: DreamId) -> Material:
        """All that the dream may look at; the same at every attempt."""
        return await self._read(lambda tx: material.material_of(tx, dream_id))

    async def last_vector(self, recipe: str) -> int:
        """The number of the recipe's newest vector; 0 when there is none, NotFoundError without the recipe."""
        return await self._read(lambda tx: vectors.last_vector(tx, recipe))

    async def vectors_of_dream(
        self, dream_id: DreamId, recipe: str, *, until: int, after: EntryId, limit: int
    ) -> list[tuple[EntryId, bytes | None]]:
        """Vectors of what the dream reads, up to the number `until`, by entry in order of id; empty at the end.

        None stands for one that is damaged. NotFoundError without the recipe.
        """
        return await self._read(
            lambda tx: material.vectors_of_dream(tx, dream_id, recipe, until=until, after=after, limit=limit)
        )

    async def fresh_entries(self, dream_id: DreamId, way: str) -> frozenset[EntryId] | None:
        """Which entries of the dream no earlier one compared with all others in this way; None for all of them."""
        return await self._read(lambda tx: comparing.fresh_entries(tx, dream_id, way))

    async def mark_compared(self, dream_id: DreamId, attempt: int, way: str, *, until: int | None) -> None:
        """Note that the dream compared all that it reads in this way, with the vectors up to `until`, if any."""
        await self._write("worker", lambda tx: comparing.mark_compared(tx, dream_id, attempt, way, until))

    async def propose(
        self, dream_id: DreamId, attempt: int, drafts: Sequence[DraftChange], refusals: Sequence[str]
    ) -> int | None:
        """Write the plan as a proposed version; gives its number, None when there is nothing to change.

        It is checked, and its texts are written and indexed, before, in small transactions: that is most of
        the work, and nobody should wait for it.
        """
        store = (await self.get_dream(dream_id)).store
        erased = await self._read(lambda tx: proposals.check(tx, dream_id, drafts))
        texts = sorted({new.content for draft in drafts for new in draft.opens})
        contents: dict[str, int] = {}
        for start in range(0, len(texts), CONTENTS_PER_TRANSACTION):
            batch = texts[start : start + CONTENTS_PER_TRANSACTION]
            contents |= await self._write("worker", partial(_put_contents, store=store, texts=batch))
        checked = proposals.Checked(erased=erased, contents=contents)
        return await self._write(
            "worker", lambda tx: proposals.propose(tx, dream_id, attempt, drafts, refusals, checked)
        )

    async def hold_back(self, dream_id: DreamId, attempt: int, *, above: Risk) -> None:
        """Leave what is included in the dream's proposal, and riskier than `above`, as suggestions."""

        def work(tx: Transaction) -> None:
            row = dreams.check_fence(tx, dream_id, attempt)
            changes.hold_back(tx, names.find(tx, row["store"], None), row["output_version"], above)

        await self._write("policy", work)

    async def complete_dream(self, dream_id: DreamId, attempt: int, *, recall_checked: int, recall_kept: int) -> Dream:
        """End a dream well."""

        def work(tx: Transaction) -> Dream:
            dreams.complete_dream(tx, dream_id, attempt, recall_checked, recall_kept)
            return dreams.to_dream(tx, dreams.find_dream(tx, dream_id, None, None))

        return await self._write("worker", work)

    async def fail_dream(self, dream_id: DreamId, attempt: int, code: ErrorCode, message: str) -> Dream:
        """End a dream badly."""

        def work(tx: Transaction) -> Dream:
            dreams.fail_dream(tx, dream_id, attempt, code, message)
            return dreams.to_dream(tx, dreams.find_dream(tx, dream_id, None, None))

        return await self._write("worker", work)

    # Review

    async def list_changes(
        self,
        dream_id: DreamId,
        *,
        numbers: Sequence[int] = (),
        operations: Sequence[Operation] = (),
        risks: Sequence[Risk] = (),
        decisions: Sequence[Decision] = (),
        limit: int = 15,
        offset: int = 0,
    ) -> ChangePage:
        """A page of a dream's changes, riskiest first; filters are ANDed, empty ones let all through."""

        def work(tx: Transaction) -> ChangePage:
            row = dreams.find_dream(tx, dream_id, None, self._visible)
            changes.named_changes(tx, dream_id, numbers)
            return changes.list_changes(
                tx,
                self._find(tx, row["store"]),
                dream_id,
                numbers=numbers,
                operations=operations,
                risks=risks,
                decisions=decisions,
                limit=limit,
                offset=offset,
            )

        return await self._read(work)

    async def decide(
        self,
        dream_id: DreamId,
        *,
        accept: Sequence[int] = (),
        accept_fitting: Sequence[int] = (),
        reject: Sequence[int] = (),
        edit: Edit | None = None,
        actor: Literal["agent", "user", "policy"],
    ) -> ChangePage:
        """Accept, reject and edit changes by number, all or nothing; gives the ones that were named.

        Raises ConflictError, naming the other one, when an accepted change overlaps an included one. Of
        `accept_fitting`, such as all suggestions, those that do are left as they are, and the answer says why.
        """
        edited = () if edit is None else (edit.number,)
        asked = list(dict.fromkeys((*accept, *accept_fitting, *reject, *edited)))
        if not asked:
            raise InvalidError("No change was named. Give accept, reject or edit; review_dream lists the changes.")

        def work(tx: Transaction) -> ChangePage:
            left_out = proposals.decide(
                tx,
                dream_id,
                accept=accept,
                accept_fitting=accept_fitting,
                reject=reject,
                edit=edit,
                visible=self._visible,
            )
            row = dreams.find_dream(tx, dream_id, None, self._visible)
            numbers = tuple(asked[: versions.PAGE_MAX])
            page = changes.list_changes(
                tx,
                self._find(tx, row["store"]),
                dream_id,
                numbers=numbers,
                operations=(),
                risks=(),
                decisions=(),
                limit=len(numbers),
                offset=0,
            )
            return replace(page, left_out=tuple(left_out))

        return await self._write(actor, work)

    async def discard(self, dream_id: DreamId, *, actor: str) -> Version:
        """Throw the dream's open proposal away; ConflictError when it has none."""

        def work(tx: Transaction) -> Version:
            row = dreams.find_dream(tx, dream_id, None, self._visible)
            store = self._find(tx, row["store"])
            number = versions.proposed_version(tx, store)
            if number is None or row["output_version"] != number or row["status"] == "running":
                raise ConflictError(
                    f"Dream {dream_id} is {row['status']} and has no open proposal to discard"
                    + (f"; the open one is version {number}." if number is not None else ".")
                )
            versions.discard_version(tx, store.store_id, number)
            return versions.to_version(versions.find_version(tx, store, number), store)

        return await self._write(actor, work)

    # Versions

    async def list_versions(self, store: StoreName, *, limit: int = 20, before: int | None = None) -> list[Version]:
        """A page of versions, newest first."""
        return await self._read(lambda tx: versions.list_versions(tx, self._find(tx, store), limit, before))

    async def get_version(self, store: StoreName, number: int | None) -> Version:
        """The version; None is the head."""

        def work(tx: Transaction) -> Version:
            row = self._find(tx, store)
            return versions.to_version(versions.find_version(tx, row, number), row)

        return await self._read(work)

    async def diff(
        self,
        store: StoreName,
        base: int | None,
        target: int | None,
        *,
        limit: int | None = None,
        offset: int = 0,
    ) -> DiffPage:
        """What turns one version into the other, in order of entry id; None is the head, no limit is all."""
        return await self._read(
            lambda tx: differences.diff(tx, self._find(tx, store), base, target, limit=limit, offset=offset)
        )

    async def switch(self, store: StoreName, number: int, *, expected_head: int | None = None, actor: str) -> Switched:
        """Make a proposal the head, keeping everything written since it was planned.

        Raises ConflictError when it is no open proposal, or the head is not `expected_head`.
        """

        def work(tx: Transaction) -> Switched:
            switched = switching.switch(tx, self._find(tx, store), number, expected_head)
            dream_id = tx.value(
                "SELECT dream_id FROM version WHERE store_id = (SELECT store_id FROM store WHERE name = :store) "
                "AND number = :number",
                {"store": store, "number": number},
            )
            sessions.mark_read(tx, dream_id)
            return switched

        return await self._write(actor, work)

    async def rollback(
        self, store: StoreName, number: int | None = None, *, mode: RollbackMode = "revert", actor: str
    ) -> Switched:
        """Undo what came after a version (default: the newest switch not yet undone), as a new version."""
        planned = await self._read(lambda tx: rollbacks.plan(tx, self._find(tx, store), number, mode))

        def work(tx: Transaction) -> Switched:
            row = self._find(tx, store)
            before = rollbacks.undone_now(tx, row)
            holds = rollbacks.still_holds(tx, row, planned)
            rolled = rollbacks.rollback(tx, row, planned if holds else rollbacks.plan(tx, row, number, mode))
            now = rollbacks.undone_now(tx, row)
            sessions.mark_read_by_what_stands(tx, row, changed=before ^ now, undone=now)
            return rolled

        return await self._write(actor, work)

    async def digest(self, store: StoreName, number: int) -> str:
        """Hexadecimal SHA-256 over what a version shows; a published version's is computed once."""

        def compute(tx: Transaction) -> tuple[bytes, int, int, bool]:
            row = self._find(tx, store)
            version = versions.find_version(tx, row, number)
            if version["digest"] is not None:
                return version["digest"], version["entries"], 0, True
            digest, count = versions.digest_at(tx, row, number)
            return digest, count, versions.erased(tx, row), version["state"] != "published"

        while True:
            digest, count, erased, is_kept = await self._read(compute)
            if is_kept or await self._write("reader", partial(self._keep_digest, store, number, digest, count, erased)):
                return digest.hex()

    def _keep_digest(
        self, store: StoreName, number: int, digest: bytes, count: int, erased: int, tx: Transaction
    ) -> bool:
        """Whether the digest still is the version's: nothing was erased since it was computed."""
        row = self._find(tx, store)
        if versions.erased(tx, row) != erased:
            return False
        versions.record_digest(tx, row, number, digest, count)
        return True

    async def digest_versions(self, store: StoreName) -> None:
        """Digest every published version that has no digest yet: a new one has none until somebody asks."""
        for number in await self._read(lambda tx: versions.undigested(tx, self._find(tx, store))):
            await self.digest(store, number)

    async def verify(self, store: StoreName | None = None) -> list[Problem]:
        """Every problem with the file and with one store's history, or every store's; empty when all holds."""

        def work(tx: Transaction) -> list[Problem]:
            found = verification.all_stores(tx, self._visible) if store is None else [self._find(tx, store)]
            return verification.verify(tx, found)

        return await self._database.read_fresh(work)

    # Whole stores

    async def list_stores(self) -> list[StoreName]:
        """The names of the stores, in order."""
        return await self._read(lambda tx: list(names.names(tx, self._visible)))

    async def standing(self, store: StoreName) -> Standing:
        """A store in figures."""
        return await self._read(lambda tx: standing.standing(tx, self._find(tx, store)))

    async def count_topics(self, store: StoreName, number: int | None = None) -> dict[str, int]:
        """How many entries of a version are under each topic itself, under "" those without one; None is the head."""
        return await self._read(lambda tx: topics.count_topics(tx, self._find(tx, store), number))

    async def rename_store(self, old: StoreName, new: StoreName, *, actor: str) -> None:
        """Give a store another name."""
        await self._write(actor, lambda tx: names.rename(tx, old, new, self._visible))

    async def merge_stores(self, source: StoreName, into: StoreName, *, actor: str) -> int:
        """Move every live entry and every session of one store into another; gives the number of entries.

        The entries get new ids there, or confirm what says the same; their old ids say what they became.
        The source keeps its history, and is empty from then on. Others may write meanwhile; killed half
        way, every entry is in one of the two, and merging again moves the rest.
        """
        await self._write(actor, lambda tx: merging.begin(tx, source, into, self._visible))
        moved = 0
        while batch := await self._write(actor, lambda tx: merging.move_batch(tx, source, into, self._visible)):
            moved += batch
        return moved

    async def erase(self, entry_ids: Sequence[EntryId], *, actor: str) -> Erased:
        """Take entries out of every version, session, index and free page, for good."""
        if self._library.sqlite_version_info < SECURE_DELETE_SINCE:
            raise UnavailableError(
                f"SQLite {self._library.sqlite_version} cannot erase a text from its full-text index without a trace. "
                "Install sqlcipher3, which brings a newer one."
            )
        by_store = await self._write(actor, lambda tx: erasure.erase(tx, entry_ids, self._visible))
        emptied = await self._database.outside(_empty_log)
        for store in by_store:
            await self.digest_versions(store)
        theirs, *others = by_store.values()
        elsewhere = tuple(entry_id for other in others for entry_id in (*other.entries, *other.derived))
        return replace(theirs, derived=(*theirs.derived, *elsewhere), log_emptied=emptied)

    async def export_entries(self, store: StoreName, number: int | None = None) -> AsyncIterator[Entry]:
        """Every entry that a published version, or the head with every write since, shows now."""

        def start(tx: Transaction) -> int:
            row = self._find(tx, store)
            if number is None:
                return row.seq
            seq = versions.find_version(tx, row, number)["seq"]
            if seq is None:
                raise ConflictError(f"Version {number} of store {store} is not published; only such can be exported.")
            return seq

        seq = await self._read(start)
        after = ""
        while True:
            page = await self._read(partial(self._export_page, store=store, seq=seq, after=after))
            for entry in page:
                yield entry
            if len(page) < EXPORT_PAGE:
                return
            after = page[-1].entry_id

    def _export_page(self, tx: Transaction, *, store: StoreName, seq: int, after: str) -> list[Entry]:
        return versions.export_page(tx, self._find(tx, store), seq, after, EXPORT_PAGE)

    async def backup(self, target: Path) -> None:
        """Write a copy of the whole database to a file that is not there yet."""

        def copy(connection: Any) -> None:
            try:
                os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            except FileExistsError:
                raise ConflictError(
                    f"{target} is there already. Name a file that is not, or remove it first."
                ) from None
            except OSError as error:
                raise InvalidError(f"{target} cannot be written: {error.strerror}. Name another file.") from error
            try:
                connection.execute("VACUUM INTO :target", {"target": str(target)})
            except BaseException:
                target.unlink(missing_ok=True)
                raise

        await self._database.outside(copy)

    async def reindex(self) -> None:
        """Build the full-text index anew from the texts; writers wait for it."""
        await self._write("user", lambda tx: tx.execute("INSERT INTO content_fts (content_fts) VALUES ('rebuild')"))

    # Vectors, over all stores: for whoever embeds, reading aside

    async def use_recipe(self, recipe: str, setting: str, dimensions: int) -> Recipe:
        """The recipe with a place for its vectors; a new `setting` is kept, another width raises InvalidError."""
        known = await self._read(lambda tx: recipes.known_recipe(tx, recipe, setting, dimensions))
        return known or await self._write("embedder", lambda tx: recipes.use_recipe(tx, recipe, setting, dimensions))

    async def recipes(self) -> list[RecipeStanding]:
        """How far every recipe has come, the oldest first."""
        return await self._read(recipes.standings)

    async def texts_to_embed(self, recipe: str, limit: int, *, newest: bool = False) -> list[TextToEmbed]:
        """Texts that wait for their vector: the oldest, or the ones written last. NotFoundError without the recipe."""

        def work(tx: Transaction) -> tuple[list[TextToEmbed], bool]:
            return vectors.texts_to_embed(tx, recipe, limit, newest=newest), recipes.is_behind(tx, recipe)

        found, is_behind = await self._read(work)
        if not found and is_behind:
            # Noted now, so that nobody goes through all of these again.
            while await self._write("embedder", lambda tx: recipes.advance(tx, recipe)):
                pass
        return found

    async def put_vectors(self, recipe: str, embedded: Sequence[Embedded]) -> int:
        """Keep vectors, or why there are none; those of texts that are gone or have one are left out.

        Gives how many were new. Raises InvalidError for a vector of another width, NotFoundError without the recipe.
        """
        return await self._write("embedder", lambda tx: vectors.put_vectors(tx, recipe, embedded))

    async def claim_embedding(self, recipe: str, owner: str, *, lease_seconds: float) -> bool:
        """Whether the backlog is this owner's for so long; claiming it again renews it."""
        return await self._write(
            "embedder", lambda tx: recipes.claim_embedding(tx, recipe, owner, int(lease_seconds * 1e6))
        )

    async def release_embedding(self, recipe: str, owner: str) -> None:
        """Give the backlog back."""
        await self._write("embedder", lambda tx: recipes.release_embedding(tx, recipe, owner))

    async def read_vectors(
        self, stores: Sequence[StoreName], recipe: str, *, after: Mapping[StoreName, int], limit: int
    ) -> VectorPage:
        """Each store's vectors after the number that `after` has for it, in order, `limit` in all.

        Whoever keeps a copy hands in each `last`, and begins anew where an `edition` is another one.
        """
        return await self._read(lambda tx: vectors.read_vectors(tx, stores, recipe, after, limit, self._visible))

    async def forget_vectors(self, recipe: str, *, failed_only: bool = False) -> None:
        """Let every text that has a vector now, or only those that could not be embedded, wait for one again."""
        forget = vectors.forget_failed if failed_only else vectors.forget_all
        until = await self._read(lambda tx: vectors.last_vector(tx, recipe))
        while await self._write("embedder", lambda tx: forget(tx, recipe, until)):
            pass

    async def drop_recipe(self, recipe: str) -> None:
        """Take a recipe away with all its vectors, in small transactions."""
        await self.forget_vectors(recipe)
        while not await self._write("embedder", lambda tx: recipes.drop_recipe(tx, recipe)):
            await self.forget_vectors(recipe)  # somebody was still writing some

    # Tokens

    async def create_token(self, name: str, stores: Sequence[StoreName], rights: Literal["read", "write"]) -> str:
        """A new bearer token's secret, shown once; no stores means every store."""
        return await self._write("user", lambda tx: tokens.create_token(tx, name, stores, rights))

    async def check_token(self, secret: str) -> Token | None:
        """The token with this secret, unless it was revoked."""
        return await self._read(lambda tx: tokens.check_token(tx, secret))

    async def list_tokens(self) -> list[Token]:
        """Every token, without its secret."""
        return await self._read(tokens.list_tokens)

    async def revoke_token(self, token_id: str) -> None:
        """Let a token open nothing from now on."""
        await self._write("user", lambda tx: tokens.revoke_token(tx, token_id))

    def _find(self, tx: Transaction, store: StoreName) -> names.StoreRow:
        return names.find(tx, store, self._visible)

    async def _write(self, actor: str, work: Callable[[Transaction], T]) -> T:
        return await self._database.write(work, actor=actor)

    async def _read(self, work: Callable[[Transaction], T]) -> T:
        return await self._database.read(work)


def _put_contents(tx: Transaction, *, store: StoreName, texts: Sequence[str]) -> dict[str, int]:
    store_id = names.find(tx, store, None).store_id
    return {text: changes.put_content(tx, store_id, limits.check_content(text)).content_id for text in texts}


def _empty_log(connection: Any) -> bool:
    """Move everything from the write-ahead log into the file, and cut the log to nothing; whether it worked."""
    return connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0


@asynccontextmanager
async def open_stores(path: Path, library: ModuleType = preferred_library) -> AsyncGenerator[Stores]:
    """The stores in the database file at `path`, which is created and migrated as needed.

    Raises UnavailableError when the file cannot be opened, is damaged, or was written by a newer dreamkeep.
    """
    async with open_database(path, library) as database:
        yield Stores(database, library)
