import { nativeVerifier } from "@soma/crypto/native";
import {
  applyRun,
  applyUpdate,
  buildLedgerUpdates,
  checkpointDigest,
  decodeLedgerUpdate,
  encodeLedgerUpdate,
  type LedgerUpdate,
  LightClient,
  transactionDigest,
  wantsJobs,
} from "@soma/protocol";
import { buildReceipt, type TestReceipt } from "@soma/testkit/receipt";
import { describe, expect, test } from "vitest";

const PARAMETERS = {
  embeddingDimension: 16,
  masks: 3,
  selectTimeout: 10,
  revealTimeout: 10,
  proofTimeout: 10,
};
const receipt = buildReceipt({ parameters: PARAMETERS });
const updates = updatesOf(receipt);

/** What a validator would send for every checkpoint, through the wire. */
function updatesOf({ ledger }: TestReceipt): LedgerUpdate[] {
  return ledger.checkpoints.flatMap(({ link, leaves, transactions }) => {
    const byDigest = new Map(
      [...transactions.values()].map((bytes) => [transactionDigest(ledger.chainId, bytes), bytes]),
    );
    const built = buildLedgerUpdates({
      certificate: link.certificate,
      leaves,
      transaction: (digest) => byDigest.get(digest),
      nextEpoch: link.nextEpoch,
      wants: wantsJobs,
    });
    if (!built.ok) throw new Error(built.message);
    return built.value.map((update) => {
      const decoded = decodeLedgerUpdate(encodeLedgerUpdate(update));
      if (!decoded.ok) throw new Error(decoded.message);
      return decoded.value;
    });
  });
}

function newClient({ network }: TestReceipt = receipt): LightClient {
  const client = LightClient.fromGenesis(network.genesis, nativeVerifier);
  if (!client.ok) throw new Error(client.message);
  return client.value;
}

