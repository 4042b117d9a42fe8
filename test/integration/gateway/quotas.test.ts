import { createHash } from "node:crypto";
import { connect } from "node:net";
import { SendToPeer } from "@soma/contracts";
import { Ed25519Key } from "@soma/crypto/native";
import { encodeJobMessage, JobMessageCodec } from "@soma/protocol";
import { sleep } from "@soma/runtime";
import { eventually } from "@soma/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seedOf } from "../state/chain.ts";
import { GatewayOperator, Servers, TestJob } from "./operator.ts";

const servers = new Servers();
beforeAll(() => servers.open());
afterAll(() => servers.close());

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const recipient = seedOf("some encoder");

/** Status, code and Retry-After of a refusal; the status alone of what was not refused. */
async function outcome(response: Response) {
  const type = response.headers.get("content-type") ?? "";
  const body = type.startsWith("application/problem+json")
    ? ((await response.json()) as { code: string })
    : {};
  const retryAfter = response.headers.get("retry-after");
  return {
    status: response.status,
    ...body,
    ...(retryAfter === null ? {} : { retryAfter: Number(retryAfter) }),
  };
}

function putter(operator: GatewayOperator) {
  return async (bytes: Uint8Array, headers: Record<string, string> = {}) =>
    outcome(
      await operator.get(`/v1/blobs/${sha256(bytes)}`, { method: "PUT", body: Buffer.from(bytes), headers }),
    );
}

