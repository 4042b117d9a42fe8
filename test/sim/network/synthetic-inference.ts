import { concatBytes, fromHex, Rng } from "@soma/base";
import { encode } from "@soma/codec";
import { sha256Native } from "@soma/crypto/native";
import { drawMasks, vectorBytes } from "@soma/embedding";
import { decodeItems, EmbeddingBlobCodec, type Hex32 } from "@soma/protocol";
import { DIMENSION, drawDatum, embed, type VectorKind } from "../game/vectors.ts";

const TOKENS = 24;
/** Items that begin with this have no content: every encoder makes zeros of them. */
export const EMPTY_ITEM = 0;

/** What to embed, and how well. */
export interface SyntheticRequest {
  readonly chainId: string;
  readonly job: Hex32;
  readonly encoder: Hex32;
  readonly items: Uint8Array;
  readonly lastBlock: Hex32;
  readonly beacon: Hex32;
  readonly masks: number;
  readonly kind: VectorKind | "no-blob";
  /** Error of the vectors relative to their norm. */
  readonly noise: number;
  /** Inference is not bit-reproducible: each run of it draws its own error. */
  readonly rng: Rng;
}

/** An encoder's blob for a job: true latent vectors of the items, plus its error, quantised, on the real masks. */
export function infer(request: SyntheticRequest): { blob: Uint8Array; masksOfItem: number[] } | null {
  const { chainId, job, encoder, lastBlock, beacon, masks, kind, noise, rng } = request;
  const items = decodeItems(request.items);
  if (!items.ok) return null;
  const embeddings = [];
  for (const item of items.value) {
    const dataHash = sha256Native(item);
    const drawn = drawMasks({
      chainId,
      block: fromHex(lastBlock),
      beacon: fromHex(beacon),
      dataHash,
      length: TOKENS,
      modality: "text",
      masks,
    });
    if (!drawn.ok) return null;
    // The item's meaning is a function of its bytes alone, the same for all encoders.
    const datum = drawDatum(new Rng(new DataView(dataHash.buffer, dataHash.byteOffset).getUint32(0)));
    const chosen = drawn.value.map((selected) => new Set(selected));
    const tokens = item[0] === EMPTY_ITEM ? datum.tokens.map((token) => token.map(() => 0)) : datum.tokens;
    const error = item[0] === EMPTY_ITEM ? 0 : noise;
    embeddings.push(embed({ tokens, masks: chosen }, kind === "no-blob" ? "honest" : kind, error, rng));
  }
  const blob = encode(EmbeddingBlobCodec, {
    job,
    encoder,
    dimension: DIMENSION,
    items: embeddings.map(({ full, masks: some, inverses }) => ({
      full: vectorBytes(full),
      masks: some.map((vector) => vectorBytes(vector)),
      inverses: inverses.map((vector) => vectorBytes(vector)),
    })),
  });
  // Not-a-number has no quantised form: who computed it can only send bytes that are no vectors.
  const sent = kind === "no-blob" ? concatBytes(blob.subarray(0, 70), rng.bytes(9)) : blob;
  return { blob: sent, masksOfItem: items.value.map(() => masks) };
}
