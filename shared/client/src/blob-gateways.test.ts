import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { blobGateways } from "./blob-gateways.ts";

const gateways = ["http://a:1", "http://b:1", "http://c:1", "http://d:1"];
const blobs = Array.from({ length: 400 }, (_, i) => createHash("sha256").update(String(i)).digest("hex"));

describe("the gateways of a blob", () => {
  test("are all of them, in one order whoever lists them how", () => {
    for (const blob of blobs.slice(0, 20)) {
      const order = blobGateways(gateways, blob);
      expect([...order].sort()).toEqual(gateways);
      expect(blobGateways([...gateways].reverse(), blob)).toEqual(order);
      const slashed = blobGateways(
        gateways.map((gateway) => `${gateway}/`),
        blob,
      );
      expect(slashed).toEqual(order.map((gateway) => `${gateway}/`));
    }
  });

  test("keep their order when another is not known", () => {
    for (const blob of blobs.slice(0, 20)) {
      const known = gateways.slice(1);
      const order = blobGateways(gateways, blob).filter((gateway) => known.includes(gateway));
      expect(blobGateways(known, blob)).toEqual(order);
    }
  });

  test("begin with each about equally often", () => {
    const first = blobs.map((blob) => blobGateways(gateways, blob)[0]);
    for (const gateway of gateways) {
      expect(first.filter((one) => one === gateway).length).toBeGreaterThan(blobs.length / 8);
    }
  });
});
