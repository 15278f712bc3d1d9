-- Until when a dream without a worker waits for its judge, the connected agent, to answer.
ALTER TABLE dream ADD COLUMN waits_until INTEGER CHECK (waits_until IS NULL OR status = 'pending');
