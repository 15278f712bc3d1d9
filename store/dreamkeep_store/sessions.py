"""Sessions: recording past conversations, reading them back, and which ones no dream has read yet."""

import json
from collections.abc import Collection, Sequence

from dreamkeep_store import audit, limits, names
from dreamkeep_store.database import Row, Transaction, from_micros, to_micros
from dreamkeep_store.errors import ConflictError, InvalidError, NotFoundError
from dreamkeep_store.ids import ALPHABET, CHARACTERS, new_id
from dreamkeep_store.models import (
    SESSIONS_PER_DREAM_MAX,
    TRANSCRIPT_BYTES_MAX,
    TRUSTS,
    Message,
    Session,
    SessionId,
    StoreName,
    Transcript,
    Trust,
)
from dreamkeep_store.names import StoreRow, Visible
from dreamkeep_store.versions import check_page

EXTERNAL_ID_CHARACTERS_MAX = 200


def record_session(
    tx: Transaction,
    store: StoreName,
    messages: Sequence[Message],
    *,
    session_id: str | None,
    trust: Trust,
    redactions: int,
    recorded_by: str | None,
    visible: Visible,
) -> Session:
    """Keep a conversation; its messages are numbered from 1 in the order given.

    A session that is known by this id grows: a conversation that begins with all that was kept brings what
    is new, and any other messages are added behind it. The same again, or a part from its beginning or its
    end, changes nothing. What was kept never changes, and ConflictError keeps the less trusted out.
    """
    if not messages:
        raise InvalidError("The session has no messages. Give at least one with a role and some text.")
    for message in messages:
        limits.check_text(message.text, "message")
        limits.check_text(message.name or "", "name")
    _check_size(messages)
    row = names.find_or_create(tx, store, visible)
    known = _known(tx, row, session_id, visible)
    if known is None:
        kept = _insert(
            tx, row, messages, session_id=session_id, trust=trust, redactions=redactions, recorded_by=recorded_by
        )
    else:
        kept = known["session_id"]
        _grow(tx, row, known, messages, trust=trust, redactions=redactions)
    return get_session(tx, kept, visible)


def _check_size(messages: Sequence[Message], *, beside: int = 0) -> None:
    size = beside + sum(len(message.text.encode()) for message in messages)
    if size > TRANSCRIPT_BYTES_MAX:
        raise InvalidError(
            f"The transcript has {size:,} bytes and a session holds at most {TRANSCRIPT_BYTES_MAX:,}. "
            "Record it in parts, each under its own session_id."
        )


def _size(tx: Transaction, session_id: SessionId) -> int:
    return tx.value("SELECT SUM(length(CAST(text AS BLOB))) FROM message WHERE session_id = :id", {"id": session_id})


def _begins_with(tx: Transaction, session_id: SessionId, messages: Sequence[Message]) -> bool:
    """Whether one of the two, what is kept and what is given, is the beginning of the other."""
    rows = tx.rows(
        "SELECT role, text FROM message WHERE session_id = :id ORDER BY number LIMIT :count",
        {"id": session_id, "count": len(messages)},
    )
    return [(row["role"], row["text"]) for row in rows] == [(one.role, one.text) for one in messages[: len(rows)]]


def _ends_with(tx: Transaction, session_id: SessionId, messages: Sequence[Message]) -> bool:
    """Whether these are the last messages of the session: an addition that was sent twice."""
    rows = tx.rows(
        "SELECT role, text FROM message WHERE session_id = :id ORDER BY number DESC LIMIT :count",
        {"id": session_id, "count": len(messages)},
    )
    return [(row["role"], row["text"]) for row in reversed(rows)] == [(one.role, one.text) for one in messages]


