import { describe, expect, test } from "vitest";
import type { SignatureItem } from "../signature-item.ts";
import { BlsKey } from "./bls.ts";
import { Ed25519Key } from "./ed25519.ts";
import { ED25519_VECTORS } from "./ed25519-vectors.ts";
import { SignaturePool } from "./signature-pool.ts";

const key = Ed25519Key.fromSeed(new Uint8Array(32).fill(3));

function itemOf(
  message: Uint8Array,
  signers: SignatureItem["signers"],
  scheme: "Ed25519" | "Bls" = "Ed25519",
) {
  return { scheme, message, signers };
}

/** `count` signatures over messages of differing lengths; every seventh is for another message. */
function batch(count: number): { items: SignatureItem[]; expected: number[] } {
  const items: SignatureItem[] = [];
  const expected: number[] = [];
  for (let i = 0; i < count; i++) {
    const message = new Uint8Array(i % 50).fill(i);
    const valid = i % 7 !== 3;
    const signed = valid ? message : new Uint8Array(60);
    items.push(itemOf(message, [{ publicKey: key.publicKey, signature: key.sign(signed) }]));
    expected.push(valid ? 1 : 0);
  }
  return { items, expected };
}

async function withPool<T>(
  options: { workers: number; maxPending?: number },
  use: (pool: SignaturePool) => Promise<T>,
): Promise<T> {
  const pool = await SignaturePool.open(options);
  try {
    return await use(pool);
  } finally {
    await pool.close();
  }
}

describe("the pool of signature verifiers", () => {
  test("decides batches of all sizes at once, each item in its place", async () => {
    await withPool({ workers: 2 }, async (pool) => {
      const batches = [0, 1, 8, 9, 255, 256, 257, 1500].map(batch);
      const decided = await Promise.all(batches.map(({ items }) => pool.verifyBatch(items)));
      expect(decided.map((decisions) => [...decisions])).toEqual(batches.map(({ expected }) => expected));
    });
  });

  test("decides the adversarial vectors as one thread does, and wrong widths as invalid", async () => {
    const vectors = ED25519_VECTORS.map(({ publicKey, message, signature }) =>
      itemOf(Buffer.from(message, "hex"), [
        { publicKey: Buffer.from(publicKey, "hex"), signature: Buffer.from(signature, "hex") },
      ]),
    );
    const honest = batch(1).items[0]!;
    const [signer] = honest.signers as [SignatureItem["signers"][number]];
    const items = [
      ...vectors,
      { ...honest, signers: [{ ...signer, publicKey: signer.publicKey.subarray(1) }] },
      { ...honest, signers: [{ ...signer, signature: new Uint8Array(65) }] },
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

  test.each([
    ["on the calling thread", 0],
    ["on a worker", 300],
  ])("an item is valid if all its signers signed, and there is one: %s", async (_, others) => {
    const message = new Uint8Array(40).fill(7);
    const keys = [1, 2, 3].map((n) => Ed25519Key.fromSeed(new Uint8Array(32).fill(n)));
    const signers = keys.map((by) => ({ publicKey: by.publicKey, signature: by.sign(message) }));
    const [first, second, third] = signers as [(typeof signers)[0], (typeof signers)[0], (typeof signers)[0]];
    const forged = { publicKey: third.publicKey, signature: second.signature };
    const cut = { publicKey: third.publicKey, signature: third.signature.subarray(1) };
    const items: [SignatureItem, number][] = [
      [itemOf(message, signers), 1],
      [itemOf(message, [first, second, forged]), 0],
      [itemOf(message, [cut, first, second]), 0],
      [itemOf(message, []), 0],
      [itemOf(message, [first]), 1],
    ];
    await withPool({ workers: 1 }, async (pool) => {
      const expected = [...items.map(([, decision]) => decision), ...batch(others).expected];
      const asked = [...items.map(([item]) => item), ...batch(others).items];
      if (others > 0) return expect([...(await pool.verifyBatch(asked))]).toEqual(expected);
      for (const [i, item] of asked.entries()) {
        expect([...(await pool.verifyBatch([item]))]).toEqual([expected[i]]);
      }
    });
  });

  test("decides BLS signatures, which cost 32 of the others", async () => {
    const message = new Uint8Array(40).fill(7);
    const bls = BlsKey.fromSeed(new Uint8Array(32).fill(9));
    const signer = { publicKey: bls.publicKey, signature: bls.sign(message) };
    const good = itemOf(message, [signer], "Bls");
    const broken = [
      itemOf(message.subarray(1), [signer], "Bls"),
      itemOf(message, [{ ...signer, signature: bls.sign(message.subarray(1)) }], "Bls"),
      itemOf(message, [{ ...signer, publicKey: new Uint8Array(48) }], "Bls"),
      itemOf(message, [{ ...signer, signature: signer.signature.subarray(1) }], "Bls"),
      itemOf(message, [signer]),
    ];
    await withPool({ workers: 2, maxPending: 400 }, async (pool) => {
      const { items, expected } = batch(9);
      const mixed = [...items, good, ...broken, ...items, good];
      const decisions = [...expected, 1, 0, 0, 0, 0, 0, ...expected, 1];
      expect([...(await pool.verifyBatch(mixed))]).toEqual(decisions);
      const many = Array.from({ length: 13 }, () => good);
      await expect(pool.verifyBatch(many)).rejects.toMatchObject({ code: "CRYPTO_POOL_FULL" });
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
    const pool = await SignaturePool.open({ workers: 1 });
    const running = expect(pool.verifyBatch(batch(2000).items)).rejects.toMatchObject({
      code: "CRYPTO_POOL_CLOSED",
    });
    await pool.close();
    await running;
    await expect(pool.verifyBatch(batch(1).items)).rejects.toMatchObject({ code: "CRYPTO_POOL_CLOSED" });
    await pool.close();
  });

  test("needs a worker", async () => {
    await expect(SignaturePool.open({ workers: 0 })).rejects.toThrow(RangeError);
  });
});
