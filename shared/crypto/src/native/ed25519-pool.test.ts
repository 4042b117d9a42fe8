import { describe, expect, test } from "vitest";
import { Ed25519Key } from "./ed25519.ts";
import type { Ed25519Item } from "./ed25519-batch.ts";
import { Ed25519Pool } from "./ed25519-pool.ts";
import { ED25519_VECTORS } from "./ed25519-vectors.ts";

const key = Ed25519Key.fromSeed(new Uint8Array(32).fill(3));

/** `count` signatures over messages of differing lengths; every seventh is for another message. */
function batch(count: number): { items: Ed25519Item[]; expected: number[] } {
  const items: Ed25519Item[] = [];
  const expected: number[] = [];
  for (let i = 0; i < count; i++) {
    const message = new Uint8Array(i % 50).fill(i);
    const valid = i % 7 !== 3;
    const signed = valid ? message : new Uint8Array(60);
    items.push({ publicKey: key.publicKey, message, signature: key.sign(signed) });
    expected.push(valid ? 1 : 0);
  }
  return { items, expected };
}

async function withPool<T>(
  options: { workers: number; maxPending?: number },
  use: (pool: Ed25519Pool) => Promise<T>,
): Promise<T> {
  const pool = await Ed25519Pool.open(options);
  try {
    return await use(pool);
  } finally {
    await pool.close();
  }
}

describe("the pool of Ed25519 verifiers", () => {
  test("decides batches of all sizes at once, each item in its place", async () => {
    await withPool({ workers: 2 }, async (pool) => {
      const batches = [0, 1, 8, 9, 255, 256, 257, 1500].map(batch);
      const decided = await Promise.all(batches.map(({ items }) => pool.verifyBatch(items)));
      expect(decided.map((decisions) => [...decisions])).toEqual(batches.map(({ expected }) => expected));
    });
  });

  test("decides the adversarial vectors as one thread does, and wrong widths as invalid", async () => {
    const vectors = ED25519_VECTORS.map(({ publicKey, message, signature }) => ({
      publicKey: Buffer.from(publicKey, "hex"),
      message: Buffer.from(message, "hex"),
      signature: Buffer.from(signature, "hex"),
    }));
    const honest = batch(1).items[0]!;
    const items = [
      ...vectors,
      { ...honest, publicKey: honest.publicKey.subarray(1) },
      { ...honest, signature: new Uint8Array(65) },
      honest,
    ];
    await withPool({ workers: 1 }, async (pool) => {
      expect([...(await pool.verifyBatch(items))]).toEqual([
        ...ED25519_VECTORS.map(({ valid }) => (valid ? 1 : 0)),
        0,
        0,
        1,
      ]);
    });
  });

  test("takes no more than its bound, whole batches only, and goes on after", async () => {
    await withPool({ workers: 1, maxPending: 300 }, async (pool) => {
      const first = pool.verifyBatch(batch(200).items);
      await expect(pool.verifyBatch(batch(101).items)).rejects.toMatchObject({ code: "CRYPTO_POOL_FULL" });
      const second = pool.verifyBatch(batch(100).items);
      expect([...(await first), ...(await second)]).toEqual([...batch(200).expected, ...batch(100).expected]);
      expect([...(await pool.verifyBatch(batch(300).items))]).toEqual(batch(300).expected);
    });
  });

  test("closing rejects what is under way and what comes later", async () => {
    const pool = await Ed25519Pool.open({ workers: 1 });
    const running = expect(pool.verifyBatch(batch(2000).items)).rejects.toMatchObject({
      code: "CRYPTO_POOL_CLOSED",
    });
    await pool.close();
    await running;
    await expect(pool.verifyBatch(batch(1).items)).rejects.toMatchObject({ code: "CRYPTO_POOL_CLOSED" });
    await pool.close();
  });

  test("needs a worker", async () => {
    await expect(Ed25519Pool.open({ workers: 0 })).rejects.toThrow(RangeError);
  });
});
