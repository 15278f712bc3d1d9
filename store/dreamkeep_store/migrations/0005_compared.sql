-- How a dream compared all entries with each other, and up to which vector, if it went by meaning as well: a later
-- dream in the same way compares what is new only.
ALTER TABLE dream ADD COLUMN compared TEXT;
ALTER TABLE dream ADD COLUMN compared_until INTEGER CHECK (compared_until IS NULL OR compared IS NOT NULL);
