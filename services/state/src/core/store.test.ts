import { atOnce } from "@soma/base";
import { LtHash } from "@soma/crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { digestChanges, KeyedStore } from "./store.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

describe("KeyedStore", () => {
  test("a rolled back transaction leaves nothing behind, not even in what changed", () => {
    const store = new KeyedStore();
    store.set("a/1", bytes(1));
    store.drain();
    store.begin();
    store.set("a/1", bytes(2));
    store.set("a/2", bytes(3));
    store.delete("a/1");
    store.rollback();
    expect(store.get("a/1")).toEqual(bytes(1));
    expect(store.keys("a")).toEqual(["a/1"]);
    expect(store.drain()).toEqual([]);
  });

  test("the digest follows the set, not the way to it, and skips local keys", () => {
    const operation = fc.record({
      key: fc.constantFrom("a/1", "a/2", "b/1", "local/x"),
      value: fc.option(fc.nat(3)),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 20 }), fc.nat(5), (operations, every) => {
        const store = new KeyedStore();
        const hash = LtHash.empty("test");
        for (const [i, { key, value }] of operations.entries()) {
          if (value === null) store.delete(key);
          else store.set(key, bytes(value));
          if (i % (every + 1) === 0) atOnce(digestChanges(hash, store.drain()));
        }
        atOnce(digestChanges(hash, store.drain()));
        const fresh = new KeyedStore();
        for (const key of store.allKeys()) if (!key.startsWith("local/")) fresh.set(key, store.get(key)!);
        const direct = LtHash.empty("test");
        atOnce(digestChanges(direct, fresh.drain()));
        expect(hash.digest()).toEqual(direct.digest());
      }),
      { numRuns: 40 },
    );
  });
});
