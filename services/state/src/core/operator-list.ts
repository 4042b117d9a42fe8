import { type Address, type Amount, MODALITIES } from "@soma/protocol";
import type { LedgerReading } from "./ledger-reading.ts";
import { encoders, validators } from "./records.ts";

/** What everybody may know of an operator's standing. */
interface Standing {
  readonly id: Address;
  readonly stake: Amount;
  /** In the committee or roster of the current epoch. */
  readonly active: boolean;
  readonly leaving: boolean;
  readonly commissionBps: number;
}

export interface ValidatorListing extends Standing {
  readonly edgeAddress: string;
  readonly gatewayAddress: string;
  /** Stake of the current committee whose votes to slash it stand (ECON-7), and whether that is a quorum. */
  readonly slashVotes: Amount;
  readonly slashQuorum: boolean;
}

export interface EncoderListing extends Standing {
  readonly asks: readonly { readonly modality: string; readonly pricePerByte: Amount }[];
}

/** Registered validators, ascending by id. */
export function listValidators(ledger: LedgerReading): ValidatorListing[] {
  const standing = new Map(ledger.operators("validator").map((operator) => [operator.id, operator]));
  const votes = ledger.slashStandings();
  return validators.rows(ledger.store).map(({ parts, value }) => {
    const { leaving, commissionBps, edgeAddress, gatewayAddress } = value;
    const slash = votes.get(parts[0]!);
    return {
      ...standing.get(parts[0]!)!,
      leaving,
      commissionBps,
      edgeAddress,
      gatewayAddress,
      slashVotes: slash?.stake ?? 0n,
      slashQuorum: slash?.quorum ?? false,
    };
  });
}

/** Registered encoders, ascending by id. */
export function listEncoders(ledger: LedgerReading): EncoderListing[] {
  const standing = new Map(ledger.operators("encoder").map((operator) => [operator.id, operator]));
  return encoders.rows(ledger.store).map(({ parts, value }) => {
    const { leaving, commissionBps, asks } = value;
    return {
      ...standing.get(parts[0]!)!,
      leaving,
      commissionBps,
      asks: asks.map(({ modality, pricePerByte }) => ({
        modality: MODALITIES[modality] ?? String(modality),
        pricePerByte,
      })),
    };
  });
}
