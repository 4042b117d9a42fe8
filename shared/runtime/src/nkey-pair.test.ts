import { nkeyAuthenticator } from "@nats-io/nats-core";
import { createUser, fromPublic, fromSeed } from "@nats-io/nkeys";
import { expect, test } from "vitest";
import { authenticatorFor } from "./credentials.ts";
import { NkeyPair } from "./nkey-pair.ts";

test("is the library's pair of the same seed", () => {
  const library = createUser();
  const ours = NkeyPair.fromSeed(library.getSeed());
  const message = new TextEncoder().encode("a nonce");
  expect(ours.getPublicKey()).toBe(library.getPublicKey());
  expect(ours.getPrivateKey()).toEqual(library.getPrivateKey());
  expect(ours.getSeed()).toEqual(library.getSeed());
  expect(ours.sign(message)).toEqual(library.sign(message));
  expect(ours.verify(message, library.sign(message))).toBe(true);
  expect(ours.verify(message, library.sign(new Uint8Array(1)))).toBe(false);
});

test.each([
  ["operator", "O"],
  ["account", "A"],
  ["user", "U"],
] as const)("makes a new %s", (kind, letter) => {
  const pair = NkeyPair.create(kind);
  expect(pair.getPublicKey()[0]).toBe(letter);
  expect(fromPublic(pair.getPublicKey()).verify(new Uint8Array(3), pair.sign(new Uint8Array(3)))).toBe(true);
  expect(fromSeed(pair.getSeed()).getPublicKey()).toBe(pair.getPublicKey());
});

test("refuses what is no seed", () => {
  expect(() => NkeyPair.fromSeed(new TextEncoder().encode("SUAnone"))).toThrow(/nkeys/);
});

test("a cleared pair has no seed", () => {
  const pair = NkeyPair.create("user");
  pair.clear();
  expect(() => pair.getSeed()).toThrow(/cleared/);
});

test("the authenticators answer a nonce as the library's do", () => {
  const user = createUser();
  const seed = user.getSeed();
  const expected = nkeyAuthenticator(seed)("a nonce");
  expect(authenticatorFor({ kind: "nkey", seed })("a nonce")).toEqual(expected);
  expect(authenticatorFor({ kind: "jwt", jwt: () => "a.b.c", seed })("a nonce")).toEqual({
    ...expected,
    jwt: "a.b.c",
  });
  const file = `-----BEGIN NATS USER JWT-----\na.b.c\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${new TextDecoder().decode(seed)}\n------END USER NKEY SEED------\n`;
  const creds = authenticatorFor({ kind: "creds", read: () => new TextEncoder().encode(file) });
  expect(creds("a nonce")).toEqual({ ...expected, jwt: "a.b.c" });
  expect(() => authenticatorFor({ kind: "creds", read: () => new Uint8Array() })("a nonce")).toThrow(
    /credentials/,
  );
});
