import { err, ok, type Result, toHex } from "@soma/base";
import { merkleRoot, type SignatureVerifier } from "@soma/crypto";
import { verifyAuthenticator } from "./authenticate.ts";
import type { EpochInfo } from "./epoch.ts";
import { type Genesis, genesisParameters } from "./genesis.ts";
import type { Address, Amount, Digest, EncoderId, JobId } from "./ids.ts";
import { dataCommitment, jobSigningBytes, type SignedCommit, selectionDigest } from "./job-messages.ts";
import { type Modality, modalityOf } from "./modality.ts";
import type { Parameters } from "./parameter-table.ts";
import { parametersDigest } from "./parameters.ts";
import { eventOf, executed, type LedgerFact, type ReceiptLedger } from "./receipt-ledger.ts";
import { drawCommit, drawShard, type Shard } from "./shard-draw.ts";

/** What the payment stage establishes. */
export interface PaidJob {
  readonly chainId: string;
  readonly job: JobId;
  readonly payer: Address;
  readonly paidAt: bigint;
  /** The epoch whose roster, prices and parameters hold (GAME-1). */
  readonly epoch: EpochInfo;
  readonly parameters: Parameters;
  readonly modality: Modality;
  readonly fee: Amount;
  readonly tip: Amount;
  readonly request: {
    readonly modality: number;
    readonly dataCommitment: Digest;
    readonly sizeBytes: bigint;
    readonly items: number;
    readonly sessionKey: Uint8Array;
  };
}

/** GAME-1: the payer signed the payment, and it was executed and escrowed price x bytes and the tip. */
export function verifyPayment(
  ledger: ReceiptLedger,
  genesis: Genesis,
  verifier: SignatureVerifier,
): Result<PaidJob> {
  const { chainId, facts } = ledger;
  const refuse = (message: string) => err("RECEIPT_PAYMENT", message);
  const paid = executed(facts.payment, "GenerateEmbeddings");
  if (!paid.ok) return refuse(paid.message);
  const { value: request, transaction } = paid.value;
  const authentic = verifyAuthenticator(transaction.signed, verifier);
  if (!authentic.ok) return refuse(authentic.message);
  const parameters = genesisParameters(genesis);
  if (!parameters.ok) return refuse(parameters.message);
  const { epoch } = facts.payment;
  if (epoch.parameters !== parametersDigest(chainId, parameters.value)) {
    return refuse("the job's epoch has other parameters than the genesis file");
  }
  const modality = modalityOf(request.modality);
  if (modality === undefined) return refuse(`no modality ${request.modality}`);
  const { digest: job, commit, events } = transaction.leaf;
  const event = eventOf(events, "JobPaid", job);
  if (event === undefined || event.commit !== commit) return refuse("the ledger opened no such job");
  const fee = (epoch.prices[request.modality] ?? 0n) * request.sizeBytes;
  if (event.escrow !== fee + request.jobTip) return refuse("the escrow is not price x bytes and the tip");
  return ok({
    chainId,
    job,
    payer: transaction.signed.transaction.sender,
    paidAt: commit,
    epoch,
    parameters: parameters.value,
    modality,
    fee,
    tip: request.jobTip,
    request: { ...request, sessionKey: Uint8Array.from(request.sessionKey) },
  });
}

/** GAME-1: the items are what was paid for. Returns their root, the data hash. */
export function verifyData(paid: PaidJob, items: readonly Uint8Array[]): Result<Digest> {
  const refuse = (message: string) => err("RECEIPT_DATA", message);
  const { request } = paid;
  if (items.length !== request.items) return refuse(`${items.length} items, ${request.items} were paid for`);
  const size = items.reduce((sum, item) => sum + BigInt(item.length), 0n);
  if (size !== request.sizeBytes) return refuse(`${size} bytes, ${request.sizeBytes} were paid for`);
  const dataHash = toHex(merkleRoot(items));
  return dataCommitment(paid.chainId, dataHash, paid.payer) === request.dataCommitment
    ? ok(dataHash)
    : refuse("the items' hash is not the one that the payment commits to");
}

