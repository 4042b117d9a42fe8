import { SomaError } from "@soma/base";
import type { Address, EpochInfo, JobId } from "@soma/protocol";
import type { Reading } from "@soma/storage";
import {
  accountEntries,
  balanceEntries,
  type EntryNames,
  epochEntry,
  HEAD_ENTRY,
  type Head,
  type Job,
  jobEntry,
  KeyedStore,
  LedgerReading,
  operatorEntries,
  parameterEntries,
  type Supply,
  stakeEntries,
} from "../core/index.ts";
import { EventReader } from "./event-reader.ts";
import { HistoryReader } from "./history-reader.ts";
import type { LeafLists } from "./leaf-list.ts";
import { StateReader } from "./reader.ts";
import type { StateTables } from "./schema.ts";

/** Where an answer stands: the last certified checkpoint and the last commit of what it was read from. */
export interface Standing {
  readonly checkpoint: bigint;
  readonly commit: bigint;
}

/** The ledger and its history as they were committed at one moment: every answer is read from one such. */
export class LedgerSnapshot {
  readonly standing: Standing;
  readonly head: Head;
  readonly stored: StateReader;
  readonly history: HistoryReader;
  readonly events: EventReader;
  readonly #reading: Reading<StateTables>;
  readonly #head: Uint8Array;

  private constructor(
    reading: Reading<StateTables>,
    { head, checkpoint, leaves }: { head: Uint8Array; checkpoint: bigint; leaves: LeafLists },
  ) {
    this.#reading = reading;
    this.#head = head;
    this.head = this.#ledger([]).head;
    this.standing = { checkpoint, commit: this.head.commit };
    this.stored = new StateReader(reading, leaves);
    this.history = new HistoryReader(reading);
    this.events = new EventReader(reading, this.history);
  }

  /** @param reading of one transaction that sees one moment. @throws SomaError STATE_RECOVERING before genesis */
  static async take(reading: Reading<StateTables>, leaves: LeafLists): Promise<LedgerSnapshot> {
    const { head, checkpoint } = await reading
      .selectNoFrom((e) => [
        e.selectFrom("entry").select("value").where("key", "=", HEAD_ENTRY).as("head"),
        e
          .selectFrom("checkpoint")
          .select("sequence")
          .where("certificate", "is not", null)
          .orderBy("sequence", "desc")
          .limit(1)
          .as("checkpoint"),
      ])
      .executeTakeFirstOrThrow();
    if (head === null) throw new SomaError("STATE_RECOVERING", "no ledger is stored yet");
    return new LedgerSnapshot(reading, { head, checkpoint: checkpoint ?? 0n, leaves });
  }

  /** With the account and its stakes. */
  async account(address: Address): Promise<LedgerReading> {
    const own = await this.#load(accountEntries(address));
    const ledger = this.#ledger(own);
    for (const [key, value] of await this.#load(stakeEntries(ledger.store, address)))
      ledger.store.set(key, value);
    return ledger;
  }

  /** Of these accounts, in their order; null for those that never held anything. */
  async balances(addresses: readonly Address[]): Promise<({ balance: bigint; sequence: bigint } | null)[]> {
    const ledger = this.#ledger(await this.#load(balanceEntries(addresses)));
    return addresses.map((address) => ledger.account(address) ?? null);
  }

  /** Open or closed. */
  async job(id: JobId): Promise<Job | undefined> {
    return this.#ledger(await this.#load(jobEntry(id))).job(id) ?? (await this.stored.closedJob(id));
  }

  /** With the registered operators, their stake, and the current epoch. */
  async operators(): Promise<LedgerReading> {
    return this.#ledger(await this.#load(operatorEntries(this.head.epoch)));
  }

  /** With the current epoch. */
  async epoch(): Promise<LedgerReading> {
    return this.#ledger(await this.#load(epochEntry(this.head.epoch)));
  }

  /** With the governance parameters. */
  async parameters(): Promise<LedgerReading> {
    return this.#ledger(await this.#load(parameterEntries()));
  }

  /** The newest epoch whose hand-over is certified: what others may act on (CONS-10). */
  async opened(): Promise<EpochInfo> {
    const info = await this.stored.newestEpoch();
    if (info === null) throw new SomaError("STATE_STORE", "no epoch is open");
    return info;
  }

  async summary(): Promise<{ readonly stateDigest: string; readonly supply: Supply }> {
    const row = await this.#reading.selectFrom("summary").selectAll().executeTakeFirst();
    if (row === undefined) throw new SomaError("STATE_RECOVERING", "the ledger's writer has not started yet");
    const { is_only: _, state_digest: stateDigest, ...supply } = row;
    return { stateDigest, supply };
  }

  #ledger(entries: Iterable<readonly [key: string, value: Uint8Array]>): LedgerReading {
    const store = new KeyedStore();
    store.set(HEAD_ENTRY, this.#head);
    for (const [key, value] of entries) store.set(key, value);
    return new LedgerReading(store);
  }

  async #load({ keys, tables = [] }: EntryNames): Promise<(readonly [string, Uint8Array])[]> {
    if (keys.length === 0 && tables.length === 0) return [];
    const rows = await this.#reading
      .selectFrom("entry")
      .selectAll()
      .where((e) => {
        // "0" is the character after "/".
        const within = (table: string) => e.and([e("key", ">", `${table}/`), e("key", "<", `${table}0`)]);
        return e.or([...(keys.length === 0 ? [] : [e("key", "in", keys)]), ...tables.map(within)]);
      })
      .execute();
    return rows.map(({ key, value }) => [key, value] as const);
  }
}
