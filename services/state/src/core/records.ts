import { bcs, byteString, bytes32, u16, u32, u64, u128 } from "@soma/codec";
import { AskCodec, EpochInfoCodec } from "@soma/protocol";
import { JobCodec } from "./game/job.ts";
import { Table } from "./table.ts";

// Every table of the ledger. Keys and fields are part of the state digest: change them with a protocol version.

export const accounts = new Table("account", bcs.struct("AccountRecord", { balance: u64, sequence: u64 }));

const ValidatorRecordCodec = bcs.struct("ValidatorRecord", {
  blockKey: bcs.bytes(32),
  blsKey: bcs.bytes(48),
  vrfKey: bcs.bytes(32),
  edgeAddress: bcs.string(),
  gatewayAddress: bcs.string(),
  commissionBps: u16,
  /** In force from the next epoch. */
  nextCommissionBps: u16,
  leaving: bcs.bool(),
  /** No rewards in this epoch, and no seat in the next one's committee (CONS-13). */
  banned: bcs.bool(),
  /** Epoch of the last equivocation that was punished. */
  equivocated: bcs.option(u64),
});
export const validators = new Table("validator", ValidatorRecordCodec);

const EncoderRecordCodec = bcs.struct("EncoderRecord", {
  messageKey: bcs.bytes(32),
  blsKey: bcs.bytes(48),
  asks: bcs.vector(AskCodec),
  commissionBps: u16,
  nextCommissionBps: u16,
  leaving: bcs.bool(),
});
export const encoders = new Table("encoder", EncoderRecordCodec);

/** Key: role, operator. Stake that counts, its shares, and stake that joins at the next epoch (ECON-5). */
export const pools = new Table("pool", bcs.struct("Pool", { stake: u64, shares: u128, incoming: u64 }));

/** Key: role, operator, owner. */
export const delegations = new Table(
  "delegation",
  bcs.struct("Delegation", { shares: u128, incoming: u64, outgoingShares: u128 }),
);

/** Key: role, operator, owner. Delegations that change at the next epoch. */
export const changing = new Table("changing", bcs.struct("Changing", {}));

/** Key: release epoch, role, operator. Withdrawn stake that can still be slashed (ECON-6). */
export const bonds = new Table("bond", bcs.struct("Bond", { stake: u64, shares: u128 }));

/** Key: release epoch, role, operator, owner. */
export const bondShares = new Table("bond-share", bcs.struct("BondShare", { shares: u128 }));

const HoldingCodec = bcs.struct("Holding", {
  isEncoder: bcs.bool(),
  operator: bytes32,
  /** Epochs until which stake of the account unbonds there. */
  releases: bcs.vector(u64),
});
export type Holding = typeof HoldingCodec.$inferType;

/** Key: owner. Where an account has delegations or bond shares, ascending by role and operator. */
export const holdings = new Table("holding", bcs.vector(HoldingCodec));

export const jobs = new Table("job", JobCodec);

/** Key: commit. Jobs to look at when it has been executed, in the order in which they asked. */
export const due = new Table("due", bcs.vector(bytes32));

/** Key: epoch number. The current one, and those that open jobs or evidence refer to. */
export const epochs = new Table("epoch", EpochInfoCodec);

/** Key: author. Paid transactions of the epoch that its blocks were first to carry (ECON-3). */
export const inclusion = new Table("inclusion", u64);

/** Key: number within the epoch. Jobs that were proven in the epoch (ECON-3). */
export const proven = new Table("proven", bcs.struct("Proven", { winner: bytes32, burned: u64 }));

/** Key: encoder. Its proven jobs of the epoch, their percentiles' sum in parts per million, and what they can cost it (SCORE-2). */
export const performances = new Table(
  "performance",
  bcs.struct("Performance", { jobs: u64, percentiles: u64, cap: u64 }),
);

export const parameterRows = new Table("parameters", bcs.vector(bcs.tuple([bcs.string(), bcs.string()])));

export const constants = new Table(
  "constants",
  bcs.struct("Constants", { chainId: bcs.string(), genesis: bytes32, textTokenizer: bytes32 }),
);

const HeadCodec = bcs.struct("Head", {
  epoch: u64,
  /** The last executed commit. */
  commit: u64,
  commitDigest: bytes32,
  timestampMs: u64,
  beacon: bytes32,
  leaderBlock: bytes32,
  /** Burned, slashed and unclaimed tokens. */
  recyclable: u64,
  unminted: u64,
  /** Of the current epoch: burned by fees and jobs, and by base fees alone. */
  burned: u64,
  feesBurned: u64,
  provenJobs: u64,
  /** The epoch's last commit was executed and its settlement is awaited. */
  closing: bcs.bool(),
});
export type Head = typeof HeadCodec.$inferType;
export const heads = new Table("head", HeadCodec);

/** Under `local/`: what the next checkpoint continues. */
export const checkpointHeads = new Table(
  "local/checkpoint",
  bcs.struct("CheckpointHead", {
    sequence: u64,
    digest: bytes32,
    commit: u64,
    timestampMs: u64,
    leaves: u32,
    /** The commits since close an epoch. */
    epochEnds: bcs.bool(),
  }),
);
/** Key: number of the first. A commit's leaves, encoded, until a checkpoint covers them. */
export const pendingLeaves = new Table("local/leaves", bcs.vector(byteString));

/** Key: transaction digest. Transactions that an override left out, by its commit: never executed (DESIGN section 4). */
export const overriddenTransactions = new Table("overridden", u64);

/** Key: accused validator, voter. Votes to slash that stand (ECON-7). */
export const slashVotes = new Table("slash-vote", bcs.struct("SlashVote", {}));

/** Every table whose entries validators agree on. */
export const TABLES: readonly Pick<Table<unknown>, "name" | "decode">[] = [
  accounts,
  validators,
  encoders,
  pools,
  delegations,
  changing,
  bonds,
  bondShares,
  holdings,
  jobs,
  due,
  epochs,
  inclusion,
  proven,
  performances,
  parameterRows,
  constants,
  heads,
  overriddenTransactions,
  slashVotes,
];

/** The two classes of stake, as they stand in keys. */
export type Role = "validator" | "encoder";
