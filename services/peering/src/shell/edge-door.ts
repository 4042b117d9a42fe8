import { err, ok, type Result, SomaError } from "@soma/base";
import { type AdmitPeer, EdgeDown, type Payload, type Reply } from "@soma/contracts";
import type { Hex32 } from "@soma/protocol";
import { type Bus, sleep, steadyNow } from "@soma/runtime";
import type { Telemetry } from "@soma/telemetry";
import type { AdmissionDesk } from "../core/admission.ts";
import { answerSigningBytes } from "../core/admission-bytes.ts";
import { checkUserKey, type EdgeAccount, issueBridgeJwt, issuePeerJwt } from "../edge/edge-account.ts";
import { Bridge } from "./bridge.ts";
import { connectEdge } from "./edge-bus.ts";
import type { Exchange } from "./exchange.ts";
import type { PeeringMetrics } from "./metrics.ts";
import type { Operator } from "./operator.ts";

export interface EdgeDoorOptions {
  readonly account: EdgeAccount;
  /** What peers are told. */
  readonly address: string;
  /** Where this process reaches it. */
  readonly url: string;
  readonly certificateAuthorities: string | null;
}

export interface EdgeDoorDeps {
  readonly exchange: Exchange;
  readonly desk: AdmissionDesk;
  readonly us: Operator;
  readonly chainId: string;
  readonly telemetry: Telemetry;
  readonly metrics: PeeringMetrics;
  readonly concurrency: number;
}

/** How long an admission waits for the edge. */
const READY_WITHIN_MS = 2000;
/** What a credential's end may lie in the past before its bridge is taken down: clocks and renewals. */
const GRACE_MS = 10_000;

/** Admits peers at this operator's edge, each over a connection of our own, so that none stands in another's way. */
export class EdgeDoor {
  readonly #options: EdgeDoorOptions;
  readonly #deps: EdgeDoorDeps;
  readonly #bridges = new Map<Hex32, Bridge>();
  readonly #stop = new AbortController();

  private constructor(options: EdgeDoorOptions, deps: EdgeDoorDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  static open(options: EdgeDoorOptions, deps: EdgeDoorDeps): EdgeDoor {
    const door = new EdgeDoor(options, deps);
    void door.#recallPeers();
    return door;
  }

  /** Codes: those of `AdmissionDesk.decide`, ADMISSION_KEY, EDGE_UNAVAILABLE. */
  async admit(input: Payload<typeof AdmitPeer>): Promise<Result<Reply<typeof AdmitPeer>>> {
    const answer = await this.#admit(input);
    const code = answer.ok ? "OK" : answer.code;
    this.#deps.metrics.admissions.add(1, { code });
    this.#deps.telemetry.log.debug({ peer: input.peer, code }, "asked for admission");
    return answer;
  }

  /** Takes down bridges of peers whose credential ended. */
  sweep(nowMs: number): void {
    for (const [peer, bridge] of this.#bridges)
      if (bridge.expiresAtMs + GRACE_MS < nowMs || this.#deps.exchange.roster.get(peer) === undefined)
        void this.drop(peer);
  }

  /** Hears and tells a peer no more, whatever credential it holds. */
  async drop(peer: Hex32): Promise<void> {
    const bridge = this.#bridges.get(peer);
    this.#bridges.delete(peer);
    await bridge?.close();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#bridges.keys()].map((peer) => this.drop(peer)));
  }

  async #admit(input: Payload<typeof AdmitPeer>): Promise<Result<Reply<typeof AdmitPeer>>> {
    const { exchange, desk, us, chainId } = this.#deps;
    const { account, address, certificateAuthorities } = this.#options;
    const userKey = checkUserKey(input.userKey);
    if (!userKey.ok) return userKey;
    const decided = desk.decide(
      exchange.roster,
      input,
      exchange.isBanned(input.peer),
      Date.now(),
      steadyNow(),
    );
    if (!decided.ok) return decided;
    const { peer, expiresAtMs } = decided.value;
    // Before the answer, so that the peer's first message finds a reader.
    if (!(await this.#bridge(peer.id, expiresAtMs).ready(READY_WITHIN_MS)))
      return err("EDGE_UNAVAILABLE", "the edge does not answer; try again");
    const grant = { operator: us.id, peer: peer.id, userKey: input.userKey, expiresAtMs };
    const jwt = await issuePeerJwt(account, grant);
    const answer = { operator: us.id, jwt, address, certificateAuthorities, expiresAtMs };
    const signed = answerSigningBytes(chainId, { ...answer, peer: peer.id, userKey: input.userKey });
    return ok({ ...answer, signature: us.key.sign(signed) });
  }

  #bridge(peer: Hex32, expiresAtMs: number): Bridge {
    let bridge = this.#bridges.get(peer);
    if (bridge === undefined) {
      const { exchange, us, telemetry, concurrency } = this.#deps;
      const channel = exchange.channel(peer, "admitted");
      bridge = Bridge.open({
        exchange,
        channel,
        operator: us.id,
        telemetry,
        concurrency,
        connect: () => this.#connect(),
      });
      this.#bridges.set(peer, bridge);
    }
    bridge.expiresAtMs = Math.max(bridge.expiresAtMs, expiresAtMs);
    return bridge;
  }

  async #connect(): Promise<Bus> {
    const { account, url, certificateAuthorities } = this.#options;
    const user = await issueBridgeJwt(account, this.#deps.us.id);
    return connectEdge({ ...user, address: url, certificateAuthorities }, this.#deps.telemetry);
  }

  /** Peers that were admitted before this process began still hold credentials: they are asked to come again. */
  async #recallPeers(): Promise<void> {
    const { exchange, us } = this.#deps;
    while (!this.#stop.signal.aborted) {
      try {
        const bus = await this.#connect();
        for (const { id } of exchange.roster.peers())
          if (id !== us.id) await bus.publish(EdgeDown, { operator: us.id, peer: id }, exchange.recall(id));
        await bus.close();
        return;
      } catch (error) {
        const code = error instanceof SomaError ? error.code : String(error);
        this.#deps.telemetry.log.warn({ code }, "the edge cannot be reached yet");
        await sleep(500, this.#stop.signal);
      }
    }
  }
}
