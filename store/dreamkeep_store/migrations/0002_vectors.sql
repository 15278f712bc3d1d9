-- What makes vectors of texts, and how far it has come. Every text up to `through` has its row in `vector`.
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

-- A text's vector as float16, little-endian; none when the embedder could not make one, and why.
-- Numbers never come back, so that whoever holds a copy reads only what follows its last one.
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

-- The id of a text that was erased may be given to the next one, which must meet no vector and be no hole.
CREATE TRIGGER content_gone AFTER DELETE ON content
BEGIN
    DELETE FROM vector WHERE content_id = OLD.content_id;
    UPDATE recipe SET through = MIN(through, (SELECT COALESCE(MAX(content_id), 0) FROM content));
END;

CREATE INDEX tombstone_store ON tombstone (store_id);
