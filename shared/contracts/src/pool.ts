import { z } from "zod";
import { defineMessage } from "./define.ts";
import { amount, hex32, u32 } from "./fields.ts";

/** Nearest final embeddings to a vector or to a recorded item. */
export const SearchPool = defineMessage({
  name: "pool.search",
  version: 1,
  owner: "pool",
  from: ["gateway", "encoder"],
  subject: ["pool", "search"],
  payload: z.strictObject({
    /** int16 components; null if `near` is given. */
    vector: z.array(z.int().min(-32767).max(32767)).max(2048).nullable(),
    near: z.strictObject({ job: hex32, item: u32 }).nullable(),
    limit: z.int().min(1).max(100),
  }),
  delivery: {
    kind: "request",
    reply: z.strictObject({
      commit: amount,
      total: u32,
      hits: z.array(
        z.strictObject({
          job: hex32,
          item: u32,
          /** Cosine similarity, for people; the order was decided in integers. */
          similarity: z.number(),
          winner: hex32,
          payer: hex32,
          epoch: amount,
        }),
      ),
    }),
    replyMaxBytes: 256 * 1024,
  },
  doc: "Asks for the nearest recorded embeddings by cosine, exact over int16.",
});
