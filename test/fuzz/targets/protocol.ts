import { bcs, type Codec, decodeExact, encode } from "@soma/codec";
import { ProvenLeafCodec } from "@soma/contracts";
import { nativeVerifier } from "@soma/crypto/native";
import {
  BLOCK_LIMITS,
  CertifiedCheckpointCodec,
  CheckpointLeafCodec,
  decodeGenesis,
  decodeItems,
  decodeJobMessage,
  decodeLedgerUpdate,
  decodeReceipt,
  decodeSignedBlock,
  decodeSignedHeader,
  decodeSignedOverride,
  decodeSignedTransaction,
  EmbeddingBlobCodec,
  EpochHandoverCodec,
  EpochInfoCodec,
  encodeGenesis,
  encodeItems,
  encodeJobMessage,
  encodeLedgerUpdate,
  encodeReceipt,
  encodeSignedBlock,
  encodeSignedHeader,
  encodeSignedOverride,
  encodeSignedTransaction,
  genesisEpoch,
  LedgerUpdateCodec,
  LightClient,
  MAX_ITEMS_BYTES,
  MAX_JOB_MESSAGE_BYTES,
  MAX_LEDGER_UPDATE_BYTES,
  MAX_OVERRIDE_BYTES,
  MAX_TRANSACTION_BYTES,
  type Receipt,
  RelayedJobMessageCodec,
  SignedBlockCodec,
  SignedOverrideCodec,
  SignedTransactionCodec,
} from "@soma/protocol";
import { buildReceipt, type TestReceipt } from "@soma/testkit/receipt";
import { sampleBcs } from "../harness/sample-bcs.ts";
import type { FuzzTarget } from "../harness/target.ts";

export const CODEC_CODES = ["CODEC_TOO_LARGE", "CODEC_MALFORMED", "CODEC_NOT_CANONICAL"] as const;

/** Largest input that is tried of what may be larger: more bytes make runs slower and find nothing else. */
const TRIED_BYTES = 512 * 1024;
/** Of the client's pages. */
const PAGE_BYTES = 4 * 1024 * 1024;

/** A target that is a BCS type alone. */
export function bcsTarget<T extends Input, Input>(
  name: string,
  codec: Codec<T, Input>,
  maxBytes: number,
): FuzzTarget {
  return {
    name,
    form: "bytes",
    maxBytes: Math.min(maxBytes + 1, TRIED_BYTES),
    corpus: () => sampleBcs(codec, 40),
    decode: (bytes) => decodeExact<T, Input>(codec, bytes, maxBytes),
    encode: (value: T) => encode<Input>(codec, value),
    codes: CODEC_CODES,
  };
}

const PARAMETER_CODES = ["PARAMETER_UNKNOWN", "PARAMETER_MALFORMED", "PARAMETER_BOUNDS"];

let receipt: TestReceipt | undefined;
/** A whole job with real signatures, made once. */
export function genuine(): TestReceipt {
  receipt ??= buildReceipt({ encoders: 5 });
  return receipt;
}

/** The bytes of the job's transactions, ledger leaves among them. */
function genuineTransactions(): Uint8Array[] {
  const { payment, selection, bundle, close } = genuine().content;
  return [payment, selection, bundle, close].flatMap(({ proof }) => proof.transaction ?? []);
}

/** A few of every kind that the ledger knows. */
function sampleTransactions(): Uint8Array[] {
  const kept = new Map<string, Uint8Array[]>();
  for (const bytes of sampleBcs(SignedTransactionCodec, 600)) {
    const decoded = decodeSignedTransaction(bytes);
    if (!decoded.ok) throw new Error(decoded.message);
    const { $kind } = decoded.value.transaction.kind;
    const same = kept.get($kind) ?? [];
    if (same.length < 4) kept.set($kind, [...same, bytes]);
  }
  return [...kept.values()].flat();
}

