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
import { listEncoders, listValidators } from "../core/index.ts";
import type { Answers } from "./answers.ts";

/** Answers the questions of `contracts/history.ts`: pages of what the ledger holds and of what happened on it. */
export async function respondToLists(answers: Answers): Promise<void> {
  await answers.to(ListJobs, async ({ history }, asked) => ok({ jobs: await history.jobs(asked) }));
  await answers.to(ListCommits, async ({ history }, asked) => ok({ commits: await history.commits(asked) }));
  await answers.to(ListTransactions, async ({ history }, asked) => ok(await history.transactions(asked)));
  await answers.to(ListCheckpoints, async ({ history }, asked) =>
    ok({ checkpoints: await history.checkpoints(asked) }),
  );
  await answers.to(ListEpochs, async ({ history }, asked) => ok({ epochs: await history.epochs(asked) }));
  await answers.to(ListEvents, async ({ events }, asked) => ok(await events.page(asked)));
  await answers.to(ListValidators, async (ledger, { after, limit }) => {
    const validators = pageOf(listValidators(await ledger.operators()), after, limit);
    return ok({ epoch: ledger.head.epoch, validators });
  });
  await answers.to(ListEncoders, async (ledger, { after, limit }) => {
    const encoders = pageOf(listEncoders(await ledger.operators()), after, limit);
    return ok({
      epoch: ledger.head.epoch,
      encoders: encoders.map((one) => ({ ...one, asks: [...one.asks] })),
    });
  });
  await answers.to(GetParameters, async (ledger) => {
    const values = (await ledger.parameters()).parameterValues();
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
