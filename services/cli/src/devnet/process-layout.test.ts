import { describe, expect, test } from "vitest";
import { type PlannedOperator, processesOf } from "./process-layout.ts";

const operator = (kind: PlannedOperator["kind"], name: string): PlannedOperator => ({
  kind,
  name,
  services: kind === "validator" ? ["state", "consensus"] : ["encoder"],
  env: { SOMA_OPERATOR: name },
});
const operators = [
  ...["v0", "v1", "v2"].map((name) => operator("validator", name)),
  ...["e0", "e1", "e2", "e3", "e4"].map((name) => operator("encoder", name)),
];
/** Process names, and the operators and services in them. */
const laidOut = (layout: Parameters<typeof processesOf>[1], cores: number, of = operators) =>
  Object.fromEntries(
    processesOf(of, layout, cores).map(({ name, hosts }) => [
      name,
      hosts.map(({ services, env }) => `${env["SOMA_OPERATOR"]}: ${services.join(" ")}`).join(", "),
    ]),
  );

describe("the processes of a network", () => {
  test("few are one a kind on one and two cores, and half as many as there are cores on more", () => {
    const oneEach = {
      validators: "v0: state consensus, v1: state consensus, v2: state consensus",
      encoders: "e0: encoder, e1: encoder, e2: encoder, e3: encoder, e4: encoder",
    };
    expect(laidOut("few", 1)).toEqual(oneEach);
    expect(laidOut("few", 2)).toEqual(oneEach);
    expect(laidOut("few", 4)).toEqual({
      "validators-0": "v0: state consensus, v2: state consensus",
      v1: "v1: state consensus",
      "encoders-0": "e0: encoder, e2: encoder, e4: encoder",
      "encoders-1": "e1: encoder, e3: encoder",
    });
  });

  test("are never more than operators, and carry an operator's name where they are its alone", () => {
    const names = operators.map(({ name }) => name);
    expect(Object.keys(laidOut("few", 64))).toEqual(names);
    expect(Object.keys(laidOut("operator", 2))).toEqual(names);
    expect(laidOut("few", 2, operators.slice(0, 1))).toEqual({ v0: "v0: state consensus" });
  });

  test("of one service each are told apart by operator and service", () => {
    expect(laidOut("service", 2, operators.slice(2, 4))).toEqual({
      "v2-state": "v2: state",
      "v2-consensus": "v2: consensus",
      "e0-encoder": "e0: encoder",
    });
  });
});
