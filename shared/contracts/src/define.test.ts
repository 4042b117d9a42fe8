import { ok } from "@soma/base";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { amount, createRegistry, hexBytes, type Payload, type Reply, token } from "./index.ts";

function example() {
  const registry = createRegistry();
  const stream = registry.defineStream({
    name: "transactions",
    owner: "mempool",
    doc: "Accepted transactions.",
    retention: "limits",
    storage: "file",
    discard: "new",
    maxBytes: 1 << 20,
    maxAgeMs: 60_000,
  });
  const accepted = registry.defineMessage({
    name: "mempool.accepted",
    version: 1,
    owner: "mempool",
    to: ["consensus"],
    subject: ["mempool", "accepted", token("shard")],
    payload: z.strictObject({ id: hexBytes(4), fee: amount }),
    delivery: { kind: "stream", stream, dedupeBy: (p) => p.fee.toString() },
    maxBytes: 100,
    doc: "A transaction passed admission.",
  });
  const balance = registry.defineMessage({
    name: "state.balance",
    version: 1,
    owner: "state",
    from: ["mempool"],
    subject: ["state", "balance"],
    payload: z.strictObject({ account: z.string() }),
    delivery: { kind: "request", reply: z.strictObject({ free: amount }) },
    doc: "The balance of an account.",
  });
  const block = registry.defineMessage({
    name: "consensus.block",
    version: 1,
    owner: "consensus",
    space: "edge",
    subject: [token("peer"), "block"],
    payload: { encode: (b: Uint8Array) => b, decode: (b: Uint8Array) => ok(b) },
    delivery: { kind: "core" },
    doc: "A block, live.",
  });
  return { registry, stream, accepted, balance, block };
}

describe("a message", () => {
  test("carries its types", () => {
    const { accepted, balance, block } = example();
    expectTypeOf<Payload<typeof accepted>>().toEqualTypeOf<{ id: Uint8Array; fee: bigint }>();
    expectTypeOf<Reply<typeof balance>>().toEqualTypeOf<{ free: bigint }>();
    expectTypeOf<Payload<typeof block>>().toEqualTypeOf<Uint8Array>();
    expectTypeOf(accepted.subjectFor)
      .parameter(1)
      .toEqualTypeOf<Readonly<Record<"shard", string | number | bigint>>>();
  });

  test("builds and parses subjects", () => {
    const { accepted, block } = example();
    expect(accepted.subjectFor("dev", { shard: 7 })).toBe("soma.v1.dev.mempool.accepted.7");
    expect(accepted.filter("dev")).toBe("soma.v1.dev.mempool.accepted.*");
    expect(accepted.filter("dev", { shard: "a" })).toBe("soma.v1.dev.mempool.accepted.a");
    expect(accepted.parse("dev", "soma.v1.dev.mempool.accepted.7")).toEqual({ shard: "7" });
    expect(accepted.parse("other", "soma.v1.dev.mempool.accepted.7")).toBeUndefined();
    expect(accepted.template()).toBe("mempool.accepted.{shard}");
    expect(block.subjectFor("dev", { peer: "val-1" })).toBe("net.val-1.block");
  });

  test.each(["", "a.b", "*", ">", "a b", "x".repeat(65)])("refuses %j as a token", (shard) => {
    expect(() => example().accepted.subjectFor("dev", { shard })).toThrow(/token shard/);
  });

  test("round-trips every payload", () => {
    const { accepted } = example();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.bigInt(0n, 1n << 90n), (id, fee) => {
        expect(accepted.decode(accepted.encode({ id, fee }))).toEqual({ ok: true, value: { id, fee } });
      }),
    );
  });

  test("refuses bytes that are not its own, and never throws", () => {
    const { accepted } = example();
    const refusal = (text: string) => accepted.decode(new TextEncoder().encode(text));
    expect(refusal("{")).toMatchObject({ ok: false, code: "MESSAGE_INVALID" });
    expect(refusal('{"id":"00000000","fee":"-1"}')).toMatchObject({ ok: false, code: "MESSAGE_INVALID" });
    expect(refusal('{"id":"00000000","fee":"1","x":1}')).toMatchObject({ ok: false });
    expect(refusal('{"id":"000000","fee":"1"}')).toMatchObject({ ok: false });
    expect(refusal('{"id":"00000000","fee":1}')).toMatchObject({ ok: false });
    expect(refusal(" ".repeat(101))).toMatchObject({ ok: false, code: "MESSAGE_TOO_LARGE" });
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void accepted.decode(bytes)));
  });

  test("refuses to send what it would not read", () => {
    const { accepted } = example();
    expect(() => accepted.encode({ id: new Uint8Array(4), fee: -1n })).toThrow(/negative/);
    expect(() => accepted.encode({ id: new Uint8Array(4), fee: 10n ** 79n })).toThrow(/at most 100/);
  });
});

describe("the registry", () => {
  test("refuses two messages on one subject and two of one name", () => {
    const { registry } = example();
    const define = (name: string, subject: Parameters<typeof registry.defineMessage>[0]["subject"]) =>
      registry.defineMessage({
        name,
        version: 1,
        owner: "mempool",
        subject,
        payload: z.null(),
        delivery: { kind: "core" },
        doc: "x",
      });
    expect(() => define("mempool.other", ["mempool", token("what"), "7"])).toThrow(/shares a subject/);
    expect(() => define("mempool.accepted", ["mempool", "elsewhere"])).toThrow(/twice/);
    expect(() => define("state.other", ["x"])).toThrow(/owner/);
    expect(() => define("mempool.bad", ["Not.Good"])).toThrow(/subject part/);
  });

  test("derives a stream's subjects and sizes from its messages", () => {
    const { stream } = example();
    expect(stream.serverName("dev")).toBe("soma_dev_transactions");
    expect(stream.subjects("dev")).toEqual(["soma.v1.dev.mempool.accepted.*"]);
    expect(stream.maxMessageBytes()).toBe(100);
  });

  test("a work queue never drops work", () => {
    const { registry } = example();
    expect(() =>
      registry.defineStream({
        name: "jobs",
        owner: "x",
        doc: "x",
        retention: "workqueue",
        storage: "file",
        discard: "old",
        maxBytes: 1,
        maxAgeMs: 0,
      }),
    ).toThrow(/loses work/);
  });

  test("gives each service what its messages need and nothing else", () => {
    const { registry } = example();
    const mempool = registry.permissions("mempool", "dev");
    expect(mempool.publish).toContain("soma.v1.dev.mempool.accepted.*");
    expect(mempool.publish).toContain("soma.v1.dev.state.balance");
    expect(mempool.publish).toContain("$JS.API.STREAM.CREATE.soma_dev_transactions");
    expect(mempool.subscribe).toEqual(["_INBOX_mempool.>"]);
    expect(mempool.allowResponses).toBe(false);
    const state = registry.permissions("state", "dev");
    expect(state).toEqual({
      publish: [],
      subscribe: ["_INBOX_state.>", "soma.v1.dev.state.balance"],
      allowResponses: true,
    });
    expect(registry.permissions("consensus", "dev").publish).toContain("$JS.ACK.soma_dev_transactions.>");
  });
});
