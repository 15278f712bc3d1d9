"""Dreams: their life, their lease and their journal."""

import hashlib
import json
from dataclasses import asdict
from datetime import datetime

from dreamkeep_store import audit, changes, limits, names, sessions
from dreamkeep_store.database import Row, Transaction, from_micros
from dreamkeep_store.errors import ConflictError, InvalidError, NotFoundError
from dreamkeep_store.ids import new_id
from dreamkeep_store.models import (
    INSTRUCTIONS_CHARACTERS_MAX,
    Decided,
    Decisions,
    Dream,
    DreamId,
    ErrorCode,
    NewDream,
    Started,
    StoreName,
    TokenUsage,
)
from dreamkeep_store.names import StoreRow, Visible
from dreamkeep_store.versions import discard_version, find_version, live_version, proposed_version

ATTEMPTS_MAX = 5
"""A dream whose worker died this often is given up instead of running away."""
USAGE_STEP = "usage"
"""The journal's first row: how entries had fared when the dream was first taken, fixed from then on."""
DECIDED_STEP = "decided"
"""The journal's row for whoever watches: no step of the dream, written anew at each beat that has news."""


def find_dream(tx: Transaction, dream_id: DreamId | None, store: StoreName | None, visible: Visible) -> Row:
    """The dream's row; without an id the latest one of the store."""
    if dream_id is None:
        assert store is not None, "the latest dream is the latest one of a store"
        row = tx.row(
            """
            SELECT dream.*, store.name AS store FROM dream JOIN store USING (store_id)
            WHERE dream.store_id = :store_id ORDER BY dream.created_at DESC, dream_id DESC LIMIT 1
            """,
            {"store_id": names.find(tx, store, visible).store_id},
        )
        if row is None:
            raise NotFoundError(f"Store {store} has not dreamt yet. start_dream starts a dream.")
        return row
    row = tx.row(
        "SELECT dream.*, store.name AS store FROM dream JOIN store USING (store_id) WHERE dream_id = :id",
        {"id": dream_id},
    )
    if row is None or (visible is not None and row["store"] not in visible):
        raise NotFoundError(
            f"There is no dream {dream_id[:80]!r}. Leave dream_id out for the latest one; start_dream starts another."
        )
    return row


def to_dream(tx: Transaction, row: Row) -> Dream:
    """A Dream from its row."""
    read = tx.rows(
        "SELECT session_id FROM dream_session WHERE dream_id = :id ORDER BY session_id",
        {"id": row["dream_id"]},
    )
    decisions = _decisions(tx, row["dream_id"])
    return Dream(
        dream_id=row["dream_id"],
        store=row["store"],
        base=row["base"],
        status=row["status"],
        stage=row["stage"],
        done=row["done"],
        total=row["total"],
        judge=row["judge"],
        policy=row["policy"],
        model=row["model"],
        instructions=row["instructions"],
        budget_tokens=row["budget_tokens"],
        budget_usd=row["budget_usd"],
        sessions=tuple(found["session_id"] for found in read),
        usage=TokenUsage(
            input_tokens=row["input_tokens"],
            output_tokens=row["output_tokens"],
            cache_creation_input_tokens=row["cache_creation_input_tokens"],
            cache_read_input_tokens=row["cache_read_input_tokens"],
            cost_usd=row["cost_usd"],
        ),
        output_version=row["output_version"],
        recall_checked=row["recall_checked"],
        recall_kept=row["recall_kept"],
        refusals=tuple(json.loads(row["refusals"])),
        error_code=row["error_code"],
        error_message=row["error_message"],
        attempt=row["attempt"],
        lease_until=_time(row["lease_until"]),
        waits_until=_time(row["waits_until"]),
        created_at=from_micros(row["created_at"]),
        started_at=_time(row["started_at"]),
        ended_at=_time(row["ended_at"]),
        archived_at=_time(row["archived_at"]),
        requested_by=row["requested_by"],
        estimated_tokens=row["estimated_tokens"],
        estimated_usd=row["estimated_usd"],
        counts=changes.counts(tx, row["dream_id"]) or decisions.counts,
        decided=decisions.decided,
    )


def _decisions(tx: Transaction, dream_id: DreamId) -> Decisions:
    payload = read_step(tx, dream_id, DECIDED_STEP)
    if payload is None:
        return Decisions()
    kept = json.loads(payload)
    return Decisions(counts=kept["counts"], decided=tuple(Decided(**one) for one in kept["decided"]))


