import { Rng, toHex, utf8 } from "@soma/base";
import { sha256 } from "@soma/crypto";
import { CheckpointLeafCodec, epochInfoDigest, TOKEN, type TransactionKindInput } from "@soma/protocol";
import {
  type CommitTransaction,
  decodeSnapshot,
  encodeSnapshot,
  PAID_REFUSALS,
  supplyTotal,
  UNPAID_REFUSALS,
} from "@soma/state/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CheapSignatures } from "./cheap-signatures.ts";
import { encoderRole, registration, transfer, validatorRole } from "./kinds.ts";
import { Actor, CHAIN_ID, TestChain, TOKENIZER } from "./test-chain.ts";

const CAP = 1_000_000n * TOKEN;

const stranger = new Actor("stranger");

/** A commit's random transactions: mostly well formed, in and out of order, some rubbish. */
function randomTransactions(chain: TestChain, rng: Rng): CommitTransaction[] {
  const everybody = [...chain.people, ...chain.validators, ...chain.encoders];
  const next = new Map<Actor, bigint>();
  const out = Array.from({ length: rng.below(6) }, () => {
    const actor = rng.pick(everybody);
    const sequence = next.get(actor) ?? chain.sequenceOf(actor);
    next.set(actor, sequence + 1n);
    const skipped = rng.chance(0.1) ? 1n : 0n;
    const tip = BigInt(rng.below(50));
    const carried = chain.transaction({
      actor,
      kind: randomKind(chain, rng),
      sequence: sequence + skipped,
      tip,
    });
    if (!rng.chance(0.1)) return carried;
    const bent = Uint8Array.from(carried.bytes);
    bent[rng.below(bent.length)]! ^= 1 << rng.below(8);
    return chain.carried(bent);
  });
  const repeated = out.length > 0 && rng.chance(0.3) ? [rng.pick(out)] : [];
  return rng.shuffle([...out, ...repeated]);
}

function randomKind(chain: TestChain, rng: Rng): TransactionKindInput {
  const amount = BigInt(rng.below(2_000)) * (rng.chance(0.5) ? TOKEN : 1n);
  const role = rng.chance(0.5) ? encoderRole : validatorRole;
  const operator = rng.pick([...chain.validators, ...chain.encoders]).address;
  switch (rng.below(12)) {
    case 0:
      return { Delegate: { role, operator, amount } };
    case 1:
      return { Undelegate: { role, operator, amount } };
    case 2:
      return { SetCommission: { role, commissionBps: rng.below(12_000) } };
    case 3:
      return {
        SetAsk: {
          ask: { modality: rng.below(2), pricePerByte: BigInt(rng.below(40)), tokenizer: TOKENIZER },
        },
      };
    case 4:
      return rng.chance(0.8) ? transfer(operator, amount) : { UnregisterEncoder: true };
    case 5:
      return rng.chance(0.8) ? transfer(operator, amount) : { UnregisterValidator: true };
    case 6:
      return {
        GenerateEmbeddings: {
          modality: 0,
          dataCommitment: toHex(rng.bytes(32)),
          sizeBytes: BigInt(rng.below(10_000)),
          items: rng.between(0, 4),
          sessionKey: rng.bytes(32),
          maxPricePerByte: BigInt(rng.below(100)),
          jobTip: BigInt(rng.below(1_000)),
        },
      };
    case 7:
      return { PostReveal: { reveal: randomReveal(chain, rng) } };
    case 8:
      return { VoteSlash: { validator: rng.pick(chain.validators).address } };
    case 10:
      return {
        SubmitCheckpointFork: { first: rng.bytes(rng.below(300)), second: rng.bytes(rng.below(300)) },
      };
    case 9:
      return { WithdrawSlashVote: { validator: rng.pick(chain.validators).address } };
    default:
      return transfer(rng.pick(chain.people).address, amount);
  }
}

function randomReveal(chain: TestChain, rng: Rng) {
  const job = chain.ledger.jobs()[0]?.id ?? "00".repeat(32);
  const reveal = {
    job,
    attempt: 0,
    encoder: rng.pick(chain.encoders).address,
    embeddingDigest: "00".repeat(32),
  };
  return { reveal, signature: rng.bytes(64) };
}

function runRandom(seed: number, reloads: boolean): TestChain {
  const chain = new TestChain({ selectTimeout: 12, epochLength: 5_000n });
  const rng = new Rng(seed);
  for (let i = 0; i < 70; i++) {
    chain.commit(randomTransactions(chain, rng.fork(i)), BigInt(rng.between(10, 400)));
    if (reloads && i % 7 === 3) chain.reload();
  }
  return chain;
}

