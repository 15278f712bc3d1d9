-- What the agent calls itself that recorded a session first; null for a person's own command.
ALTER TABLE session ADD COLUMN recorded_by TEXT CHECK (recorded_by != '');
