import { err, ok, type Result } from "@soma/base";
import type { SignatureVerifier } from "@soma/crypto";
import type { LedgerEvent } from "./checkpoint.ts";
import type { EpochInfo } from "./epoch.ts";
import { type Genesis, genesisDigest } from "./genesis.ts";
import { LightClient } from "./light-client.ts";
import { provenFact, type VerifiedFact, type VerifiedTransaction } from "./light-client-fact.ts";
import type { Receipt, ReceiptFact, ReceiptLink } from "./receipt-format.ts";
import type { TransactionKind } from "./transaction.ts";

/** Names of a receipt's ledger facts, in the order in which they happened. */
export const RECEIPT_FACTS = ["payment", "draw", "selection", "bundle", "close"] as const;
export type ReceiptFactName = (typeof RECEIPT_FACTS)[number];

/** A fact, proved, with the epoch of the checkpoint that holds it. */
export interface LedgerFact {
  readonly fact: VerifiedFact;
  readonly epoch: EpochInfo;
}

/** What the first stages establish. */
export interface ReceiptLedger {
  readonly chainId: string;
  readonly facts: Readonly<Record<ReceiptFactName, LedgerFact>>;
  readonly handovers: number;
  readonly checkpoints: number;
}

/** A link that was taken, with the epoch whose committee signed it. */
interface TakenLink {
  readonly link: ReceiptLink;
  readonly epoch: EpochInfo;
}

/**
 * LEDGER-6: from the genesis committee through the chain of certificates to the five facts. Refusals:
 * RECEIPT_GENESIS, RECEIPT_CHAIN, RECEIPT_INCLUSION.
 */
export function verifyLedger(
  receipt: Receipt,
  genesis: Genesis,
  verifier: SignatureVerifier,
): Result<ReceiptLedger> {
  if (receipt.genesis !== genesisDigest(genesis)) {
    return err("RECEIPT_GENESIS", "the receipt is of another network than this genesis file");
  }
  const client = LightClient.fromGenesis(genesis, verifier);
  if (!client.ok) return err("RECEIPT_GENESIS", client.message);
  const needed = allNeeded(receipt);
  if (!needed.ok) return needed;
  const links = followChain(receipt.chain, client.value);
  if (!links.ok) return links;
  const facts = proveFacts(receipt, genesis.chainId, links.value);
  if (!facts.ok) return facts;
  return ok({
    chainId: genesis.chainId,
    facts: facts.value,
    handovers: receipt.chain.filter((link) => link.nextEpoch !== null).length,
    checkpoints: receipt.chain.length,
  });
}

/** A link is there for a fact that it holds, or for the next committee that a later link needs. */
function allNeeded(receipt: Receipt): Result<true> {
  const used = new Set(RECEIPT_FACTS.map((name) => receipt[name].link));
  for (const [i, link] of receipt.chain.entries()) {
    const leadsOn = link.nextEpoch !== null && i + 1 < receipt.chain.length;
    if (!used.has(i) && !leadsOn) return err("RECEIPT_CHAIN", `link ${i} serves nothing`);
  }
  return ok(true);
}

function followChain(chain: readonly ReceiptLink[], client: LightClient): Result<TakenLink[]> {
  const taken: TakenLink[] = [];
  for (const [i, link] of chain.entries()) {
    const { certificate, nextEpoch } = link;
    const { head, epoch } = client;
    if (head !== undefined && certificate.checkpoint.sequence <= head.sequence) {
      return err("RECEIPT_CHAIN", `link ${i} does not ascend`);
    }
    if ((nextEpoch === null) !== (certificate.checkpoint.nextEpoch === null)) {
      return err("RECEIPT_CHAIN", `link ${i}: the next epoch comes with the checkpoint that names it`);
    }
    const result =
      nextEpoch === null ? client.checkpoint(certificate) : client.handover({ certificate, info: nextEpoch });
    if (!result.ok) return err("RECEIPT_CHAIN", `link ${i}: ${result.code}: ${result.message}`);
    taken.push({ link, epoch });
  }
  return ok(taken);
}

function proveFacts(
  receipt: Receipt,
  chainId: string,
  links: readonly TakenLink[],
): Result<Record<ReceiptFactName, LedgerFact>> {
  const facts: [ReceiptFactName, LedgerFact][] = [];
  for (const name of RECEIPT_FACTS) {
    const fact = proveFact(receipt[name], chainId, links);
    if (!fact.ok) return err("RECEIPT_INCLUSION", `${name}: ${fact.code}: ${fact.message}`);
    facts.push([name, fact.value]);
  }
  for (let i = 1; i < facts.length; i++) {
    const [[before, a], [after, b]] = [facts[i - 1]!, facts[i]!];
    if (b.fact.commit < a.fact.commit) return err("RECEIPT_INCLUSION", `${after} comes before ${before}`);
  }
  return ok(Object.fromEntries(facts) as Record<ReceiptFactName, LedgerFact>);
}

function proveFact(
  { link, proof }: ReceiptFact,
  chainId: string,
  links: readonly TakenLink[],
): Result<LedgerFact> {
  const taken = links[link];
  if (taken === undefined) return err("LINK", `there is no link ${link}`);
  const fact = provenFact(chainId, taken.link.certificate.checkpoint, proof);
  if (!fact.ok) return fact;
  // A checkpoint covers commits of one epoch only.
  if (fact.value.commit <= taken.epoch.lastCommit) return err("COMMIT", "of an earlier epoch's commit");
  return ok({ fact: fact.value, epoch: taken.epoch });
}

type KindName = TransactionKind["$kind"];
type KindValue<N extends KindName> = Extract<TransactionKind, { $kind: N }>[N];

/** An executed transaction of one kind, or why the fact is not that. */
export function executed<N extends KindName>(
  { fact }: LedgerFact,
  kind: N,
): Result<{ value: KindValue<N>; transaction: VerifiedTransaction }> {
  if (fact.kind !== "transaction") return err("KIND", "the leaf is not a transaction's");
  const { transaction } = fact;
  const carried = transaction.signed.transaction.kind;
  if (carried.$kind !== kind) return err("KIND", `the transaction is a ${carried.$kind}`);
  if (transaction.leaf.refusal !== "") return err("REFUSED", `it was refused: ${transaction.leaf.refusal}`);
  return ok({ value: (carried as Record<string, unknown>)[kind] as KindValue<N>, transaction });
}

type JobEventName = "JobPaid" | "ShardDrawn" | "JobSelected" | "JobBundled" | "JobClosed";
type EventValue<N extends JobEventName> = NonNullable<Extract<LedgerEvent, { $kind: N }>[N]>;

/** The one event of its name and job; undefined if there is none or more than one. */
export function eventOf<N extends JobEventName>(
  events: readonly LedgerEvent[],
  name: N,
  job: string,
): EventValue<N> | undefined {
  const found = events
    .filter((event) => event.$kind === name)
    .map((event) => (event as Record<string, unknown>)[name] as EventValue<N>)
    .filter((event) => event.job === job);
  return found.length === 1 ? found[0] : undefined;
}

/** What a transaction's leaf or a deadline's leaf says happened. */
export function eventsOf({ fact }: LedgerFact): readonly LedgerEvent[] {
  if (fact.kind === "transaction") return fact.transaction.leaf.events;
  return fact.kind === "deadline" ? fact.deadline.events : [];
}