/** SHARD-3: the shard of the selection's attempt, from the beacon of the commit that the rule names. */
export function verifyDraw(
  ledger: ReceiptLedger,
  paid: PaidJob,
): Result<{ shard: Shard; beacon: Digest; commit: bigint }> {
  const refuse = (message: string) => err("RECEIPT_DRAW", message);
  const { fact } = ledger.facts.draw;
  if (fact.kind !== "commit") return refuse("the leaf is not a commit's");
  const selection = executed(ledger.facts.selection, "SelectCommits");
  if (!selection.ok) return refuse(`the selection: ${selection.message}`);
  const { attempt } = selection.value.value;
  if (attempt >= paid.parameters.shardAttempts) return refuse(`there is no attempt ${attempt}`);
  const due = drawCommit(paid.paidAt, attempt, paid.parameters);
  if (fact.commit !== due) return refuse(`the beacon of commit ${due} draws, not of ${fact.commit}`);
  const { beacon } = fact.leaf;
  const shard = drawShard({
    chainId: paid.chainId,
    epoch: paid.epoch,
    parameters: paid.parameters,
    modality: paid.request.modality,
    beacon,
    job: paid.job,
    attempt,
  });
  return shard.ok ? ok({ shard: shard.value, beacon, commit: due }) : refuse(shard.message);
}

/** A chosen encoder, in the selection's order. */
export interface SelectedEncoder {
  readonly encoder: EncoderId;
  readonly seats: number;
  readonly commitHash: Digest;
  readonly messageKey: Uint8Array;
  readonly blsKey: Uint8Array;
}

export interface VerifiedSelection {
  readonly digest: Digest;
  readonly commit: bigint;
  readonly seats: number;
  readonly selected: readonly SelectedEncoder[];
}

/** GAME-4: signed by the session key, over signed commits of a quorum of the shard's seats. */
export function verifySelection(
  fact: LedgerFact,
  paid: PaidJob,
  shard: Shard,
  dataHash: Digest,
  verifier: SignatureVerifier,
): Result<VerifiedSelection> {
  const refuse = (message: string) => err("RECEIPT_SELECTION", message);
  const found = executed(fact, "SelectCommits");
  if (!found.ok) return refuse(found.message);
  const { sessionSignature, ...selection } = found.value.value;
  if (selection.job !== paid.job) return refuse("of another job");
  if (selection.dataHash !== dataHash) return refuse("for other data");
  const signed = jobSigningBytes(paid.chainId, "selection", selection);
  if (!verifier.ed25519(paid.request.sessionKey, signed, sessionSignature)) {
    return refuse("the session key did not sign it");
  }
  const digest = selectionDigest(paid.chainId, selection);
  const event = eventOf(found.value.transaction.leaf.events, "JobSelected", paid.job);
  if (event?.selection !== digest) return refuse("the ledger took another selection");
  const selected: SelectedEncoder[] = [];
  let seats = 0;
  for (const commit of selection.commits) {
    const entry = selectedEncoder(commit, paid, shard, verifier);
    if (!entry.ok) return refuse(entry.message);
    if (selected.some(({ encoder }) => encoder === entry.value.encoder)) {
      return refuse(`${entry.value.encoder} stands twice`);
    }
    selected.push(entry.value);
    seats += entry.value.seats;
  }
  if (seats < shard.quorum) return refuse(`${seats} seats, ${shard.quorum} are a quorum`);
  return ok({ digest, commit: fact.fact.commit, seats, selected });
}

function selectedEncoder(
  { commit, signature }: SignedCommit,
  paid: PaidJob,
  shard: Shard,
  verifier: SignatureVerifier,
): Result<SelectedEncoder> {
  const { encoder, commitHash } = commit;
  if (commit.job !== paid.job || commit.attempt !== shard.attempt) {
    return err("COMMIT", "a commit of another job or attempt");
  }
  const seats = shard.seatsOf.get(encoder);
  const entry = paid.epoch.roster.find((candidate) => candidate.encoder === encoder);
  if (seats === undefined || entry === undefined) return err("COMMIT", `${encoder} holds no seat`);
  const messageKey = Uint8Array.from(entry.messageKey);
  if (!verifier.ed25519(messageKey, jobSigningBytes(paid.chainId, "commit", commit), signature)) {
    return err("COMMIT", `${encoder} did not sign its commit`);
  }
  return ok({ encoder, seats, commitHash, messageKey, blsKey: Uint8Array.from(entry.blsKey) });
}
