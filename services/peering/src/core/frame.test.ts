import { fromHex, toHex } from "@soma/base";
import { sha256 } from "@soma/crypto";
import { Ed25519Key, nativeVerifier } from "@soma/crypto/native";
import {
  encodeEnvelope,
  envelopeSigningBytes,
  MAX_ENVELOPE_BYTES,
  openEnvelope,
  PEER_MESSAGE_TYPES,
} from "@soma/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Draft, readFrame, sealFrame } from "./frame.ts";

const key = Ed25519Key.fromSeed(new Uint8Array(32).fill(5));
const id = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex);
const draft: fc.Arbitrary<Draft> = fc.record({
  chainId: fc.stringMatching(/^[A-Za-z0-9_-]{1,140}$/),
  sender: id,
  recipient: id,
  type: fc.constantFrom(...PEER_MESSAGE_TYPES),
  sequence: fc.maxSafeNat(),
  body: fc.uint8Array({ maxLength: 300 }),
});
const seal = (d: Draft) => sealFrame(d, sha256, (message) => key.sign(message));
const sample: Draft = {
  chainId: "test",
  sender: "11".repeat(32),
  recipient: "22".repeat(32),
  type: "block",
  sequence: 9,
  body: Uint8Array.of(1, 2, 3),
};
function sealed(d: Draft): Uint8Array {
  const bytes = seal(d);
  if (!bytes.ok) throw new Error(bytes.code);
  return bytes.value;
}

describe("a frame", () => {
  test("has the bytes of the envelope's codec", () => {
    fc.assert(
      fc.property(draft, (d) => {
        const header = {
          chainId: d.chainId,
          sender: d.sender,
          recipient: d.recipient,
          type: PEER_MESSAGE_TYPES.indexOf(d.type),
          sequence: BigInt(d.sequence),
          bodyHash: toHex(sha256(d.body)),
        };
        const signature = key.sign(envelopeSigningBytes(header));
        const bytes = encodeEnvelope({ header, body: d.body, signature });
        expect(seal(d)).toEqual({ ok: true, value: bytes });
        const frame = readFrame(bytes, d.chainId);
        expect(frame).toMatchObject({
          ok: true,
          value: {
            sender: d.sender,
            recipient: d.recipient,
            type: d.type,
            sequence: d.sequence,
            bodyHash: fromHex(header.bodyHash),
            body: d.body,
            signature,
            signed: envelopeSigningBytes(header),
          },
        });
      }),
    );
  });

  test("takes exactly the bytes that the codec takes, whatever is changed in them", () => {
    const bytes = sealed(sample);
    const keyOf = () => key.publicKey;
    const accepts = { ...nativeVerifier, ed25519: () => true };
    fc.assert(
      fc.property(
        fc.nat(bytes.length - 1),
        fc.nat(255),
        fc.constantFrom("set", "cut", "add"),
        (at, value, change) => {
          const changed =
            change === "cut"
              ? bytes.slice(0, at)
              : change === "add"
                ? Uint8Array.of(...bytes.slice(0, at), value, ...bytes.slice(at))
                : bytes.with(at, value);
          const ours = readFrame(changed, "test");
          const theirs = openEnvelope(changed, "test", keyOf, accepts);
          // The codec also compares the body's hash, which is not a matter of form.
          const formed = theirs.ok || theirs.code === "ENVELOPE_BODY";
          const ahead = !ours.ok && ours.code === "ENVELOPE_SEQUENCE";
          expect(ours.ok || ahead).toBe(formed);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test.each([
    ["of another chain", sealed({ ...sample, chainId: "other" }), "ENVELOPE_CHAIN"],
    ["of a type that does not exist", sealed(sample).with(5 + 64, 200), "ENVELOPE_TYPE"],
    ["above 2^53", sealed(sample).with(5 + 64 + 1 + 7, 1), "ENVELOPE_SEQUENCE"],
    ["too large", new Uint8Array(MAX_ENVELOPE_BYTES + 1), "ENVELOPE_TOO_LARGE"],
    ["empty", new Uint8Array(), "ENVELOPE_MALFORMED"],
  ])("%s is refused", (_, bytes, code) => {
    expect(readFrame(bytes, "test")).toMatchObject({ ok: false, code });
  });

  test("never holds more than an edge takes", () => {
    const body = new Uint8Array(MAX_ENVELOPE_BYTES - 177);
    const largest = seal({ ...sample, body });
    expect(largest.ok && largest.value.length).toBe(MAX_ENVELOPE_BYTES);
    expect(seal({ ...sample, body: new Uint8Array(body.length + 1) })).toMatchObject({
      ok: false,
      code: "ENVELOPE_TOO_LARGE",
    });
  });
});