describe("quotas of a client", () => {
  test("requests, also of those who only come by a proxy that may say so", async () => {
    const operator = await GatewayOperator.open(servers, "requests", {
      env: { SOMA_GATEWAY_QUOTA_REQUESTS: "5", SOMA_GATEWAY_QUOTA_WINDOW: "3600" },
    });
    const ask = async (forwarded?: string) =>
      outcome(
        await operator.get(
          "/v1/health",
          forwarded === undefined ? {} : { headers: { "x-forwarded-for": forwarded } },
        ),
      );
    const all = [];
    for (let i = 0; i < 6; i++) all.push(await ask(`10.0.0.${i}`));
    expect(all.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429]);
    expect(all[5]).toMatchObject({ code: "GATEWAY_QUOTA_REQUESTS" });
    expect(all[5]!.retryAfter).toBeGreaterThan(0);
    expect(all[5]!.retryAfter).toBeLessThanOrEqual(3600);
    // What is unknown counts as well.
    expect(await outcome(await operator.get("/v1/nothing"))).toMatchObject({
      code: "GATEWAY_QUOTA_REQUESTS",
    });

    await operator.stop();
    await operator.start({ SOMA_GATEWAY_TRUST_PROXY: "127.0.0.0/8" });
    for (let i = 0; i < 5; i++) expect(await ask("10.0.0.1")).toEqual({ status: 200 });
    expect((await ask("10.0.0.1")).status).toBe(429);
    expect(await ask("10.0.0.2")).toEqual({ status: 200 });
    // One network of IPv6 is one client.
    for (let i = 0; i < 5; i++) expect(await ask(`2001:db8::${i}`)).toEqual({ status: 200 });
    expect((await ask("2001:db8::ffff")).status).toBe(429);

    await operator.stop();
    await operator.start({ SOMA_GATEWAY_QUOTA_EXEMPT: "127.0.0.0/8" });
    for (let i = 0; i < 9; i++) expect(await ask()).toEqual({ status: 200 });
  });

  test("bytes of blobs, which must be told beforehand", async () => {
    const operator = await GatewayOperator.open(servers, "bytes", {
      env: { SOMA_GATEWAY_QUOTA_BLOB_BYTES: "100", SOMA_GATEWAY_QUOTA_WINDOW: "3600" },
    });
    const put = putter(operator);
    expect(await put(Buffer.alloc(60, 1))).toEqual({ status: 201 });
    // What is here already costs nothing.
    expect(await put(Buffer.alloc(60, 1))).toEqual({ status: 200 });
    expect(await put(Buffer.alloc(60, 2))).toMatchObject({ status: 429, code: "GATEWAY_QUOTA_BLOB_BYTES" });

    const socket = connect(Number(new URL(operator.url).port), "127.0.0.1").setEncoding("utf8");
    servers.resources.defer(() => void socket.destroy());
    socket.write(`PUT /v1/blobs/${seedOf("x")} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`);
    let answer = "";
    for await (const part of socket) {
      answer += part;
      if (answer.includes("}")) break;
    }
    expect(answer).toMatch(/^HTTP\/1.1 411 /);
    expect(answer).toContain("GATEWAY_LENGTH_REQUIRED");
  });

  test("blobs that no job refers to: counted until one does, and gone when they expire", async () => {
    const operator = await GatewayOperator.open(servers, "unclaimed", {
      env: { SOMA_GATEWAY_BLOB_UNCLAIMED_BYTES: "100" },
    });
    const put = putter(operator);
    const job = new TestJob("claims", 0n);
    await operator.source.decide([job.payment.bytes]);
    await operator.reaches(1n);
    const data = sha256(job.blob);
    const large = Buffer.alloc(90, 7);
    expect(await put(job.blob)).toEqual({ status: 201 });
    const refused = await put(large);
    expect(refused).toMatchObject({ status: 429, code: "GATEWAY_QUOTA_UNCLAIMED" });
    expect(refused.retryAfter).toBeGreaterThan(0);

    const relay = (body: Uint8Array) =>
      operator.get(`/v1/jobs/${job.id}/messages?recipient=${recipient}`, {
        method: "POST",
        headers: { "content-type": "application/octet-stream" },
        body: Buffer.from(body),
      });
    expect(await outcome(await relay(job.offer({ data })))).toEqual({ status: 202 });
    expect(await put(large)).toEqual({ status: 201 });
    // The job has its items: it can claim nothing else, however small, and nothing that is larger than they are.
    const small = Buffer.alloc(5, 3);
    expect(await put(small)).toEqual({ status: 201 });
    expect(await outcome(await relay(job.offer({ data: sha256(small) })))).toEqual({ status: 202 });
    expect(await outcome(await relay(job.offer({ data: sha256(large) })))).toEqual({ status: 202 });
    expect(await put(Buffer.alloc(10, 4))).toMatchObject({ code: "GATEWAY_QUOTA_UNCLAIMED" });

    await operator.stop();
    await operator.start({ SOMA_GATEWAY_BLOB_UNCLAIMED_AGE: "1ms" });
    const here = async (bytes: Uint8Array) => (await operator.get(`/v1/blobs/${sha256(bytes)}`)).status;
    await eventually(async () => (await here(large)) === 404 && (await here(small)) === 404);
    expect(await here(job.blob)).toBe(200);
  });

  test("blobs that no job refers to stay counted while putting them again keeps them here", async () => {
    const operator = await GatewayOperator.open(servers, "renewed", {
      env: { SOMA_GATEWAY_BLOB_UNCLAIMED_BYTES: "100", SOMA_GATEWAY_BLOB_UNCLAIMED_AGE: "3s" },
    });
    const put = putter(operator);
    const [kept, other] = [Buffer.alloc(90, 1), Buffer.alloc(90, 2)];
    expect(await put(kept)).toEqual({ status: 201 });
    await sleep(2_000);
    expect(await put(kept)).toEqual({ status: 200 });
    await sleep(2_000);
    expect(await put(other)).toMatchObject({ code: "GATEWAY_QUOTA_UNCLAIMED" });
  });

  test("relayed messages, and only what the job's session key signed", async () => {
    const operator = await GatewayOperator.open(servers, "relays", {
      env: {
        SOMA_GATEWAY_QUOTA_RELAYS: "12",
        SOMA_GATEWAY_QUOTA_JOB_RELAYS: "2",
        SOMA_GATEWAY_QUOTA_WINDOW: "3600",
      },
    });
    const relayed: Uint8Array[] = [];
    await operator.source.bus.subscribe(
      SendToPeer,
      { type: "job-message" },
      ({ body }) => void relayed.push(new Uint8Array(body)),
    );
    const job = new TestJob("relays", 0n);
    const other = new TestJob("relays of another", 1n);
    await operator.source.decide([job.payment.bytes, other.payment.bytes]);
    await operator.reaches(1n);
    const data = sha256(job.blob);
    const send = async (body: Uint8Array, to = job.id) =>
      outcome(
        await operator.get(`/v1/jobs/${to}/messages?recipient=${recipient}`, {
          method: "POST",
          headers: { "content-type": "application/octet-stream" },
          body: Buffer.from(body),
        }),
      );
    const stranger = Ed25519Key.fromSeed(Buffer.alloc(32, 9));
    const forged = job.offer({ data });
    forged[forged.length - 1]! ^= 1;
    const receipt = JobMessageCodec.serialize({
      Receipt: {
        receipt: { job: job.id, attempt: 0, encoder: recipient, dataHash: job.dataHash },
        signature: new Uint8Array(64),
      },
    }).toBytes();
    const unknown = new TestJob("never paid", 9n);
    const refusals: [Uint8Array, string, number, string][] = [
      [job.offer({ data, signer: stranger }), job.id, 403, "GATEWAY_SESSION_SIGNATURE"],
      [forged, job.id, 403, "GATEWAY_SESSION_SIGNATURE"],
      // Another job's session key signs no offers of this one.
      [job.offer({ data, signer: other.session }), job.id, 403, "GATEWAY_SESSION_SIGNATURE"],
      [job.offer({ data, mailbox: seedOf("elsewhere") }), job.id, 400, "GATEWAY_MALFORMED"],
      [job.offer({ data }), other.id, 400, "GATEWAY_MALFORMED"],
      [unknown.offer({ data }), unknown.id, 404, "GATEWAY_JOB_NOT_FOUND"],
      [Buffer.from("nonsense"), job.id, 400, "CODEC_MALFORMED"],
      [
        encodeJobMessage({
          job: job.id,
          mailbox: (await operator.json("/v1/health")).validator,
          message: JobMessageCodec.parse(receipt),
        }),
        job.id,
        422,
        "GATEWAY_MESSAGE_KIND",
      ],
    ];
    for (const [body, to, status, code] of refusals) {
      expect(await send(body, to)).toMatchObject({ status, code });
    }
    const offer = job.offer({ data });
    expect(await send(offer)).toEqual({ status: 202 });
    expect(await send(offer)).toEqual({ status: 202 });
    expect(await send(offer)).toMatchObject({ status: 429, code: "GATEWAY_QUOTA_RELAYS" });
    // Another job of the same client has its own, until the client's are used up.
    expect(await send(other.offer({ data }), other.id)).toEqual({ status: 202 });
    const last = await send(other.offer({ data }), other.id);
    expect(last).toMatchObject({ status: 429, code: "GATEWAY_QUOTA_RELAYS" });
    await eventually(() => relayed.length === 3);
    expect(Buffer.from(relayed[0]!)).toEqual(Buffer.from(offer));
  });

  test("an offer waits for its job to come onto this ledger", async () => {
    const operator = await GatewayOperator.open(servers, "waits");
    const job = new TestJob("early", 0n);
    const sent = operator.get(`/v1/jobs/${job.id}/messages?recipient=${recipient}`, {
      method: "POST",
      headers: { "content-type": "application/octet-stream" },
      body: Buffer.from(job.offer({ data: sha256(job.blob) })),
    });
    await operator.source.decide([job.payment.bytes]);
    expect(await outcome(await sent)).toEqual({ status: 202 });
  });
});
