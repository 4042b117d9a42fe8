import { err, ok, type Result, toHex } from "@soma/base";
import { bcs, byteString, bytes32, decodeExact, encode, u16, u64 } from "@soma/codec";
import { taggedHash } from "@soma/crypto";
import { CommitteeMemberCodec, type EpochInfo, RosterEntryCodec } from "./epoch.ts";
import type { Amount, Digest } from "./ids.ts";
import type { Parameters } from "./parameter-table.ts";
import { parametersDigest, parseParameters } from "./parameters.ts";

const MAX_GENESIS_BYTES = 4 * 1024 * 1024;

export const GenesisCodec = bcs.struct("Genesis", {
  chainId: bcs.string(),
  timestampMs: u64,
  protocolVersion: u16,
  /** Name and decimal value of every row of the parameter table, in the order of names. */
  parameters: bcs.vector(bcs.tuple([bcs.string(), bcs.string()])),
  /** Liquid balances. Ascending by address. */
  accounts: bcs.vector(bcs.struct("GenesisAccount", { address: bytes32, amount: u64 })),
  /** Validators with their own stake; commission 0. Ascending by id. */
  validators: bcs.vector(CommitteeMemberCodec),
  /** Encoders with their own stake; commission 0. Ascending by id. */
  encoders: bcs.vector(RosterEntryCodec),
  /** SPACE-1: SHA-256 of the anchors' texts and of their vectors; squared mean norm in int16 units. */
  anchors: bcs.struct("Anchors", { texts: bytes32, vectors: bytes32, meanNormSquared: u64 }),
  /** MASK-1: the governed text tokenizer. */
  textTokenizer: bytes32,
  /** Anything the founders wish to bind, such as a charter's hash. */
  memo: byteString,
});
/** What a network starts from; the one thing that a verifier must already trust. */
export type Genesis = typeof GenesisCodec.$inferType;

export function encodeGenesis(genesis: Genesis): Uint8Array {
  return encode(GenesisCodec, genesis);
}

export function decodeGenesis(bytes: Uint8Array): Result<Genesis> {
  return decodeExact(GenesisCodec, bytes, MAX_GENESIS_BYTES);
}

/** Names the network beyond its chain id. */
export function genesisDigest(genesis: Genesis): Digest {
  return toHex(taggedHash("soma.genesis", genesis.chainId, encodeGenesis(genesis)));
}

export function genesisParameters(genesis: Genesis): Result<Parameters> {
  return parseParameters(Object.fromEntries(genesis.parameters));
}

/** ECON-4: the smallest ask p with 3 x stake(asks <= p) >= 2 x stake(all asks); 0 if nobody asks. */
export function stableAsk(asks: readonly { price: Amount; stake: Amount }[]): Amount {
  const sorted = [...asks].sort((a, b) => (a.price < b.price ? -1 : a.price > b.price ? 1 : 0));
  let total = 0n;
  for (const ask of sorted) total += ask.stake;
  let below = 0n;
  for (const ask of sorted) {
    below += ask.stake;
    if (3n * below >= 2n * total) return ask.price;
  }
  return 0n;
}

/** Epoch 0 as the genesis file determines it. */
export function genesisEpoch(genesis: Genesis): Result<EpochInfo> {
  const parameters = genesisParameters(genesis);
  if (!parameters.ok) return parameters;
  if (genesis.validators.length === 0) return err("GENESIS_EMPTY", "a network needs at least one validator");
  const digest = genesisDigest(genesis);
  const prices = [0, 1, 2, 3].map((modality) =>
    stableAsk(
      genesis.encoders.flatMap((encoder) =>
        encoder.asks
          .filter((ask) => ask.modality === modality)
          .map((ask) => ({ price: ask.pricePerByte, stake: encoder.stake })),
      ),
    ),
  );
  return ok({
    epoch: 0n,
    startTimestampMs: genesis.timestampMs,
    lastCommit: 0n,
    seed: toHex(taggedHash("soma.genesis.seed", genesis.chainId, encodeGenesis(genesis))),
    lastBlock: digest,
    committee: genesis.validators,
    roster: genesis.encoders,
    prices,
    baseFee: parameters.value.feeInitial,
    protocolVersion: genesis.protocolVersion,
    parameters: parametersDigest(genesis.chainId, parameters.value),
  });
}
