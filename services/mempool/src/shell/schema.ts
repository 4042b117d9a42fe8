import type { Migration } from "@soma/storage";

export interface MempoolTables {
  /** Transactions that one replica wrote together, of one partition; gone when none of them waits any more. */
  batch: {
    partition: number;
    /** Counts up in each partition: the order of admission. */
    number: bigint;
    /** BCS `vector<vector<u8>>`: signed transactions, in the order of admission. */
    transactions: Uint8Array;
    /** Their digests, 32 bytes each. */
    digests: Uint8Array;
  };
  replica: { id: string; until: Date };
  partition: { number: number; owner: string | null };
  departed: { digest: string; reason: string; by_digest: string | null; departed_at?: Date };
}

export const MIGRATIONS: readonly Migration[] = [
  {
    name: "0001-waiting",
    sql: `create table waiting (
      digest text primary key,
      sender text not null,
      sequence bigint not null,
      expiry_epoch bigint not null,
      bytes bytea not null
    );
    create index waiting_sender on waiting (sender, sequence);`,
  },
  {
    name: "0002-arrival",
    sql: `alter table waiting add column arrival bigint generated always as identity;
    alter table waiting add column admitted_at timestamptz not null default now();
    create index waiting_arrival on waiting (arrival);`,
  },
  {
    name: "0003-replicas",
    sql: `alter table waiting add column partition smallint;
    update waiting set partition = ('x' || left(sender, 1))::bit(4)::int;
    alter table waiting alter column partition set not null;
    create index waiting_partition on waiting (partition, arrival);
    create table replica (id text primary key, until timestamptz not null);
    create table partition (number smallint primary key, owner text references replica (id) on delete set null);
    insert into partition (number) select generate_series(0, 15);
    create table departed (
      digest text primary key,
      reason text not null,
      by_digest text,
      departed_at timestamptz not null default now()
    );
    create index departed_at on departed (departed_at);`,
  },
  {
    name: "0004-batches",
    // BCS of a vector of one: its length 1, the transaction's length as ULEB128, its bytes.
    sql: `create table batch (
      partition smallint not null,
      number bigint not null,
      transactions bytea not null,
      digests bytea not null,
      primary key (partition, number)
    );
    insert into batch (partition, number, digests, transactions)
      select partition, row_number() over (partition by partition order by arrival),
        decode(digest, 'hex'),
        '\\x01'::bytea || case
          when length(bytes) < 128 then set_byte('\\x00'::bytea, 0, length(bytes))
          when length(bytes) < 16384 then
            set_byte('\\x00'::bytea, 0, length(bytes) % 128 + 128)
            || set_byte('\\x00'::bytea, 0, length(bytes) / 128)
          else
            set_byte('\\x00'::bytea, 0, length(bytes) % 128 + 128)
            || set_byte('\\x00'::bytea, 0, length(bytes) / 128 % 128 + 128)
            || set_byte('\\x00'::bytea, 0, length(bytes) / 16384)
        end || bytes
      from waiting;
    drop table waiting;`,
  },
];
