import { jwtAuthenticator, type NatsConnection } from "@nats-io/nats-core";
import { createUser } from "@nats-io/nkeys";
import { connect } from "@nats-io/transport-node";
import { AdmitPeer } from "@soma/contracts";
import { sha256Native } from "@soma/crypto/native";
import { EncoderKeys } from "@soma/identity";
import { admissionSigningBytes, sealFrame } from "@soma/peering/core";
import type { Hex32, PeerMessageType } from "@soma/protocol";
import { CHAIN, type TestNode } from "./network.ts";

/** An operator's key in the hands of somebody who does not run our code. */
export class Intruder {
  readonly #node: TestNode;
  #sequence = Date.now() * 1000;

  constructor(node: TestNode) {
    this.#node = node;
  }

  /** Asks for admission as an honest peer would; gives the gateway's answer. */
  async ask(target: TestNode): Promise<{ status: number; answer: Record<string, string>; seed: Uint8Array }> {
    const user = createUser();
    const userKey = user.getPublicKey();
    const issuedAtMs = Date.now();
    const request = { operator: target.id, peer: this.#node.id, userKey, issuedAtMs };
    const signature = this.#key.sign(admissionSigningBytes(CHAIN, request));
    const response = await fetch(`${target.gatewayUrl}/v1/edge/admissions`, {
      method: "POST",
      body: new Uint8Array(AdmitPeer.encode({ peer: this.#node.id, userKey, issuedAtMs, signature })),
    });
    return {
      status: response.status,
      answer: (await response.json()) as Record<string, string>,
      seed: user.getSeed(),
    };
  }

  /** Connects to the target's edge with what it was given. */
  async connect(target: TestNode): Promise<NatsConnection> {
    const { answer, seed } = await this.ask(target);
    const authenticator = jwtAuthenticator(answer.jwt!, seed);
    return connect({ servers: target.server.url, authenticator, reconnect: false });
  }

  /** An envelope in anybody's name, signed with this key. */
  forge(sender: Hex32, recipient: Hex32, type: PeerMessageType, body: Uint8Array): Uint8Array {
    const draft = { chainId: CHAIN, sender, recipient, type, sequence: this.#sequence++, body };
    const sealed = sealFrame(draft, sha256Native, (message) => this.#key.sign(message));
    if (!sealed.ok) throw new Error(sealed.code);
    return sealed.value;
  }

  get #key() {
    const { keys } = this.#node;
    return keys instanceof EncoderKeys ? keys.message : keys.block;
  }
}
