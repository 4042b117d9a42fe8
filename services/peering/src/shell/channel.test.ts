import { describe, expect, test } from "vitest";
import { Channel, type Wire } from "./channel.ts";

const MIB = 1024 * 1024;

/** A connection whose server takes what it was handed when the test says so. */
class HeldWire implements Wire {
  readonly published: Uint8Array[] = [];
  /** How often it was asked. */
  asked = 0;
  #flushes: PromiseWithResolvers<void>[] = [];

  async publish(bytes: Uint8Array): Promise<void> {
    this.published.push(bytes);
  }

  flush(): Promise<void> {
    this.asked += 1;
    const flush = Promise.withResolvers<void>();
    this.#flushes.push(flush);
    return flush.promise;
  }

  async take(): Promise<void> {
    for (const flush of this.#flushes.splice(0)) flush.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  }

  async fail(): Promise<void> {
    for (const flush of this.#flushes.splice(0)) flush.reject(new Error("gone"));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function open(messages = 4) {
  const drops: number[] = [];
  const channel = new Channel({
    peer: "aa".repeat(32),
    direction: "dialled",
    limits: { messages, bytes: 100 * MIB },
    nowMs: 0,
    onDropped: (count) => void drops.push(count),
  });
  return { channel, drops };
}

describe("a channel", () => {
  test("hands over what the connection takes, and lets the rest wait within bounds", async () => {
    const { channel, drops } = open();
    const wire = new HeldWire();
    channel.attach(wire, 1);
    for (let i = 0; i < 10; i++) channel.send(new Uint8Array(MIB).fill(i), "block", undefined);
    expect(wire.published.map((bytes) => bytes[0])).toEqual([0, 1, 2, 3]);
    expect(channel.waiting).toBe(4);
    expect(drops).toEqual([1, 1]);
    await wire.take();
    expect(wire.published.map((bytes) => bytes[0])).toEqual([0, 1, 2, 3, 6, 7, 8, 9]);
    expect(channel.waiting).toBe(0);
  });

  test("asks what the connection has taken after many bytes, not after each envelope", async () => {
    const { channel } = open();
    const wire = new HeldWire();
    channel.attach(wire, 1);
    for (let i = 0; i < 100; i++) channel.send(new Uint8Array(1024), "block", undefined);
    expect([wire.published.length, wire.asked]).toEqual([100, 0]);
    for (let i = 0; i < 1000; i++) channel.send(new Uint8Array(1024), "block", undefined);
    expect([wire.published.length, wire.asked]).toEqual([1100, 2]);
  });

  test("goes on over a new connection, and the old one's end does not matter then", async () => {
    const { channel, drops } = open();
    const [old, fresh] = [new HeldWire(), new HeldWire()];
    channel.attach(old, 1);
    for (let i = 0; i < 6; i++) channel.send(new Uint8Array(MIB).fill(i), "block", undefined);
    channel.attach(fresh, 2);
    expect(fresh.published.map((bytes) => bytes[0])).toEqual([4, 5]);
    await old.fail();
    channel.detach(old);
    expect(channel.isOpen).toBe(true);
    expect(drops).toEqual([]);
  });

  test("drops what waits when its connection ends, and what comes after", async () => {
    const { channel, drops } = open();
    const wire = new HeldWire();
    channel.attach(wire, 1);
    for (let i = 0; i < 6; i++) channel.send(new Uint8Array(MIB), "block-response", undefined);
    await wire.fail();
    expect(channel.isOpen).toBe(false);
    channel.send(new Uint8Array(1), "block", undefined);
    expect(drops).toEqual([2, 1]);
  });
});
