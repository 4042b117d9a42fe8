import { describe, expect, test } from "vitest";
import { scrape } from "./meter.ts";
import { Metrics } from "./metrics.ts";

let services = 0;
const open = () => new Metrics({ service: `service-${services++}`, operator: "v0", enabled: true });

async function samples(name: string): Promise<Record<string, number>> {
  const lines = (await scrape()).split("\n").filter((line) => line.startsWith(name));
  return Object.fromEntries(
    lines.map((line) => {
      const [, labels, value] = /^[a-z_]+\{(.*)\} ([^ ]+)$/.exec(line)!;
      return [
        labels!
          .split(",")
          .filter((label) => !label.startsWith("otel_scope"))
          .sort()
          .join(),
        Number(value),
      ];
    }),
  );
}

describe("metrics", () => {
  test("a counter adds up by attributes, whatever their order, and a gauge holds the last", async () => {
    const metrics = open();
    const service = `service="service-${services - 1}"`;
    const counter = metrics.counter("test.counted", { unit: "{thing}", doc: "Things." });
    const gauge = metrics.gauge("test.held", { unit: "{thing}", doc: "Things." });
    counter.add(1, { a: "x", b: 1 });
    counter.add(2, { b: 1, a: "x" });
    counter.add(4, { a: "y", b: 1 });
    for (const value of [3, 7, 5]) gauge.set(value);
    const expected = {
      [`a="x",b="1",operator="v0",${service}`]: 3,
      [`a="y",b="1",operator="v0",${service}`]: 4,
    };
    expect(await samples("soma_test_counted_total")).toEqual(expected);
    counter.add(10, { a: "x", b: 1 });
    expect(Object.values(await samples("soma_test_counted_total")).sort()).toEqual([13, 4]);
    expect(await samples("soma_test_held")).toEqual({ [`operator="v0",${service}`]: 5 });
  });

  test("two services share a metric and are told apart", async () => {
    for (const count of [1, 2]) open().counter("test.shared", { unit: "{thing}", doc: "Things." }).add(count);
    expect(Object.values(await samples("soma_test_shared_total")).sort()).toEqual([1, 2]);
  });

  test("attributes without bound do not take memory without bound", async () => {
    const counter = open().counter("test.many", { unit: "{thing}", doc: "Things." });
    for (let i = 0; i < 5_000; i++) counter.add(1, { i });
    const found = await samples("soma_test_many_total");
    expect(Object.keys(found).length).toBeLessThanOrEqual(2_001);
    expect(Object.values(found).reduce((sum, value) => sum + value, 0)).toBe(5_000);
  });
});
