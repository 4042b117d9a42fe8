import { createHash } from "node:crypto";
import { Rng } from "@soma/base";
import type { EmbeddingsRecorded, Payload } from "@soma/contracts";
import { vectorBytes } from "@soma/embedding";

export const DIMENSION = 32;
const TOPICS = 16;

const nameOf = (what: string) => createHash("sha256").update(what).digest("hex");
/** People who pay, by number. */
export const submitter = (number: number) => nameOf(`submitter ${number}`);

export interface RecordedJob {
  readonly payload: Payload<typeof EmbeddingsRecorded>;
  readonly vectors: readonly Int16Array[];
}

/**
 * A job of `items` items around topics, by seed. Job n is paid by submitter n mod 5, in epoch n / 10, of modality 1 if
 * n is a multiple of 7; its third item is one on which nobody qualified.
 */
export function recordedJob(number: number, items: number, commit = BigInt(number + 1)): RecordedJob {
  const centres = new Rng(1);
  const topics = Array.from({ length: TOPICS }, () =>
    Array.from({ length: DIMENSION }, () => (centres.float() - 0.5) * 2000),
  );
  const rng = new Rng(1000 + number);
  const vectors = Array.from({ length: items }, (_, item) => {
    if (item === 2) return new Int16Array(DIMENSION);
    const topic = topics[(number + item) % TOPICS]!;
    return Int16Array.from(topic, (x) => Math.round(x + (rng.float() - 0.5) * 900));
  });
  const payload = {
    job: nameOf(`job ${number}`),
    commit,
    epoch: BigInt(Math.floor(number / 10)),
    payer: submitter(number % 5),
    modality: number % 7 === 0 ? 1 : 0,
    winner: nameOf("winner"),
    finals: new Uint8Array(Buffer.concat(vectors.map(vectorBytes))),
    items,
  };
  return { payload, vectors };
}

/** An orthogonal matrix of Q14: each coordinate changes its place, and some their sign. */
export function rotationFiles(): { json: string; bytes: Uint8Array } {
  const rows = Array.from({ length: DIMENSION }, (_, i) => {
    const row = new Int16Array(DIMENSION);
    row[(i * 5 + 3) % DIMENSION] = i % 3 === 0 ? -16384 : 16384;
    return row;
  });
  const bytes = Buffer.concat(rows.map(vectorBytes));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const json = JSON.stringify({
    dimension: DIMENSION,
    leading: 16,
    one: 16384,
    rowsFile: "rotation.bin",
    sha256,
  });
  return { json, bytes };
}
