import { type RequestMessage, STANDING } from "@soma/contracts";
import type { Bus } from "@soma/runtime";
import type { FastifyReply, FastifyRequest } from "fastify";
import { ASKED, taken } from "./context.ts";

/**
 * Asks state on behalf of one HTTP request: passes on which checkpoint the client needs, and says in the answer's
 * headers where the ledger stood. Of several questions for one answer the last counts: those before it only waited, or
 * were about what never changes.
 */
export class LedgerQuestions {
  readonly #bus: Bus;
  readonly #reply: FastifyReply;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(bus: Bus, request: FastifyRequest, reply: FastifyReply) {
    this.#bus = bus;
    this.#reply = reply;
    const atLeast = request.headers[STANDING.atLeast.toLowerCase()];
    this.#headers = typeof atLeast === "string" ? { [STANDING.atLeast]: atLeast } : {};
  }

  /** @throws SomaError what state refused with, STATE_BEHIND among it */
  async ask<P, R>(message: RequestMessage<P, R, never>, question: P): Promise<R> {
    const answer = await this.#bus.request(message, {}, question, {
      ...ASKED,
      headers: this.#headers,
      onHeaders: (header) => {
        for (const name of [STANDING.checkpoint, STANDING.commit]) {
          const value = header(name);
          if (value !== undefined) this.#reply.header(name, value);
        }
      },
    });
    return taken(answer);
  }
}
