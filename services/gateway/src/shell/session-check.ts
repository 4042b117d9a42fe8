import { fromHex, SomaError } from "@soma/base";
import { GetJob, type Reply } from "@soma/contracts";
import { nativeVerifier } from "@soma/crypto/native";
import { type JobId, jobSigningBytes, type RelayedJobMessage } from "@soma/protocol";
import type { Bus } from "@soma/runtime";
import { ASKED, taken } from "./context.ts";
import type { News, Wait } from "./news.ts";

export type JobView = NonNullable<Reply<typeof GetJob>["job"]>;
type OfferMessage = NonNullable<Extract<RelayedJobMessage["message"], { $kind: "Offer" }>["Offer"]>;

/** Jobs whose session keys are remembered: a key never changes. */
const REMEMBERED = 4_096;

/** Knows which key signs a job's messages, and lets nothing through that it did not sign. */
export class SessionCheck {
  readonly #bus: Bus;
  readonly #news: News;
  readonly #chainId: string;
  readonly #keys = new Map<JobId, Uint8Array>();

  constructor(options: { readonly bus: Bus; readonly news: News; readonly chainId: string }) {
    this.#bus = options.bus;
    this.#news = options.news;
    this.#chainId = options.chainId;
  }

  /** The job as the ledger has it; undefined if it has not. */
  async job(job: JobId): Promise<JobView | undefined> {
    return taken(await this.#bus.request(GetJob, {}, { job }, ASKED)).job ?? undefined;
  }

  /**
   * The offer of a relayed message. A job that this ledger does not have yet is waited for, since clients may have
   * heard of it from a faster validator.
   * @throws SomaError GATEWAY_MESSAGE_KIND, GATEWAY_JOB_NOT_FOUND, GATEWAY_SESSION_SIGNATURE
   */
  async offerOf({ job, message }: RelayedJobMessage, wait: Wait): Promise<OfferMessage> {
    if (message.$kind !== "Offer") {
      throw new SomaError(
        "GATEWAY_MESSAGE_KIND",
        `offers are relayed, not messages of kind ${message.$kind}`,
      );
    }
    const { offer, sessionSignature } = message.Offer;
    const key = await this.#keyOf(job, wait);
    const signed = jobSigningBytes(this.#chainId, "offer", offer);
    const isSigned = nativeVerifier.ed25519(key, signed, Uint8Array.from(sessionSignature));
    if (offer.job !== job || !isSigned) {
      throw new SomaError(
        "GATEWAY_SESSION_SIGNATURE",
        `the offer is not signed by the session key of job ${job}`,
      );
    }
    return message.Offer;
  }

  async #keyOf(job: JobId, wait: Wait): Promise<Uint8Array> {
    const known = this.#keys.get(job);
    if (known !== undefined) return known;
    const found = await this.#news.until("commit", wait, () => this.job(job));
    if (found === undefined) throw new SomaError("GATEWAY_JOB_NOT_FOUND", `the ledger has no job ${job}`);
    const key = fromHex(found.sessionKey);
    this.#keys.set(job, key);
    if (this.#keys.size > REMEMBERED) this.#keys.delete(this.#keys.keys().next().value!);
    return key;
  }
}
