import { atOnce, type Result, type Sliced } from "@soma/base";
import { merkleRoot, merkleRootSliced } from "@soma/crypto";
import { nativeVerifier } from "@soma/crypto/native";
import { decodeSignedTransaction, transactionDigest } from "@soma/protocol";
import {
  buildCheckpoint,
  buildCheckpointSliced,
  type CommitInput,
  checkpointDue,
  executeCommit,
  executeCommitSliced,
  LEDGER_RULES,
  Ledger,
  type LedgerRules,
} from "@soma/state/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CHAIN_ID,
  CommitChain,
  genesisOf,
  people,
  seedOf,
  signed,
  transfer,
  validatorKeys,
} from "../../integration/state/chain.ts";

const keys = validatorKeys(4);
const genesis = genesisOf(keys, { checkpointCommits: 2 });
/** What three people may have sent: some of it more than they have, some to themselves. */
const sent = people.slice(0, 3).flatMap((person, who) =>
  [0n, 1n, 2n, 3n].map((sequence) => {
    const amount = sequence === 2n ? 1_000_000_000_000n : 1n + sequence;
    return signed(person, sequence, transfer(people[(who * Number(sequence)) % 4]!.address, amount)).bytes;
  }),
);
const malformed = Uint8Array.of(1, 2, 3);

function newLedger(rules: LedgerRules = LEDGER_RULES): Ledger {
  const made = Ledger.fromGenesis(genesis, { verifier: nativeVerifier, rules });
  if (!made.ok) throw new Error(made.code);
  return made.value.ledger;
}

function inputOf(chain: CommitChain, index: bigint): CommitInput {
  const { commit, transactions } = chain.commits[Number(index) - 1]!;
  return {
    commit,
    beacon: seedOf(`beacon ${index}`),
    transactions: transactions.map((bytes, i) => {
      const decoded = decodeSignedTransaction(bytes);
      return {
        bytes,
        signed: decoded.ok ? decoded.value : null,
        digest: transactionDigest(CHAIN_ID, bytes),
        author: keys[i % keys.length]!.account.address,
        signatureValid: true,
      };
    }),
  };
}

/** Runs it slice by slice as a shell does whose other parts look at the ledger in between. */
function watched<T>(ledger: Ledger, work: Sliced<T>): { done: T; slices: number } {
  const before = ledger.settledHead;
  for (let slices = 0; ; slices++) {
    const step = work.next();
    if (step.done === true) return { done: step.value, slices };
    expect(ledger.settledHead).toEqual(before);
  }
}

function sound<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
  return result.value;
}

describe("a ledger that is changed in slices", () => {
  test("comes to the same changes, digests and leaves as one that is changed at once", () => {
    // In any order, with gaps and repeats.
    const commits = fc.array(fc.array(fc.constantFrom(...sent, malformed), { maxLength: 16 }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(commits, (carried) => {
        const [atOneGo, inSlices] = [newLedger(), newLedger()];
        const chain = new CommitChain();
        for (const transactions of carried) {
          const input = inputOf(chain, chain.next(transactions));
          const expected = sound(executeCommit(atOneGo, input));
          const { done, slices } = watched(inSlices, executeCommitSliced(inSlices, input));
          expect(sound(done)).toEqual(expected);
          expect(slices).toBeGreaterThanOrEqual(expected.transactions.length + expected.leaves.length);
          expect(inSlices.settledHead).toEqual(atOneGo.head);
          expect(checkpointDue(inSlices)).toBe(checkpointDue(atOneGo));
          if (!checkpointDue(atOneGo)) continue;
          const built = sound(buildCheckpoint(atOneGo));
          expect(sound(watched(inSlices, buildCheckpointSliced(inSlices)).done)).toEqual(built);
        }
        expect([...inSlices.entries()]).toEqual([...atOneGo.entries()]);
        expect(inSlices.stateDigest()).toBe(atOneGo.stateDigest());
        expect(inSlices.supply).toEqual(atOneGo.supply);
      }),
      { numRuns: 50 },
    );
  });

  test("is as it was when a commit fails in its last slices", () => {
    const ledger = newLedger({
      ...LEDGER_RULES,
      authorise(store, chainId, carried) {
        if (carried.digest === transactionDigest(CHAIN_ID, sent[3]!)) throw new Error("stumbled");
        return LEDGER_RULES.authorise(store, chainId, carried);
      },
    });
    const before = { digest: ledger.stateDigest(), head: ledger.head, entries: [...ledger.entries()] };
    const chain = new CommitChain();
    const { done, slices } = watched(
      ledger,
      executeCommitSliced(ledger, inputOf(chain, chain.next(sent.slice(0, 4)))),
    );
    expect(done).toMatchObject({ ok: false, code: "LEDGER_FAULT" });
    expect(slices).toBe(3);
    expect({ digest: ledger.stateDigest(), head: ledger.head, entries: [...ledger.entries()] }).toEqual(
      before,
    );
    expect(ledger.settledHead).toEqual(before.head);
  });
});

test("a Merkle root is the same in slices", () => {
  const leaves = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 70 });
  fc.assert(
    fc.property(leaves, (list) => {
      expect(atOnce(merkleRootSliced(list))).toEqual(merkleRoot(list));
      expect([...merkleRootSliced(list)].length).toBeGreaterThanOrEqual(list.length);
    }),
  );
});
