import { registry } from "@soma/contracts";
import { expect, test } from "vitest";
import { chooseMessages } from "./choose-messages.ts";

const FACTS = { requests: false };
const chosen = (patterns: string[], options = FACTS) =>
  chooseMessages(registry.messages(), patterns, options).map(({ name }) => name);

test("without patterns: every fact inside an operator, no request, nothing of an edge", () => {
  const kinds = new Set(chooseMessages(registry.messages(), [], FACTS).map(({ kind }) => kind));
  expect([...kinds].sort()).toEqual(["core", "stream"]);
  expect(chosen([])).not.toContain("peering.edge-up");
  expect(chosen([], { requests: true })).toContain("state.get-head");
});

test.each([
  [["state.commit-executed"], ["state.commit-executed"]],
  [["scorer"], ["scorer.evaluation-failed", "scorer.evaluation-requested", "scorer.job-evaluated"]],
  [["*.inference-*"], ["encoder.inference-completed", "encoder.inference-requested"]],
  [["consensus", "consensus.commit-decided"], ["consensus.commit-decided"]],
])("%j means %j", (patterns, names) => {
  expect(chosen(patterns).sort()).toEqual(names);
});

test("requests only when asked for", () => {
  expect(() => chosen(["state.get-head"])).toThrow(
    expect.objectContaining({ code: "CLI_TAP_REQUEST", message: expect.stringContaining("--requests") }),
  );
  expect(chosen(["state.get-head"], { requests: true })).toEqual(["state.get-head"]);
});

test.each(["state.commit", "nothing.*", "peering.edge-up", "s(ate"])("%s means nothing", (pattern) => {
  expect(() => chosen([pattern])).toThrow(expect.objectContaining({ code: "CLI_TAP_FILTER" }));
});
