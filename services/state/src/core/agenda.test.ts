import { expect, test } from "vitest";
import { Agenda } from "./agenda.ts";
import { due } from "./records.ts";
import { KeyedStore, type RecordCodec } from "./store.ts";
import { numberKey } from "./table.ts";

const id = (n: number) => n.toString(16).padStart(64, "0");

class CountingStore extends KeyedStore {
  /** Ids in the lists that were written. */
  written = 0;

  override setRecord<T>(key: string, value: T, codec: RecordCodec<T>): void {
    this.written += (value as unknown[]).length;
    super.setRecord(key, value, codec);
  }
}

test("what a commit's jobs ask for is written once a list, behind what stood there, in the order of asking", () => {
  const store = new CountingStore();
  due.put(store, [id(9)], numberKey(7n));
  store.written = 0;
  const agenda = new Agenda();
  for (let i = 0; i < 1_000; i++) agenda.wake(i % 2 === 0 ? 7n : 8n, id(i));
  expect(store.written).toBe(0);
  agenda.keep(store);
  agenda.keep(store);
  const asked = Array.from({ length: 1_000 }, (_, i) => id(i));
  expect(due.get(store, numberKey(7n))).toEqual([id(9), ...asked.filter((_, i) => i % 2 === 0)]);
  expect(due.get(store, numberKey(8n))).toEqual(asked.filter((_, i) => i % 2 === 1));
  // Each once: not the sum of all the lists on the way.
  expect(store.written).toBe(1_001);
});
