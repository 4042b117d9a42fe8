import { z } from "zod";
import { defineMessage } from "./define.ts";
import { amount, hex32, millis, u32 } from "./fields.ts";

// Lists of what the ledger holds and of what happened on it. Each page names where the next one begins by what never
// changes (a number, an id), so that pages stay right while the ledger grows.

/** Entries of one page. */
const limit = z.int().min(1).max(200);
const PAGE_BYTES = 512 * 1024;

export const JOB_STATES = ["paid", "drawn", "selected", "bundled", "closed"] as const;
const jobState = z.enum(JOB_STATES);

/** Jobs, those paid last first. */
export const ListJobs = defineMessage({
  name: "state.list-jobs",
  version: 1,
  owner: "state",
  from: ["gateway"],
  subject: ["state", "list-jobs"],
  payload: z.strictObject({
    /** The last job of the page before. */
    after: z.strictObject({ commit: amount, job: hex32 }).nullable(),
    limit,
    state: jobState.nullable(),
    payer: hex32.nullable(),
  }),
  delivery: {
    kind: "request",
    reply: z.strictObject({
      jobs: z.array(
        z.strictObject({
          job: hex32,
          payer: hex32,
          state: jobState,
          paidAtCommit: amount,
          outcome: z.string().nullable(),
        }),
      ),
    }),
    replyMaxBytes: PAGE_BYTES,
  },
  doc: "Asks for a page of jobs, newest first, of one state or payer if wanted.",
});

const commitRow = z.strictObject({
  commit: amount,
  epoch: amount,
  digest: hex32,
  timestampMs: millis,
  beacon: hex32,
  /** Those that paid a fee. */
  transactions: u32,
});

/** Executed commits, newest first. */
export const ListCommits = defineMessage({
  name: "state.list-commits",
  version: 1,
  owner: "state",
  from: ["gateway"],
  subject: ["state", "list-commits"],
  payload: z.strictObject({ before: amount.nullable(), limit }),
  delivery: {
    kind: "request",
    reply: z.strictObject({ commits: z.array(commitRow) }),
    replyMaxBytes: PAGE_BYTES,
  },
  doc: "Asks for a page of executed commits, newest first, before a commit or from the last one on.",
});

const transactionRow = z.strictObject({
  commit: amount,
  /** Place in the commit's order, from 0. */
  position: u32,
  digest: hex32,
  sender: hex32,
  /** Code of the refusal after the fee was paid; null if it was executed. */
  refusal: z.string().nullable(),
});

/** The transactions of one commit, in their order. */
export const ListTransactions = defineMessage({
  name: "state.list-transactions",
  version: 1,
  owner: "state",
  from: ["gateway"],
  subject: ["state", "list-transactions"],
  payload: z.strictObject({
    commit: amount,
    /** Place of the last one of the page before. */
    after: u32.nullable(),
    limit,
  }),
  delivery: {
    kind: "request",
    reply: z.strictObject({
      /** `later`: not executed yet. `pruned`: the history begins after it. */
      status: z.enum(["known", "later", "pruned"]),
      transactions: z.array(transactionRow),
    }),
    replyMaxBytes: PAGE_BYTES,
  },
  doc: "Asks for a page of a commit's transactions, in the order of execution.",
});

const checkpointRow = z.strictObject({
  sequence: amount,
  epoch: amount,
  digest: hex32,
  commit: amount,
  timestampMs: millis,
  effectsRoot: hex32,
  leaves: u32,
  stateDigest: hex32,
  /** Digest of the next epoch's facts, if the checkpoint opened it. */
  nextEpoch: hex32.nullable(),
});

/** Certified checkpoints. */
export const ListCheckpoints = defineMessage({
  name: "state.list-checkpoints",
  version: 1,
  owner: "state",
  from: ["gateway"],
  subject: ["state", "list-checkpoints"],
  payload: z.strictObject({
    order: z.enum(["ascending", "descending"]),
    /** The last one of the page before, in that order. */
    after: amount.nullable(),
    limit,
  }),
  delivery: {
    kind: "request",
    reply: z.strictObject({ checkpoints: z.array(checkpointRow) }),
    replyMaxBytes: PAGE_BYTES,
  },
  doc: "Asks for a page of certified checkpoints.",
});

/** Epochs that are or were open, newest first. */
export const ListEpochs = defineMessage({
  name: "state.list-epochs",
  version: 1,
  owner: "state",
  from: ["gateway"],
  subject: ["state", "list-epochs"],
  payload: z.strictObject({ before: amount.nullable(), limit }),
  delivery: {
    kind: "request",
    reply: z.strictObject({
      epochs: z.array(
        z.strictObject({
          epoch: amount,
          startTimestampMs: millis,
          /** Last commit of the epoch before. */
          lastCommit: amount,
          validators: u32,
          encoders: u32,
          baseFee: amount,
          protocolVersion: u32,
          /** Digest of the parameter table in force. */
          parameters: hex32,
          /** The checkpoint that certifies it; 0 for the first. */
          openedByCheckpoint: amount,
        }),
      ),
    }),
    replyMaxBytes: PAGE_BYTES,
  },
  doc: "Asks for a page of epochs, newest first.",
});

