import { ok, type Result, SomaError } from "@soma/base";
import { CommitDecided, CommitStream, ReplayCommits, type RequestMessage } from "@soma/contracts";
import { Bus } from "@soma/runtime";
import { Telemetry } from "@soma/telemetry";
import type { TestResources } from "@soma/testkit";
import type { CommitChain } from "./chain.ts";

/** The part of an operator that state sees of consensus: a stream of commits, and commits again when asked. */
export class CommitSource {
  readonly bus: Bus;
  readonly chain: CommitChain;
  /** From where replays were asked for. */
  readonly asked: bigint[] = [];

  private constructor(bus: Bus, chain: CommitChain) {
    this.bus = bus;
    this.chain = chain;
  }

  static async open(
    resources: TestResources,
    options: { network: string; servers: string; chain: CommitChain },
  ): Promise<CommitSource> {
    const { chain, ...connection } = options;
    const bus = resources.use(
      await Bus.open({ ...connection, name: "consensus", telemetry: Telemetry.silent("consensus") }),
    );
    await bus.ensureStream(CommitStream);
    const source = new CommitSource(bus, chain);
    await bus.respond(ReplayCommits, {}, async ({ fromIndex }) => {
      source.asked.push(BigInt(fromIndex));
      let republished = 0;
      for (let index = BigInt(fromIndex); index <= chain.commits.length; index++) {
        await source.publish(index, `again-${source.asked.length}`);
        republished += 1;
      }
      return ok({ republished });
    });
    return source;
  }

  async publish(index: bigint, repeat = ""): Promise<void> {
    for (const part of this.chain.parts(index)) {
      const messageId = `${part.digest}-${part.part}-${repeat}`;
      await this.bus.publish(CommitDecided, {}, part, { messageId });
    }
  }

  /** Decides a commit and sends it. */
  async decide(transactions: Uint8Array[] = [], elapsedMs?: bigint): Promise<bigint> {
    const index = this.chain.next(transactions, elapsedMs);
    await this.publish(index);
    return index;
  }

  async ask<P, R>(message: RequestMessage<P, R, never>, payload: P, timeoutMs = 30_000): Promise<R> {
    const answer: Result<R> = await this.bus.request(message, {}, payload, { timeoutMs });
    if (!answer.ok) throw new SomaError(answer.code, answer.message);
    return answer.value;
  }
}
