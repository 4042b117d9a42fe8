import { SomaError } from "@soma/base";
import { bcs, byteString, decodeExact } from "@soma/codec";
import { GetAdmission, GetTransaction, ListTransactions, type Submission } from "@soma/contracts";
import { MAX_TRANSACTION_BYTES } from "@soma/protocol";
import { z } from "zod";
import { statusOf } from "../../core/index.ts";
import { ASKED, taken } from "../context.ts";
import { Cursors, next, pageQuery } from "../page.ts";
import { hash, octets, wait, waiting, whole } from "../parameters.ts";
import { defineRoute, OCTETS, type Route } from "../route.ts";
import { jsonOf } from "./network.ts";

const tag = "transactions";
const position = z
  .string()
  .regex(/^[0-9]{1,9}$/)
  .transform(Number);
const cursors = new Cursors("transactions", z.tuple([position]));

/** Of one request that hands in many. */
const BULK = { transactions: 512, bytes: 1024 * 1024 } as const;
const BulkCodec = bcs.vector(byteString);

/** What became of one of many transactions. */
const outcome = z.discriminatedUnion("status", [
  z.object({ status: z.literal("admitted"), digest: hash, known: z.boolean() }),
  z.object({
    status: z.literal("refused"),
    code: z.string().meta({ description: "As the code of a problem." }),
    detail: z.string(),
    minimumTip: z.string().optional().meta({ description: "A tip that would have passed." }),
    retryAfter: z.int().optional().meta({ description: "Seconds after which another try may go better." }),
  }),
]);

function outcomeOf(settled: PromiseSettledResult<Submission>): z.input<typeof outcome> {
  if (settled.status === "rejected") {
    if (!(settled.reason instanceof SomaError)) throw settled.reason;
    const { code, message, details } = settled.reason;
    return refused(code, message, (details as { retryAfterSeconds?: number }).retryAfterSeconds);
  }
  const { Admitted, Refused } = settled.value;
  if (Admitted !== undefined) return { status: "admitted", ...Admitted };
  const { code, message, minimumTip } = Refused!;
  return { ...refused(code, message), ...(minimumTip === null ? {} : { minimumTip: String(minimumTip) }) };
}

function refused(code: string, detail: string, known?: number) {
  const retryAfterSeconds = known ?? statusOf(code).retryAfterSeconds;
  const retry =
    retryAfterSeconds === undefined ? {} : { retryAfter: Math.max(1, Math.ceil(retryAfterSeconds)) };
  return { status: "refused" as const, code, detail, ...retry };
}

