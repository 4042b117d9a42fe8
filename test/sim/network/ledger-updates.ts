import { buildLedgerUpdates, type LedgerUpdate, wantsJobs } from "@soma/protocol";
import type { Certifier } from "./certifier.ts";
import type { LedgerHost } from "./ledger-host.ts";

/** Checkpoints in one answer. */
const SERVED = 12;

/** What a validator sends to those who follow the ledger, from the checkpoint after `after` on (LEDGER-6). */
export function updatesAfter(host: LedgerHost, certifier: Certifier, after: bigint): LedgerUpdate[] {
  return certifier
    .after(after)
    .slice(0, SERVED)
    .flatMap((certificate) => {
      const own = host.checkpoints[Number(certificate.checkpoint.sequence) - 1]!;
      const built = buildLedgerUpdates({
        certificate,
        leaves: own.leaves,
        transaction: (digest) => host.bytesOf.get(digest),
        nextEpoch: own.next,
        wants: wantsJobs,
      });
      if (!built.ok) throw new Error(built.code);
      return built.value;
    });
}

/** Another ledger than the network's, with a certificate that does not verify. */
export function forged(update: LedgerUpdate): LedgerUpdate {
  const { certificate } = update;
  const checkpoint = { ...certificate.checkpoint, stateDigest: "ee".repeat(32) };
  return { ...update, certificate: { ...certificate, checkpoint } };
}
