import type { Migration } from "@soma/storage";

export interface StateTables {
  origin: { genesis: string };
  entry: { key: string; value: Uint8Array };
  executed_transaction: {
    digest: string;
    commit: bigint;
    refusal: string;
    is_job: boolean;
    bytes: Uint8Array;
    /** Place in the commit's order. */
    position: number;
    sender: string;
  };
  checkpoint: {
    sequence: bigint;
    digest: string;
    last_commit: bigint;
    bytes: Uint8Array;
    leaves: Uint8Array;
    /** Stored before it is sent; null if this validator is not of the committee. */
    signature: Uint8Array | null;
    certificate: Uint8Array | null;
  };
  epoch: {
    epoch: bigint;
    info: Uint8Array /** Null until the hand-over is certified; 0 at genesis. */;
    opened_by: bigint | null;
  };
  ledger_update: { sequence: bigint; part: number; parts: number; bytes: Uint8Array };
  embeddings: { job: string; commit: bigint; payload: Uint8Array };
  closed_job: { job: string; bytes: Uint8Array };
  /** Signed overrides (DESIGN section 4): applied ones, and those kept for their commit. */
  override: { commit: bigint; stage: string; bytes: Uint8Array };
  /** One row: what is not written as entries, of the ledger that the entries are. */
  summary: {
    is_only: boolean;
    state_digest: string;
    liquid: bigint;
    staked: bigint;
    pools: bigint;
    escrowed: bigint;
    recyclable: bigint;
    unminted: bigint;
  };
  /** The commits whose history is kept, with the number of stages that jobs passed in them. */
  executed_commit: {
    commit: bigint;
    epoch: bigint;
    digest: string;
    timestamp_ms: bigint;
    beacon: string;
    transactions: number;
    stages: number;
  };
  /** Every job, to be listed. */
  job_summary: { job: string; payer: string; paid_at: bigint; state: string; outcome: string | null };
  job_stage: {
    commit: bigint;
    /** Place among the commit's stages. */
    position: number;
    job: string;
    payer: string;
    state: string;
    attempt: number;
    outcome: string | null;
  };
}

/** A little-endian u64 within BCS bytes, as SQL reads it. */
const u64At = (column: string, at: number) =>
  Array.from({ length: 8 }, (_, i) => `(get_byte(${column}, ${at + i})::bigint << ${8 * i})`).join(" | ");

export const MIGRATIONS: readonly Migration[] = [
  {
    name: "0001-ledger",
    sql: `create table origin (genesis text primary key);
    create table entry (key text collate "C" primary key, value bytea not null) with (fillfactor = 80);
    create table executed_transaction (
      digest text collate "C" primary key,
      commit bigint not null,
      refusal text not null,
      is_job boolean not null,
      bytes bytea not null
    );
    create index executed_job on executed_transaction (commit) where is_job;
    create table checkpoint (
      sequence bigint primary key,
      digest text not null,
      last_commit bigint not null unique,
      bytes bytea not null,
      leaves bytea not null,
      signature bytea,
      certificate bytea
    );
    create index checkpoint_uncertified on checkpoint (sequence) where certificate is null;
    create table epoch (epoch bigint primary key, info bytea not null, opened_by bigint);
    create table ledger_update (
      sequence bigint not null,
      part integer not null,
      parts integer not null,
      bytes bytea not null,
      primary key (sequence, part)
    );
    create table embeddings (job text collate "C" primary key, commit bigint not null, payload bytea not null);
    create index embeddings_commit on embeddings (commit, job);
    create table closed_job (job text collate "C" primary key, bytes bytea not null);`,
  },
  {
    // Jobs of before are read out of their stored form: id, payer, then paid_at at 173 and the phase at 181.
    name: "0002-history",
    sql: `alter table executed_transaction
      add column position integer not null default 0,
      add column sender text collate "C" not null default '';
    create index executed_position on executed_transaction (commit, position);
    create table executed_commit (
      commit bigint primary key,
      epoch bigint not null,
      digest text not null,
      timestamp_ms bigint not null,
      beacon text not null,
      transactions integer not null,
      stages integer not null
    );
    create table job_summary (
      job text collate "C" primary key,
      payer text collate "C" not null,
      paid_at bigint not null,
      state text not null,
      outcome text
    );
    insert into job_summary
      select encode(substring(bytes from 1 for 32), 'hex'), encode(substring(bytes from 33 for 32), 'hex'),
        ${u64At("bytes", 173)},
        (array['paid', 'drawn', 'selected', 'bundled', 'closed'])[get_byte(bytes, 181) + 1], null
      from (
        select bytes from closed_job union all select value from entry where key >= 'job/' and key < 'job0'
      ) stored;
    create index job_summary_paid on job_summary (paid_at, job);
    create index job_summary_payer on job_summary (payer, paid_at, job);
    create index job_summary_state on job_summary (state, paid_at, job);
    create table job_stage (
      commit bigint not null,
      position integer not null,
      job text collate "C" not null,
      payer text collate "C" not null,
      state text not null,
      attempt integer not null,
      outcome text,
      primary key (commit, position)
    );`,
  },
  {
    name: "0003-override",
    sql: `create table override (
      commit bigint not null,
      stage text not null,
      bytes bytea not null,
      primary key (commit, stage)
    );`,
  },
  {
    // A leaf that waited alone becomes a commit's list of one.
    name: "0004-leaves-by-commit",
    sql: `update entry set key = 'local/leaves/' || substring(key from 12), value = '\\x01'::bytea || value
      where key like 'local/leaf/%';`,
  },
  {
    name: "0005-summary",
    sql: `create table summary (
      is_only boolean primary key default true check (is_only),
      state_digest text not null,
      liquid bigint not null,
      staked bigint not null,
      pools bigint not null,
      escrowed bigint not null,
      recyclable bigint not null,
      unminted bigint not null
    );`,
  },
];