export const PROTOCOL_TARGETS: readonly FuzzTarget[] = [
  {
    ...bcsTarget("signed-transaction", SignedTransactionCodec, MAX_TRANSACTION_BYTES),
    corpus: () => [...genuineTransactions(), ...sampleTransactions()],
    decode: decodeSignedTransaction,
    encode: encodeSignedTransaction,
  },
  {
    ...bcsTarget("signed-block", SignedBlockCodec, BLOCK_LIMITS.bytes),
    decode: decodeSignedBlock,
    encode: encodeSignedBlock,
  },
  {
    name: "signed-header",
    form: "bytes",
    maxBytes: BLOCK_LIMITS.headerBytes + 1,
    corpus: () =>
      sampleBcs(SignedBlockCodec, 40).map((bytes) => {
        const block = decodeSignedBlock(bytes);
        if (!block.ok) throw new Error(block.message);
        return encodeSignedHeader("fuzz", block.value);
      }),
    decode: decodeSignedHeader,
    codes: CODEC_CODES,
  },
  {
    ...bcsTarget("job-message", RelayedJobMessageCodec, MAX_JOB_MESSAGE_BYTES),
    decode: decodeJobMessage,
    encode: encodeJobMessage,
  },
  {
    ...bcsTarget("items", bcs.vector(bcs.byteVector()), MAX_ITEMS_BYTES),
    decode: decodeItems,
    encode: encodeItems,
  },
  {
    ...bcsTarget("ledger-update", LedgerUpdateCodec, MAX_LEDGER_UPDATE_BYTES),
    decode: decodeLedgerUpdate,
    encode: encodeLedgerUpdate,
  },
  {
    ...bcsTarget("signed-override", SignedOverrideCodec, MAX_OVERRIDE_BYTES),
    decode: decodeSignedOverride,
    encode: encodeSignedOverride,
  },
  bcsTarget("embedding-blob", EmbeddingBlobCodec, TRIED_BYTES),
  bcsTarget("checkpoint-leaf", CheckpointLeafCodec, TRIED_BYTES),
  bcsTarget("certified-checkpoint", CertifiedCheckpointCodec, PAGE_BYTES),
  bcsTarget("proven-leaf", ProvenLeafCodec, PAGE_BYTES),
  bcsTarget("epoch-info", EpochInfoCodec, PAGE_BYTES),
  bcsTarget("handover-page", bcs.vector(EpochHandoverCodec), PAGE_BYTES),
  bcsTarget("ledger-update-page", bcs.vector(bcs.byteVector()), PAGE_BYTES),
  {
    name: "genesis-file",
    form: "bytes",
    maxBytes: TRIED_BYTES,
    corpus: () => [encodeGenesis(genuine().network.genesis)],
    decode: (bytes) => {
      const genesis = decodeGenesis(bytes);
      if (!genesis.ok) return genesis;
      const epoch = genesisEpoch(genesis.value);
      return epoch.ok ? genesis : epoch;
    },
    encode: encodeGenesis,
    codes: [...CODEC_CODES, "GENESIS_EMPTY", ...PARAMETER_CODES],
  },
  {
    name: "receipt-file",
    form: "bytes",
    maxBytes: TRIED_BYTES,
    corpus: () => [genuine().bytes],
    decode: decodeReceipt,
    encode: (value: Receipt) => encodeReceipt(value),
    codes: ["RECEIPT_FORMAT"],
  },
  {
    name: "light-client-state",
    form: "bytes",
    maxBytes: TRIED_BYTES,
    corpus: () => {
      const client = LightClient.fromGenesis(genuine().network.genesis, nativeVerifier);
      if (!client.ok) throw new Error(client.message);
      return [client.value.save()];
    },
    decode: (bytes) => LightClient.restore(bytes, genuine().network.genesis, nativeVerifier),
    encode: (client: LightClient) => client.save(),
    codes: [...CODEC_CODES, "LIGHT_CLIENT_STATE"],
  },
];
