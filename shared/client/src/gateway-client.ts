import { SomaError, toHex } from "@soma/base";
import { bcs, byteString, decodeExact, encode } from "@soma/codec";
import {
  ClassifyByPool,
  ConsensusStatus,
  GetAccount,
  GetHead,
  GetJob,
  GetPool,
  GetTransaction,
  ListOperators,
  ListPeers,
  type Payload,
  type ProvenLeaf,
  ProvenLeafCodec,
  RecommendFromPool,
  type Reply,
  type RequestMessage,
  SearchPool,
  StateStatus,
} from "@soma/contracts";
import { sha256Native } from "@soma/crypto/native";
import {
  type CertifiedCheckpoint,
  CertifiedCheckpointCodec,
  type Digest,
  type EpochHandover,
  EpochHandoverCodec,
  type Hex32,
  type JobId,
} from "@soma/protocol";
import { z } from "zod";
import { blobGateways } from "./blob-gateways.ts";
import { Http, type HttpOptions } from "./http.ts";

const OCTETS = "application/octet-stream";
const MAX_PAGE_BYTES = 16 * 1024 * 1024;

const SubmittedSchema = z.object({ digest: z.string(), known: z.boolean() });
const OutcomesSchema = z.object({
  outcomes: z.array(
    z.discriminatedUnion("status", [
      z.object({ status: z.literal("admitted"), digest: z.string(), known: z.boolean() }),
      z.object({
        status: z.literal("refused"),
        code: z.string(),
        detail: z.string(),
        /** A tip that would have passed, base units. */
        minimumTip: z.string().transform(BigInt).optional(),
        /** Seconds after which another try may go better. */
        retryAfter: z.number().optional(),
      }),
    ]),
  ),
});
/** What became of one of many transactions that were handed in together. */
export type SubmissionOutcome = z.output<typeof OutcomesSchema>["outcomes"][number];
const MailboxSchema = z.object({
  messages: z.array(z.object({ cursor: z.int(), message: z.string() })),
});

const HealthSchema = z.object({ ok: z.boolean(), network: z.string(), validator: z.string() });
export type GatewayHealth = z.output<typeof HealthSchema>;

/** How hits are listed unless something else is asked for. */
const LISTING = { filter: null, dimensions: null, exact: false, limit: 10, cursor: null } as const;

export type JobView = NonNullable<Reply<typeof GetJob>["job"]>;

/** Parses a JSON answer by the very schema with which the service answered. */
function decodeReply<M extends { readonly reply: { readonly schema: z.ZodType | undefined } }>(
  message: M,
  json: unknown,
): Reply<M> {
  const decoded = message.reply.schema?.safeParse(json);
  if (decoded?.success !== true) {
    throw new SomaError("GATEWAY_ANSWER", "the gateway's answer is not what its interface says");
  }
  return decoded.data as Reply<M>;
}

/** The gateway's HTTP interface, typed. Answers are a validator's word unless they carry their proof. */
export class GatewayClient {
  readonly http: Http;

  constructor(options: HttpOptions) {
    this.http = new Http(options);
  }

  /** The network's genesis file, for those who do not have it yet: compare its digest with one you trust. */
  async genesis(): Promise<Uint8Array> {
    return this.#required("/v1/genesis");
  }

  /** Which network and validator the preferred gateway serves. */
  async health(): Promise<GatewayHealth> {
    return HealthSchema.parse(await this.http.json({ path: "/v1/health" }));
  }

  async head() {
    return decodeReply(GetHead, await this.http.json({ path: "/v1/head" }));
  }

  async account(address: Hex32) {
    return decodeReply(GetAccount, await this.http.json({ path: `/v1/accounts/${address}` }));
  }

  async peers() {
    return decodeReply(ListPeers, await this.http.json({ path: "/v1/peers" }));
  }

  /** Where the gateway's own consensus stands. */
  async consensus() {
    return decodeReply(ConsensusStatus, await this.http.json({ path: "/v1/consensus" }));
  }

  /** Where the gateway's own ledger stands, and why it is halted if it is. */
  async state() {
    return decodeReply(StateStatus, await this.http.json({ path: "/v1/state" }));
  }

  async operators() {
    return decodeReply(ListOperators, await this.http.json({ path: "/v1/operators" }));
  }

  /** @throws SomaError with the mempool's code if it is refused. */
  async submitTransaction(bytes: Uint8Array): Promise<{ digest: Digest; known: boolean }> {
    return SubmittedSchema.parse(
      await this.http.json({ method: "POST", path: "/v1/transactions", body: bytes, contentType: OCTETS }),
    );
  }

  /**
   * Hands in up to 512 transactions, 1 MiB together; the outcome of each, in their order. @throws SomaError if none was
   * looked at
   */
  async submitTransactions(transactions: readonly Uint8Array[]): Promise<SubmissionOutcome[]> {
    const body = encode(bcs.vector(byteString), [...transactions]);
    const json = await this.http.json({
      method: "POST",
      path: "/v1/transactions/batch",
      body,
      contentType: OCTETS,
    });
    return OutcomesSchema.parse(json).outcomes;
  }

  /** `waitMs` lets the gateway hold the answer until the transaction was executed (or certified). */
  async transaction(digest: Digest, wait?: { ms: number; until: "executed" | "certified" }) {
    const query = wait === undefined ? "" : `?wait=${wait.ms}&until=${wait.until}`;
    return decodeReply(
      GetTransaction,
      await this.http.json({ path: `/v1/transactions/${digest}${query}`, waitMs: wait?.ms ?? 0 }),
    );
  }

