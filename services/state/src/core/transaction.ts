import { err, ok, type Result } from "@soma/base";
import type { Address, LedgerEventInput, SignedTransaction, Transaction } from "@soma/protocol";
import type { Job } from "./game/job.ts";
import { type JobSurroundings, openJob, playJobTransaction } from "./job-ledger.ts";
import { accountOf, credit, debit, headOf } from "./money.ts";
import { registerEncoder, registerValidator, setAsk, setCommission, unregister } from "./operators.ts";
import { accounts, epochs, inclusion, type Role } from "./records.ts";
import { voteSlash, withdrawSlashVote } from "./slash-votes.ts";
import { delegate, undelegate } from "./stake.ts";
import type { KeyedStore } from "./store.ts";
import { numberKey } from "./table.ts";

/** A transaction as a commit carries it, judged by the shell as far as signatures go. */
export interface CommitTransaction {
  /** As received; never re-encoded. */
  readonly bytes: Uint8Array;
  /** `decodeSignedTransaction` of the bytes; null if they do not decode. */
  readonly signed: SignedTransaction | null;
  /** `transactionDigest` of the bytes. */
  readonly digest: string;
  /** Author of the first block of the commit that carries it: gets its tip and inclusion. */
  readonly author: Address;
  /** `verifyAuthenticator` of the decoded transaction; any value if it does not decode. */
  readonly signatureValid: boolean;
}

/**
 * LEDGER-1, what must hold before anybody pays. Refusals: TX_MALFORMED, TX_SIGNATURE, TX_CHAIN, TX_EXPIRED,
 * SEQUENCE_STALE, SEQUENCE_GAP, FEE_BALANCE.
 */
export function authorise(
  store: KeyedStore,
  chainId: string,
  carried: CommitTransaction,
): Result<SignedTransaction> {
  const { signed } = carried;
  if (signed === null) return err("TX_MALFORMED", "it does not decode");
  const { transaction } = signed;
  if (transaction.chainId !== chainId) return err("TX_CHAIN", `of chain ${transaction.chainId}`);
  if (!carried.signatureValid) return err("TX_SIGNATURE", "the account did not sign it");
  const head = headOf(store);
  if (transaction.expiryEpoch < head.epoch)
    return err("TX_EXPIRED", `epoch ${transaction.expiryEpoch} is over`);
  const account = accountOf(store, transaction.sender);
  if (transaction.sequence < account.sequence) return err("SEQUENCE_STALE", `next is ${account.sequence}`);
  if (transaction.sequence > account.sequence) return err("SEQUENCE_GAP", `next is ${account.sequence}`);
  const { baseFee } = epochs.get(store, numberKey(head.epoch))!;
  if (account.balance < baseFee + transaction.tip) return err("FEE_BALANCE", "fee and tip are not covered");
  return ok(signed);
}

/** Outcome of a transaction that paid. */
export interface PaidTransaction {
  readonly fee: bigint;
  /** Empty if executed, else the code. */
  readonly refusal: string;
  readonly events: readonly LedgerEventInput[];
  readonly over: readonly Job[];
}

/** Takes the fee, uses the sequence number up, and executes; a refusal keeps the fee and undoes the rest. */
export function executeAuthorised(
  store: KeyedStore,
  surroundings: JobSurroundings,
  carried: CommitTransaction,
  transaction: Transaction,
): PaidTransaction {
  const { sender, tip } = transaction;
  const { baseFee } = epochs.get(store, numberKey(headOf(store).epoch))!;
  const fee = baseFee + tip;
  // `authorise` has checked that the balance covers it.
  const { balance } = accountOf(store, sender);
  accounts.put(store, { balance: balance - fee, sequence: transaction.sequence + 1n }, sender);
  surroundings.rules.burnFee(store, baseFee);
  credit(store, carried.author, tip);
  inclusion.put(store, (inclusion.get(store, carried.author) ?? 0n) + 1n, carried.author);
  store.begin();
  const done = perform(store, surroundings, carried, transaction);
  if (!done.ok) {
    store.rollback();
    return { fee, refusal: done.code, events: [], over: [] };
  }
  store.accept();
  return { fee, refusal: "", ...done.value };
}

