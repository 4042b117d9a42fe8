import type { EncoderEffect } from "@soma/encoder/core";
import type { EncoderId, Hex32 } from "@soma/protocol";
import { type Evaluated, evaluateRequest, isRevealed } from "@soma/scorer/core";
import { SIM_CHAIN } from "../consensus/sim-chain.ts";
import { MEAN_NORM_SQUARED } from "../game/vectors.ts";

type Request = Extract<EncoderEffect, { kind: "request-evaluation" }>;
type Fetch = (hash: Hex32, done: (bytes: Uint8Array | null) => void) => void;

/** A scorer worker with the real core: every blob by its hash, each as its reveal signed it, then GAME-7's evaluation. */
export function score(
  effect: Request,
  dimension: number,
  fetch: Fetch,
  done: (scored: Evaluated | { readonly missing: readonly EncoderId[] }) => void,
): void {
  const { reveals } = effect;
  const request = {
    ...effect,
    chainId: SIM_CHAIN,
    masksOfItem: [...effect.masksOfItem],
    dimension,
    meanNormSquared: MEAN_NORM_SQUARED,
    reveals: [...reveals],
    selected: [...effect.selected],
    gateways: [],
  };
  const blobs: (Uint8Array | null)[] = reveals.map(() => null);
  let waiting = reveals.length;
  for (const [i, reveal] of reveals.entries()) {
    fetch(reveal.vectors, (bytes) => {
      if (bytes !== null && isRevealed(request, reveal, bytes)) blobs[i] = bytes;
      waiting -= 1;
      if (waiting > 0) return;
      const missing = reveals.flatMap(({ encoder }, at) => (blobs[at] === null ? [encoder] : []));
      if (missing.length > 0) {
        done({ missing });
        return;
      }
      const evaluated = evaluateRequest(request, blobs as Uint8Array[]);
      if (!evaluated.ok) throw new Error(evaluated.code);
      done(evaluated.value);
    });
  }
}
