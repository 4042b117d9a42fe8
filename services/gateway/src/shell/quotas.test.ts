import { Telemetry } from "@soma/telemetry";
import { describe, expect, test } from "vitest";
import { gatewayMetrics } from "./metrics.ts";
import { Quotas } from "./quotas.ts";

const metrics = gatewayMetrics(Telemetry.silent("gateway"));
const quotas = (exempt: string[] = []) =>
  new Quotas(
    {
      windowMs: 60_000,
      requests: 3,
      blobBytes: 100,
      relays: 3,
      jobRelays: 3,
      vainChecks: 40,
      events: 2,
      waits: 2,
      exempt,
    },
    metrics,
  );

describe("quotas of a client", () => {
  test.each([
    ["10.1.2.3", "10.1.2.3"],
    ["::ffff:10.1.2.3", "10.1.2.3"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::9", "2001:db8:1:2::/64"],
    ["2001:0db8::9", "2001:db8:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
  ])("%s is counted as %s", (address, client) => expect(quotas().clientOf(address)).toBe(client));

  test("what is exempt is not counted", async () => {
    const some = quotas(["127.0.0.0/8", "::1"]);
    expect(some.clientOf("127.9.9.9")).toBeUndefined();
    expect(some.clientOf("::1")).toBeUndefined();
    expect(some.clientOf("::2")).toBe("0:0:0:0::/64");
    for (let i = 0; i < 9; i++) await some.take("requests", undefined);
    expect(() => quotas(["nonsense"])).toThrow("no network");
    expect(() => quotas(["10.0.0.0/33"])).toThrow("no network");
  });

  test("each client and each kind is counted by itself, and the refusal says when to come back", async () => {
    const some = quotas();
    for (let i = 0; i < 3; i++) await some.take("requests", "a");
    const refusal = await some.take("requests", "a").catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: "GATEWAY_QUOTA_REQUESTS" });
    const { retryAfterSeconds } = (refusal as { details: { retryAfterSeconds: number } }).details;
    expect(retryAfterSeconds).toBeGreaterThan(0);
    expect(retryAfterSeconds).toBeLessThanOrEqual(60);
    await some.take("requests", "b");
    await some.take("blobBytes", "a", 60);
    await expect(some.take("blobBytes", "a", 60)).rejects.toMatchObject({ code: "GATEWAY_QUOTA_BLOB_BYTES" });
  });

  test("what is known only afterwards is charged, and refused from when nothing is left", async () => {
    const some = quotas();
    await some.assertLeft("vainChecks", "a");
    expect(await some.charge("vainChecks", "a", 39)).toBeUndefined();
    await some.assertLeft("vainChecks", "a");
    const refusal = { code: "GATEWAY_QUOTA_SIGNATURES", details: { retryAfterSeconds: expect.any(Number) } };
    expect(await some.charge("vainChecks", "a", 32)).toMatchObject(refusal);
    await expect(some.assertLeft("vainChecks", "a")).rejects.toMatchObject(refusal);
    await some.assertLeft("vainChecks", "b");
    await some.assertLeft("vainChecks", undefined);
  });

  test("event streams are given back once", () => {
    const some = quotas();
    const first = some.openEvents("a");
    some.openEvents("a");
    expect(() => some.openEvents("a")).toThrow("streams open");
    first();
    first();
    some.openEvents("a");
    expect(() => some.openEvents("a")).toThrow("streams open");
  });

  test("waits are counted for each client, beside its streams", () => {
    const some = quotas(["127.0.0.0/8"]);
    const first = some.openWait("a");
    some.openWait("a");
    expect(() => some.openWait("a")).toThrow("requests waiting");
    some.openEvents("a");
    some.openWait("b");
    for (let i = 0; i < 9; i++) some.openWait(some.clientOf("127.0.0.1"));
    first();
    some.openWait("a");
  });
});
