import { SomaError, toHex } from "@soma/base";
import { GetJob, GetShard, SendToPeer } from "@soma/contracts";
import { decodeJobMessage, MAX_JOB_MESSAGE_BYTES } from "@soma/protocol";
import { z } from "zod";
import { ASKED, type GatewayContext, taken } from "../context.ts";
import { hash, octets, wait, waiting, whole } from "../parameters.ts";
import { defineRoute, OCTETS, type Route } from "../route.ts";
import { jsonOf } from "./network.ts";

const tag = "jobs";
const job = z.object({ job: hash });
/** How long an offer waits for its job to come onto this validator's ledger, in milliseconds. */
const OFFER_WAIT_MS = 2_000;
/** Beyond the items themselves: what their lengths take in the blob, each at most. */
const LENGTH_BYTES = 5n;

/** A job's state, and the messages between its submitter and its shard. */
export const JOB_ROUTES: readonly Route[] = [
  defineRoute({
    id: "getJob",
    method: "GET",
    url: "/v1/jobs/:job",
    tag,
    summary: "A job as the ledger has it",
    params: job,
    answers: { 200: { doc: "`job` is null if the ledger has no such job.", json: jsonOf(GetJob) } },
    reads: true,
    handle: async ({ ledger, params, reply }) => reply.send(await ledger.ask(GetJob, params)),
  }),
  defineRoute({
    id: "getShard",
    method: "GET",
    url: "/v1/jobs/:job/shard",
    tag,
    summary: "The shard of a job's attempt",
    params: job,
    query: z.strictObject({ attempt: z.coerce.number().int().min(0).max(1_000).default(0) }),
    answers: { 200: { doc: "`shard` is null until its beacon is known.", json: jsonOf(GetShard) } },
    asks: true,
    handle: async ({ context: { bus }, params, query, reply }) =>
      reply.send(taken(await bus.request(GetShard, {}, { ...params, ...query }, ASKED))),
  }),
  defineRoute({
    id: "relayMessage",
    method: "POST",
    url: "/v1/jobs/:job/messages",
    tag,
    summary: "Relays a submitter's offer to a seat holder",
    description:
      "BCS of `RelayedJobMessage` with an offer, whose mailbox is this validator and which the session key that the " +
      "ledger has for the job signs. The blob that it names counts as the job's from then on.",
    params: job,
    query: z.strictObject({ recipient: hash.meta({ description: "The encoder." }) }),
    body: { type: OCTETS, schema: octets, maxBytes: () => MAX_JOB_MESSAGE_BYTES },
    answers: { 202: { doc: "It is on its way.", json: z.object({ relayed: z.literal(true) }) } },
    codes: [
      "CODEC_MALFORMED",
      "GATEWAY_MESSAGE_KIND",
      "GATEWAY_JOB_NOT_FOUND",
      "GATEWAY_SESSION_SIGNATURE",
      "GATEWAY_QUOTA_RELAYS",
      "GATEWAY_BUSY",
      "GATEWAY_QUOTA_WAITS",
    ],
    asks: true,
    handle: async ({ context, params, query: { recipient }, body, request, reply }) => {
      const { bus, quotas, sessions, validator } = context;
      const client = quotas.clientOf(request.ip);
      await quotas.take("relays", client);
      const message = taken(decodeJobMessage(body));
      if (message.job !== params.job || message.mailbox !== validator) {
        const expected = `a message of job ${params.job} with mailbox ${validator} is expected`;
        throw new SomaError("GATEWAY_MALFORMED", expected);
      }
      const offer = await sessions.offerOf(message, waiting(reply, OFFER_WAIT_MS, OFFER_WAIT_MS, client));
      await quotas.take("jobRelays", params.job);
      await claimItems(context, params.job, offer.data);
      await bus.publish(SendToPeer, { type: "job-message" }, { recipient, body });
      return reply.status(202).send({ relayed: true });
    },
  }),
  defineRoute({
    id: "readMailbox",
    method: "GET",
    url: "/v1/jobs/:job/messages",
    tag,
    summary: "What seat holders answered to a job's submitter",
    description: "Oldest first, 256 at most. What they say is signed; whoever reads them checks that.",
    params: job,
    query: z.strictObject({
      after: whole.default("0").meta({ description: "`cursor` of the last message that was read." }),
      wait,
    }),
    answers: {
      200: {
        doc: "`message` is BCS of `RelayedJobMessage` in hex.",
        json: z.object({ messages: z.array(z.object({ cursor: z.int(), message: z.string() })) }),
      },
    },
    codes: ["GATEWAY_BUSY", "GATEWAY_QUOTA_WAITS"],
    handle: async ({ context: { config, mailbox, news, quotas }, params, query, request, reply }) => {
      const patience = waiting(reply, query.wait, config.maxWait, quotas.clientOf(request.ip));
      const seen = await news.until(`job ${params.job}`, patience, async () => {
        const messages = await mailbox.after(params.job, BigInt(query.after));
        return messages.length > 0 ? messages : undefined;
      });
      const messages = (seen ?? []).map(({ cursor, message }) => ({ cursor, message: toHex(message) }));
      return reply.send({ messages });
    },
  }),
];

/** The job whose offer names this blob refers to it, if it is as large as the job's items are. */
async function claimItems({ claims, sessions }: GatewayContext, id: string, data: string): Promise<void> {
  const size = await claims.sizeOf(data);
  if (size === undefined || (await claims.claimed([data])).has(data)) return;
  const paid = await sessions.job(id);
  if (paid === undefined || size > paid.sizeBytes + LENGTH_BYTES * BigInt(paid.items + 1)) return;
  await claims.claim(id, "items", data);
}
