import { toHex, utf8 } from "@soma/base";
import { merkleRoot, sha256 } from "@soma/crypto";
import { aggregateBls, nativeVerifier } from "@soma/crypto/native";
import {
  type EncoderContext,
  type EncoderEffect,
  type EncoderInput,
  type EncoderJob,
  type EncoderState,
  emptyState,
  step,
} from "@soma/encoder/core";
import {
  applyUpdate,
  buildLedgerUpdates,
  dataCommitment,
  embeddingDigest,
  evaluateReveals,
  type JobMessageInput,
  jobSigningBytes,
  type LedgerUpdate,
  LightClient,
  type RelayedJobMessage,
  RelayedJobMessageCodec,
  type SignedCommit,
  type SignedReveal,
  type TransactionKindInput,
  wantsJobs,
} from "@soma/protocol";
import {
  applyToJob,
  type GameContext,
  type GameStep,
  type Job,
  jobOf,
  payForJob,
  reachDeadline,
} from "@soma/state/core";
import {
  payerKey,
  TestLedger,
  type TestNetwork,
  type TestNetworkOptions,
  type TestOperator,
  testBlob,
  testNetwork,
} from "@soma/testkit/receipt";

/** Long enough in every tokenizer for as many masks as the network wants. */
export const ITEMS = [
  "the tide turns twice a day, and the harbour empties while nobody looks",
  "a lighthouse keeps its own hours, whatever the ships may think of them",
].map(utf8);
const MASKS = 8;

/** One encoder's core with the world around it played by the scenario. */
export interface Actor {
  readonly operator: TestOperator;
  readonly context: EncoderContext;
  state: EncoderState;
  /** Refusals of its inputs, in order. */
  readonly refusals: string[];
  readonly effects: EncoderEffect[];
}

/** What the scenario may be told to do otherwise. */
export interface Conduct {
  /** Encoders whose messages and transactions all get lost. */
  readonly silent?: (encoder: string) => boolean;
  /** Says whether a message from one operator to another arrives. */
  readonly delivers?: (from: string, to: string, message: JobMessageInput) => boolean;
  /** What the data looks like to an encoder. */
  readonly data?: (encoder: string) => Extract<EncoderInput, { kind: "items-fetched" }>["outcome"];
  /** Changes a message on its way. */
  readonly changes?: (from: string, message: JobMessageInput) => JobMessageInput;
  /** Whether the scorers of an encoder answer with vectors missing. */
  readonly missing?: (encoder: string) => string[];
}

/**
 * Encoders' real cores against the ledger's real game, with signatures and certified checkpoints; the network,
 * the scorers and the submitter are played here.
 */
export class Scenario {
  readonly network: TestNetwork;
  readonly ledger: TestLedger;
  readonly actors = new Map<string, Actor>();
  readonly payer = payerKey();
  readonly inbox: JobMessageInput[] = [];
  readonly executed: { commit: bigint; sender: string; kind: string; refusal: string }[] = [];
  readonly slashes: { encoder: string; cause: string }[] = [];
  readonly alarms: string[] = [];
  conduct: Conduct = {};
  /** Where what is meant for an encoder that is not played here goes. */
  outside: (encoder: string, sender: string, relayed: RelayedJobMessage) => void = () => {};
  /** Vectors of encoders that are not played here. */
  readonly blobs = new Map<string, Uint8Array>();
  job: Job | null = null;
  jobId = "";
  /** The ledger has forgotten the job. */
  isForgotten = false;
  readonly #light: LightClient;
  readonly #pending: { from: string; kind: TransactionKindInput }[] = [];
  #sent = 0;
  #clock = 0;

  /** `notPlayed` are encoders of the network whose cores run elsewhere. */
  constructor(options: TestNetworkOptions | TestNetwork = {}, notPlayed: readonly string[] = []) {
    this.network = "genesis" in options ? options : scenarioNetwork(options);
    this.ledger = new TestLedger(this.network);
    const light = LightClient.fromGenesis(this.network.genesis, nativeVerifier);
    if (!light.ok) throw new Error(light.message);
    this.#light = light.value;
    for (const operator of this.network.encoders) {
      if (notPlayed.includes(operator.id)) continue;
      const actor = {
        operator,
        context: this.#contextOf(operator),
        state: emptyState(),
        refusals: [],
        effects: [],
      };
      this.actors.set(operator.id, actor);
      this.give(operator.id, { kind: "epoch", info: this.ledger.epoch });
    }
  }

