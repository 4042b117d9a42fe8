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
}

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
];
