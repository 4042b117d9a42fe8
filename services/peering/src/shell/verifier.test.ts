import { Ed25519Key } from "@soma/crypto/native";
import { describe, expect, test } from "vitest";
import { openVerifier } from "./verifier.ts";

const key = Ed25519Key.fromSeed(new Uint8Array(32).fill(4));

describe.each([0, 1])("a verifier with %i threads", (threads) => {
  test("decides each signature of a burst for itself", async () => {
    const verifier = await openVerifier(threads);
    const cases = Array.from({ length: 40 }, (_, i) => {
      const message = Uint8Array.of(i);
      return { message, signature: key.sign(i % 3 === 0 ? Uint8Array.of(99) : message), valid: i % 3 !== 0 };
    });
    const decided = await Promise.all(
      cases.map(({ message, signature }) => verifier.verify(key.publicKey, message, signature)),
    );
    expect(decided).toEqual(cases.map(({ valid }) => valid));
    await verifier.close();
    expect(await verifier.verify(key.publicKey, cases[1]!.message, cases[1]!.signature)).toBe(true);
  });
});