/** Registered validators in the order of their ids. */
export const ListValidators = defineMessage({
  name: "state.list-validators",
  version: 1,
  owner: "state",
  from: ["gateway"],
  subject: ["state", "list-validators"],
  payload: z.strictObject({ after: hex32.nullable(), limit }),
  delivery: {
    kind: "request",
    reply: z.strictObject({
      epoch: amount,
      validators: z.array(
        z.strictObject({
          id: hex32,
          stake: amount,
          /** In the committee of the current epoch. */
          active: z.boolean(),
          leaving: z.boolean(),
          commissionBps: u32,
          edgeAddress: z.string(),
          gatewayAddress: z.string(),
          /** Stake of the current committee whose votes to slash it stand (ECON-7), and whether that is a quorum. */
          slashVotes: amount,
          slashQuorum: z.boolean(),
        }),
      ),
    }),
    replyMaxBytes: PAGE_BYTES,
  },
  doc: "Asks for a page of registered validators.",
});

/** Registered encoders in the order of their ids. */
export const ListEncoders = defineMessage({
  name: "state.list-encoders",
  version: 1,
  owner: "state",
  from: ["gateway"],
  subject: ["state", "list-encoders"],
  payload: z.strictObject({ after: hex32.nullable(), limit }),
  delivery: {
    kind: "request",
    reply: z.strictObject({
      epoch: amount,
      encoders: z.array(
        z.strictObject({
          id: hex32,
          stake: amount,
          /** In the roster of the current epoch. */
          active: z.boolean(),
          leaving: z.boolean(),
          commissionBps: u32,
          asks: z.array(z.strictObject({ modality: z.string(), pricePerByte: amount })),
        }),
      ),
    }),
    replyMaxBytes: PAGE_BYTES,
  },
  doc: "Asks for a page of registered encoders.",
});

/** The governance parameters in force. */
export const GetParameters = defineMessage({
  name: "state.get-parameters",
  version: 1,
  owner: "state",
  from: ["gateway"],
  subject: ["state", "get-parameters"],
  payload: z.strictObject({}),
  delivery: {
    kind: "request",
    reply: z.strictObject({
      epoch: amount,
      parameters: z.array(z.strictObject({ name: z.string(), value: amount })),
    }),
  },
  doc: "Asks for the governance parameters in force.",
});

/** Events of one page at most. */
export const EVENT_PAGE = 2_000;

/** A place in the ledger's history of events: `commit` is told whole, and `offset` events of the one after it. */
const eventPlace = z.strictObject({ commit: amount, offset: u32 });

/** One stage that a job reached. */
export const jobEvent = z.strictObject({
  commit: amount,
  job: hex32,
  payer: hex32,
  state: jobState,
  attempt: u32,
  outcome: z.string().nullable(),
});

export const commitEvent = commitRow;
export const transactionEvent = transactionRow;
export const checkpointEvent = checkpointRow;

/**
 * What commits did, in their order. A commit's events are its transactions, then stages of jobs, then the commit
 * itself: the same on every validator, so that a place found at one holds at all.
 */
export const ListEvents = defineMessage({
  name: "state.list-events",
  version: 1,
  owner: "state",
  from: ["gateway"],
  subject: ["state", "list-events"],
  payload: z.strictObject({
    after: eventPlace,
    commits: z.boolean(),
    transactions: z.boolean(),
    jobs: z.boolean(),
    /** Stages of this job alone. */
    job: hex32.nullable(),
    /** Transactions sent and jobs paid by this account alone. */
    account: hex32.nullable(),
  }),
  delivery: {
    kind: "request",
    reply: z.strictObject({
      /** First commit of the kept history, last commit; null while there is none. */
      kept: z.strictObject({ first: amount, last: amount }).nullable(),
      events: z.array(
        z.strictObject({
          /** Where a reader of this event stands. */
          place: eventPlace,
          event: z.discriminatedUnion("type", [
            z.strictObject({ type: z.literal("transaction"), data: transactionEvent }),
            z.strictObject({ type: z.literal("job"), data: jobEvent }),
            z.strictObject({ type: z.literal("commit"), data: commitEvent }),
          ]),
        }),
      ),
      /** Where the next page begins; as asked if nothing is there yet, or if the history begins later. */
      next: eventPlace,
    }),
    replyMaxBytes: 960 * 1024,
  },
  doc: "Asks for the events of commits after a place in the history, filtered.",
});
