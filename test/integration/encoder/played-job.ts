import type { JobMessageInput } from "@soma/protocol";
import { Scenario } from "./scenario.ts";

/** A job that was drawn and offered to every seat holder. */
export function offered(scenario = new Scenario()): Scenario {
  scenario.pay();
  scenario.draw();
  scenario.offerAll();
  return scenario;
}

/** Goes on to the evaluated set, and one commit further for the signatures. */
export function toBundled(scenario: Scenario): void {
  scenario.select();
  scenario.advance();
  scenario.bundle();
  scenario.advance();
}

export function messageOf(scenario: Scenario, encoder: string, kind: string): JobMessageInput | undefined {
  const sent = scenario.actors
    .get(encoder)!
    .effects.find((effect) => effect.kind === "send" && kind in effect.message);
  return sent?.kind === "send" ? sent.message : undefined;
}
