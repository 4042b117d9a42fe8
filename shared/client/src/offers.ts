import type { Ed25519Key } from "@soma/crypto/native";
import { type Digest, type EncoderId, encodeJobMessage, jobSigningBytes, type Shard } from "@soma/protocol";
import type { EncoderAnswers } from "./encoder-answers.ts";
import type { Mailboxes } from "./mailboxes.ts";
import { pause } from "./waiting.ts";

/** Offers without a receipt are shown again after this. */
const OFFER_AGAIN_MS = 1_500;

export interface OfferOptions {
  readonly chainId: string;
  readonly shard: Shard;
  /** Merkle root over the items. */
  readonly dataHash: Digest;
  /** SHA-256 of the items' blob. */
  readonly data: Digest;
  readonly session: Ed25519Key;
  readonly answers: Pick<EncoderAnswers, "hasAnswered" | "hasDecided">;
  readonly mailboxes: Mailboxes;
}

/** GAME-2: shows the offer to every seat holder, by each open mailbox, until it answered or `stop`. */
export async function offerToShard(options: OfferOptions, stop: AbortSignal): Promise<void> {
  const { chainId, shard, dataHash, data, session, answers, mailboxes } = options;
  const offer = { job: shard.job, attempt: shard.attempt, dataHash };
  const sessionSignature = session.sign(jobSigningBytes(chainId, "offer", offer));
  const shown = new Set<string>();
  while (!stop.aborted) {
    for (const { client, validator } of await mailboxes.open()) {
      const message = { Offer: { offer, data, sessionSignature } };
      const body = encodeJobMessage({ job: shard.job, mailbox: validator, message });
      const show = async (encoder: EncoderId) => {
        const way = `${encoder} ${validator}`;
        if (answers.hasDecided(encoder) || (answers.hasAnswered(encoder) && shown.has(way))) return;
        await client.relay(shard.job, encoder, body).then(
          () => shown.add(way),
          () => undefined /* shown again below */,
        );
      };
      await Promise.all([...shard.seatsOf.keys()].map(show));
    }
    await pause(OFFER_AGAIN_MS, stop);
  }
}