describe("a light client (LEDGER-6)", () => {
  test("follows all updates from the genesis file, across hand-overs", () => {
    const client = newClient();
    const facts = updates.map((update) => applyUpdate(client, update));
    expect(facts.every((result) => result.ok)).toBe(true);
    expect(client.epoch.epoch).toBe(2n);
    const seen = facts.flatMap((result) => (result.ok ? result.value.commits : []));
    expect(seen.map((leaf) => leaf.index)).toEqual(seen.map((_, i) => BigInt(i + 1)));
    expect(seen.at(-1)?.index).toBe(client.head?.commitIndex);
  });

  test("goes on from its saved state", () => {
    let client = newClient();
    for (const update of updates) {
      expect(applyUpdate(client, update)).toMatchObject({ ok: true });
      const restored = LightClient.restore(client.save(), receipt.network.genesis, nativeVerifier);
      if (!restored.ok) throw new Error(restored.message);
      client = restored.value;
    }
    expect(client.head?.sequence).toBe(BigInt(receipt.ledger.checkpoints.length));
    const other = buildReceipt({ parameters: { ...PARAMETERS, masks: 4 } }).network.genesis;
    expect(LightClient.restore(client.save(), other, nativeVerifier)).toMatchObject({
      code: "LIGHT_CLIENT_STATE",
    });
  });

  test("a snapshot is of when it was taken, whatever the client takes before it is written out", () => {
    const client = newClient();
    const taken = updates.map((update) => {
      const made = { now: client.save(), later: client.snapshot() };
      applyUpdate(client, update);
      return made;
    });
    for (const { now, later } of taken) expect(later()).toEqual(now);
  });

  test("takes the same update again, and changes nothing", () => {
    const client = newClient();
    for (const update of updates) {
      applyUpdate(client, update);
      const before = client.save();
      expect(applyUpdate(client, update)).toMatchObject({ ok: true });
      expect(client.save()).toEqual(before);
    }
  });

  test("says which update is missing", () => {
    const client = newClient();
    applyUpdate(client, updates[0]!);
    applyUpdate(client, updates[1]!);
    expect(applyUpdate(client, updates[3]!)).toMatchObject({ code: "LIGHT_CLIENT_GAP" });
    expect(client.head?.sequence).toBe(2n);
  });

  test("refuses an epoch whose committee it was not told", () => {
    const client = newClient();
    expect(client.checkpoint(updates[1]!.certificate)).toMatchObject({ code: "LIGHT_CLIENT_EPOCH_AHEAD" });
  });

  test("refuses to stay in an epoch that has ended, or to go back", () => {
    const client = newClient();
    const [first, second, third] = updates.map((update) => update.certificate);
    expect(client.checkpoint(first!)).toMatchObject({ ok: true });
    const late = { ...first!.checkpoint, sequence: 2n, commitIndex: 3n, nextEpoch: null };
    expect(client.checkpoint(receipt.ledger.certify(late, [0, 1, 2, 3]))).toMatchObject({
      code: "LIGHT_CLIENT_EPOCH_CLOSED",
    });
    expect(client.handover({ certificate: first!, info: updates[0]!.nextEpoch! })).toMatchObject({
      ok: true,
    });
    expect(client.checkpoint(third!)).toMatchObject({ ok: true });
    expect(client.checkpoint(second!)).toMatchObject({ code: "LIGHT_CLIENT_BACKWARDS" });
  });

  test("refuses a checkpoint that does not follow the one before it", () => {
    const client = newClient();
    applyUpdate(client, updates[0]!);
    applyUpdate(client, updates[1]!);
    const forged = { ...updates[2]!.certificate.checkpoint, previous: "11".repeat(32) };
    expect(client.checkpoint(receipt.ledger.certify(forged, [0, 1, 2]))).toMatchObject({
      code: "LIGHT_CLIENT_CHAIN",
    });
  });

  test("keeps both certificates of a fork as evidence", () => {
    const client = newClient();
    applyUpdate(client, updates[0]!);
    applyUpdate(client, updates[1]!);
    const { certificate } = updates[1]!;
    const other = receipt.ledger.certify(
      { ...certificate.checkpoint, stateDigest: "22".repeat(32) },
      [1, 2, 3],
    );
    expect(client.checkpoint(other)).toMatchObject({ code: "LIGHT_CLIENT_FORK" });
    expect(client.evidenceOf(other)).toEqual({ first: certificate, second: other });
    const unsigned = { ...other, signers: certificate.signers };
    expect(client.checkpoint(unsigned)).toMatchObject({ code: "CERTIFICATE_SIGNATURE" });
    expect(client.evidenceOf(unsigned)).toBeUndefined();
  });

  test.each<[string, readonly number[], string]>([
    ["too little stake", [0, 1], "CERTIFICATE_STAKE"],
    ["the signature of others", [0, 1, 2], "CERTIFICATE_SIGNATURE"],
  ])("refuses a certificate with %s", (_, signers, code) => {
    const client = newClient();
    const { certificate } = updates[0]!;
    const weaker = receipt.ledger.certify(certificate.checkpoint, signers);
    const forged = code === "CERTIFICATE_STAKE" ? weaker : { ...weaker, signers: certificate.signers };
    expect(client.checkpoint(forged)).toMatchObject({ code });
    expect(client.head).toBeUndefined();
  });

  test("refuses another next epoch than the checkpoint names", () => {
    const client = newClient();
    const { certificate, nextEpoch } = updates[0]!;
    const committee = nextEpoch!.committee.map((member) => ({ ...member, stake: member.stake + 1n }));
    const forged = { certificate, info: { ...nextEpoch!, committee } };
    expect(client.handover(forged)).toMatchObject({ code: "LIGHT_CLIENT_HANDOVER" });
    expect(client.epoch.epoch).toBe(0n);
  });

  test("refuses leaves that are not the checkpoint's, and takes nothing of their update", () => {
    const client = newClient();
    applyUpdate(client, updates[0]!);
    const [first, second] = [updates[1]!, updates[2]!];
    const swapped = { ...first, entries: second.entries };
    expect(applyUpdate(client, swapped)).toMatchObject({ ok: false });
    expect(client.head?.sequence).toBe(1n);
    const entry = second.entries.find(({ transaction }) => transaction.length > 0)!;
    const without = { ...second, entries: [{ ...entry, transaction: new Uint8Array(0) }] };
    applyUpdate(client, first);
    expect(applyUpdate(client, without)).toMatchObject({ code: "LEAF_TRANSACTION" });
    expect(checkpointDigest(client.chainId, client.head!)).toBe(
      checkpointDigest(client.chainId, first.certificate.checkpoint),
    );
  });
});

