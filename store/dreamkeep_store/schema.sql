CREATE TABLE store (
    store_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (name != ''),
    seq INTEGER NOT NULL CHECK (seq >= 0),
    head INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE version (
    store_id INTEGER NOT NULL REFERENCES store,
    number INTEGER NOT NULL CHECK (number >= 1),
    parent INTEGER,
    kind TEXT NOT NULL CHECK (kind IN ('initial', 'checkpoint', 'dream', 'rollback')),
    state TEXT NOT NULL CHECK (state IN ('proposed', 'published', 'discarded')),
    seq INTEGER,
    dream_id TEXT REFERENCES dream,
    mode TEXT CHECK (mode IN ('revert', 'restore')),
    undoes TEXT CHECK (json_type(undoes) = 'array'),
    restores INTEGER,
    digest BLOB CHECK (length(digest) = 32),
    entries INTEGER,
    note TEXT,
    created_at INTEGER NOT NULL,
    published_at INTEGER,
    PRIMARY KEY (store_id, number),
    FOREIGN KEY (store_id, parent) REFERENCES version (store_id, number),
    FOREIGN KEY (store_id, restores) REFERENCES version (store_id, number),
    CHECK ((seq IS NOT NULL) = (state = 'published')),
    CHECK ((published_at IS NOT NULL) = (state = 'published')),
    CHECK ((kind = 'dream') = (dream_id IS NOT NULL)),
    CHECK ((kind = 'rollback') = (mode IS NOT NULL)),
    CHECK ((mode IS 'revert') = (undoes IS NOT NULL)),
    CHECK ((mode IS 'restore') = (restores IS NOT NULL)),
    CHECK ((parent IS NULL) = (kind = 'initial'))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX version_one_proposed ON version (store_id) WHERE state = 'proposed';
CREATE INDEX version_seq ON version (store_id, seq) WHERE seq IS NOT NULL;
CREATE INDEX version_dream ON version (dream_id) WHERE dream_id IS NOT NULL;
CREATE TABLE content (
    content_id INTEGER PRIMARY KEY,
    store_id INTEGER NOT NULL REFERENCES store,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    salt BLOB NOT NULL CHECK (length(salt) = 16),
    text TEXT NOT NULL CHECK (text != ''),
    UNIQUE (store_id, sha256)
) STRICT;
CREATE VIRTUAL TABLE content_fts USING fts5 (
    text, content = 'content', content_rowid = 'content_id', tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE VIRTUAL TABLE content_term USING fts5vocab (content_fts, row);
CREATE TABLE revision (
    revision_id INTEGER PRIMARY KEY,
    store_id INTEGER NOT NULL REFERENCES store,
    entry_id TEXT NOT NULL,
    content_id INTEGER NOT NULL REFERENCES content,
    tier TEXT NOT NULL CHECK (tier IN ('persistent', 'standard', 'ephemeral')),
    tags TEXT NOT NULL CHECK (json_type(tags) = 'array'),
    topic TEXT CHECK (topic LIKE '/%'),
    trust TEXT NOT NULL CHECK (trust IN ('user', 'agent', 'tool', 'external')),
    asserted_at INTEGER NOT NULL,
    session_id TEXT REFERENCES session,
    restored_from INTEGER REFERENCES revision,
    opened_by INTEGER REFERENCES change,
    closed_by INTEGER REFERENCES change,
    from_seq INTEGER NOT NULL,
    to_seq INTEGER,
    opened_at INTEGER NOT NULL,
    closed_at INTEGER,
    closed_how TEXT CHECK (closed_how IN ('edited', 'forgotten', 'replaced', 'dream', 'rollback')),
    closed_into TEXT,
    close_reason TEXT,
    CHECK (to_seq > from_seq),
    CHECK ((to_seq IS NULL) = (closed_at IS NULL)),
    CHECK ((to_seq IS NULL) = (closed_how IS NULL)),
    CHECK ((closed_how = 'replaced') = (closed_into IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX revision_one_live ON revision (entry_id) WHERE to_seq IS NULL;
CREATE INDEX revision_entry ON revision (entry_id, from_seq);
CREATE INDEX revision_content ON revision (content_id);
CREATE INDEX revision_from ON revision (store_id, from_seq);
CREATE INDEX revision_to ON revision (store_id, to_seq) WHERE to_seq IS NOT NULL;
CREATE INDEX revision_newest ON revision (store_id, asserted_at) WHERE to_seq IS NULL;
CREATE INDEX revision_root ON revision (restored_from) WHERE restored_from IS NOT NULL;
CREATE INDEX revision_opened_by ON revision (opened_by) WHERE opened_by IS NOT NULL;
CREATE INDEX revision_closed_by ON revision (closed_by) WHERE closed_by IS NOT NULL;
CREATE INDEX revision_session ON revision (session_id) WHERE session_id IS NOT NULL;
CREATE TABLE usage (
    entry_id TEXT PRIMARY KEY,
    store_id INTEGER NOT NULL REFERENCES store,
    recalls INTEGER NOT NULL DEFAULT 0,
    useful INTEGER NOT NULL DEFAULT 0,
    wrong INTEGER NOT NULL DEFAULT 0,
    outdated INTEGER NOT NULL DEFAULT 0,
    recalled_at INTEGER,
    useful_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_store ON usage (store_id);
CREATE TABLE outcome (
    outcome_id INTEGER PRIMARY KEY,
    entry_id TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('useful', 'wrong', 'outdated')),
    note TEXT,
    actor TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX outcome_entry ON outcome (entry_id);
CREATE TABLE recall (
    recall_id INTEGER PRIMARY KEY,
    store_id INTEGER NOT NULL REFERENCES store,
    query TEXT NOT NULL,
    entry_ids TEXT NOT NULL CHECK (json_type(entry_ids) = 'array'),
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX recall_store ON recall (store_id, recall_id);
CREATE TABLE session (
    session_id TEXT PRIMARY KEY,
    store_id INTEGER NOT NULL REFERENCES store,
    external_id TEXT,
    trust TEXT NOT NULL CHECK (trust IN ('user', 'agent', 'tool', 'external')),
    messages INTEGER NOT NULL CHECK (messages >= 1),
    read_messages INTEGER NOT NULL DEFAULT 0 CHECK (read_messages <= messages),
    redactions INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL, recorded_by TEXT CHECK (recorded_by != ''),
    UNIQUE (store_id, external_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_new ON session (store_id, recorded_at) WHERE read_messages < messages;
CREATE TABLE message (
    session_id TEXT NOT NULL REFERENCES session,
    number INTEGER NOT NULL CHECK (number >= 1),
    role TEXT NOT NULL CHECK (role IN ('user', 'assistant', 'tool', 'system')),
    name TEXT,
    at INTEGER,
    text TEXT NOT NULL,
    PRIMARY KEY (session_id, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE dream (
    dream_id TEXT PRIMARY KEY,
    store_id INTEGER NOT NULL REFERENCES store,
    base INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'canceled')),
    stage TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    judge TEXT NOT NULL CHECK (judge IN ('rules', 'claude', 'agent')),
    policy TEXT NOT NULL CHECK (policy IN ('review', 'auto_low', 'auto_medium')),
    model TEXT,
    instructions TEXT NOT NULL,
    budget_tokens INTEGER CHECK (budget_tokens > 0),
    budget_usd REAL CHECK (budget_usd > 0),
    requested_by TEXT NOT NULL,
    input BLOB NOT NULL CHECK (length(input) = 32),
    input_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    cache_creation_input_tokens INTEGER NOT NULL DEFAULT 0,
    cache_read_input_tokens INTEGER NOT NULL DEFAULT 0,
    cost_usd REAL NOT NULL DEFAULT 0,
    output_version INTEGER,
    recall_checked INTEGER,
    recall_kept INTEGER,
    refusals TEXT NOT NULL DEFAULT '[]' CHECK (json_type(refusals) = 'array'),
    error_code TEXT,
    error_message TEXT,
    attempt INTEGER NOT NULL DEFAULT 0,
    lease_owner TEXT,
    lease_until INTEGER,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    archived_at INTEGER, waits_until INTEGER CHECK (waits_until IS NULL OR status = 'pending'), estimated_tokens INTEGER CHECK (estimated_tokens >= 0), estimated_usd REAL CHECK (estimated_usd >= 0), compared TEXT, compared_until INTEGER CHECK (compared_until IS NULL OR compared IS NOT NULL),
    FOREIGN KEY (store_id, base) REFERENCES version (store_id, number),
    CHECK ((ended_at IS NULL) = (status IN ('pending', 'running'))),
    CHECK ((lease_until IS NOT NULL) = (status = 'running')),
    CHECK ((lease_owner IS NOT NULL) = (status = 'running')),
    CHECK ((error_code IS NOT NULL) = (status = 'failed')),
    CHECK (archived_at IS NULL OR ended_at IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX dream_one_open ON dream (store_id) WHERE status IN ('pending', 'running');
CREATE INDEX dream_store ON dream (store_id, created_at);
CREATE TABLE dream_session (
    dream_id TEXT NOT NULL REFERENCES dream,
    session_id TEXT NOT NULL REFERENCES session,
    messages INTEGER NOT NULL, unread INTEGER NOT NULL DEFAULT 0 CHECK (unread IN (0, 1)),
    PRIMARY KEY (dream_id, session_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE dream_step (
    dream_id TEXT NOT NULL REFERENCES dream,
    step TEXT NOT NULL,
    payload BLOB NOT NULL,
    attempt INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (dream_id, step)
) STRICT, WITHOUT ROWID;
CREATE TABLE change (
    change_id INTEGER PRIMARY KEY,
    store_id INTEGER NOT NULL REFERENCES store,
    version INTEGER NOT NULL,
    dream_id TEXT REFERENCES dream,
    number INTEGER NOT NULL CHECK (number >= 1),
    operation TEXT NOT NULL CHECK (operation IN (
        'merge', 'supersede', 'archive', 'conflict', 'split', 'add', 'insight', 'retier', 'move', 'revert', 'restore'
    )),
    risk TEXT NOT NULL CHECK (risk IN ('low', 'medium', 'high')),
    decision TEXT NOT NULL CHECK (decision IN ('included', 'suggested', 'rejected')),
    decided_by TEXT NOT NULL,
    decided_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    evidence TEXT NOT NULL CHECK (json_type(evidence) = 'array'),
    fingerprint BLOB NOT NULL,
    applied INTEGER CHECK (applied IN (0, 1)),
    skipped TEXT,
    FOREIGN KEY (store_id, version) REFERENCES version (store_id, number),
    CHECK ((skipped IS NOT NULL) = (applied IS 0)),
    CHECK (applied IS NULL OR decision = 'included'),
    CHECK ((dream_id IS NULL) = (operation IN ('revert', 'restore')))
) STRICT;
CREATE UNIQUE INDEX change_number ON change (dream_id, number) WHERE dream_id IS NOT NULL;
CREATE INDEX change_version ON change (store_id, version, number);
CREATE INDEX change_rejected ON change (store_id, fingerprint) WHERE decision = 'rejected';
CREATE TABLE change_read (
    change_id INTEGER NOT NULL REFERENCES change,
    revision_id INTEGER NOT NULL REFERENCES revision,
    closes INTEGER NOT NULL CHECK (closes IN (0, 1)),
    PRIMARY KEY (change_id, revision_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX change_read_revision ON change_read (revision_id);
CREATE TABLE change_open (
    open_id INTEGER PRIMARY KEY,
    change_id INTEGER NOT NULL REFERENCES change,
    entry_id TEXT NOT NULL,
    content_id INTEGER NOT NULL REFERENCES content,
    tier TEXT NOT NULL CHECK (tier IN ('persistent', 'standard', 'ephemeral')),
    tags TEXT NOT NULL CHECK (json_type(tags) = 'array'),
    topic TEXT CHECK (topic LIKE '/%'),
    trust TEXT NOT NULL CHECK (trust IN ('user', 'agent', 'tool', 'external')),
    asserted_at INTEGER NOT NULL,
    session_id TEXT REFERENCES session,
    root_id INTEGER REFERENCES revision,
    UNIQUE (change_id, entry_id)
) STRICT;
CREATE INDEX change_open_entry ON change_open (entry_id);
CREATE INDEX change_open_content ON change_open (content_id);
CREATE INDEX change_open_root ON change_open (root_id) WHERE root_id IS NOT NULL;
CREATE INDEX change_open_session ON change_open (session_id) WHERE session_id IS NOT NULL;
CREATE TABLE change_quote (
    change_id INTEGER NOT NULL REFERENCES change,
    position INTEGER NOT NULL,
    session_id TEXT NOT NULL REFERENCES session,
    message INTEGER NOT NULL,
    role TEXT NOT NULL,
    text TEXT NOT NULL,
    at INTEGER,
    PRIMARY KEY (change_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX change_quote_session ON change_quote (session_id);
CREATE TABLE tombstone (
    entry_id TEXT PRIMARY KEY,
    store_id INTEGER NOT NULL REFERENCES store,
    erased_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE token (
    token_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
    stores TEXT NOT NULL CHECK (json_type(stores) = 'array'),
    rights TEXT NOT NULL CHECK (rights IN ('read', 'write')),
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE audit (
    audit_id INTEGER PRIMARY KEY,
    store_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL CHECK (json_type(detail) = 'object'),
    previous BLOB NOT NULL CHECK (length(previous) = 32),
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;
CREATE VIEW entry AS
SELECT
    revision.revision_id,
    revision.store_id,
    store.name AS store,
    revision.entry_id,
    revision.content_id,
    content.text AS content,
    content.sha256,
    revision.tier,
    revision.tags,
    revision.topic,
    revision.trust,
    revision.asserted_at,
    revision.session_id,
    change.dream_id,
    revision.from_seq,
    revision.to_seq,
    COALESCE(revision.restored_from, revision.revision_id) AS root_id,
    COALESCE(usage.recalls, 0) AS recalls,
    COALESCE(usage.useful, 0) AS useful,
    COALESCE(usage.wrong, 0) AS wrong,
    COALESCE(usage.outdated, 0) AS outdated,
    usage.recalled_at,
    usage.useful_at
FROM revision
CROSS JOIN store ON store.store_id = revision.store_id
CROSS JOIN content ON content.content_id = revision.content_id
LEFT JOIN change ON change.change_id = revision.opened_by
LEFT JOIN usage ON usage.entry_id = revision.entry_id;
CREATE VIEW proposed_entry AS
SELECT
    -change_open.open_id AS revision_id,
    change.store_id,
    store.name AS store,
    change_open.entry_id,
    change_open.content_id,
    content.text AS content,
    content.sha256,
    change_open.tier,
    change_open.tags,
    change_open.topic,
    change_open.trust,
    change_open.asserted_at,
    change_open.session_id,
    change.dream_id,
    COALESCE(usage.recalls, 0) AS recalls,
    COALESCE(usage.useful, 0) AS useful,
    COALESCE(usage.wrong, 0) AS wrong,
    COALESCE(usage.outdated, 0) AS outdated,
    usage.recalled_at,
    usage.useful_at,
    change.change_id,
    change.version,
    change.decision,
    change_open.root_id
FROM change
CROSS JOIN store ON store.store_id = change.store_id
CROSS JOIN change_open ON change_open.change_id = change.change_id
CROSS JOIN content ON content.content_id = change_open.content_id
LEFT JOIN usage ON usage.entry_id = change_open.entry_id;
CREATE TABLE recipe (
    recipe_id INTEGER PRIMARY KEY AUTOINCREMENT,
    recipe TEXT NOT NULL UNIQUE CHECK (recipe != ''),
    setting TEXT NOT NULL,
    dimensions INTEGER NOT NULL CHECK (dimensions BETWEEN 1 AND 8192),
    through INTEGER NOT NULL DEFAULT 0 CHECK (through >= 0),
    forgotten INTEGER NOT NULL DEFAULT 0 CHECK (forgotten >= 0),
    complete_at INTEGER,
    lease_owner TEXT,
    lease_until INTEGER,
    created_at INTEGER NOT NULL,
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL))
) STRICT;
CREATE TABLE sqlite_sequence(name,seq);
CREATE TABLE vector (
    vector_id INTEGER PRIMARY KEY AUTOINCREMENT,
    store_id INTEGER NOT NULL REFERENCES store,
    content_id INTEGER NOT NULL REFERENCES content,
    recipe_id INTEGER NOT NULL REFERENCES recipe,
    vector BLOB CHECK (length(vector) > 0),
    sha256 BLOB CHECK (length(sha256) = 32),
    problem TEXT CHECK (problem != ''),
    UNIQUE (content_id, recipe_id),
    CHECK ((vector IS NULL) = (sha256 IS NULL)),
    CHECK ((vector IS NULL) = (problem IS NOT NULL))
) STRICT;
CREATE INDEX vector_store ON vector (recipe_id, store_id, vector_id);
CREATE INDEX vector_failed ON vector (recipe_id, vector_id) WHERE problem IS NOT NULL;
CREATE TRIGGER content_gone AFTER DELETE ON content
BEGIN
    DELETE FROM vector WHERE content_id = OLD.content_id;
    UPDATE recipe SET through = MIN(through, (SELECT COALESCE(MAX(content_id), 0) FROM content));
END;
CREATE INDEX tombstone_store ON tombstone (store_id);
CREATE TABLE settled (
    store_id INTEGER NOT NULL REFERENCES store,
    question BLOB NOT NULL CHECK (length(question) = 32),
    answer BLOB NOT NULL,
    dream_id TEXT NOT NULL REFERENCES dream,
    at INTEGER NOT NULL,
    PRIMARY KEY (store_id, question)
) STRICT, WITHOUT ROWID;
CREATE INDEX settled_at ON settled (store_id, at);
