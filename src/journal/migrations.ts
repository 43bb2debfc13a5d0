/**
 * The schema, as numbered steps: `user_version` counts those that were applied, from {@link BASE_VERSION} on. A step is never changed once it
 * was released; the next change is a new step. Each index is one more page in every durable commit: there are two.
 */
export const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE counter (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE key_record (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE batch (
  id INTEGER PRIMARY KEY,
  number INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('OPEN', 'MUST_SETTLE', 'CLOSED')),
  opened_ms INTEGER NOT NULL,
  closed_ms INTEGER,
  failures INTEGER NOT NULL DEFAULT 0,
  slip TEXT,
  slip_printed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX batch_current ON batch (state <> 'CLOSED') WHERE state <> 'CLOSED';

CREATE TABLE txn (
  id INTEGER PRIMARY KEY,
  batch_id INTEGER NOT NULL REFERENCES batch (id),
  kind TEXT NOT NULL CHECK (kind IN ('sale', 'refund', 'void')),
  state TEXT NOT NULL,
  online INTEGER NOT NULL,
  stan INTEGER NOT NULL,
  invoice INTEGER NOT NULL,
  amount INTEGER NOT NULL CHECK (amount >= 0),
  currency TEXT NOT NULL,
  card TEXT NOT NULL,
  card_sealed BLOB,
  entry_mode TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  original_id INTEGER REFERENCES txn (id),
  voided_by INTEGER REFERENCES txn (id),
  response_code TEXT,
  approval_code TEXT,
  rrn TEXT,
  detail TEXT NOT NULL
) STRICT;
CREATE INDEX txn_batch ON txn (batch_id, invoice);

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('reversal', 'script', 'advice')),
  txn_id INTEGER NOT NULL REFERENCES txn (id),
  amount INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('HELD', 'DUE', 'CLEARED', 'DONE', 'REJECTED')),
  tries INTEGER NOT NULL DEFAULT 0,
  sealed BLOB,
  link BLOB NOT NULL
) STRICT;
CREATE INDEX outbox_open ON outbox (state) WHERE state IN ('HELD', 'DUE');
`,
];

/** The version before the first step: no database of it or an earlier one was ever released. */
export const BASE_VERSION = 1;
