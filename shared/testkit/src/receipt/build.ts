import {
  type EpochInfo,
  encodeReceipt,
  genesisDigest,
  type ReceiptContent,
  type ReceiptFact,
} from "@soma/protocol";
import { type JobLedger, type LeafPlace, TestLedger } from "./ledger.ts";
import { type TestNetwork, type TestNetworkOptions, testNetwork } from "./network.ts";
import { JobScript, unrelated } from "./script.ts";

export interface TestReceiptOptions extends TestNetworkOptions {
  readonly items?: readonly string[];
  /** Elements of an item by the test's tokenizer. */
  readonly length?: (item: Uint8Array) => number;
  /** The attempt that succeeds. */
  readonly attempt?: number;
  /** What fixes the evaluated set: the submitter's bundle, or GAME-6's deadline. */
  readonly bundle?: "posted" | "deadline";
  /** What closes the job: the final proof, or GAME-9's majority of posted evaluations. */
  readonly close?: "proof" | "majority";
  /** All reveals are nonsense, so that everybody is disqualified. */
  readonly allDisqualified?: boolean;
}

export interface TestReceipt {
  readonly network: TestNetwork;
  readonly ledger: JobLedger;
  readonly content: ReceiptContent;
  /** The receipt file. */
  readonly bytes: Uint8Array;
  readonly winner: string | null;
}

/**
 * A whole genuine job with real keys and signatures, across two hand-overs, and its receipt. `open` makes the ledger
 * that it is written to: one by hand unless given.
 */
export function buildReceipt(
  options: TestReceiptOptions = {},
  open: (network: TestNetwork) => JobLedger = (network) => new TestLedger(network),
): TestReceipt {
  const network = testNetwork(options);
  const ledger = open(network);
  ledger.endCommit();
  ledger.endCommit();
  ledger.cut((next) => ({ ...next, roster: raised(next) }));
  unrelated(ledger);
  ledger.endCommit();
  ledger.cut();

  const script = new JobScript(ledger, options);
  const payment = script.pay();
  ledger.cut();
  const draw = script.draw(payment);
  ledger.cut((next) => next);
  const selection = script.select(payment, draw);
  const bundle = script.bundle(payment, selection);
  const evaluated = script.evaluate(payment, draw, selection, bundle);
  const close = script.close(payment, draw, selection, bundle, evaluated);
  ledger.cut();

  const places = {
    payment: payment.place,
    draw: draw.place,
    selection: selection.place,
    bundle: bundle.place,
    close,
  };
  const reveals = [...selection.reveals];
  const content: ReceiptContent = { ...assemble(ledger, places), reveals, items: [...script.items] };
  const bytes = encodeReceipt(content);
  return { network, ledger, content, bytes, winner: evaluated.result.winner };
}

/** The chain of links that a receipt needs for its facts, and the facts with their places in it. */
function assemble(
  ledger: JobLedger,
  places: Readonly<Record<"payment" | "draw" | "selection" | "bundle" | "close", LeafPlace>>,
): Omit<ReceiptContent, "reveals" | "items"> {
  const used = new Set(Object.values(places).map((place) => place.checkpoint));
  const last = Math.max(...used);
  const kept = ledger.checkpoints
    .map((cut, checkpoint) => ({ cut, checkpoint }))
    .filter(
      ({ cut, checkpoint }) => used.has(checkpoint) || (cut.link.nextEpoch !== null && checkpoint < last),
    );
  const fact = (place: LeafPlace): ReceiptFact => ({
    link: kept.findIndex(({ checkpoint }) => checkpoint === place.checkpoint),
    proof: ledger.prove(place),
  });
  const { payment, draw, selection, bundle, close } = places;
  return {
    genesis: genesisDigest(ledger.network.genesis),
    chain: kept.map(({ cut }) => cut.link),
    payment: fact(payment),
    draw: fact(draw),
    selection: fact(selection),
    bundle: fact(bundle),
    close: fact(close),
  };
}

/** Everybody's stake after an epoch of rewards. */
function raised(epoch: EpochInfo): EpochInfo["roster"] {
  return epoch.roster.map((entry) => ({ ...entry, stake: entry.stake + 7n }));
}
