import { ok } from "@soma/base";
import { createRegistry, token } from "@soma/contracts";
import { z } from "zod";

/** Messages of a made-up service, in a registry of their own. */
export const registry = createRegistry();

export const Orders = registry.defineStream({
  name: "orders",
  owner: "shop",
  doc: "Orders in the order of their arrival.",
  retention: "limits",
  storage: "file",
  discard: "new",
  maxBytes: 1 << 24,
  maxAgeMs: 3_600_000,
});

export const OrderPlaced = registry.defineMessage({
  name: "shop.order-placed",
  version: 1,
  owner: "shop",
  to: ["kitchen"],
  subject: ["shop", "order-placed", token("table")],
  payload: z.strictObject({ id: z.int(), dish: z.string() }),
  delivery: { kind: "stream", stream: Orders, dedupeBy: (order) => `order-${order.id}` },
  doc: "A guest ordered.",
});

export const OrderCancelled = registry.defineMessage({
  name: "shop.order-cancelled",
  version: 1,
  owner: "shop",
  to: ["kitchen"],
  subject: ["shop", "order-cancelled", token("table")],
  payload: z.strictObject({ id: z.int() }),
  delivery: { kind: "stream", stream: Orders },
  doc: "A guest changed their mind.",
});

export const Jobs = registry.defineStream({
  name: "jobs",
  owner: "kitchen",
  doc: "Dishes to be cooked, each by one cook.",
  retention: "workqueue",
  storage: "memory",
  discard: "new",
  maxBytes: 1 << 20,
  maxAgeMs: 0,
});

export const DishWanted = registry.defineMessage({
  name: "kitchen.dish-wanted",
  version: 1,
  owner: "kitchen",
  to: ["kitchen"],
  subject: ["kitchen", "dish-wanted"],
  payload: z.strictObject({ id: z.int() }),
  delivery: { kind: "stream", stream: Jobs },
  doc: "A dish is to be cooked.",
});

export const BellRung = registry.defineMessage({
  name: "kitchen.bell-rung",
  version: 1,
  owner: "kitchen",
  to: ["shop"],
  subject: ["kitchen", "bell-rung", token("table")],
  payload: { encode: (b: Uint8Array) => b, decode: (b: Uint8Array) => ok(b) },
  delivery: { kind: "core" },
  doc: "A dish is ready.",
});

export const GetPrice = registry.defineMessage({
  name: "shop.get-price",
  version: 1,
  owner: "shop",
  from: ["kitchen"],
  subject: ["shop", "get-price"],
  payload: z.strictObject({ dish: z.string() }),
  delivery: { kind: "request", reply: z.strictObject({ cents: z.int() }) },
  doc: "What a dish costs.",
});

export const Greeting = registry.defineMessage({
  name: "peering.greeting",
  version: 1,
  owner: "peering",
  space: "edge",
  subject: [token("peer"), "greeting"],
  payload: z.strictObject({ words: z.string() }),
  delivery: { kind: "core" },
  doc: "A word from another operator.",
});
