import type { Hex32 } from "@soma/protocol";
import { type PeerChoice, planLinks } from "../core/link-plan.ts";
import type { Roster } from "../core/roster.ts";
import { Link, type LinkDeps } from "./link.ts";

/** The links that this operator dials, as the roster wants them. */
export class Links {
  readonly #choices: readonly PeerChoice[];
  readonly #deps: LinkDeps;
  readonly #links = new Map<Hex32, Link>();

  constructor(choices: readonly PeerChoice[], deps: LinkDeps) {
    this.#choices = choices;
    this.#deps = deps;
  }

  /** Dials who is new, and closes links with those who left or moved. */
  follow(roster: Roster): void {
    const planned = planLinks(roster, this.#deps.us.id, this.#choices);
    for (const [peer, link] of this.#links) {
      if (planned.some(({ operator, gateway }) => operator === peer && gateway === link.target.gateway))
        continue;
      this.#links.delete(peer);
      void link.close();
    }
    for (const target of planned)
      if (!this.#links.has(target.operator)) this.#links.set(target.operator, Link.open(target, this.#deps));
  }

  readmit(peer: Hex32): void {
    this.#links.get(peer)?.readmit();
  }

  drop(peer: Hex32): void {
    void this.#links.get(peer)?.drop();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.close()));
  }
}