  get chainId(): string {
    return this.network.genesis.chainId;
  }

  get mailbox(): string {
    return this.network.validators[0]!.id;
  }

  /** The job as an encoder sees it. */
  jobOf(encoder: string): EncoderJob {
    const job = this.actors.get(encoder)!.state.jobs.get(this.jobId);
    if (job === undefined) throw new Error("the encoder does not follow the job");
    return job;
  }

  /** Seat holders of the current attempt. */
  get holders(): string[] {
    return this.job!.shard.map((member) => member.encoder);
  }

  /** Puts an input to an encoder and plays what it asks for. */
  give(encoder: string, input: EncoderInput): void {
    const actor = this.actors.get(encoder)!;
    const stepped = step(actor.context, actor.state, input);
    actor.state = stepped.state;
    if (stepped.verdict.kind === "reject") actor.refusals.push(stepped.verdict.code);
    for (const effect of stepped.effects) {
      actor.effects.push(effect);
      this.#play(actor, effect);
    }
  }

  /** Kills an encoder: only its jobs and what the light client knows come back. */
  restart(encoder: string): void {
    const actor = this.actors.get(encoder)!;
    const { jobs, head, epochs } = actor.state;
    actor.state = { ...emptyState(jobs.values()), head, epochs };
    this.give(encoder, { kind: "resumed" });
  }