/** Handing in transactions and following them. */
export const TRANSACTION_ROUTES: readonly Route[] = [
  defineRoute({
    id: "submitTransaction",
    method: "POST",
    url: "/v1/transactions",
    tag,
    summary: "Hands in a signed transaction",
    description:
      "The canonical bytes (BCS of `SignedTransaction`). It may be sent again without harm: it is known by its " +
      "digest. A refusal has the mempool's code (`MEMPOOL_*`); where the tip is all that it lacks, the problem's " +
      "`minimumTip` is one that would have passed.",
    body: {
      type: OCTETS,
      schema: octets,
      maxBytes: () => MAX_TRANSACTION_BYTES + 1024,
    },
    answers: {
      202: {
        doc: "It is admitted: `known` says that it was already.",
        json: z.object({ digest: hash, known: z.boolean() }),
      },
    },
    codes: [
      "GATEWAY_HALTED",
      "MEMPOOL_MALFORMED",
      "MEMPOOL_TIP_LOW",
      "MEMPOOL_FULL",
      "MEMPOOL_BUSY",
      "MEMPOOL_CONGESTED",
      "MEMPOOL_SEQUENCE_STALE",
      "GATEWAY_BUSY",
      "GATEWAY_QUOTA_SIGNATURES",
    ],
    asks: true,
    handle: async ({ context: { halts, quotas, submissions }, body, request, reply }) => {
      await halts.assertRunning();
      const [settled] = await submissions.submit([body], quotas.clientOf(request.ip));
      if (settled!.status === "rejected") throw settled!.reason;
      const { Admitted, Refused } = settled!.value;
      if (Admitted !== undefined) return reply.status(202).send(Admitted);
      const { code, message, minimumTip } = Refused!;
      const members = minimumTip === null ? {} : { minimumTip: String(minimumTip) };
      throw new SomaError(code, message, { members });
    },
  }),
  defineRoute({
    id: "submitTransactions",
    method: "POST",
    url: "/v1/transactions/batch",
    tag,
    summary: `Hands in up to ${BULK.transactions} signed transactions`,
    description:
      "For a client with much to send: BCS `vector<vector<u8>>`, the canonical bytes of each. Each is answered in its " +
      "place as if it had come alone, and may be sent again alone; those of one sender should stand in sequence. Each " +
      "counts as a request. An answer other than 200 is about all of them, of which none was looked at.",
    body: { type: OCTETS, schema: octets, maxBytes: () => BULK.bytes },
    answers: {
      200: { doc: "An outcome for each, in their order.", json: z.object({ outcomes: z.array(outcome) }) },
    },
    codes: ["GATEWAY_HALTED", "GATEWAY_QUOTA_SIGNATURES"],
    handle: async ({ context: { halts, metrics, submissions, quotas }, body, request, reply }) => {
      await halts.assertRunning();
      const decoded = decodeExact(BulkCodec, body, BULK.bytes);
      if (!decoded.ok) throw new SomaError("GATEWAY_MALFORMED", decoded.message);
      const transactions = decoded.value;
      if (transactions.length > BULK.transactions) {
        throw new SomaError("GATEWAY_MALFORMED", `at most ${BULK.transactions} transactions in one request`);
      }
      // The request itself was counted as the first.
      const client = quotas.clientOf(request.ip);
      await quotas.take("requests", client, Math.max(0, transactions.length - 1));
      const settled = await submissions.submit(transactions, client);
      const outcomes = settled.map(outcomeOf);
      for (const { code } of outcomes.filter((outcome) => outcome.status === "refused"))
        metrics.refused.add(1, { code });
      return reply.send({ outcomes });
    },
  }),
  defineRoute({
    id: "getTransaction",
    method: "GET",
    url: "/v1/transactions/:digest",
    tag,
    summary: "A transaction's effects, and their proof once a checkpoint covers them",
    params: z.object({ digest: hash }),
    query: z.strictObject({
      wait,
      until: z
        .enum(["executed", "certified"])
        .default("executed")
        .meta({ description: "What is waited for." }),
    }),
    answers: {
      200: {
        doc: "`unknown` until a commit has executed it. `leaf` and `path` prove it against `checkpoint`.",
        json: jsonOf(GetTransaction),
      },
    },
    codes: ["GATEWAY_BUSY", "GATEWAY_QUOTA_WAITS"],
    reads: true,
    handle: async ({
      ledger,
      context: { config, news, quotas },
      params: { digest },
      query,
      request,
      reply,
    }) => {
      const ask = async () => await ledger.ask(GetTransaction, { digest });
      const reached = (status: string) =>
        status === "certified" || (query.until === "executed" && status === "executed");
      const topic = query.until === "executed" ? `transaction ${digest}` : "checkpoint";
      const seen = await news.until(
        topic,
        waiting(reply, query.wait, config.maxWait, quotas.clientOf(request.ip)),
        async () => {
          const view = await ask();
          return reached(view.status) ? view : undefined;
        },
      );
      return reply.send(seen ?? (await ask()));
    },
  }),
  defineRoute({
    id: "getAdmission",
    method: "GET",
    url: "/v1/transactions/:digest/admission",
    tag,
    summary: "Whether a transaction waits in this validator's mempool, or why it left",
    description:
      "Ask for its effects first: one that left the mempool (`reason`: expired, replaced, evicted, sequence-used, " +
      "unpayable) may have been in a block already. `unknown` also where it left long ago.",
    params: z.object({ digest: hash }),
    answers: { 200: { doc: "`by` is the transaction that took its place.", json: jsonOf(GetAdmission) } },
    codes: [],
    asks: true,
    handle: async ({ context: { bus }, params: { digest }, reply }) =>
      reply.send(taken(await bus.request(GetAdmission, {}, { digest }, ASKED))),
  }),
  defineRoute({
    id: "listCommitTransactions",
    method: "GET",
    url: "/v1/commits/:commit/transactions",
    tag,
    summary: "The transactions of a commit, in the order of execution",
    params: z.object({ commit: whole }),
    query: z.strictObject(pageQuery),
    answers: {
      200: {
        doc: "Those that paid a fee; `refusal` is null where the transaction did what it says.",
        json: jsonOf(ListTransactions).pick({ transactions: true }).extend({ next }),
      },
    },
    codes: ["GATEWAY_CURSOR", "GATEWAY_COMMIT_NOT_FOUND", "GATEWAY_PRUNED"],
    reads: true,
    handle: async ({ ledger, params, query: { limit, cursor }, reply }) => {
      const commit = BigInt(params.commit);
      const after = cursors.decode(cursor)?.[0] ?? null;
      const asked = { commit, after, limit: limit + 1 };
      const { status, transactions } = await ledger.ask(ListTransactions, asked);
      if (status === "later") {
        throw new SomaError("GATEWAY_COMMIT_NOT_FOUND", `commit ${commit} is not executed yet`);
      }
      if (status === "pruned") {
        throw new SomaError("GATEWAY_PRUNED", `the history that is kept begins after commit ${commit}`);
      }
      const page = cursors.page(transactions, limit, (row) => [row.position]);
      return reply.send({ transactions: page.rows, next: page.next });
    },
  }),
];
