import { Validator } from "@seriousme/openapi-schema-validator";
import { openApiDocument } from "@soma/gateway";
import { eventually } from "@soma/testkit";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { EventSource } from "eventsource";
import { afterAll, beforeAll, expect, test } from "vitest";
import { people, seedOf, signed, transfer } from "../state/chain.ts";
import { GatewayOperator, Servers, TestJob } from "./operator.ts";

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Record<string, { schema: object }> }>
  >;
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const servers = new Servers();
let operator: GatewayOperator;
let document: Document;
const job = new TestJob("document", 0n);
const sent = signed(people[1]!, 0n, transfer(people[0]!.address, 1n));
beforeAll(async () => {
  await servers.open();
  operator = await GatewayOperator.open(servers, "document");
  await operator.source.decide([job.payment.bytes, sent.bytes]);
  for (let i = 0; i < 8; i++) await operator.source.decide();
  await operator.reaches(9n);
  document = await operator.json("/v1/openapi.json");
});
afterAll(() => servers.close());

test("it is a valid document of OpenAPI 3.1, and the one that is generated", async () => {
  expect(document.openapi).toMatch(/^3\.1/);
  expect(await new Validator().validate({ ...document })).toEqual({ valid: true });
  expect(JSON.parse(JSON.stringify(await openApiDocument()))).toEqual(document);
});

test("every operation says what it does, what it takes and how it refuses", () => {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.values(methods).map((operation) => ({ path, operation })),
  );
  expect(operations.length).toBeGreaterThan(30);
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { path, operation } of operations) {
    expect(operation.summary).toMatch(/^\S.*\S$/);
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = (operation.parameters ?? []).filter((one) => one.in === "path").map(({ name }) => name);
    expect(declared.sort()).toEqual(named.sort());
    const statuses = Object.keys(operation.responses);
    expect(statuses.some((status) => status.startsWith("2"))).toBe(true);
    for (const [status, response] of Object.entries(operation.responses)) {
      expect(response.description).not.toBe("Default Response");
      if (status.startsWith("4") || status.startsWith("5")) {
        expect(response.content).toHaveProperty(["application/problem+json"]);
        expect(response.description).toMatch(/`[A-Z][A-Z_]+`: /);
      }
    }
  }
});

test("what a stream tells fits the document too", async () => {
  const source = new EventSource(`${operator.url}/v1/events?after=0.0-0.0`);
  const wanted = ["transaction", "job", "commit", "checkpoint"];
  const heard = new Map<string, unknown>();
  for (const type of wanted) source.addEventListener(type, ({ data }) => heard.set(type, JSON.parse(data)));
  await eventually(() => wanted.every((type) => heard.has(type)));
  source.close();
  for (const [type, data] of heard) {
    const name = `${type[0]!.toUpperCase()}${type.slice(1)}Event`;
    expect(faultsOf(["components", "schemas", name], data)).toBeNull();
  }
});

test.each([
  ["/v1/health", "/v1/health", 200],
  ["/v1/genesis", "/v1/genesis", 200],
  ["/v1/head", "/v1/head", 200],
  ["/v1/operators", "/v1/operators", 200],
  ["/v1/accounts/{address}", `/v1/accounts/${people[0]!.address}`, 200],
  ["/v1/accounts/{address}", "/v1/accounts/me", 400],
  ["/v1/validators", "/v1/validators?limit=1", 200],
  ["/v1/encoders", "/v1/encoders?limit=1", 200],
  ["/v1/epochs", "/v1/epochs", 200],
  ["/v1/epochs/{epoch}", "/v1/epochs/latest", 200],
  ["/v1/epochs/{epoch}", "/v1/epochs/99", 404],
  ["/v1/handovers", "/v1/handovers?from=0", 200],
  ["/v1/commits", "/v1/commits", 200],
  ["/v1/commits/{commit}/transactions", "/v1/commits/1/transactions", 200],
  ["/v1/commits/{commit}/transactions", "/v1/commits/99/transactions", 404],
  ["/v1/commits/{commit}/leaf", "/v1/commits/99/leaf", 404],
  ["/v1/checkpoints", "/v1/checkpoints", 200],
  ["/v1/checkpoints/{sequence}", "/v1/checkpoints/999", 404],
  ["/v1/ledger-updates/{sequence}", "/v1/ledger-updates/999", 204],
  ["/v1/jobs", "/v1/jobs", 200],
  ["/v1/jobs", "/v1/jobs?cursor=x", 400],
  ["/v1/jobs/{job}", `/v1/jobs/${job.id}`, 200],
  ["/v1/jobs/{job}", `/v1/jobs/${seedOf("nothing")}`, 200],
  ["/v1/jobs/{job}/messages", `/v1/jobs/${job.id}/messages`, 200],
  ["/v1/transactions/{digest}", `/v1/transactions/${sent.digest}?wait=5000&until=certified`, 200],
  ["/v1/transactions/{digest}", `/v1/transactions/${seedOf("nothing")}`, 200],
  ["/v1/embeddings/{job}", `/v1/embeddings/${job.id}`, 404],
  ["/v1/parameters", "/v1/parameters", 200],
  ["/v1/blobs/{hash}", `/v1/blobs/${seedOf("nothing")}`, 404],
  // Nobody of the test is peering, consensus or the pool.
  ["/v1/peers", "/v1/peers", 503],
  ["/v1/consensus", "/v1/consensus", 503],
])("the answer of %s as in %s (%i) fits the document", async (path, url, status) => {
  const response = await operator.get(url);
  expect(response.status).toBe(status);
  const declared = document.paths[path]!["get"]!.responses[String(status)];
  expect(declared).toBeDefined();
  const type = response.headers.get("content-type")?.split(";")[0];
  if (status === 204) {
    expect(type).toBeUndefined();
    return;
  }
  const media = declared!.content?.[type!];
  expect(media).toBeDefined();
  const body = await response.arrayBuffer();
  if (!type!.endsWith("json")) return;
  const answer = JSON.parse(Buffer.from(body).toString("utf8"));
  const schema = ["paths", path, "get", "responses", String(status), "content", type!, "schema"];
  expect(faultsOf(schema, answer)).toBeNull();
});

/** What is wrong with a value by a schema within the document; null if nothing is. */
function faultsOf(schema: readonly string[], value: unknown): string | null {
  const ajv = new Ajv2020({ strict: false });
  (addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
  ajv.addSchema(document, "document");
  const pointer = schema
    .map((part) => part.replaceAll("~", "~0").replaceAll("/", "~1"))
    .map(encodeURIComponent)
    .join("/");
  const check = ajv.compile({ $ref: `document#/${pointer}` });
  return check(value) ? null : JSON.stringify(check.errors);
}