def _time(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def start_dream(tx: Transaction, new: NewDream, visible: Visible) -> Started:
    """Queue a dream over one version and some sessions, or give the earlier one over the same input.

    Raises ConflictError while the store has a dream that has not ended, or an open proposal.
    """
    store = names.find(tx, new.store, visible)
    limits.check_text(new.instructions, "instructions")
    if len(new.instructions) > INSTRUCTIONS_CHARACTERS_MAX:
        raise InvalidError(
            f"The instructions have {len(new.instructions):,} characters; at most {INSTRUCTIONS_CHARACTERS_MAX:,} fit."
        )
    read = sessions.input_sessions(tx, store, new.sessions, visible)
    base_row = None if new.base is None else find_version(tx, store, new.base)
    if base_row is not None and base_row["seq"] is None:
        raise ConflictError(
            f"Version {new.base} of store {store.name} is {base_row['state']}; a dream reads a published version. "
            "Leave version out to dream over the head."
        )
    said = [
        store.store_id,
        store.seq if base_row is None else base_row["seq"],
        sorted(read.items()),
        new.instructions,
        new.judge,
        new.policy,
        new.model,
        new.budget_tokens,
        new.budget_usd,
        from_micros(tx.now).date().isoformat(),  # staleness is a matter of days
    ]
    input_hash = hashlib.sha256(json.dumps(said).encode()).digest()
    earlier = _earlier(tx, store, input_hash)
    if earlier is not None:
        return Started(dream=to_dream(tx, earlier), earlier=True)
    check_free(tx, store)
    base = live_version(tx, store) if new.base is None else new.base
    dream_id = DreamId(new_id("d"))
    while tx.value("SELECT 1 FROM dream WHERE dream_id = :id", {"id": dream_id}) is not None:
        dream_id = DreamId(new_id("d"))
    tx.execute(
        """
        INSERT INTO dream (
            dream_id, store_id, base, status, stage, judge, policy, model, instructions, budget_tokens, budget_usd,
            requested_by, input, created_at
        ) VALUES (
            :dream_id, :store_id, :base, 'pending', 'waiting', :judge, :policy, :model, :instructions,
            :budget_tokens, :budget_usd, :requested_by, :input, :now
        )
        """,
        {
            "dream_id": dream_id,
            "store_id": store.store_id,
            "base": base,
            "judge": new.judge,
            "policy": new.policy,
            "model": new.model,
            "instructions": new.instructions,
            "budget_tokens": new.budget_tokens,
            "budget_usd": new.budget_usd,
            "requested_by": new.requested_by,
            "input": input_hash,
            "now": tx.now,
        },
    )
    tx.execute_many(
        "INSERT INTO dream_session (dream_id, session_id, messages) VALUES (:dream_id, :session_id, :messages)",
        ({"dream_id": dream_id, "session_id": key, "messages": count} for key, count in read.items()),
    )
    audit.append(
        tx,
        store_id=store.store_id,
        seq=store.seq,
        action="start_dream",
        subject=dream_id,
        base=base,
        sessions=sorted(read),
    )
    return Started(dream=to_dream(tx, find_dream(tx, dream_id, None, visible)), earlier=False)


def _earlier(tx: Transaction, store: StoreRow, input_hash: bytes) -> Row | None:
    """A dream over the same input that still stands: under way, proposing, or having found nothing."""
    return tx.row(
        """
        SELECT dream.*, store.name AS store FROM dream JOIN store USING (store_id)
        LEFT JOIN version ON version.store_id = dream.store_id AND version.number = dream.output_version
        WHERE dream.store_id = :store_id AND dream.input = :input AND dream.archived_at IS NULL
            AND (
                dream.status IN ('pending', 'running')
                OR (dream.status = 'completed' AND COALESCE(version.state, 'proposed') = 'proposed')
            )
        ORDER BY dream.created_at DESC LIMIT 1
        """,
        {"store_id": store.store_id, "input": input_hash},
    )


def check_free(tx: Transaction, store: StoreRow) -> None:
    """ConflictError when the store has a dream that has not ended, or an open proposal."""
    running = tx.value(
        "SELECT dream_id FROM dream WHERE store_id = :store_id AND status IN ('pending', 'running')",
        {"store_id": store.store_id},
    )
    if running is not None:
        raise ConflictError(
            f"Store {store.name} is dreaming already: {running}. Follow it with get_dream, or stop it with "
            "cancel_dream."
        )
    proposal = proposed_version(tx, store)
    if proposal is not None:
        dream_id = tx.value(
            "SELECT dream_id FROM version WHERE store_id = :store_id AND number = :number",
            {"store_id": store.store_id, "number": proposal},
        )
        raise ConflictError(
            f"Store {store.name} has an open proposal, version {proposal} of dream {dream_id}. Look at it with "
            f"review_dream, then switch_version({proposal}) takes it, or review_dream(discard=true) throws it away."
        )


def cancel_dream(tx: Transaction, dream_id: DreamId, visible: Visible) -> Dream:
    """Stop a dream that has not ended, with what it may have proposed; a canceled one stays as it is."""
    row = find_dream(tx, dream_id, None, visible)
    if row["status"] in ("completed", "failed"):
        raise ConflictError(f"Dream {dream_id} is {row['status']} and cannot be canceled. {_what_undoes(tx, row)}")
    if row["status"] != "canceled":
        if row["output_version"] is not None:
            discard_version(tx, row["store_id"], row["output_version"])
        _end(tx, row, "canceled")
    return to_dream(tx, find_dream(tx, dream_id, None, visible))


def _what_undoes(tx: Transaction, row: Row) -> str:
    """What somebody may want instead of canceling an ended dream."""
    state = tx.value(
        "SELECT state FROM version WHERE store_id = :store_id AND number = :number",
        {"store_id": row["store_id"], "number": row["output_version"]},
    )
    match state:
        case "proposed":
            return "review_dream(discard=true) throws its proposal away."
        case "published":
            return "It was switched to; rollback undoes that."
        case _:
            return "There is nothing of it to undo."


def archive_dream(tx: Transaction, dream_id: DreamId, visible: Visible) -> Dream:
    """Put an ended dream away; ConflictError while it has not ended."""
    row = find_dream(tx, dream_id, None, visible)
    if row["ended_at"] is None:
        raise ConflictError(f"Dream {dream_id} is {row['status']}; only an ended dream can be archived.")
    tx.execute(
        "UPDATE dream SET archived_at = COALESCE(archived_at, :now) WHERE dream_id = :id",
        {"id": dream_id, "now": tx.now},
    )
    return to_dream(tx, find_dream(tx, dream_id, None, visible))


def _end(tx: Transaction, row: Row, status: str, code: ErrorCode | None = None, message: str | None = None) -> None:
    tx.execute(
        """
        UPDATE dream SET
            status = :status, ended_at = :now, lease_owner = NULL, lease_until = NULL, waits_until = NULL,
            error_code = :code, error_message = :message
        WHERE dream_id = :id
        """,
        {"id": row["dream_id"], "status": status, "now": tx.now, "code": code, "message": message},
    )
    tx.execute("DELETE FROM dream_step WHERE dream_id = :id", {"id": row["dream_id"]})
    seq = tx.value("SELECT seq FROM store WHERE store_id = :id", {"id": row["store_id"]})
    audit.append(tx, store_id=row["store_id"], seq=seq, action=f"dream_{status}", subject=row["dream_id"])


def dream_waits(tx: Transaction) -> bool:
    """Whether a dream is pending and waits for no judge, or running under a lease that ran out."""
    return (
        tx.value(
            """
            SELECT 1 FROM dream
            WHERE (status = 'pending' AND (waits_until IS NULL OR waits_until < :now))
                OR (status = 'running' AND lease_until < :now)
            LIMIT 1
            """,
            {"now": tx.now},
        )
        is not None
    )


def claim_dream(tx: Transaction, owner: str, lease_micros: int) -> Dream | None:
    """Take the oldest dream that waits, under a lease and a new attempt number; None when none does.

    How entries fared is fixed at the first attempt. A dream whose workers died ATTEMPTS_MAX times fails.
    """
    while True:
        row = tx.row(
            """
            SELECT dream.*, store.name AS store FROM dream JOIN store USING (store_id)
            WHERE (status = 'pending' AND (waits_until IS NULL OR waits_until < :now))
                OR (status = 'running' AND lease_until < :now)
            ORDER BY dream.created_at, dream_id LIMIT 1
            """,
            {"now": tx.now},
        )
        if row is None:
            return None
        if row["attempt"] < ATTEMPTS_MAX:
            break
        message = f"Its worker ended {ATTEMPTS_MAX} times before the dream did, last at the stage {row['stage']!r}."
        if row["output_version"] is not None:
            discard_version(tx, row["store_id"], row["output_version"])
        _end(tx, row, "failed", "internal_error", message)
    tx.execute(
        """
        UPDATE dream SET
            status = 'running', attempt = attempt + 1, lease_owner = :owner, lease_until = :until, waits_until = NULL,
            started_at = COALESCE(started_at, :now)
        WHERE dream_id = :id
        """,
        {"id": row["dream_id"], "owner": owner, "until": tx.now + lease_micros, "now": tx.now},
    )
    if row["attempt"] == 0:
        usage = tx.rows(
            """
            SELECT entry_id, recalls, useful, wrong, outdated, recalled_at, useful_at FROM usage
            WHERE store_id = :id ORDER BY entry_id
            """,
            {"id": row["store_id"]},
        )
        _insert_step(tx, row["dream_id"], 1, USAGE_STEP, json.dumps([tuple(found) for found in usage]).encode())
    return to_dream(tx, find_dream(tx, row["dream_id"], None, None))


def check_fence(tx: Transaction, dream_id: DreamId, attempt: int) -> Row:
    """The dream's row; ConflictError when another worker took it, or it was canceled."""
    row = find_dream(tx, dream_id, None, None)
    if row["status"] != "running" or row["attempt"] != attempt:
        raise ConflictError(
            f"Dream {dream_id} is {row['status']} at attempt {row['attempt']}; attempt {attempt} has lost it and "
            "writes no more."
        )
    return row


def beat(
    tx: Transaction,
    dream_id: DreamId,
    attempt: int,
    *,
    lease_micros: int,
    stage: str,
    done: int,
    total: int,
    decisions: Decisions | None,
) -> None:
    """Extend the lease, and say how far the dream is and what it has decided so far."""
    check_fence(tx, dream_id, attempt)
    tx.execute(
        """
        UPDATE dream SET lease_until = :until, stage = :stage, done = :done, total = :total WHERE dream_id = :id
        """,
        {"id": dream_id, "until": tx.now + lease_micros, "stage": stage, "done": done, "total": total},
    )
    if decisions is not None and decisions.decided:
        tx.execute(
            """
            INSERT INTO dream_step (dream_id, step, payload, attempt, at)
            VALUES (:id, :step, :payload, :attempt, :now)
            ON CONFLICT (dream_id, step) DO UPDATE SET payload = :payload, attempt = :attempt, at = :now
            """,
            {
                "id": dream_id,
                "step": DECIDED_STEP,
                "payload": json.dumps(asdict(decisions), ensure_ascii=False).encode(),
                "attempt": attempt,
                "now": tx.now,
            },
        )


def read_step(tx: Transaction, dream_id: DreamId, step: str) -> bytes | None:
    """What a step of the dream gave, if it was done."""
    return tx.value(
        "SELECT payload FROM dream_step WHERE dream_id = :id AND step = :step", {"id": dream_id, "step": step}
    )


def read_steps(tx: Transaction, dream_id: DreamId, prefix: str) -> dict[str, bytes]:
    """What the steps whose names begin so gave, by their names."""
    rows = tx.rows(
        """
        SELECT step, payload FROM dream_step
        WHERE dream_id = :id AND substr(step, 1, length(:prefix)) = :prefix ORDER BY step
        """,
        {"id": dream_id, "prefix": prefix},
    )
    return {row["step"]: row["payload"] for row in rows}


def write_step(
    tx: Transaction, dream_id: DreamId, attempt: int, step: str, payload: bytes, cost: TokenUsage | None
) -> None:
    """Journal what a step gave, and what it cost: both or neither."""
    check_fence(tx, dream_id, attempt)
    _insert_step(tx, dream_id, attempt, step, payload)
    if cost is not None:
        tx.execute(
            """
            UPDATE dream SET
                input_tokens = input_tokens + :input, output_tokens = output_tokens + :output,
                cache_creation_input_tokens = cache_creation_input_tokens + :cache_creation,
                cache_read_input_tokens = cache_read_input_tokens + :cache_read, cost_usd = cost_usd + :usd
            WHERE dream_id = :id
            """,
            {
                "id": dream_id,
                "input": cost.input_tokens,
                "output": cost.output_tokens,
                "cache_creation": cost.cache_creation_input_tokens,
                "cache_read": cost.cache_read_input_tokens,
                "usd": cost.cost_usd,
            },
        )


def note_estimate(tx: Transaction, dream_id: DreamId, attempt: int, tokens: int, usd: float | None) -> None:
    """Keep what judging is to take, beside what it will have taken."""
    check_fence(tx, dream_id, attempt)
    tx.execute(
        "UPDATE dream SET estimated_tokens = :tokens, estimated_usd = :usd WHERE dream_id = :id",
        {"id": dream_id, "tokens": tokens, "usd": usd},
    )


def await_judge(
    tx: Transaction,
    dream_id: DreamId,
    attempt: int,
    *,
    step: str,
    payload: bytes,
    done: int,
    batches: int,
    wait_micros: int,
) -> None:
    """Journal what the judge is asked, and give the lease back until it has answered or the wait is over."""
    check_fence(tx, dream_id, attempt)
    _insert_step(tx, dream_id, attempt, step, payload)
    tx.execute(
        """
        UPDATE dream SET
            status = 'pending', stage = 'waiting for the judge', done = :done, total = :batches,
            lease_owner = NULL, lease_until = NULL, waits_until = :until
        WHERE dream_id = :id
        """,
        {"id": dream_id, "done": done, "batches": batches, "until": tx.now + wait_micros},
    )


def check_awaited(tx: Transaction, dream_id: DreamId, visible: Visible) -> Row:
    """The dream's row; ConflictError when it waits for no judge."""
    row = find_dream(tx, dream_id, None, visible)
    if row["waits_until"] is None:
        raise ConflictError(
            f"Dream {dream_id} asks for no judgements: its judge is {row['judge']} and it is {row['status']}, at the "
            f"stage {row['stage']!r}. get_dream follows it."
        )
    return row


def answer_step(
    tx: Transaction,
    dream_id: DreamId,
    *,
    step: str,
    payload: bytes,
    done: int,
    wait_micros: int | None,
    visible: Visible,
) -> None:
    """Journal an answer of the judge; with no further wait, a worker goes on.

    ConflictError when the dream waits for no judge, or the step was answered by somebody else meanwhile.
    """
    row = check_awaited(tx, dream_id, visible)
    if read_step(tx, dream_id, step) is not None:
        raise ConflictError("Somebody else has just judged this batch; ask for the next one.")
    _insert_step(tx, dream_id, row["attempt"], step, payload)
    tx.execute(
        "UPDATE dream SET done = :done, waits_until = :until WHERE dream_id = :id",
        {"id": dream_id, "done": done, "until": None if wait_micros is None else tx.now + wait_micros},
    )


def _insert_step(tx: Transaction, dream_id: DreamId, attempt: int, step: str, payload: bytes) -> None:
    tx.execute(
        """
        INSERT INTO dream_step (dream_id, step, payload, attempt, at)
        VALUES (:id, :step, :payload, :attempt, :now)
        """,
        {"id": dream_id, "step": step, "payload": payload, "attempt": attempt, "now": tx.now},
    )


def complete_dream(tx: Transaction, dream_id: DreamId, attempt: int, recall_checked: int, recall_kept: int) -> None:
    """End a dream well. One that found nothing has read its sessions for good."""
    row = check_fence(tx, dream_id, attempt)
    tx.execute(
        """
        UPDATE dream SET stage = 'done', recall_checked = :checked, recall_kept = :kept WHERE dream_id = :id
        """,
        {"id": dream_id, "checked": recall_checked, "kept": recall_kept},
    )
    if row["output_version"] is None:
        sessions.mark_read(tx, dream_id)
    _end(tx, row, "completed")


def fail_dream(tx: Transaction, dream_id: DreamId, attempt: int, code: ErrorCode, message: str) -> None:
    """End a dream badly; what it may have proposed is discarded, except when only its budget ended."""
    row = check_fence(tx, dream_id, attempt)
    if row["output_version"] is not None and code != "budget_exceeded":
        discard_version(tx, row["store_id"], row["output_version"])
    _end(tx, row, "failed", code, message)
