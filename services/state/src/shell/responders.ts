import { err, ok, toHex } from "@soma/base";
import {
  GetAccount,
  GetBalances,
  GetCheckpoint,
  GetCommitLeaf,
  GetEmbeddings,
  GetEpoch,
  GetHandovers,
  GetHead,
  GetJob,
  GetLedgerUpdate,
  GetTransaction,
  ListEmbeddings,
  ListOperators,
  MAX_BALANCES,
} from "@soma/contracts";
import type { Answers } from "./answers.ts";
import { accountView, headView, jobView, operatorsView } from "./views.ts";

const MAX_HANDOVER_BYTES = 900 * 1024;

/** Answers every question about the present ledger, its proofs and its vectors, without waiting for anybody. */
export async function respondToQueries(answers: Answers, chainId: string): Promise<void> {
  await answers.to(GetEpoch, async (ledger, { epoch }) =>
    ok(epoch === null ? await ledger.opened() : await ledger.stored.epoch(epoch)),
  );
  await answers.to(GetHandovers, async ({ stored }, { fromEpoch, limit }) =>
    ok(await stored.handovers(fromEpoch, limit, MAX_HANDOVER_BYTES)),
  );
  await answers.to(GetAccount, async (ledger, { address }) =>
    ok(accountView(await ledger.account(address), address)),
  );
  await answers.to(GetHead, async (ledger) => {
    const { checkpoint } = ledger.standing;
    return ok(headView(await ledger.epoch(), { chainId, checkpoint, ...(await ledger.summary()) }));
  });
  await answers.to(GetBalances, async (ledger, addresses) =>
    addresses.length > MAX_BALANCES
      ? err("MESSAGE_INVALID", `at most ${MAX_BALANCES} accounts in one question`)
      : ok(await ledger.balances(addresses)),
  );
  await answers.to(GetJob, async (ledger, { job: id }) => {
    const job = await ledger.job(id);
    return ok({ commit: ledger.standing.commit, job: job === undefined ? null : jobView(job) });
  });
  await answers.to(ListOperators, async (ledger) => ok(operatorsView(await ledger.operators())));
  await answers.to(GetTransaction, async ({ stored }, { digest }) => {
    const found = await stored.transaction(digest);
    const proof = found?.proof ?? null;
    return ok({
      status: found === undefined ? "unknown" : proof === null ? "executed" : "certified",
      commit: found?.commit ?? null,
      refusal: found?.refusal ?? null,
      bytes: found?.bytes ?? null,
      leaf: proof?.leaf ?? null,
      leafIndex: proof?.leafIndex ?? null,
      path: proof?.path ?? null,
      checkpoint: proof?.checkpoint ?? null,
    } as const);
  });
  await answers.to(GetCheckpoint, async ({ stored }, { sequence }) => ok(await stored.certificate(sequence)));
  await answers.to(GetCommitLeaf, async ({ stored }, { commit }) => {
    const found = await stored.commitLeaf(commit);
    if (found === undefined) return ok(null);
    const { checkpoint, leaf, leafIndex, path } = found;
    return ok({ checkpoint, leaf, leafIndex, path: path.map(toHex) });
  });
  await answers.to(GetLedgerUpdate, async ({ stored }, { sequence, part }) =>
    ok(await stored.ledgerUpdate(sequence, part)),
  );
  await answers.to(ListEmbeddings, async ({ stored }, { afterCommit, limit }) =>
    ok({ jobs: await stored.embeddingsAfter(afterCommit, limit) }),
  );
  await answers.to(GetEmbeddings, async ({ stored }, { job }) =>
    ok((await stored.embeddings(job)) ?? new Uint8Array()),
  );
}