def _known(tx: Transaction, store: StoreRow, session_id: str | None, visible: Visible) -> Row | None:
    if session_id is None:
        return None
    if not session_id.strip() or len(session_id) > EXTERNAL_ID_CHARACTERS_MAX or not session_id.isprintable():
        raise InvalidError(
            f"{session_id[:40]!r} is no session_id: it takes 1 to {EXTERNAL_ID_CHARACTERS_MAX} printable characters."
        )
    if is_own_id(session_id):
        session = get_session(tx, SessionId(session_id), visible)
        if session.store != store.name:
            raise InvalidError(f"Session {session_id} is in store {session.store}, not in {store.name}.")
    return tx.row(
        """
        SELECT session_id, trust, messages, redactions FROM session
        WHERE store_id = :store_id AND (session_id = :id OR external_id = :id)
        """,
        {"store_id": store.store_id, "id": session_id},
    )


def is_own_id(session_id: str) -> bool:
    """Whether this is one of our ids, and not a client's."""
    return session_id.startswith("s_") and len(session_id) == CHARACTERS + 2 and set(session_id[2:]) <= set(ALPHABET)


def _insert(
    tx: Transaction,
    store: StoreRow,
    messages: Sequence[Message],
    *,
    session_id: str | None,
    trust: Trust,
    redactions: int,
    recorded_by: str | None,
) -> SessionId:
    own_id = SessionId(new_id("s"))
    while tx.value("SELECT 1 FROM session WHERE session_id = :id", {"id": own_id}) is not None:
        own_id = SessionId(new_id("s"))
    started = min((to_micros(message.at) for message in messages if message.at is not None), default=tx.now)
    tx.execute(
        """
        INSERT INTO session (
            session_id, store_id, external_id, trust, messages, redactions, started_at, recorded_at, recorded_by
        ) VALUES (
            :session_id, :store_id, :external_id, :trust, :messages, :redactions, :started_at, :now, :recorded_by
        )
        """,
        {
            "session_id": own_id,
            "store_id": store.store_id,
            "external_id": session_id,
            "trust": trust,
            "messages": len(messages),
            "redactions": redactions,
            "started_at": min(started, tx.now),
            "now": tx.now,
            "recorded_by": recorded_by,
        },
    )
    _insert_messages(tx, own_id, messages, after=0)
    audit.append(
        tx,
        store_id=store.store_id,
        seq=store.seq,
        action="record_session",
        subject=own_id,
        messages=len(messages),
    )
    return own_id


def _grow(
    tx: Transaction,
    store: StoreRow,
    known: Row,
    messages: Sequence[Message],
    *,
    trust: Trust,
    redactions: int,
) -> None:
    session_id = SessionId(known["session_id"])
    again = _begins_with(tx, session_id, messages)
    if len(messages) <= known["messages"] and (again or _ends_with(tx, session_id, messages)):
        return
    if TRUSTS.index(trust) > TRUSTS.index(known["trust"]):
        raise ConflictError(
            f"Session {session_id} was recorded with trust {known['trust']!r}, and nothing less trusted is added to "
            "it. Leave session_id out, or give another one, to record this beside it."
        )
    added = messages[known["messages"] :] if again else messages
    _check_size(added, beside=_size(tx, session_id))
    _insert_messages(tx, session_id, added, after=known["messages"])
    tx.execute(
        """
        UPDATE session SET messages = messages + :added, redactions = :redactions, recorded_at = :now
        WHERE session_id = :id
        """,
        {
            "id": session_id,
            "added": len(added),
            "redactions": redactions + (0 if again else known["redactions"]),
            "now": tx.now,
        },
    )
    audit.append(
        tx,
        store_id=store.store_id,
        seq=store.seq,
        action="grow_session",
        subject=session_id,
        messages=len(messages),
    )


def _insert_messages(tx: Transaction, session_id: SessionId, messages: Sequence[Message], *, after: int) -> None:
    tx.execute_many(
        """
        INSERT INTO message (session_id, number, role, name, at, text)
        VALUES (:session_id, :number, :role, :name, :at, :text)
        """,
        (
            {
                "session_id": session_id,
                "number": number,
                "role": message.role,
                "name": message.name,
                "at": None if message.at is None else to_micros(message.at),
                "text": message.text,
            }
            for number, message in enumerate(messages, start=after + 1)
        ),
    )