describe("LEDGER", () => {
  test.each([1, 2, 3])(
    "seed %d: random streams keep the supply, and a node that reloads agrees after every commit",
    (seed) => {
      const steady = runRandom(seed, false);
      const restarting = runRandom(seed, true);
      expect(restarting.digests).toEqual(steady.digests);
      expect(steady.ledger.head.epoch).toBeGreaterThan(0n);
      expect(supplyTotal(steady.ledger.supply)).toBe(CAP);
      expect(restarting.checkpoints.map(({ digest }) => digest)).toEqual(
        steady.checkpoints.map(({ digest }) => digest),
      );
      const snapshot = encodeSnapshot(steady.ledger);
      const restored = decodeSnapshot(snapshot, { verifier: steady.verifier }, snapshot.length);
      expect(restored.ok && restored.value.stateDigest()).toBe(steady.digests.at(-1));
    },
  );

  test("no bytes make it throw, and what nobody signed changes nothing but the head", () => {
    const chain = new TestChain({}, new CheapSignatures());
    const whole = chain.transaction({
      actor: chain.people[0]!,
      kind: transfer("00".repeat(32), 1n),
      sequence: 0n,
    });
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.nat(whole.bytes.length - 1),
        fc.nat(255),
        (noise, at, value) => {
          const bent = Uint8Array.from(whole.bytes);
          bent[at] = value;
          const executed = chain.commit([chain.carried(noise), chain.carried(bent)], 0n);
          expect(executed.transactions).toEqual([]);
          for (const { code } of executed.dropped) expect(code in UNPAID_REFUSALS).toBe(true);
          const touched = executed.changes.map(({ key }) => key.split("/")[0]);
          expect(new Set(touched)).toEqual(new Set(["head", "local"]));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("the DAG may invert a sender's order within a commit", () => {
    const chain = new TestChain();
    const [ann, bob] = chain.people as [Actor, Actor];
    const sent = [2n, 0n, 4n, 1n].map((sequence) =>
      chain.transaction({ actor: ann, kind: transfer(bob.address, 1n), sequence }),
    );
    const executed = chain.commit([...sent, sent[1]!]);
    expect(executed.transactions.map(({ sequence }) => sequence)).toEqual([0n, 1n, 2n]);
    expect(executed.dropped.map(({ code }) => code)).toEqual(["SEQUENCE_GAP"]);
    expect(chain.commit([sent[0]!]).dropped.map(({ code }) => code)).toEqual(["SEQUENCE_STALE"]);
  });

  test("base fee burned, tip to the author, sequence used up, also by a refusal", () => {
    const chain = new TestChain();
    const [ann, bob] = chain.people as [Actor, Actor];
    const author = chain.validators[0]!;
    const before = chain.ledger.balanceOf(author.address);
    const kind = transfer(bob.address, 10_000n * TOKEN);
    const executed = chain.commit([chain.transaction({ actor: ann, kind, sequence: 0n, tip: 7n })]);
    expect(executed.transactions[0]).toMatchObject({ refusal: "BALANCE_SHORT", fee: 1_007n });
    expect(chain.ledger.account(ann.address)).toEqual({ balance: 1_000n * TOKEN - 1_007n, sequence: 1n });
    expect(chain.ledger.balanceOf(author.address)).toBe(before + 7n);
    expect(chain.ledger.supply.recyclable).toBe(1_000n);
    expect(chain.ledger.balanceOf(bob.address)).toBe(1_000n * TOKEN);
  });

  test.each<[string, (chain: TestChain) => string]>([
    ["TX_CHAIN", (c) => dropped(c, { chainId: "other" })],
    [
      "TX_EXPIRED",
      (c) => {
        c.endEpoch();
        return dropped(c, { expiryEpoch: 0n });
      },
    ],
    ["FEE_BALANCE", (c) => c.send(stranger, transfer(c.people[0]!.address, 1n))],
    ["AMOUNT_ZERO", (c) => c.send(c.people[0]!, transfer(c.people[1]!.address, 0n))],
    ["OPERATOR_UNKNOWN", (c) => c.send(c.people[0]!, { UnregisterEncoder: true })],
    ["OPERATOR_REGISTERED", (c) => c.send(c.encoders[0]!, registration(c.encoders[0]!))],
    ["STAKE_BELOW_MINIMUM", (c) => c.send(c.people[0]!, registration(c.people[0]!))],
    [
      "KEY_POSSESSION",
      (c) => {
        const [ann, bob] = c.people as [Actor, Actor];
        c.send(ann, { Delegate: { role: encoderRole, operator: ann.address, amount: 10n * TOKEN } });
        return c.send(ann, registration(ann, bob));
      },
    ],
    [
      "COMMISSION_RANGE",
      (c) => c.send(c.encoders[0]!, { SetCommission: { role: encoderRole, commissionBps: 10_001 } }),
    ],
    [
      "ASK_PRICE",
      (c) =>
        c.send(c.encoders[0]!, { SetAsk: { ask: { modality: 0, pricePerByte: 0n, tokenizer: TOKENIZER } } }),
    ],
    [
      "ASK_MODALITY",
      (c) =>
        c.send(c.encoders[0]!, { SetAsk: { ask: { modality: 1, pricePerByte: 1n, tokenizer: TOKENIZER } } }),
    ],
    [
      "ASK_TOKENIZER",
      (c) =>
        c.send(c.encoders[0]!, {
          SetAsk: { ask: { modality: 0, pricePerByte: 1n, tokenizer: "00".repeat(32) } },
        }),
    ],
    [
      "STAKE_SHORT",
      (c) =>
        c.send(c.people[0]!, {
          Undelegate: { role: encoderRole, operator: c.encoders[0]!.address, amount: 1n },
        }),
    ],
    ["JOB_UNKNOWN", (c) => c.send(c.people[0]!, { PostReveal: { reveal: randomReveal(c, new Rng(1)) } })],
    [
      "EVIDENCE_MALFORMED",
      (c) =>
        c.send(c.people[0]!, { SubmitEquivocation: { first: new Uint8Array(3), second: new Uint8Array(3) } }),
    ],
  ])("refuses with %s", (code, act) => {
    expect(act(new TestChain())).toBe(code);
    expect(code in PAID_REFUSALS || code in UNPAID_REFUSALS).toBe(true);
  });
});

function dropped(chain: TestChain, change: { chainId?: string; expiryEpoch?: bigint }): string {
  const actor = chain.people[0]!;
  const kind = transfer(chain.people[1]!.address, 1n);
  return chain.commit([chain.transaction({ actor, kind, sequence: 0n, ...change })]).dropped[0]!.code;
}

describe("LEDGER-5", () => {
  test("checkpoints form a chain, cover every commit once, and the last of an epoch names the next", () => {
    const chain = new TestChain({ epochLength: 5_000n });
    const [ann, bob] = chain.people as [Actor, Actor];
    for (let i = 0; i < 30; i++) chain.send(ann, transfer(bob.address, 1n));
    chain.endEpoch();
    chain.commit();
    const covered: bigint[] = [];
    let previous = "00".repeat(32);
    for (const [index, { checkpoint, digest, leaves }] of chain.checkpoints.entries()) {
      expect(checkpoint.sequence).toBe(BigInt(index + 1));
      expect(checkpoint.previous).toBe(previous);
      expect(checkpoint.leaves).toBe(leaves.length);
      previous = digest;
      for (const leaf of leaves) {
        const { Commit } = CheckpointLeafCodec.parse(leaf);
        if (Commit !== undefined) covered.push(Commit.index);
      }
    }
    const last = chain.checkpoints.at(-1)!.checkpoint;
    expect(covered).toEqual(covered.map((_, i) => BigInt(i + 1)));
    expect(covered.at(-1)).toBe(last.commitIndex);
    const closing = chain.checkpoints.filter(({ checkpoint }) => checkpoint.nextEpoch !== null);
    expect(closing.length).toBe(1);
    expect(closing[0]!.checkpoint.epoch).toBe(0n);
    expect(closing[0]!.checkpoint.nextEpoch).toBe(epochInfoDigest(CHAIN_ID, chain.ledger.currentEpoch));
  });

  test("a value changed behind the ledger's back is refused at load", () => {
    const chain = new TestChain();
    const key = `account/${chain.people[0]!.address}`;
    chain.written.set(
      key,
      Uint8Array.from(chain.written.get(key)!, (byte, i) => (i === 0 ? byte ^ 1 : byte)),
    );
    expect(() => chain.reload()).toThrow("SUPPLY_BREACH");
    chain.written.delete("head/now");
    expect(() => chain.reload()).toThrow("LEDGER_INCOMPLETE");
    chain.written.set("head/now", sha256(utf8("not a head")));
    expect(() => chain.reload()).toThrow("LEDGER_MALFORMED");
  });
});