  /** Null if the ledger has no such job. */
  async job(job: JobId) {
    return decodeReply(GetJob, await this.http.json({ path: `/v1/jobs/${job}` })).job;
  }

  async handovers(fromEpoch: bigint): Promise<EpochHandover[]> {
    const bytes = await this.#required(`/v1/handovers?from=${fromEpoch}`);
    return decoded(decodeExact(bcs.vector(EpochHandoverCodec), bytes, MAX_PAGE_BYTES));
  }

  /** The newest if no sequence is given; undefined if there is none. */
  async checkpoint(sequence?: bigint): Promise<CertifiedCheckpoint | undefined> {
    const bytes = await this.http.bytes({ path: `/v1/checkpoints/${sequence ?? "latest"}` });
    return bytes && decoded(decodeExact(CertifiedCheckpointCodec, bytes, MAX_PAGE_BYTES));
  }

  /** The leaf of a commit with its proof, once a certified checkpoint covers it. */
  async commitLeaf(commit: bigint): Promise<ProvenLeaf | undefined> {
    const bytes = await this.http.bytes({ path: `/v1/commits/${commit}/leaf` });
    return bytes && decoded(decodeExact(ProvenLeafCodec, bytes, MAX_PAGE_BYTES));
  }

  /**
   * Bytes of the `LedgerUpdate`s of checkpoint `sequence` and of those after it that are certified too, at most `most`
   * checkpoints; undefined if it is not certified within `waitMs`.
   */
  async ledgerUpdates(sequence: bigint, waitMs: number, most = 1): Promise<Uint8Array[] | undefined> {
    const path = `/v1/ledger-updates/${sequence}?wait=${waitMs}${most > 1 ? `&most=${most}` : ""}`;
    const bytes = await this.http.bytes({ path, waitMs });
    return bytes && decoded(decodeExact(bcs.vector(bcs.byteVector()), bytes, MAX_PAGE_BYTES));
  }

  /** Puts a blob under its SHA-256 and returns that. */
  async putBlob(bytes: Uint8Array): Promise<Hex32> {
    const hash = toHex(sha256Native(bytes));
    const http = this.http.over(blobGateways(this.http.gateways, hash));
    await http.request({ method: "PUT", path: `/v1/blobs/${hash}`, body: bytes, contentType: OCTETS });
    return hash;
  }

  /** A blob by its SHA-256, checked, from whichever gateway has it; undefined if none does. */
  async getBlob(hash: Hex32): Promise<Uint8Array | undefined> {
    for (const gateway of blobGateways(this.http.gateways, hash)) {
      const one = new Http({ gateways: [gateway], retries: 0, fetch: this.http.fetch });
      const bytes = await one.bytes({ path: `/v1/blobs/${hash}` }).catch(() => undefined);
      if (bytes !== undefined && toHex(sha256Native(bytes)) === hash) return bytes;
    }
    return undefined;
  }

  /** Has a job message relayed to an encoder. */
  async relay(job: JobId, recipient: Hex32, message: Uint8Array): Promise<void> {
    await this.http.request({
      method: "POST",
      path: `/v1/jobs/${job}/messages?recipient=${recipient}`,
      body: message,
      contentType: OCTETS,
    });
  }

  /** What seat holders answered to this gateway's mailbox after `cursor`; waits up to `waitMs` for the first. */
  async mailbox(
    job: JobId,
    after: number,
    waitMs: number,
  ): Promise<{ cursor: number; message: Uint8Array }[]> {
    const json = await this.http.json({
      path: `/v1/jobs/${job}/messages?after=${after}&wait=${waitMs}`,
      waitMs,
    });
    return MailboxSchema.parse(json).messages.map(({ cursor, message }) => ({
      cursor,
      message: new Uint8Array(Buffer.from(message, "hex")),
    }));
  }

  /** Nearest recorded embeddings to a vector or an item; what is left out is as the interface's defaults. */
  async search(query: Partial<Payload<typeof SearchPool>>) {
    return this.#pool(SearchPool, "/v1/search", { vector: null, near: null, ...LISTING, ...query });
  }

  /** What is like the positive examples and unlike the negative ones. */
  async recommend(
    query: Partial<Payload<typeof RecommendFromPool>> & Pick<Payload<typeof RecommendFromPool>, "positive">,
  ) {
    return this.#pool(RecommendFromPool, "/v1/recommend", { negative: [], ...LISTING, ...query });
  }

  /** Which label each item is nearest to. */
  async classify(question: Payload<typeof ClassifyByPool>) {
    return this.#pool(ClassifyByPool, "/v1/classify", question);
  }

  /** What the gateway's pool holds and how it is indexed. */
  async pool() {
    return decodeReply(GetPool, await this.http.json({ path: "/v1/pool" }));
  }

  async #pool<P, R>(message: RequestMessage<P, R>, path: string, question: P): Promise<R> {
    const body = Buffer.from(message.encode(question)).toString("utf8");
    const json = await this.http.json({ method: "POST", path, body, contentType: "application/json" });
    return decodeReply(message, json) as R;
  }

  async #required(path: string): Promise<Uint8Array> {
    const bytes = await this.http.bytes({ path });
    if (bytes === undefined) throw new SomaError("GATEWAY_NOT_FOUND", `the gateway has no ${path}`);
    return bytes;
  }
}

function decoded<T>(result: { ok: true; value: T } | { ok: false; code: string; message: string }): T {
  if (!result.ok) throw new SomaError(result.code, `the gateway's answer: ${result.message}`);
  return result.value;
}
