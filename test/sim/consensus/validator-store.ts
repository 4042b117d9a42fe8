import type {
  CertifiedCommit,
  OpenedEpoch,
  Recovered,
  SequenceSnapshot,
  SignerLog,
  StoredCommit,
  VerifiedBlock,
} from "@soma/consensus/core";
import { SimDisk } from "@soma/testkit/sim";
import type { SimHandover, SimMessage } from "./messages.ts";

const MAX_PROOF = 1_000;

/** One transaction of a validator's database. */
type StoreRecord =
  | {
      readonly kind: "persisted";
      readonly blocks: readonly VerifiedBlock[];
      readonly commits: readonly StoredCommit[];
    }
  | { readonly kind: "certificate"; readonly certificate: CertifiedCommit }
  | { readonly kind: "opened"; readonly handover: SimHandover };

/** One entry of the signer log (CONS-8). */
export type SignerEntry =
  | { readonly kind: "block"; readonly block: VerifiedBlock }
  | { readonly kind: "floor"; readonly epoch: bigint; readonly round: number };

/** What a simulated validator has on disk, and what a new process reads from it. */
export class ValidatorStore {
  readonly disk = new SimDisk<StoreRecord>();
  readonly signer = new SimDisk<SignerEntry>();
  /** The signer log was destroyed, or is in doubt, and has not been begun anew. */
  isSignerLost = false;
  #blocks = new Map<string, VerifiedBlock>();
  #commits: StoredCommit[] = [];
  #certificates = new Map<bigint, CertifiedCommit>();
  #handovers = new Map<bigint, SimHandover>();

  write(record: StoreRecord): void {
    this.disk.append(record);
    this.disk.sync();
    this.#index(record);
  }

  /** Reads the disk again, as a new process does. */
  reload(): void {
    this.#blocks = new Map();
    this.#commits = [];
    this.#certificates = new Map();
    this.#handovers = new Map();
    for (const record of this.disk.records) this.#index(record);
  }

  get commits(): readonly StoredCommit[] {
    return this.#commits;
  }

  block(digest: string): VerifiedBlock | undefined {
    return this.#blocks.get(digest);
  }

  blocksOf(epoch: bigint): VerifiedBlock[] {
    return [...this.#blocks.values()].filter(({ body }) => body.epoch === epoch);
  }

  /** The hand-over that opened `epoch`, if this validator took part in it or learnt of it. */
  handover(epoch: bigint): SimHandover | undefined {
    return this.#handovers.get(epoch);
  }

  /** The first input of a new process. */
  recovered(genesis: OpenedEpoch): Recovered {
    let opened = genesis;
    for (const { opened: next } of this.#handovers.values())
      if (next.info.epoch > opened.info.epoch) opened = next;
    const last: SequenceSnapshot | null = this.#commits.at(-1)?.snapshot ?? null;
    const { epoch } = opened.info;
    return {
      kind: "recovered",
      ...opened,
      last,
      commits: this.#commits.map(({ commit }) => commit).filter((commit) => commit.epoch === epoch),
      blocks: [...this.#blocks.values()].filter(({ body }) => body.epoch === epoch),
      signerLog: this.signerLog(),
    };
  }

  signerLog(): SignerLog {
    if (this.isSignerLost) return { status: "lost" };
    const entries = this.signer.records;
    const last = entries.at(-1);
    const floors = entries.filter((entry) => entry.kind === "floor");
    return {
      status: "intact",
      last:
        last === undefined
          ? null
          : last.kind === "floor"
            ? { epoch: last.epoch, round: last.round, block: null }
            : { epoch: last.block.body.epoch, round: last.block.ref.round, block: last.block },
      rebuiltIn: floors.at(-1)?.epoch ?? null,
    };
  }

  /** The answer to `serve-commits`; null if nothing from there on is certified. */
  serveCommits(after: bigint, limit: number): (SimMessage & { type: "commits" }) | null {
    const first = this.#commits.findIndex(({ commit }) => commit.index > after);
    const epoch = this.#commits[first]?.commit.epoch;
    const following = this.#commits
      .slice(Math.max(0, first), Math.max(0, first) + limit + MAX_PROOF)
      .filter(({ commit }) => commit.epoch === epoch);
    const isCertified = (stored: StoredCommit) => stored.closesEpoch || this.#voters(stored) !== null;
    const full = Math.min(limit, following.length) - 1;
    const next = following.findIndex((stored, i) => i >= full && isCertified(stored));
    const end = next >= 0 ? next : following.slice(0, Math.max(0, full)).findLastIndex(isCertified);
    const last = following[end];
    if (last === undefined) return null;
    const served = following.slice(0, Math.min(limit, end + 1));
    return {
      type: "commits",
      commits: served.map(({ commit }) => commit),
      blocks: served.flatMap(({ blocks }) => blocks.map(({ bytes }) => bytes)),
      proof: following.slice(served.length, end + 1).map(({ commit }) => commit),
      voters: (this.#voters(last) ?? []).map(({ bytes }) => bytes),
    };
  }

  /** Blocks that certify a commit, if all of them are here. */
  #voters({ commit }: StoredCommit): VerifiedBlock[] | null {
    const refs = this.#certificates.get(commit.index)?.voters ?? [];
    const voters = refs.flatMap(({ digest }) => this.#blocks.get(digest) ?? []);
    return refs.length > 0 && voters.length === refs.length ? voters : null;
  }

  #index(record: StoreRecord): void {
    if (record.kind === "certificate") {
      this.#certificates.set(record.certificate.index, record.certificate);
    } else if (record.kind === "opened") {
      this.#handovers.set(record.handover.opened.info.epoch, record.handover);
    } else {
      for (const block of record.blocks) this.#blocks.set(block.ref.digest, block);
      for (const stored of record.commits) {
        for (const block of stored.blocks) this.#blocks.set(block.ref.digest, block);
        if (stored.commit.index > (this.#commits.at(-1)?.commit.index ?? 0n)) this.#commits.push(stored);
      }
    }
  }
}
