import { compareHex, maxBig, SomaError } from "@soma/base";
import { nativeVerifier } from "@soma/crypto/native";
import type { AccountKey } from "@soma/identity";
import {
  encodeReceipt,
  type Genesis,
  genesisDigest,
  type VerifiedReceipt,
  verifyReceipt,
} from "@soma/protocol";
import { Telemetry } from "@soma/telemetry";
import { noTurn, type Turn } from "./account-turns.ts";
import type { GatewayClient } from "./gateway-client.ts";
import type { JobFacts } from "./job-facts.ts";
import { JobJournal } from "./job-journal.ts";
import { notSettled } from "./job-outcome.ts";
import type { JobProgress } from "./job-progress.ts";
import { JobSession } from "./job-session.ts";

export interface EmbedOptions {
  readonly client: GatewayClient;
  readonly genesis: Genesis;
  /** Pays, and sends the job's transactions. */
  readonly account: AccountKey;
  /** Where the job's journal is kept; `resume` continues from it. */
  readonly journalPath: string;
  /** Has others that send with this account wait meanwhile; undefined for an account of this process alone. */
  readonly turn?: Turn;
  readonly onProgress?: (progress: JobProgress) => void;
  readonly signal?: AbortSignal;
  /** Milliseconds to wait for slower commits once a quorum of seats has committed (default 250). */
  readonly commitGraceMs?: number;
  /** Milliseconds to wait for slower reveals after the first (default 5000). */
  readonly revealGraceMs?: number;
  /** Base units to the winner beyond the price. */
  readonly tip?: bigint;
  readonly maxPricePerByte?: bigint;
  /** Where the job's trace begins; without it no context is sent. */
  readonly telemetry?: Telemetry;
}

/** A job that closed with final embeddings. */
export interface EmbeddedJob {
  /** The receipt file's bytes: proves everything here to anybody who has the genesis file. */
  readonly receipt: Uint8Array;
  readonly verified: VerifiedReceipt;
}

/**
 * Has items embedded by the network: pays, offers, selects, bundles, waits for the final proof, builds the
 * receipt and verifies it. @throws SomaError JOB_NOT_SETTLED (the ledger closed it otherwise; `details` says
 * how), or the code of what was refused.
 */
export function embed(
  items: readonly Uint8Array[],
  labels: readonly string[],
  options: EmbedOptions,
): Promise<EmbeddedJob> {
  const genesis = genesisDigest(options.genesis);
  return play(JobJournal.create(options.journalPath, { genesis, items, labels }), options);
}

/** Goes on with a job whose client was stopped. @throws also JOURNAL_UNREADABLE, JOURNAL_NETWORK */
export function resume(options: EmbedOptions): Promise<EmbeddedJob> {
  const journal = JobJournal.open(options.journalPath);
  if (journal.state.genesis !== genesisDigest(options.genesis)) {
    throw new SomaError("JOURNAL_NETWORK", `${journal.path} is of a job on another network`);
  }
  return play(journal, options);
}

function play(journal: JobJournal, options: EmbedOptions): Promise<EmbeddedJob> {
  const telemetry = options.telemetry ?? Telemetry.silent("client", "client");
  const attributes = { "soma.items": journal.state.items.length };
  return telemetry.withSpan("embed", { parent: null, isEntry: true, attributes }, async (span) => {
    const { job, session } = await playTraced(journal, { ...options, telemetry });
    span.set({ "soma.job": session.facts.paid?.job ?? "" });
    return job;
  });
}

async function playTraced(
  journal: JobJournal,
  options: EmbedOptions & { telemetry: Telemetry },
): Promise<{ job: EmbeddedJob; session: JobSession }> {
  const session = new JobSession({
    client: options.client,
    genesis: options.genesis,
    account: options.account,
    journal,
    turn: options.turn ?? noTurn,
    onProgress: options.onProgress ?? (() => {}),
    signal: options.signal ?? new AbortController().signal,
    commitGraceMs: options.commitGraceMs ?? 250,
    revealGraceMs: options.revealGraceMs ?? 5_000,
    tip: options.tip ?? 0n,
    maxPricePerByte: options.maxPricePerByte,
    telemetry: options.telemetry,
  });
  await session.run();
  const { closed } = session.facts;
  if (closed === undefined) throw new SomaError("JOB_STOPPED", "the job has not closed yet; resume it");
  // A job whose bundle came too late may be settled all the same, from what encoders posted.
  const isWhole = closed.byProof && session.facts.bundled !== undefined;
  if (closed.outcome.$kind !== "Settled" || !isWhole) throw notSettled(closed);
  options.onProgress?.({ stage: "closed", text: "final proof on the ledger", detail: {} });
  const receipt = buildReceipt(session, options.genesis);
  const verified = verifyReceipt(receipt, options.genesis, { verifier: nativeVerifier });
  if (!verified.ok)
    throw new SomaError(verified.code, `the network's result does not verify: ${verified.message}`);
  return { job: { receipt, verified: verified.value }, session };
}

function buildReceipt(session: JobSession, genesis: Genesis): Uint8Array {
  const { facts } = session;
  const all = facts.links();
  const needed = (["payment", "draw", "selection", "bundle", "close"] as const).map((name) => {
    const fact = facts.fact(name);
    if (fact === undefined) throw new SomaError("JOB_RECEIPT", `the proof of the job's ${name} is missing`);
    return { name, ...fact };
  });
  const last = needed.reduce((a, b) => maxBig(a, b.checkpoint), 0n);
  const sequences = new Set(needed.map((fact) => fact.checkpoint));
  const chain = all.filter(({ certificate, nextEpoch }) => {
    const { sequence } = certificate.checkpoint;
    return sequences.has(sequence) || (nextEpoch !== null && sequence < last);
  });
  const place = (facts: JobFacts, name: (typeof needed)[number]["name"]) => {
    const fact = facts.fact(name)!;
    const link = chain.findIndex(({ certificate }) => certificate.checkpoint.sequence === fact.checkpoint);
    return { link, proof: fact.proof };
  };
  const evaluated = [...(facts.bundled ?? [])].sort(compareHex).map((encoder) => {
    const revealed = session.reveals.known.get(encoder);
    if (revealed === undefined) throw new SomaError("JOB_RECEIPT", `the vectors of ${encoder} are missing`);
    return revealed;
  });
  return encodeReceipt({
    genesis: genesisDigest(genesis),
    chain,
    payment: place(facts, "payment"),
    draw: place(facts, "draw"),
    selection: place(facts, "selection"),
    bundle: place(facts, "bundle"),
    close: place(facts, "close"),
    reveals: evaluated.map(({ reveal, blob }) => ({ reveal, blob })),
    items: [...session.items],
  });
}
