import { z } from "zod";
import { rawPayload } from "./bcs-payload.ts";
import { defineMessage } from "./define.ts";
import { amount, hex32, u32 } from "./fields.ts";

/** int16 components. */
const vector = z.array(z.int().min(-32767).max(32767)).min(1).max(2048);
const item = z.strictObject({ job: hex32, item: u32 });
/** An item that the pool holds, or a vector of the pool's dimension. */
const point = z.union([item, z.strictObject({ vector })]);
export type PoolPoint = z.output<typeof point>;

// What has a default may be left out by people, who send these questions through the gateway as they are.
const filter = z.strictObject({
  modality: z.int().min(0).max(255).nullable().default(null).meta({ description: "0 is text." }),
  submitter: hex32.nullable().default(null).meta({ description: "Address that paid for the job." }),
  fromEpoch: amount.nullable().default(null).meta({ description: "First epoch, included." }),
  toEpoch: amount.nullable().default(null).meta({ description: "Last epoch, included." }),
});

/** How hits are listed. */
const listing = {
  filter: filter
    .nullable()
    .default(null)
    .meta({ description: "Only such items; what is null or left out is free." }),
  dimensions: z.int().min(1).max(2048).nullable().default(null).meta({
    description: "Compare so many leading dimensions after the published rotation; null compares all.",
  }),
  exact: z
    .boolean()
    .default(false)
    .meta({ description: "Look at every vector, even where the index could propose." }),
  limit: z.int().min(1).max(100).default(10),
  cursor: z
    .string()
    .max(64)
    .nullable()
    .default(null)
    .meta({ description: "`cursor` of the answer before; null begins." }),
};

const hits = z.strictObject({
  commit: amount,
  total: u32,
  /** Whether every vector that matches was compared; else the index proposed which. */
  exact: z.boolean(),
  hits: z.array(
    z.strictObject({
      job: hex32,
      item: u32,
      /** Cosine similarity, for people; the order was decided in integers. */
      similarity: z.number(),
      winner: hex32,
      payer: hex32,
      epoch: amount,
      modality: z.int(),
    }),
  ),
  /** Gives the next hits; null when there are no more. */
  cursor: z.string().nullable(),
});

/** Examples of a recommendation and of a label (POOL-5, POOL-6: sums of so many stay exact). */
export const MAX_RECOMMENDATION_EXAMPLES = 32;
export const MAX_LABEL_EXAMPLES = 64;
const MAX_LABELS = 64;
const MAX_ITEMS = 256;
const QUERY_BYTES = 512 * 1024;

/** Nearest final embeddings to a vector or to a recorded item. */
export const SearchPool = defineMessage({
  name: "pool.search",
  version: 1,
  owner: "pool",
  from: ["gateway", "encoder"],
  subject: ["pool", "search"],
  payload: z.strictObject({
    vector: vector.nullable().default(null).meta({
      description: "int16 components, of all dimensions or of `dimensions`; null if `near` is given.",
    }),
    near: item.nullable().default(null).meta({ description: "An item that the pool holds." }),
    ...listing,
  }),
  delivery: { kind: "request", reply: hits, replyMaxBytes: 256 * 1024 },
  doc: "Asks for the nearest recorded embeddings by cosine, decided in integers (POOL-1).",
});

export const RecommendFromPool = defineMessage({
  name: "pool.recommend",
  version: 1,
  owner: "pool",
  from: ["gateway"],
  subject: ["pool", "recommend"],
  payload: z.strictObject({
    positive: z.array(point).min(1).max(MAX_RECOMMENDATION_EXAMPLES),
    negative: z.array(point).max(MAX_RECOMMENDATION_EXAMPLES).default([]),
    ...listing,
  }),
  maxBytes: QUERY_BYTES,
  delivery: { kind: "request", reply: hits, replyMaxBytes: 256 * 1024 },
  doc: "Asks for what is like some examples and unlike others (POOL-6); the examples are no hits.",
});

export const ClassifyByPool = defineMessage({
  name: "pool.classify",
  version: 1,
  owner: "pool",
  from: ["gateway"],
  subject: ["pool", "classify"],
  payload: z.strictObject({
    /** For zero-shot classification a label's one example is the embedding of its text. */
    labels: z
      .array(
        z.strictObject({
          label: z.string().min(1).max(128),
          examples: z.array(point).min(1).max(MAX_LABEL_EXAMPLES),
        }),
      )
      .min(2)
      .max(MAX_LABELS),
    items: z.array(point).min(1).max(MAX_ITEMS),
  }),
  maxBytes: QUERY_BYTES,
  delivery: {
    kind: "request",
    reply: z.strictObject({
      /** In the order of the question; an item that has no direction has no labels. */
      items: z.array(
        z.strictObject({
          /** Best first, at most 8 of them; the order was decided in integers. */
          labels: z.array(z.strictObject({ label: z.string(), similarity: z.number() })),
        }),
      ),
    }),
    replyMaxBytes: 512 * 1024,
  },
  doc: "Asks which label's centroid is nearest to each item (POOL-5).",
});

export const GetLeadingDimensions = defineMessage({
  name: "pool.get-leading-dimensions",
  version: 1,
  owner: "pool",
  from: ["gateway"],
  subject: ["pool", "get-leading-dimensions"],
  payload: z.strictObject({ job: hex32, dimensions: z.int().min(1).max(2048) }),
  delivery: { kind: "request", reply: rawPayload, replyMaxBytes: 512 * 1024 },
  doc: "Asks for a job's vectors in their leading dimensions after the published rotation: int16 little endian.",
});

export const GetPool = defineMessage({
  name: "pool.get",
  version: 1,
  owner: "pool",
  from: ["gateway"],
  subject: ["pool", "get"],
  payload: z.strictObject({}),
  delivery: {
    kind: "request",
    reply: z.strictObject({
      commit: amount,
      jobs: u32,
      vectors: u32,
      /** Null while the pool is empty. */
      dimension: z.int().nullable(),
      /** Vectors that the index covers; the rest is scanned. */
      indexed: u32,
      /** The index in parts, each a file that every replica builds byte for byte the same (POOL-4). */
      segments: z.array(z.strictObject({ from: u32, to: u32, sha256: hex32 })),
      rotation: z.strictObject({ sha256: hex32, leading: z.int() }).nullable(),
    }),
  },
  doc: "Asks what the pool holds and how it is indexed.",
});
