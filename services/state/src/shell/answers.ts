import { err, type Result, SomaError } from "@soma/base";
import { type RequestMessage, STANDING } from "@soma/contracts";
import type { Bus } from "@soma/runtime";
import type { Database } from "@soma/storage";
import { LeafLists } from "./leaf-list.ts";
import { LedgerSnapshot } from "./ledger-snapshot.ts";
import type { StateTables } from "./schema.ts";

/**
 * Answers questions about the ledger from what is committed in the database, each from one moment: the same whether
 * this process writes the ledger or another does.
 */
export class Answers {
  readonly #bus: Bus;
  readonly #database: Database<StateTables>;
  readonly #leaves = new LeafLists();

  constructor(bus: Bus, database: Database<StateTables>) {
    this.#bus = bus;
    this.#database = database;
  }

  /** Answers a question from a snapshot, shared among the replicas; refuses STATE_BEHIND as `STANDING` says. */
  async to<P, R>(
    message: RequestMessage<P, R, never>,
    answer: (ledger: LedgerSnapshot, asked: P) => Promise<Result<R>>,
  ): Promise<void> {
    await this.#bus.respond(message, {}, async (asked, { header, setAnswerHeader }) => {
      const wanted = header(STANDING.atLeast) ?? "0";
      if (!/^[0-9]{1,18}$/.test(wanted)) return err("STATE_STANDING", `${STANDING.atLeast} is a number`);
      try {
        return await this.#database.snapshot(async (reading) => {
          const ledger = await LedgerSnapshot.take(reading, this.#leaves);
          const { checkpoint, commit } = ledger.standing;
          if (checkpoint < BigInt(wanted)) {
            return err(
              "STATE_BEHIND",
              `checkpoint ${wanted} is not certified here yet: the last is ${checkpoint}`,
            );
          }
          setAnswerHeader(STANDING.checkpoint, String(checkpoint));
          setAnswerHeader(STANDING.commit, String(commit));
          return answer(ledger, asked);
        });
      } catch (error) {
        if (error instanceof SomaError && error.code === "STATE_RECOVERING") {
          return err(error.code, error.message);
        }
        throw error;
      }
    });
  }
}
