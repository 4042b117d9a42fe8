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
import type { Bus } from "@soma/runtime";
import type { Ledger } from "../core/index.ts";
import type { Certifier } from "./certifier.ts";
import type { Epochs } from "./epochs.ts";
import type { StateReader } from "./reader.ts";
import { headView, jobView, operatorsView } from "./views.ts";

const MAX_HANDOVER_BYTES = 900 * 1024;

/** Answers every question of `contracts/state.ts`, without waiting for anybody. */
export async function respondToQueries(options: {
  readonly bus: Bus;
  readonly ledger: Ledger;
  readonly epochs: Epochs;
  readonly certifier: Certifier;
  readonly reader: StateReader;
}): Promise<void> {
  const { bus, ledger, epochs, certifier, reader } = options;

  await bus.respond(GetEpoch, {}, async ({ epoch }) =>
    ok(epoch === null ? epochs.opened : await reader.epoch(epoch)),
  );
  await bus.respond(GetHandovers, {}, async ({ fromEpoch, limit }) =>
    ok(await reader.handovers(fromEpoch, limit, MAX_HANDOVER_BYTES)),
  );
  await bus.respond(GetAccount, {}, ({ address }) => {
    const account = ledger.account(address);
    return ok({
      commit: ledger.head.commit,
      address,
      exists: account !== undefined,
      balance: account?.balance ?? 0n,
      sequence: account?.sequence ?? 0n,
      stakes: ledger.stakesOf(address).map((stake) => ({ ...stake })),
    });
  });
  await bus.respond(GetBalances, {}, (addresses) =>
    addresses.length > MAX_BALANCES
      ? err("MESSAGE_INVALID", `at most ${MAX_BALANCES} accounts in one question`)
      : ok(addresses.map((address) => ledger.account(address) ?? null)),
  );
  await bus.respond(GetHead, {}, () => ok(headView(ledger, certifier.certified)));
  await bus.respond(GetJob, {}, async ({ job: id }) => {
    const job = ledger.job(id) ?? (await reader.closedJob(id));
    return ok({ commit: ledger.head.commit, job: job === undefined ? null : jobView(job) });
  });
  await bus.respond(ListOperators, {}, () => ok(operatorsView(ledger)));
  await bus.respond(GetTransaction, {}, async ({ digest }) => {
    const found = await reader.transaction(digest);
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
  await bus.respond(GetCheckpoint, {}, async ({ sequence }) => ok(await reader.certificate(sequence)));
  await bus.respond(GetCommitLeaf, {}, async ({ commit }) => {
    const found = await reader.commitLeaf(commit);
    if (found === undefined) return ok(null);
    const { checkpoint, leaf, leafIndex, path } = found;
    return ok({ checkpoint, leaf, leafIndex, path: path.map(toHex) });
  });
  await bus.respond(GetLedgerUpdate, {}, async ({ sequence, part }) =>
    ok(await reader.ledgerUpdate(sequence, part)),
  );
  await bus.respond(ListEmbeddings, {}, async ({ afterCommit, limit }) =>
    ok({ jobs: await reader.embeddingsAfter(afterCommit, limit) }),
  );
  await bus.respond(GetEmbeddings, {}, async ({ job }) =>
    ok((await reader.embeddings(job)) ?? new Uint8Array()),
  );
}