def get_session(tx: Transaction, session_id: SessionId, visible: Visible) -> Session:
    """The session; NotFoundError when nothing, or nothing that the caller may see, has this id."""
    row = tx.row(
        """
        SELECT session.session_id, store.name AS store, external_id, trust, messages, read_messages, redactions,
            started_at, recorded_at, recorded_by
        FROM session JOIN store USING (store_id) WHERE session_id = :id
        """,
        {"id": session_id},
    )
    if row is None or (visible is not None and row["store"] not in visible):
        raise NotFoundError(
            f"There is no session {session_id[:80]!r}. record_session answers with the id of what it recorded."
        )
    return to_session(row)


def to_session(row: Row) -> Session:
    """A Session from its row."""
    return Session(
        session_id=row["session_id"],
        store=row["store"],
        external_id=row["external_id"],
        trust=row["trust"],
        messages=row["messages"],
        read_messages=row["read_messages"],
        redactions=row["redactions"],
        started_at=from_micros(row["started_at"]),
        recorded_at=from_micros(row["recorded_at"]),
        recorded_by=row["recorded_by"],
    )


def get_transcript(
    tx: Transaction, session_id: SessionId, visible: Visible, messages_max: int | None = None
) -> Transcript:
    """The session with its messages, or with the first `messages_max` of them."""
    session = get_session(tx, session_id, visible)
    rows = tx.rows(
        """
        SELECT number, role, name, at, text FROM message
        WHERE session_id = :id AND (:most IS NULL OR number <= :most) ORDER BY number
        """,
        {"id": session_id, "most": messages_max},
    )
    return Transcript(
        session=session,
        messages=tuple(
            Message(
                number=row["number"],
                role=row["role"],
                text=row["text"],
                name=row["name"],
                at=None if row["at"] is None else from_micros(row["at"]),
            )
            for row in rows
        ),
    )


def list_sessions(tx: Transaction, store: StoreRow, *, new_only: bool, limit: int, offset: int) -> list[Session]:
    """A page of sessions, oldest recorded first."""
    check_page(limit, offset)
    rows = tx.rows(
        """
        SELECT session.session_id, store.name AS store, external_id, trust, messages, read_messages, redactions,
            started_at, recorded_at, recorded_by
        FROM session JOIN store USING (store_id)
        WHERE session.store_id = :store_id AND (NOT :new_only OR read_messages < messages)
        ORDER BY recorded_at, session_id LIMIT :limit OFFSET :offset
        """,
        {"store_id": store.store_id, "new_only": new_only, "limit": limit, "offset": offset},
    )
    return [to_session(row) for row in rows]


def leave_unread(tx: Transaction, dream_id: str, session_ids: Sequence[SessionId]) -> None:
    """Note of a dream's sessions that no judge came to these: they stay new, whatever becomes of the dream."""
    tx.execute_many(
        "UPDATE dream_session SET unread = 1 WHERE dream_id = :dream_id AND session_id = :session_id",
        ({"dream_id": dream_id, "session_id": session_id} for session_id in session_ids),
    )


def mark_read(tx: Transaction, dream_id: str) -> None:
    """Count what a dream read of its sessions as read for good; they are new again when they grow."""
    tx.execute(
        """
        UPDATE session SET read_messages = MAX(session.read_messages, MIN(dream_session.messages, session.messages))
        FROM dream_session
        WHERE dream_session.dream_id = :dream_id AND dream_session.session_id = session.session_id
            AND NOT dream_session.unread
        """,
        {"dream_id": dream_id},
    )


