import { nativeVerifier } from "@soma/crypto/native";
import {
  type EncoderId,
  type Hex32,
  type JobMessage,
  jobSigningBytes,
  type RosterEntry,
  type Shard,
  type SignedCommit,
} from "@soma/protocol";

/**
 * What the encoders of a job's shard answered in the present attempt (GAME-2, GAME-3). A message counts once, only if
 * it is about this job (answers to other jobs are public and signed too), and only with the signature of the key that
 * the job's epoch has for its encoder; who relayed it does not matter.
 */
export class EncoderAnswers {
  readonly #chainId: string;
  readonly #job: Hex32;
  readonly #keys: ReadonlyMap<EncoderId, Uint8Array>;
  readonly #receipts = new Set<EncoderId>();
  readonly #optedOut = new Set<EncoderId>();
  readonly #commits = new Map<EncoderId, SignedCommit>();
  #attempt = 0;
  #shard: Shard | undefined;

  /** @param roster of the epoch in which the job was paid */
  constructor(chainId: string, job: Hex32, roster: readonly Pick<RosterEntry, "encoder" | "messageKey">[]) {
    this.#chainId = chainId;
    this.#job = job;
    this.#keys = new Map(roster.map(({ encoder, messageKey }) => [encoder, messageKey]));
  }

  /** The shard that answers from now on. Answers of another attempt are forgotten. */
  expect(shard: Shard): void {
    if (shard.attempt !== this.#attempt) {
      this.#receipts.clear();
      this.#optedOut.clear();
      this.#commits.clear();
    }
    this.#attempt = shard.attempt;
    this.#shard = shard;
  }

  /** Encoders that say they have seen the offer. */
  get receipts(): number {
    return this.#receipts.size;
  }

  get commits(): readonly SignedCommit[] {
    return [...this.#commits.values()];
  }

  /** Seats of those that committed. */
  get seats(): number {
    let seats = 0;
    for (const encoder of this.#commits.keys()) seats += this.#shard?.seatsOf.get(encoder) ?? 0;
    return seats;
  }

  /** Encoders that committed or opted out. */
  get decided(): number {
    return this.#commits.size + this.#optedOut.size;
  }

  hasDecided(encoder: EncoderId): boolean {
    return this.#commits.has(encoder) || this.#optedOut.has(encoder);
  }

  hasAnswered(encoder: EncoderId): boolean {
    return this.#receipts.has(encoder) || this.hasDecided(encoder);
  }

  /** Takes a message and says whether it is news; a reveal is only checked, since nothing here needs it. */
  take(message: JobMessage): boolean {
    switch (message.$kind) {
      case "Receipt": {
        const { receipt, signature } = message.Receipt;
        if (!this.#isAsked(receipt) || this.#receipts.has(receipt.encoder)) return false;
        const signed = jobSigningBytes(this.#chainId, "receipt", receipt);
        if (!this.#signedBy(receipt.encoder, signed, signature)) return false;
        this.#receipts.add(receipt.encoder);
        return true;
      }
      case "Commit": {
        const { commit, signature } = message.Commit;
        if (!this.#isAsked(commit) || this.#commits.has(commit.encoder)) return false;
        if (this.#shard?.seatsOf.has(commit.encoder) !== true) return false;
        const signed = jobSigningBytes(this.#chainId, "commit", commit);
        if (!this.#signedBy(commit.encoder, signed, signature)) return false;
        this.#commits.set(commit.encoder, message.Commit);
        return true;
      }
      case "OptOut": {
        const { optOut, signature } = message.OptOut;
        if (!this.#isAsked(optOut) || this.#optedOut.has(optOut.encoder)) return false;
        const signed = jobSigningBytes(this.#chainId, "optOut", optOut);
        if (!this.#signedBy(optOut.encoder, signed, signature)) return false;
        this.#optedOut.add(optOut.encoder);
        return true;
      }
      case "Reveal": {
        const { reveal, signature } = message.Reveal.reveal;
        if (reveal.job !== this.#job) return false;
        return this.#signedBy(reveal.encoder, jobSigningBytes(this.#chainId, "reveal", reveal), signature);
      }
      default:
        return false;
    }
  }

  #isAsked({ job, attempt }: { readonly job: Hex32; readonly attempt: number }): boolean {
    return job === this.#job && attempt === this.#attempt;
  }

  #signedBy(encoder: EncoderId, bytes: Uint8Array, signature: Uint8Array): boolean {
    const key = this.#keys.get(encoder);
    return key !== undefined && nativeVerifier.ed25519(key, bytes, signature);
  }
}
