import { decodeExact, encode } from "@soma/codec";
import { PeerMessageReceived, SendToPeer } from "@soma/contracts";
import { EVERYBODY, type PeerMessageType, type ValidatorId } from "@soma/protocol";
import type { Bus } from "@soma/runtime";
import type { Logger } from "@soma/telemetry";
import type { Certifier } from "./certifier.ts";
import type { StateMetrics } from "./metrics.ts";
import {
  CheckpointRequestCodec,
  CheckpointResponseCodec,
  CheckpointSignatureCodec,
  MAX_CERTIFICATES,
  MAX_REQUEST_BYTES,
  MAX_RESPONSE_BYTES,
  MAX_SIGNATURE_BYTES,
} from "./peer-wire.ts";
import type { StateReader } from "./reader.ts";
import type { UncertifiedCheckpoint } from "./store.ts";

export interface CheckpointExchangeOptions {
  readonly bus: Bus;
  readonly validator: ValidatorId;
  readonly certifier: Certifier;
  readonly reader: StateReader;
  readonly metrics: StateMetrics;
  readonly log: Logger;
  readonly resendIntervalMs: number;
}

/** Signatures that are sent again at a time. */
const RESENT = 16;

/** Checkpoint signatures to and from the committee, and certificates for whoever lags. */
export class CheckpointExchange {
  readonly #o: CheckpointExchangeOptions;
  readonly #timer: NodeJS.Timeout;
  #asked = 0;
  /** What the certifier knew at the last look. */
  #known = -1n;

  private constructor(options: CheckpointExchangeOptions) {
    this.#o = options;
    this.#timer = setInterval(() => this.#repeat(), options.resendIntervalMs);
  }

  static async open(options: CheckpointExchangeOptions): Promise<CheckpointExchange> {
    const { bus, certifier, metrics } = options;
    const exchange = new CheckpointExchange(options);
    const refused = (outcome: string) => metrics.signatures.add(1, { outcome });
    await bus.subscribe(PeerMessageReceived, { type: "checkpoint-signature" }, ({ sender, body }) => {
      const message = decodeExact(CheckpointSignatureCodec, body, MAX_SIGNATURE_BYTES);
      if (!message.ok) refused(message.code);
      else if (message.value.signer !== sender) refused("CHECKPOINT_SENDER");
      else certifier.signed(message.value);
    });
    await bus.subscribe(PeerMessageReceived, { type: "checkpoint-request" }, async ({ sender, body }) => {
      const request = decodeExact(CheckpointRequestCodec, body, MAX_REQUEST_BYTES);
      if (request.ok) await exchange.#serve(sender, request.value);
      else refused(request.code);
    });
    await bus.subscribe(PeerMessageReceived, { type: "checkpoint-response" }, async ({ body }) => {
      const response = decodeExact(CheckpointResponseCodec, body, MAX_RESPONSE_BYTES);
      if (!response.ok) {
        refused(response.code);
        return;
      }
      const { certified, known } = certifier;
      await certifier.received(response.value.checkpoints);
      // Whoever lags far asks on at once, as long as it gets on.
      const isLate = certifier.certified > certified && exchange.#isLate();
      if (isLate || certifier.known > known) await exchange.#ask();
    });
    return exchange;
  }

  /** To the whole committee; it was stored before. */
  async sendSignature({ checkpoint, digest, signature }: UncertifiedCheckpoint): Promise<void> {
    if (signature === null) return;
    const { sequence } = checkpoint;
    const message = { sequence, digest, signer: this.#o.validator, signature };
    await this.#send("checkpoint-signature", EVERYBODY, encode(CheckpointSignatureCodec, message));
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #repeat(): void {
    const { certifier, resendIntervalMs, log } = this.#o;
    const now = performance.now();
    const late = certifier.pending.filter(({ since }) => now - since >= resendIntervalMs).slice(0, RESENT);
    const work = late.map((own) => this.sendSignature(own));
    work.push(certifier.lead());
    // A ledger that stands still may have missed more than its peers will send by themselves.
    const standsStill = certifier.known === this.#known;
    this.#known = certifier.known;
    if (standsStill || this.#isLate()) work.push(this.#ask());
    Promise.all(work).catch((error: unknown) =>
      log.warn({ error: String(error) }, "checkpoint messages were not sent"),
    );
  }

  #isLate(): boolean {
    const oldest = this.#o.certifier.pending[0];
    return oldest !== undefined && performance.now() - oldest.since >= 2 * this.#o.resendIntervalMs;
  }

  /** Others may have the certificate, or later ones: asks one after another. */
  async #ask(): Promise<void> {
    const { certifier, validator } = this.#o;
    const oldest = certifier.pending[0];
    const committee = oldest?.epoch.committee ?? certifier.committee;
    const others = committee.filter((member) => member.validator !== validator);
    const peer = others[this.#asked++ % Math.max(1, others.length)];
    if (peer === undefined) return;
    const from = oldest?.checkpoint.sequence ?? certifier.known + 1n;
    await this.#send(
      "checkpoint-request",
      peer.validator,
      encode(CheckpointRequestCodec, { from, limit: MAX_CERTIFICATES }),
    );
  }

  async #serve(to: ValidatorId, { from, limit }: { from: bigint; limit: number }): Promise<void> {
    const checkpoints = await this.#o.reader.certificates(
      from,
      Math.min(limit, MAX_CERTIFICATES),
      MAX_RESPONSE_BYTES - 1024,
    );
    if (checkpoints.length === 0) return;
    await this.#send("checkpoint-response", to, encode(CheckpointResponseCodec, { checkpoints }));
  }

  async #send(type: PeerMessageType, recipient: ValidatorId, body: Uint8Array): Promise<void> {
    await this.#o.bus.publish(SendToPeer, { type }, { recipient, body });
  }
}
