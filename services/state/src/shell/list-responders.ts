import { ok } from "@soma/base";
import {
  GetParameters,
  ListCheckpoints,
  ListCommits,
  ListEncoders,
  ListEpochs,
  ListEvents,
  ListJobs,
  ListTransactions,
  ListValidators,
} from "@soma/contracts";
import { formatParameters } from "@soma/protocol";
import type { Bus } from "@soma/runtime";
import { type Ledger, listEncoders, listValidators } from "../core/index.ts";
import type { EventReader } from "./event-reader.ts";
import type { HistoryReader } from "./history-reader.ts";

/** Answers the questions of `contracts/history.ts`: pages of what the ledger holds and of what happened on it. */
export async function respondToLists(options: {
  readonly bus: Bus;
  readonly ledger: Ledger;
  readonly history: HistoryReader;
  readonly events: EventReader;
}): Promise<void> {
  const { bus, ledger, history, events } = options;

  await bus.respond(ListJobs, {}, async (asked) => ok({ jobs: await history.jobs(asked) }));
  await bus.respond(ListCommits, {}, async (asked) => ok({ commits: await history.commits(asked) }));
  await bus.respond(ListTransactions, {}, async (asked) => ok(await history.transactions(asked)));
  await bus.respond(ListCheckpoints, {}, async (asked) =>
    ok({ checkpoints: await history.checkpoints(asked) }),
  );
  await bus.respond(ListEpochs, {}, async (asked) => ok({ epochs: await history.epochs(asked) }));
  await bus.respond(ListEvents, {}, async (asked) => ok(await events.page(asked)));
  await bus.respond(ListValidators, {}, ({ after, limit }) =>
    ok({ epoch: ledger.head.epoch, validators: pageOf(listValidators(ledger), after, limit) }),
  );
  await bus.respond(ListEncoders, {}, ({ after, limit }) => {
    const encoders = pageOf(listEncoders(ledger), after, limit);
    return ok({
      epoch: ledger.head.epoch,
      encoders: encoders.map((one) => ({ ...one, asks: [...one.asks] })),
    });
  });
  await bus.respond(GetParameters, {}, () => {
    const values = Object.entries(formatParameters(ledger.parameters));
    const parameters = values.map(([name, value]) => ({ name, value: BigInt(value) }));
    return ok({ epoch: ledger.head.epoch, parameters });
  });
}

/** Those after an id, of a list in the order of ids. */
function pageOf<T extends { readonly id: string }>(
  all: readonly T[],
  after: string | null,
  limit: number,
): T[] {
  const rest = after === null ? all : all.filter(({ id }) => id > after);
  return rest.slice(0, limit);
}
