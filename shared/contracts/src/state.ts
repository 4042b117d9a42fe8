import { bcs, bytes32, u64 } from "@soma/codec";
import { CertifiedCheckpointCodec, EpochInfoCodec } from "@soma/protocol";
import { z } from "zod";
import { bcsPayload } from "./bcs-payload.ts";
import { defineMessage } from "./define.ts";
import { amount, hex32, millis, u32 } from "./fields.ts";

/** Executed transactions of a commit, for those who wait for them. */
export const CommitExecuted = defineMessage({
  name: "state.commit-executed",
  version: 1,
  owner: "state",
  to: ["mempool", "gateway", "shard-selection", "pool"],
  subject: ["state", "commit-executed"],
  payload: bcsPayload(
    bcs.struct("CommitExecuted", {
      epoch: u64,
      index: u64,
      timestampMs: u64,
      beacon: bytes32,
      transactions: bcs.vector(
        bcs.struct("ExecutedTransaction", {
          digest: bytes32,
          sender: bytes32,
          sequence: u64,
          /** Empty if executed, else the refusal's code. */
          refusal: bcs.string(),
        }),
      ),
    }),
    4 * 1024 * 1024,
  ),
  maxBytes: 960 * 1024,
  delivery: { kind: "core" },
  doc: "A commit was executed and is in the database.",
});

/** A checkpoint has a quorum certificate. */
export const CheckpointCertified = defineMessage({
  name: "state.checkpoint-certified",
  version: 1,
  owner: "state",
  to: ["gateway", "consensus", "pool"],
  subject: ["state", "checkpoint-certified"],
  payload: bcsPayload(CertifiedCheckpointCodec, 64 * 1024),
  delivery: { kind: "core" },
  doc: "Signatures of quorum stake over a checkpoint were aggregated.",
});

/** The next epoch's facts, certified by the old committee. */
export const EpochOpened = defineMessage({
  name: "state.epoch-opened",
  version: 1,
  owner: "state",
  to: ["consensus", "peering", "mempool", "shard-selection", "gateway", "encoder"],
  subject: ["state", "epoch-opened"],
  payload: bcsPayload(EpochInfoCodec, 900 * 1024),
  maxBytes: 900 * 1024,
  delivery: { kind: "core" },
  doc: "An epoch opened: its committee, roster, prices and seed.",
});

/** The facts of one epoch, or of the newest. Whoever starts asks this before it listens for changes. */
export const GetEpoch = defineMessage({
  name: "state.get-epoch",
  version: 1,
  owner: "state",
  from: ["consensus", "peering", "mempool", "shard-selection", "gateway", "pool"],
  subject: ["state", "get-epoch"],
  payload: z.strictObject({ epoch: amount.nullable() }),
  delivery: {
    kind: "request",
    reply: bcsPayload(bcs.option(EpochInfoCodec), 900 * 1024),
    replyMaxBytes: 900 * 1024,
  },
  doc: "Asks for an epoch's facts; null asks for the newest.",
});

/** An account as the ledger has it at the stated commit. */
export const GetAccount = defineMessage({
  name: "state.get-account",
  version: 1,
  owner: "state",
  from: ["gateway", "consensus"],
  subject: ["state", "get-account"],
  payload: z.strictObject({ address: hex32 }),
  delivery: {
    kind: "request",
    reply: z.strictObject({
      commit: amount,
      address: hex32,
      exists: z.boolean(),
      balance: amount,
      sequence: amount,
      stakes: z.array(
        z.strictObject({
          role: z.enum(["validator", "encoder"]),
          operator: hex32,
          active: amount,
          pending: amount,
          unbonding: amount,
        }),
      ),
    }),
  },
  doc: "Asks for an account's balance, next sequence number and stakes.",
});

/** Addresses in one `GetBalances`. */
export const MAX_BALANCES = 512;

/** What admission asks of senders: one question for those of a batch. */
export const GetBalances = defineMessage({
  name: "state.get-balances",
  version: 1,
  owner: "state",
  from: ["mempool"],
  subject: ["state", "get-balances"],
  payload: bcsPayload(bcs.vector(bytes32), 64 * 1024),
  delivery: {
    kind: "request",
    reply: bcsPayload(
      bcs.vector(bcs.option(bcs.struct("AccountBalance", { balance: u64, sequence: u64 }))),
      64 * 1024,
    ),
  },
  doc: "Asks for the balances and next sequence numbers of at most 512 accounts; none where the ledger has none.",
});

/** Where the ledger stands: its newest commit, its fee, its supply. */
export const GetHead = defineMessage({
  name: "state.get-head",
  version: 1,
  owner: "state",
  from: ["gateway", "mempool", "shard-selection", "consensus", "pool"],
  subject: ["state", "get-head"],
  payload: z.strictObject({}),
  delivery: {
    kind: "request",
    reply: z.strictObject({
      chainId: z.string(),
      epoch: amount,
      commit: amount,
      commitDigest: hex32,
      checkpoint: amount,
      timestampMs: millis,
      baseFee: amount,
      stateDigest: hex32,
      supply: z.strictObject({
        liquid: amount,
        staked: amount,
        pools: amount,
        escrowed: amount,
        recyclable: amount,
        unminted: amount,
      }),
    }),
  },
  doc: "Asks where the ledger stands.",
});

/** A job as the ledger has it. */
export const GetJob = defineMessage({
  name: "state.get-job",
  version: 1,
  owner: "state",
  from: ["gateway", "shard-selection"],
  subject: ["state", "get-job"],
  payload: z.strictObject({ job: hex32 }),
  delivery: {
    kind: "request",
    reply: z.strictObject({
      commit: amount,
      job: z
        .strictObject({
          id: hex32,
          state: z.enum(["paid", "drawn", "selected", "bundled", "closed"]),
          payer: hex32,
          /** Signs the submitter's messages to seat holders (GAME-2). */
          sessionKey: hex32,
          modality: z.string(),
          items: u32,
          sizeBytes: amount,
          escrow: amount,
          epoch: amount,
          attempt: u32,
          paidAtCommit: amount,
          deadlineCommit: amount.nullable(),
          seats: z.array(z.strictObject({ encoder: hex32, seats: u32 })),
          quorumSeats: u32,
          selection: hex32.nullable(),
          selected: z.array(hex32),
          evaluatedSet: hex32.nullable(),
          outcome: z.string().nullable(),
          winner: hex32.nullable(),
        })
        .nullable(),
    }),
  },
  doc: "Asks for a job's state, shard and outcome.",
});

/** The operators of the current epoch. */
export const ListOperators = defineMessage({
  name: "state.list-operators",
  version: 1,
  owner: "state",
  from: ["gateway", "pool"],
  subject: ["state", "list-operators"],
  payload: z.strictObject({}),
  delivery: {
    kind: "request",
    reply: z.strictObject({
      epoch: amount,
      validators: z.array(
        z.strictObject({
          id: hex32,
          stake: amount,
          active: z.boolean(),
          edgeAddress: z.string(),
          gatewayAddress: z.string(),
          /** Stake of the current committee whose votes to slash it stand (ECON-7). */
          slashVotes: amount,
        }),
      ),
      encoders: z.array(
        z.strictObject({ id: hex32, stake: amount, active: z.boolean(), price: amount.nullable() }),
      ),
    }),
    replyMaxBytes: 960 * 1024,
  },
  doc: "Asks for validators and encoders with their stake.",
});
