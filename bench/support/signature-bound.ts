import { availableParallelism } from "node:os";
import { Ed25519Key, SignaturePool } from "@soma/crypto/native";

const ITEMS = 20_000;
const ROUNDS = 5;
/** Bytes that a transfer's signature covers, about. */
const MESSAGE_BYTES = 160;

/** Ed25519 checks a second on all cores with the verifier that decides: the median of some rounds. */
export async function signatureBound(): Promise<number> {
  const keys = Array.from({ length: 64 }, (_, i) => Ed25519Key.fromSeed(new Uint8Array(32).fill(i + 1)));
  const items = Array.from({ length: ITEMS }, (_, i) => {
    const message = Buffer.alloc(MESSAGE_BYTES, i);
    message.writeUInt32BE(i);
    const key = keys[i % keys.length]!;
    const signers = [{ publicKey: key.publicKey, signature: key.sign(message) }];
    return { scheme: "Ed25519", message, signers } as const;
  });
  const pool = await SignaturePool.open({ workers: availableParallelism() });
  const rates: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const began = performance.now();
    const decisions = await pool.verifyBatch(items);
    if (!decisions.every((decision) => decision === 1)) throw new Error("a valid signature was refused");
    // The first round warms the threads.
    if (round > 0) rates.push((ITEMS * 1000) / (performance.now() - began));
  }
  await pool.close();
  return rates.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
}
