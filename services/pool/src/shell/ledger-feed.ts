import { SomaError } from "@soma/base";
import { EmbeddingsRecorded, GetEmbeddings, ListEmbeddings, type Payload } from "@soma/contracts";
import type { Bus } from "@soma/runtime";
import type { Logger } from "@soma/telemetry";

type Recorded = Payload<typeof EmbeddingsRecorded>;

const PAGE = 64;
/** Announcements kept until their turn; what is not here is asked for. */
const MOST_HEARD = 64;
const ASK_EVERY_MS = 10_000;
/** Jobs whose vectors are asked for at once. */
const AT_ONCE = 8;

export interface LedgerFeedOptions {
  readonly bus: Bus;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Takes the jobs one after the other. */
  readonly take: (recorded: Recorded) => Promise<void>;
}

/**
 * What final proofs recorded, in the order of the ledger: by commit, then job. Announcements only wake it, since they
 * may be lost or come in another order; what is next is what `state` lists.
 */
export class LedgerFeed {
  readonly #options: LedgerFeedOptions;
  readonly #heard = new Map<string, Recorded>();
  #after = 0n;
  #isAwake = false;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  private constructor(options: LedgerFeedOptions) {
    this.#options = options;
  }

  /** Resolves when all that was recorded is taken. @throws SomaError when state does not list it */
  static async open(options: LedgerFeedOptions): Promise<LedgerFeed> {
    const feed = new LedgerFeed(options);
    await options.bus.subscribe(EmbeddingsRecorded, {}, (recorded) => feed.#hear(recorded));
    await feed.#catchUp(60_000);
    feed.#timer = setInterval(() => feed.#wake(), ASK_EVERY_MS);
    feed.#wake();
    return feed;
  }

  /** Resolves when what state lists by now is taken, or cannot be read at the moment. */
  async refresh(): Promise<void> {
    this.#wake();
    await this.#running;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  #hear(recorded: Recorded): void {
    if (this.#heard.size < MOST_HEARD) this.#heard.set(recorded.job, recorded);
    if (this.#timer !== undefined) this.#wake();
  }

  #wake(): void {
    this.#isAwake = true;
    this.#running ??= this.#follow().finally(() => {
      this.#running = undefined;
    });
  }

  async #follow(): Promise<void> {
    while (this.#isAwake && !this.#options.signal.aborted) {
      this.#isAwake = false;
      try {
        await this.#catchUp(5_000);
      } catch (error) {
        this.#options.log.warn(
          { error: String(error) },
          "recorded embeddings cannot be read; asking again soon",
        );
      }
    }
  }

  async #catchUp(timeoutMs: number): Promise<void> {
    const { bus, signal, take } = this.#options;
    while (!signal.aborted) {
      const page = await bus.request(
        ListEmbeddings,
        {},
        { afterCommit: this.#after, limit: PAGE },
        { timeoutMs },
      );
      if (!page.ok) throw new SomaError(page.code, `state did not list embeddings: ${page.message}`);
      const jobs = page.value.jobs.map(({ job }) => job);
      for (let at = 0; at < jobs.length; at += AT_ONCE) {
        const recorded = await Promise.all(jobs.slice(at, at + AT_ONCE).map((job) => this.#recorded(job)));
        for (const one of recorded) await take(one);
      }
      const last = page.value.jobs.at(-1);
      if (last !== undefined) this.#after = last.commit;
      if (page.value.jobs.length < PAGE) break;
    }
    // What came after the list was made is asked for; what is in it already would stay for ever.
    this.#heard.clear();
  }

  async #recorded(job: string): Promise<Recorded> {
    const heard = this.#heard.get(job);
    this.#heard.delete(job);
    if (heard !== undefined) return heard;
    const bytes = await this.#options.bus.request(GetEmbeddings, {}, { job });
    const decoded = bytes.ok ? EmbeddingsRecorded.decode(bytes.value) : bytes;
    if (!decoded.ok) throw new SomaError(decoded.code, `state did not give job ${job}: ${decoded.message}`);
    return decoded.value;
  }
}