  /** Pays for the job of `ITEMS`. */
  pay(): void {
    const { genesis } = this.network;
    const request = {
      modality: 0,
      dataCommitment: dataCommitment(this.chainId, toHex(merkleRoot(ITEMS)), this.payer.address),
      sizeBytes: ITEMS.reduce((sum, item) => sum + BigInt(item.length), 0n),
      items: ITEMS.length,
      sessionKey: this.payer.session.publicKey,
      maxPricePerByte: 1_000_000n,
      jobTip: 5_000n,
    };
    const paid = this.ledger.execute({ GenerateEmbeddings: request }, (job) => {
      const step = payForJob(this.#game(), {
        id: job,
        payer: this.payer.address,
        balance: genesis.accounts[0]!.amount,
        request,
      });
      if (!step.ok) throw new Error(step.message);
      return this.#carry(step.value);
    });
    this.jobId = paid.digest;
  }

  /** Ends `count` commits, each with what was sent meanwhile, and brings every checkpoint to the encoders. */
  advance(count = 1): void {
    for (let i = 0; i < count; i++) {
      for (const { from, kind } of this.#pending.splice(0)) this.#execute(from, kind);
      if (this.job !== null && !this.isForgotten) {
        const events = this.#carry(reachDeadline(this.#game(), this.job));
        if (events.length > 0) this.ledger.deadline(events);
      }
      this.ledger.endCommit();
      this.ledger.cut();
      this.#publish();
    }
  }

  advanceTo(commit: bigint): void {
    while (this.ledger.commit <= commit) this.advance();
  }

  /** Advances until the job was drawn. */
  draw(): void {
    while (this.job?.phase !== "drawn") this.advance();
  }

  /** The submitter's offer, as the gateway's peering hands it in. */
  offer(encoder: string, change: { data?: string; mailbox?: string; forged?: boolean } = {}): void {
    const offer = { job: this.jobId, attempt: this.job!.attempt, dataHash: toHex(merkleRoot(ITEMS)) };
    const signed = change.forged === true ? { ...offer, attempt: offer.attempt + 1 } : offer;
    const sessionSignature = this.payer.session.sign(jobSigningBytes(this.chainId, "offer", signed));
    const data = change.data ?? "da".repeat(32);
    this.#deliver(this.mailbox, encoder, { Offer: { offer, data, sessionSignature } }, change.mailbox);
  }

  offerAll(): void {
    for (const holder of this.holders) this.offer(holder);
  }

  /** What of a kind came to the submitter's mailbox, by encoder. */
  received<K extends "Receipt" | "Commit" | "OptOut" | "Reveal" | "Evaluation">(
    kind: K,
  ): Map<string, unknown[]> {
    const found = new Map<string, unknown[]>();
    for (const message of this.inbox) {
      const value = (message as Record<string, unknown>)[kind];
      if (value === undefined) continue;
      const encoder = /"encoder":"([0-9a-f]{64})"/.exec(JSON.stringify(value, plain))![1]!;
      found.set(encoder, [...(found.get(encoder) ?? []), value]);
    }
    return found;
  }

  /** The submitter selects the first commit of each encoder, but for those left out. */
  select(except: readonly string[] = []): void {
    const commits = [...this.received("Commit")]
      .filter(([encoder]) => !except.includes(encoder))
      .map(([, all]) => all[0] as SignedCommit);
    const selection = {
      job: this.jobId,
      attempt: this.job!.attempt,
      dataHash: toHex(merkleRoot(ITEMS)),
      commits,
    };
    const sessionSignature = this.payer.session.sign(jobSigningBytes(this.chainId, "selection", selection));
    this.send(this.payer.address, { SelectCommits: { ...selection, sessionSignature } });
  }

  bundle(except: readonly string[] = []): void {
    const reveals = [...this.received("Reveal")]
      .filter(([encoder]) => !except.includes(encoder))
      .map(([, all]) => (all[0] as { reveal: SignedReveal }).reveal);
    const bundle = { job: this.jobId, reveals };
    const sessionSignature = this.payer.session.sign(jobSigningBytes(this.chainId, "bundle", bundle));
    this.send(this.payer.address, { PostBundle: { ...bundle, sessionSignature } });
  }

  send(from: string, kind: TransactionKindInput): void {
    this.#pending.push({ from, kind });
  }

  /** Transactions of a kind that the ledger took or refused. */
  posts(kind: string): { sender: string; refusal: string }[] {
    return this.executed.filter((one) => one.kind === kind);
  }

  #contextOf(operator: TestOperator): EncoderContext {
    return {
      chainId: this.network.genesis.chainId,
      encoder: operator.id,
      parameters: this.network.parameters,
      meanNormSquared: this.network.genesis.anchors.meanNormSquared,
      modalities: [0],
      verifier: nativeVerifier,
      signer: {
        message: (bytes) => operator.messages.sign(bytes),
        evaluation: (bytes) => operator.bls.sign(bytes),
        aggregate: (signatures) => {
          try {
            return aggregateBls(signatures);
          } catch {
            return null;
          }
        },
      },
    };
  }

  #game(): GameContext {
    return {
      chainId: this.chainId,
      parameters: this.network.parameters,
      verifier: nativeVerifier,
      commit: this.ledger.commit,
      beacon: this.ledger.beacon(this.ledger.commit),
      epoch: this.ledger.epoch,
    };
  }

  #carry({ job, effects }: GameStep) {
    this.job = job;
    const events = [];
    for (const effect of effects) {
      if (effect.kind === "slash") this.slashes.push({ encoder: effect.encoder, cause: effect.cause });
      if (effect.kind === "forget") this.isForgotten = true;
      if (effect.kind === "event") events.push(effect.event);
    }
    return events;
  }

  #execute(sender: string, input: TransactionKindInput): void {
    // The ledger decodes what it is sent; so does the game here.
    const name = Object.keys(input)[0]!;
    const kind = { ...input, $kind: name } as Parameters<typeof applyToJob>[2];
    if (jobOf(kind) !== this.jobId || this.job === null) throw new Error(`${name} is of no job`);
    const result = this.isForgotten
      ? ({ ok: false, code: "JOB_UNKNOWN", message: "" } as const)
      : applyToJob(this.#game(), this.job, kind, sender);
    const refusal = result.ok ? "" : result.code;
    this.executed.push({ commit: this.ledger.commit, sender, kind: name, refusal });
    const events = result.ok ? this.#carry(result.value) : [];
    this.ledger.execute(input, () => events, refusal);
  }

  /** The updates of a checkpoint (from 1); undefined if it was not cut yet. */
  updatesOf(sequence: number): LedgerUpdate[] | undefined {
    const cut = this.ledger.checkpoints[sequence - 1];
    if (cut === undefined) return undefined;
    const transactions = [...cut.transactions.values()];
    let at = 0;
    const updates = buildLedgerUpdates({
      ...cut.link,
      leaves: cut.leaves,
      transaction: () => transactions[at++],
      wants: wantsJobs,
    });
    if (!updates.ok) throw new Error(updates.message);
    return updates.value;
  }

  #publish(): void {
    for (; this.#sent < this.ledger.checkpoints.length; this.#sent++) {
      for (const update of this.updatesOf(this.#sent + 1)!) {
        const facts = applyUpdate(this.#light, update);
        if (!facts.ok) throw new Error(facts.message);
        for (const encoder of this.actors.keys()) this.give(encoder, { kind: "ledger", facts: facts.value });
      }
    }
  }

  #deliver(from: string, to: string, message: JobMessageInput, mailbox = this.mailbox): void {
    const relayed = RelayedJobMessageCodec.parse(
      RelayedJobMessageCodec.serialize({ job: this.jobId, mailbox, message }).toBytes(),
    ) as RelayedJobMessage;
    if (this.actors.has(to)) this.give(to, { kind: "message", sender: from, relayed, at: ++this.#clock });
    else this.outside(to, from, relayed);
  }

  /** A message from an encoder that is not played here. */
  arrive(from: string, to: string, message: JobMessageInput): void {
    if (this.actors.has(to)) this.#deliver(from, to, message);
    else if (this.network.validators.some((validator) => validator.id === to)) this.inbox.push(message);
  }

  #play(actor: Actor, effect: EncoderEffect): void {
    const { id } = actor.operator;
    const lost = this.conduct.silent?.(id) === true;
    switch (effect.kind) {
      case "send": {
        const message = this.conduct.changes?.(id, effect.message) ?? effect.message;
        for (const to of [...effect.mailboxes, ...effect.peers]) {
          if (lost || this.conduct.delivers?.(id, to, message) === false) continue;
          if (to === this.mailbox) this.inbox.push(message);
          else this.#deliver(id, to, message);
        }
        break;
      }
      case "fetch-items": {
        const outcome = this.conduct.data?.(id) ?? "ok";
        this.give(id, { ...effect, kind: "items-fetched", outcome });
        break;
      }
      case "request-inference": {
        const blob = this.blobOf(id);
        this.give(id, {
          kind: "embedded",
          job: effect.job,
          attempt: effect.attempt,
          vectors: toHex(sha256(blob)),
          embeddingDigest: embeddingDigest(this.chainId, blob),
          masksOfItem: ITEMS.map(() => MASKS),
          at: ++this.#clock,
        });
        break;
      }
      case "request-evaluation": {
        const missing = this.conduct.missing?.(id) ?? [];
        if (missing.length > 0) {
          this.give(id, { kind: "evaluation-failed", job: effect.job, bundle: effect.bundle, missing });
          break;
        }
        this.give(id, { kind: "evaluated", job: effect.job, result: this.evaluate(effect).result });
        break;
      }
      case "submit":
        if (!lost) this.send(id, effect.transaction);
        break;
      case "submit-final-proof": {
        const request = actor.effects.findLast((one) => one.kind === "request-evaluation");
        if (request?.kind !== "request-evaluation") throw new Error("a proof without an evaluation");
        const { finals, result } = this.evaluate(request);
        const { signers, aggregateSignature } = effect;
        const proof = {
          result: effect.result,
          finals: result.winner === null ? new Uint8Array() : finals,
          signers,
          aggregateSignature,
        };
        if (!lost) this.send(id, { FinalProof: proof });
        break;
      }
      case "alarm":
        this.alarms.push(effect.code);
        break;
      default:
    }
  }

  blobOf(encoder: string): Uint8Array {
    const outside = this.blobs.get(encoder);
    if (outside !== undefined) return outside;
    const own = this.network.encoders.findIndex((operator) => operator.id === encoder);
    return testBlob({
      job: this.jobId,
      encoder,
      dimension: this.network.parameters.embeddingDimension,
      masksOfItem: ITEMS.map(() => MASKS),
      truth: 77,
      own: 1000 + own,
      noise: 0.05 + 0.01 * own,
    });
  }

  evaluate(request: Extract<EncoderEffect, { kind: "request-evaluation" }>) {
    const evaluated = evaluateReveals({
      chainId: this.chainId,
      job: request.job,
      selection: request.selection,
      bundle: request.bundle,
      beacon: request.beacon,
      dimension: this.network.parameters.embeddingDimension,
      masksOfItem: request.masksOfItem,
      meanNormSquared: this.network.genesis.anchors.meanNormSquared,
      reveals: request.reveals.map(({ encoder }) => ({ encoder, blob: this.blobOf(encoder) })),
      selected: request.selected,
    });
    if (!evaluated.ok) throw new Error(evaluated.message);
    return evaluated.value;
  }
}

/** A network with deadlines that a test can wait for. */
export function scenarioNetwork(options: TestNetworkOptions = {}): TestNetwork {
  const short = { selectTimeout: 40, revealTimeout: 40, proofTimeout: 40 };
  return testNetwork({ ...options, parameters: { ...short, ...options.parameters } });
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
