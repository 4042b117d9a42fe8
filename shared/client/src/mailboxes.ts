import type { Hex32, JobId } from "@soma/protocol";
import { GatewayClient } from "./gateway-client.ts";

/** Mailboxes that offers name: one may be gone at any moment without an answer being lost. */
const KEPT = 2;
const READ_WAIT_MS = 1_000;
const LOOK_AGAIN_MS = 500;

/** A validator's mailbox for one job, through that validator's own gateway and no other. */
export interface Mailbox {
  readonly client: GatewayClient;
  readonly validator: Hex32;
}

class GatewayMailbox {
  readonly client: GatewayClient;
  validator: Hex32 | undefined;
  cursor = 0;
  isUp = true;

  constructor(gateway: string) {
    this.client = new GatewayClient({ gateways: [gateway], retries: 0, timeoutMs: 5_000 });
  }
}

/** Where seat holders answer a submitter: at several gateways, so that none can hold the job up. */
export class Mailboxes {
  readonly #boxes: readonly GatewayMailbox[];

  /** @param gateways base URLs, the preferred first */
  constructor(gateways: readonly string[]) {
    this.#boxes = gateways.map((gateway) => new GatewayMailbox(gateway));
  }

  /** Those that an offer should name now: the first ones whose gateways answer; none if no gateway does. */
  async open(): Promise<Mailbox[]> {
    const open: Mailbox[] = [];
    for (const box of this.#boxes) {
      if (open.length === KEPT) break;
      if (!box.isUp) continue;
      const { client } = box;
      try {
        box.validator ??= (await client.health()).validator;
        open.push({ client, validator: box.validator });
      } catch {
        box.isUp = false;
      }
    }
    return open;
  }

  /** Gives every message of the job to `hear`, from whichever mailbox; the same one may come twice. Ends with `stop`. */
  async read(
    job: JobId,
    hear: (message: Uint8Array) => void,
    pause: (ms: number) => Promise<void>,
    stop: AbortSignal,
  ): Promise<void> {
    await Promise.all(
      this.#boxes.map(async (box) => {
        while (!stop.aborted) {
          const asked = performance.now();
          const messages = await box.client.mailbox(job, box.cursor, READ_WAIT_MS).catch(() => undefined);
          box.isUp = messages !== undefined;
          // One that is not there, or that does not wait as it is asked to.
          const isQuick = performance.now() - asked < LOOK_AGAIN_MS;
          if (messages === undefined || (messages.length === 0 && isQuick)) await pause(LOOK_AGAIN_MS);
          for (const { cursor, message } of messages ?? []) {
            box.cursor = cursor;
            hear(message);
          }
        }
      }),
    );
  }
}