interface Performed {
  readonly events: readonly LedgerEventInput[];
  readonly over: readonly Job[];
}

function perform(
  store: KeyedStore,
  surroundings: JobSurroundings,
  carried: CommitTransaction,
  { sender, kind }: Transaction,
): Result<Performed> {
  const { parameters, verifier, chainId, rules } = surroundings;
  switch (kind.$kind) {
    case "Transfer":
      return plain(transfer(store, sender, kind.Transfer.to, kind.Transfer.amount));
    case "RegisterValidator":
      return plain(registerValidator(store, parameters, verifier, sender, kind.RegisterValidator));
    case "UnregisterValidator":
      return plain(unregister(store, "validator", sender));
    case "RegisterEncoder":
      return plain(registerEncoder(store, parameters, verifier, sender, kind.RegisterEncoder));
    case "UnregisterEncoder":
      return plain(unregister(store, "encoder", sender));
    case "SetAsk":
      return plain(setAsk(store, sender, kind.SetAsk.ask));
    case "SetCommission":
      return plain(
        setCommission(store, roleOf(kind.SetCommission.role), sender, kind.SetCommission.commissionBps),
      );
    case "Delegate": {
      const { role, operator, amount } = kind.Delegate;
      return plain(delegate(store, parameters, roleOf(role), operator, sender, amount));
    }
    case "Undelegate": {
      const { role, operator, amount } = kind.Undelegate;
      return plain(undelegate(store, parameters, roleOf(role), operator, sender, amount));
    }
    case "SubmitEquivocation": {
      const { first, second } = kind.SubmitEquivocation;
      const evidence = { chainId, parameters, verifier, sender, first, second };
      const punished = rules.punishEquivocation(store, evidence);
      if (!punished.ok) return punished;
      const { validator, amount } = punished.value;
      const event = { Slashed: { operator: validator, amount, cause: "equivocation", job: null } };
      return ok({ events: [event], over: [] });
    }
    case "SubmitCheckpointFork": {
      const { first, second } = kind.SubmitCheckpointFork;
      const evidence = { chainId, parameters, verifier, sender, first, second };
      const punished = rules.punishCheckpointFork(store, evidence);
      if (!punished.ok) return punished;
      const events = punished.value.map(({ validator, amount }) => ({
        Slashed: { operator: validator, amount, cause: "checkpoint-fork", job: null },
      }));
      return ok({ events, over: [] });
    }
    case "VoteSlash":
      return plain(voteSlash(store, sender, kind.VoteSlash.validator));
    case "WithdrawSlashVote":
      return plain(withdrawSlashVote(store, sender, kind.WithdrawSlashVote.validator));
    case "GenerateEmbeddings":
      return openJob(store, surroundings, sender, carried.digest, kind.GenerateEmbeddings);
    default:
      return playJobTransaction(store, surroundings, sender, kind);
  }
}

function plain(done: Result<true>): Result<Performed> {
  return done.ok ? ok({ events: [], over: [] }) : done;
}

function roleOf(role: { readonly $kind: "Validator" | "Encoder" }): Role {
  return role.$kind === "Validator" ? "validator" : "encoder";
}

/** Refusals: AMOUNT_ZERO, BALANCE_SHORT. */
function transfer(store: KeyedStore, from: Address, to: Address, amount: bigint): Result<true> {
  if (amount === 0n) return err("AMOUNT_ZERO", "nothing to transfer");
  if (accountOf(store, from).balance < amount) return err("BALANCE_SHORT", "the balance is too small");
  debit(store, from, amount);
  credit(store, to, amount);
  return ok(true);
}
