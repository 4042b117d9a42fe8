import { CheckpointCertified, CommitExecuted, EmbeddingsRecorded, EpochOpened } from "@soma/contracts";
import type { CertifiedCheckpoint, EpochInfo } from "@soma/protocol";
import type { Bus } from "@soma/runtime";
import type { Logger } from "@soma/telemetry";
import type { Ledger } from "../core/index.ts";
import type { Certified } from "./certifier.ts";
import type { Outcome } from "./executor.ts";
import type { StateTraces } from "./traces.ts";

/** Transactions in one `commit-executed`; a larger commit is told in several. */
const TOLD = 8_000;

/** Tells the operator's other services what is in the database. They can ask for all of it, should they miss it. */
export class Announcements {
  readonly #bus: Bus;
  readonly #log: Logger;
  readonly #traces: StateTraces;

  constructor(bus: Bus, log: Logger, traces: StateTraces) {
    this.#bus = bus;
    this.#log = log;
    this.#traces = traces;
  }

  async executed({ commits }: Outcome): Promise<void> {
    for (const executed of commits) {
      await this.#traces.announcing(executed.done.index, () => this.#executed(executed));
    }
  }

  async certified(certified: Certified): Promise<void> {
    await this.#traces.certified(certified.certificate.checkpoint.sequence, () => this.#certified(certified));
  }

  /** A checkpoint that this ledger has not reached is certified: consensus sees that it is behind (CONS-9). */
  async ahead(certificate: CertifiedCheckpoint): Promise<void> {
    await this.#bus.publish(CheckpointCertified, {}, certificate);
  }

  async opened(info: EpochInfo): Promise<void> {
    await this.#bus.publish(EpochOpened, {}, info);
  }

  /** Says again that an epoch is open, while none of its commits shows that consensus heard it. */
  async reopened(ledger: Ledger, info: EpochInfo): Promise<void> {
    if (ledger.settledHead.commit === info.lastCommit) await this.opened(info);
  }

  async #executed({ commit: decided, done }: Outcome["commits"][number]): Promise<void> {
    const { epoch, index, timestampMs } = decided.commit;
    const told = done.transactions.map(({ digest, sender, sequence, refusal }) => ({
      digest,
      sender,
      sequence,
      refusal,
    }));
    for (let at = 0; at === 0 || at < told.length; at += TOLD) {
      const transactions = told.slice(at, at + TOLD);
      const message = { epoch, index, timestampMs, beacon: decided.beacon, transactions };
      await this.#bus.publish(CommitExecuted, {}, message);
    }
    for (const recorded of done.recorded) {
      this.#log.info({ job: recorded.job, commit: String(index) }, "embeddings recorded");
      await this.#bus.publish(EmbeddingsRecorded, {}, recorded);
    }
  }

  async #certified({ certificate, opened }: Certified): Promise<void> {
    await this.#bus.publish(CheckpointCertified, {}, certificate);
    if (opened === null) return;
    const { sequence } = certificate.checkpoint;
    this.#log.info({ epoch: String(opened.epoch), checkpoint: String(sequence) }, "epoch opened");
    await this.opened(opened);
  }
}
