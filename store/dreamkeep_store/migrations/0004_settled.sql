-- What a model answered to a question about a store, so that the same question is not asked, and paid for, again.
-- The answer may hold what was remembered: erasing empties it for the whole store.
CREATE TABLE settled (
    store_id INTEGER NOT NULL REFERENCES store,
    question BLOB NOT NULL CHECK (length(question) = 32),
    answer BLOB NOT NULL,
    dream_id TEXT NOT NULL REFERENCES dream,
    at INTEGER NOT NULL,
    PRIMARY KEY (store_id, question)
) STRICT, WITHOUT ROWID;
CREATE INDEX settled_at ON settled (store_id, at);

-- Whether no judge came to a session before the budget ended: it stays new.
ALTER TABLE dream_session ADD COLUMN unread INTEGER NOT NULL DEFAULT 0 CHECK (unread IN (0, 1));

-- What judging was to take, worked out before anything was asked.
ALTER TABLE dream ADD COLUMN estimated_tokens INTEGER CHECK (estimated_tokens >= 0);
ALTER TABLE dream ADD COLUMN estimated_usd REAL CHECK (estimated_usd >= 0);