describe("a run of checkpoints", () => {
  const from = updates.findIndex(({ nextEpoch }) => nextEpoch !== null) + 1;
  const closing = updates.findIndex(({ nextEpoch }, i) => i > from && nextEpoch !== null);
  const run = updates.slice(from, closing + 1);
  const unsigned = ({ certificate, ...rest }: LedgerUpdate): LedgerUpdate => ({
    ...rest,
    certificate: { ...certificate, aggregateSignature: new Uint8Array(96), signers: new Uint8Array(0) },
  });
  /** One signature proves them: what the others are signed with is not looked at. */
  const cheap = [...run.slice(0, -1).map(unsigned), run.at(-1)!];
  const clientBefore = () => {
    const client = newClient();
    for (const update of updates.slice(0, from)) applyUpdate(client, update);
    return client;
  };

  test("is proven by the last certificate, up to the end of an epoch", () => {
    expect(run.length).toBeGreaterThan(2);
    const [one, other] = [clientBefore(), clientBefore()];
    const facts = run.map((update) => {
      const taken = applyUpdate(one, update);
      if (!taken.ok) throw new Error(taken.message);
      return taken.value;
    });
    expect(applyRun(other, cheap)).toEqual({ ok: true, value: facts });
    expect(other.head).toEqual(one.head);
    expect(other.epoch).toEqual(one.epoch);
    // Nothing that was not signed for is kept as certified.
    expect(other.certified(run[0]!.certificate.checkpoint.sequence)).toBeUndefined();
    const rest = updates.slice(closing + 1);
    expect(applyRun(other, rest)).toMatchObject({ ok: true });
    expect(other.head).toEqual(updates.at(-1)!.certificate.checkpoint);
    expect(applyRun(other, [])).toEqual({ ok: true, value: [] });
  });

  const changed = (i: number, change: Partial<LedgerUpdate["certificate"]["checkpoint"]>) =>
    cheap.map((update, at) => {
      const { certificate } = update;
      const checkpoint = { ...certificate.checkpoint, ...change };
      return at === i ? { ...update, certificate: { ...certificate, checkpoint } } : update;
    });
  const last = cheap.length - 1;
  test.each<[string, LedgerUpdate[], string]>([
    ["a changed checkpoint", changed(0, { stateDigest: "33".repeat(32) }), "LIGHT_CLIENT_CHAIN"],
    ["another epoch's", changed(0, { epoch: 7n }), "LIGHT_CLIENT_CHAIN"],
    ["one left out", [...cheap.slice(0, 1), ...cheap.slice(2)], "LIGHT_CLIENT_CHAIN"],
    ["the first left out", cheap.slice(1), "LIGHT_CLIENT_CHAIN"],
    ["two the other way round", [cheap[1]!, cheap[0]!, ...cheap.slice(2)], "LIGHT_CLIENT_CHAIN"],
    ["an end that nobody signed", cheap.map(unsigned), "BITMAP_LENGTH"],
    ["an end that was changed", changed(last, { stateDigest: "33".repeat(32) }), "CERTIFICATE_SIGNATURE"],
    ["one after an epoch's end", updates.slice(from), "LIGHT_CLIENT_CHAIN"],
    ["leaves of another", [{ ...cheap[0]!, entries: run[1]!.entries }, ...cheap.slice(1)], "LEAF_PROOF"],
  ])("with %s is refused, and changes nothing", (_, forged, code) => {
    const client = clientBefore();
    const before = client.save();
    expect(applyRun(client, forged)).toMatchObject({ ok: false, code });
    expect(client.save()).toEqual(before);
  });

  test("needs a checkpoint to follow", () => {
    expect(applyRun(newClient(), updates)).toMatchObject({ code: "LIGHT_CLIENT_CHAIN" });
  });
});
