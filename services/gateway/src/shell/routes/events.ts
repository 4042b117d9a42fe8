import { SomaError } from "@soma/base";
import { z } from "zod";
import { type EventPosition, parseEventId } from "../../core/index.ts";
import { TOPICS, type Topic } from "../events/event-feed.ts";
import { hash } from "../parameters.ts";
import { defineRoute, EVENTS, type Route } from "../route.ts";

const DESCRIPTION = `Server-sent events, as the ledger has them. Each has an \`id\`; connect again with it as
\`Last-Event-ID\` (an EventSource does so by itself), at any validator's gateway, and the stream goes on after it: no
event is lost and none comes twice. Without an id the stream begins now.

| event | data |
|---|---|
| \`commit\` | \`CommitEvent\`: an executed commit, after its transactions and stages of jobs |
| \`transaction\` | \`TransactionEvent\`: a transaction that paid a fee; \`refusal\` is null if it did what it says |
| \`job\` | \`JobEvent\`: a job reached a state |
| \`checkpoint\` | \`CheckpointEvent\`: a certified checkpoint |
| \`epoch\` | \`EpochEvent\`: an epoch that the next checkpoint event opened |
| \`place\` | nothing: its id says how far the stream has gone without anything that was asked for |
| \`pruned\` | history before \`firstCommit\` is gone; the stream goes on at \`resumeAt\` |
| \`closed\` | the last one, with \`code\` and \`reason\`: GATEWAY_EVENTS_SLOW or GATEWAY_CLOSING |`;

const topics = z
  .string()
  .max(128)
  .transform((text) => text.split(","))
  .pipe(z.array(z.enum(TOPICS)))
  .optional()
  .meta({ description: `Some of ${TOPICS.join(", ")}, between commas; by default what the filters leave.` });

/** What happens, as it happens. */
export const EVENT_ROUTES: readonly Route[] = [
  defineRoute({
    id: "streamEvents",
    method: "GET",
    url: "/v1/events",
    tag: "events",
    summary: "A stream of what happens on the ledger",
    description: DESCRIPTION,
    query: z.strictObject({
      topics,
      job: hash.optional().meta({ description: "Of jobs, this one alone." }),
      account: hash
        .optional()
        .meta({ description: "Of transactions those that it sent, of jobs those that it paid for." }),
      after: z.string().max(64).optional().meta({
        description: "An event's id, where Last-Event-ID cannot be set; `0.0-0.0` is the beginning.",
      }),
    }),
    answers: { 200: { doc: "The stream.", type: EVENTS } },
    codes: ["GATEWAY_EVENTS_FULL", "GATEWAY_QUOTA_EVENTS", "GATEWAY_CLOSING"],
    asks: true,
    handle: async ({ context: { quotas, streams }, query, request, reply }) => {
      const { job = null, account = null } = query;
      const filter = { topics: new Set(query.topics ?? wantedBy(job, account)), job, account };
      const header = request.headers["last-event-id"];
      const from = positionOf(typeof header === "string" ? header : query.after);
      await streams.serve(reply, { client: quotas.clientOf(request.ip), filter, from });
      return reply;
    },
  }),
];

/** What somebody wants who names only a job or an account. */
function wantedBy(job: string | null, account: string | null): readonly Topic[] {
  if (job !== null) return ["jobs"];
  return account === null ? TOPICS : ["transactions", "jobs"];
}

function positionOf(id: string | undefined): EventPosition | undefined {
  if (id === undefined || id === "") return undefined;
  const position = parseEventId(id);
  if (position === undefined)
    throw new SomaError("GATEWAY_MALFORMED", "Last-Event-ID is no id of this stream");
  return position;
}
