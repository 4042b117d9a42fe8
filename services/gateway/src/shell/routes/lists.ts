import {
  GetParameters,
  JOB_STATES,
  ListCheckpoints,
  ListCommits,
  ListEncoders,
  ListEpochs,
  ListJobs,
  ListValidators,
} from "@soma/contracts";
import { PARAMETER_TABLE, type ParameterName } from "@soma/protocol";
import { z } from "zod";
import { Cursors, next, pageQuery } from "../page.ts";
import { hash, whole } from "../parameters.ts";
import { defineRoute, type Route } from "../route.ts";
import { jsonOf } from "./network.ts";

const tag = "ledger";
const codes = ["GATEWAY_CURSOR"] as const;
const number = whole.transform(BigInt);
const id = z.tuple([hash]);

const jobCursors = new Cursors("jobs", z.tuple([number, hash]));
const validatorCursors = new Cursors("validators", id);
const encoderCursors = new Cursors("encoders", id);
const epochCursors = new Cursors("epochs", z.tuple([number]));
const commitCursors = new Cursors("commits", z.tuple([number]));
const checkpointCursors = new Cursors("checkpoints", z.tuple([number]));
const parameterCursors = new Cursors("parameters", z.tuple([z.string()]));

/** Lists of what the ledger holds, in pages. */
export const LIST_ROUTES: readonly Route[] = [
  defineRoute({
    id: "listValidators",
    method: "GET",
    url: "/v1/validators",
    tag,
    summary: "Registered validators, by id",
    query: z.strictObject(pageQuery),
    answers: {
      200: {
        doc: "A page; `active` is of the current epoch.",
        json: jsonOf(ListValidators).extend({ next }),
      },
    },
    codes,
    reads: true,
    handle: async ({ ledger, query: { limit, cursor }, reply }) => {
      const after = validatorCursors.decode(cursor)?.[0] ?? null;
      const { epoch, validators } = await ledger.ask(ListValidators, { after, limit: limit + 1 });
      const page = validatorCursors.page(validators, limit, (row) => [row.id]);
      return reply.send({ epoch, validators: page.rows, next: page.next });
    },
  }),
  defineRoute({
    id: "listEncoders",
    method: "GET",
    url: "/v1/encoders",
    tag,
    summary: "Registered encoders with what they ask, by id",
    query: z.strictObject(pageQuery),
    answers: {
      200: { doc: "A page; `active` is of the current epoch.", json: jsonOf(ListEncoders).extend({ next }) },
    },
    codes,
    reads: true,
    handle: async ({ ledger, query: { limit, cursor }, reply }) => {
      const after = encoderCursors.decode(cursor)?.[0] ?? null;
      const { epoch, encoders } = await ledger.ask(ListEncoders, { after, limit: limit + 1 });
      const page = encoderCursors.page(encoders, limit, (row) => [row.id]);
      return reply.send({ epoch, encoders: page.rows, next: page.next });
    },
  }),
  defineRoute({
    id: "listEpochs",
    method: "GET",
    url: "/v1/epochs",
    tag,
    summary: "Epochs, newest first",
    query: z.strictObject(pageQuery),
    answers: { 200: { doc: "A page.", json: jsonOf(ListEpochs).extend({ next }) } },
    codes,
    reads: true,
    handle: async ({ ledger, query: { limit, cursor }, reply }) => {
      const before = epochCursors.decode(cursor)?.[0] ?? null;
      const { epochs } = await ledger.ask(ListEpochs, { before, limit: limit + 1 });
      const page = epochCursors.page(epochs, limit, (row) => [row.epoch]);
      return reply.send({ epochs: page.rows, next: page.next });
    },
  }),
  defineRoute({
    id: "listCommits",
    method: "GET",
    url: "/v1/commits",
    tag,
    summary: "Executed commits, newest first",
    query: z.strictObject(pageQuery),
    answers: { 200: { doc: "A page of the kept history.", json: jsonOf(ListCommits).extend({ next }) } },
    codes,
    reads: true,
    handle: async ({ ledger, query: { limit, cursor }, reply }) => {
      const before = commitCursors.decode(cursor)?.[0] ?? null;
      const { commits } = await ledger.ask(ListCommits, { before, limit: limit + 1 });
      const page = commitCursors.page(commits, limit, (row) => [row.commit]);
      return reply.send({ commits: page.rows, next: page.next });
    },
  }),
  defineRoute({
    id: "listCheckpoints",
    method: "GET",
    url: "/v1/checkpoints",
    tag,
    summary: "Certified checkpoints, newest first",
    query: z.strictObject(pageQuery),
    answers: { 200: { doc: "A page.", json: jsonOf(ListCheckpoints).extend({ next }) } },
    codes,
    reads: true,
    handle: async ({ ledger, query: { limit, cursor }, reply }) => {
      const after = checkpointCursors.decode(cursor)?.[0] ?? null;
      const asked = { order: "descending", after, limit: limit + 1 } as const;
      const { checkpoints } = await ledger.ask(ListCheckpoints, asked);
      const page = checkpointCursors.page(checkpoints, limit, (row) => [row.sequence]);
      return reply.send({ checkpoints: page.rows, next: page.next });
    },
  }),
  defineRoute({
    id: "listJobs",
    method: "GET",
    url: "/v1/jobs",
    tag: "jobs",
    summary: "Jobs, newest first",
    query: z.strictObject({
      ...pageQuery,
      state: z.enum(JOB_STATES).optional().meta({ description: "Jobs in this state alone." }),
      account: hash.optional().meta({ description: "Jobs that this account paid for alone." }),
    }),
    answers: { 200: { doc: "A page.", json: jsonOf(ListJobs).extend({ next }) } },
    codes,
    reads: true,
    handle: async ({ ledger, query: { limit, cursor, state, account }, reply }) => {
      const last = jobCursors.decode(cursor);
      const asked = {
        after: last === undefined ? null : { commit: last[0], job: last[1] },
        limit: limit + 1,
        state: state ?? null,
        payer: account ?? null,
      };
      const { jobs } = await ledger.ask(ListJobs, asked);
      const page = jobCursors.page(jobs, limit, (row) => [row.paidAtCommit, row.job]);
      return reply.send({ jobs: page.rows, next: page.next });
    },
  }),
  defineRoute({
    id: "listParameters",
    method: "GET",
    url: "/v1/parameters",
    tag,
    summary: "Governance parameters in force, with their bounds",
    query: z.strictObject(pageQuery),
    answers: {
      200: {
        doc: "A page, by name.",
        json: z.object({ epoch: z.string(), parameters: z.array(parameterSchema()), next }),
      },
    },
    codes,
    reads: true,
    handle: async ({ ledger, query: { limit, cursor }, reply }) => {
      const after = parameterCursors.decode(cursor)?.[0] ?? "";
      const { epoch, parameters } = await ledger.ask(GetParameters, {});
      const rest = parameters
        .filter(({ name }) => name > after)
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map(({ name, value }) => describe(name, value));
      const page = parameterCursors.page(rest, limit, (row) => [row.name]);
      return reply.send({ epoch: String(epoch), parameters: page.rows, next: page.next });
    },
  }),
];

function parameterSchema() {
  return z.object({
    name: z.string(),
    value: z.string().meta({ description: "A whole number in decimal." }),
    min: z.string(),
    max: z.string(),
    unit: z.string(),
    rule: z.string().meta({ description: "The rule of the protocol that uses it." }),
  });
}

function describe(name: string, value: bigint): z.output<ReturnType<typeof parameterSchema>> {
  const { min, max, unit, rule } = PARAMETER_TABLE[name as ParameterName];
  return { name, value: String(value), min: String(min), max: String(max), unit, rule };
}
