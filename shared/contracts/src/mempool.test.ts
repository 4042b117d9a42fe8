import { addressOfEd25519, encodeSignedTransaction } from "@soma/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { MEMPOOL_PARTITIONS, partitionOfSender, partitionOfTransaction } from "./mempool.ts";

test("a transaction goes to its sender's partition, and any bytes go somewhere", () => {
  const seen = new Set<number>();
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.string({ maxLength: 300 }),
      (publicKey, chainId) => {
        const sender = addressOfEd25519(publicKey);
        const bytes = encodeSignedTransaction({
          transaction: {
            chainId: chainId.replace(/[^a-z]/g, "x"),
            sender,
            sequence: 1n,
            expiryEpoch: 1n,
            tip: 0n,
            kind: { UnregisterEncoder: null },
          },
          authenticator: { policy: { Ed25519: { publicKey } }, signers: 1, signatures: [new Uint8Array(64)] },
        });
        expect(partitionOfTransaction(bytes)).toBe(partitionOfSender(sender));
        seen.add(partitionOfSender(sender));
      },
    ),
    { numRuns: 300 },
  );
  expect(seen.size).toBe(MEMPOOL_PARTITIONS);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(partitionOfTransaction(bytes)).toBeLessThan(MEMPOOL_PARTITIONS);
    }),
  );
});