def mark_read_by_what_stands(
    tx: Transaction, store: StoreRow, *, changed: Collection[int], undone: Collection[int]
) -> None:
    """Count the sessions of switches that were just undone, or stand again, as read by what stands now.

    Undoing a switch takes back what was learnt from its sessions, so they are new again unless another dream read
    them; what somebody rejected in it stays rejected.
    """
    tx.execute(
        """
        WITH concerned (session_id) AS MATERIALIZED (
            SELECT DISTINCT dream_session.session_id FROM version
            CROSS JOIN dream_session ON dream_session.dream_id = version.dream_id
            WHERE version.store_id = :store_id AND version.number IN (SELECT value FROM json_each(:changed))
        ),
        counted (session_id, messages) AS MATERIALIZED (
            SELECT dream_session.session_id, MAX(dream_session.messages) FROM dream_session
            CROSS JOIN dream ON dream.dream_id = dream_session.dream_id
            WHERE dream_session.session_id IN (SELECT session_id FROM concerned) AND NOT dream_session.unread
                AND (
                    -- One that found nothing, unless it took for known what an undone switch had taught.
                    (
                        dream.status = 'completed' AND dream.output_version IS NULL
                        AND NOT EXISTS (
                            SELECT 1 FROM version
                            CROSS JOIN dream_session AS taught ON taught.dream_id = version.dream_id
                            WHERE version.store_id = :store_id AND version.number <= dream.base
                                AND version.number IN (SELECT value FROM json_each(:undone))
                                AND taught.session_id = dream_session.session_id
                        )
                    )
                    OR EXISTS (
                        SELECT 1 FROM version
                        WHERE version.store_id = dream.store_id AND version.dream_id = dream.dream_id
                            AND version.state = 'published'
                            AND NOT (
                                version.store_id = :store_id
                                AND version.number IN (SELECT value FROM json_each(:undone))
                            )
                    )
                )
            GROUP BY dream_session.session_id
        )
        UPDATE session SET read_messages = MIN(session.messages, COALESCE(
            (SELECT counted.messages FROM counted WHERE counted.session_id = session.session_id), 0
        ))
        WHERE session.store_id = :store_id AND session.session_id IN (SELECT session_id FROM concerned)
        """,
        {
            "store_id": store.store_id,
            "changed": json.dumps(sorted(changed)),
            "undone": json.dumps(sorted(undone)),
        },
    )


def is_in(tx: Transaction, store: StoreRow, session_id: SessionId | None) -> bool:
    """Whether the store has this session."""
    return session_id is not None and (
        tx.value(
            "SELECT 1 FROM session WHERE session_id = :session_id AND store_id = :store_id",
            {"session_id": session_id, "store_id": store.store_id},
        )
        is not None
    )


def move(tx: Transaction, source: StoreRow, target: StoreRow) -> None:
    """Give the sessions of one store to another; those that it knows by the same client's name stay."""
    tx.execute(
        """
        UPDATE session SET store_id = :target WHERE store_id = :source AND NOT EXISTS (
            SELECT 1 FROM session AS known
            WHERE known.store_id = :target AND known.external_id = session.external_id
        )
        """,
        {"target": target.store_id, "source": source.store_id},
    )


def input_sessions(
    tx: Transaction, store: StoreRow, wanted: Sequence[SessionId] | str, visible: Visible
) -> dict[SessionId, int]:
    """The sessions that a dream would read, each with how many messages it has now."""
    if wanted == "new":
        found = list_sessions(tx, store, new_only=True, limit=SESSIONS_PER_DREAM_MAX, offset=0)
        return {session.session_id: session.messages for session in found}
    ids = [SessionId(session_id) for session_id in dict.fromkeys(wanted)]
    if len(ids) > SESSIONS_PER_DREAM_MAX:
        raise InvalidError(
            f"{len(ids)} sessions were named and a dream reads at most {SESSIONS_PER_DREAM_MAX}. Name fewer; the rest "
            "can go into the next dream."
        )
    read: dict[SessionId, int] = {}
    for session_id in ids:
        session = get_session(tx, session_id, visible)
        if session.store != store.name:
            raise InvalidError(f"Session {session_id} is in store {session.store}, not in {store.name}.")
        read[session_id] = session.messages
    return read
