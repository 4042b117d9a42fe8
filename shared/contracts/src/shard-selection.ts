import { z } from "zod";
import { defineMessage } from "./define.ts";
import { amount, hex32, u32 } from "./fields.ts";

const shard = z.strictObject({
  job: hex32,
  attempt: u32,
  commit: amount,
  beacon: hex32,
  quorumSeats: u32,
  seats: z.array(z.strictObject({ encoder: hex32, seats: u32 })),
});

/** The shard of a job's attempt, computed from the ledger's own facts (SHARD-1, SHARD-3). */
export const GetShard = defineMessage({
  name: "shard-selection.get-shard",
  version: 1,
  owner: "shard-selection",
  from: ["gateway"],
  subject: ["shard-selection", "get-shard"],
  payload: z.strictObject({ job: hex32, attempt: u32 }),
  delivery: { kind: "request", reply: z.strictObject({ shard: shard.nullable() }) },
  doc: "Asks for the shard of a job's attempt; null until its beacon is known.",
});

/** How large shards are for the current roster, and what that buys (SHARD-1, SHARD-2). */
export const GetSizing = defineMessage({
  name: "shard-selection.get-sizing",
  version: 1,
  owner: "shard-selection",
  from: ["gateway"],
  subject: ["shard-selection", "get-sizing"],
  payload: z.strictObject({}),
  delivery: {
    kind: "request",
    reply: z.strictObject({
      epoch: amount,
      encoders: u32,
      seats: u32,
      quorumSeats: u32,
      hypergeometricSize: u32,
    }),
  },
  doc: "Asks for the seats of a shard under the epoch's roster.",
});
