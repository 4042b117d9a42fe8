import { err, ok, type Result } from "@soma/base";
import { decodeExact, encode } from "@soma/codec";
import { BlockOpener } from "@soma/consensus/core";
import {
  BlockRequestCodec,
  BlockResponseCodec,
  CommitRequestCodec,
  CommitResponseCodec,
  CommitResponsePartCodec,
  MAX_BODY_BYTES,
  MAX_RESPONSE_BYTES,
  OwnRoundRequestCodec,
  OwnRoundResponseCodec,
} from "@soma/consensus/wire";
import { EdgeUp } from "@soma/contracts";
import { nativeVerifier, sha256Native } from "@soma/crypto/native";
import { type Frame, readCanary, readFrame, sealFrame } from "@soma/peering/core";
import { checkUserKey } from "@soma/peering/edge";
import {
  BLOCK_LIMITS,
  type BlockBody,
  BlockBodyCodec,
  blockSigningBytes,
  EnvelopeCodec,
  encodeSignedBlock,
  epochInfoDigest,
  genesisBlockRef,
  genesisEpoch,
  MAX_ENVELOPE_BYTES,
  PEER_MESSAGE_TYPES,
} from "@soma/protocol";
import {
  CheckpointRequestCodec,
  CheckpointResponseCodec,
  CheckpointSignatureCodec,
  MAX_RESPONSE_BYTES as MAX_CHECKPOINTS_BYTES,
  MAX_REQUEST_BYTES,
  MAX_SIGNATURE_BYTES,
} from "@soma/state/wire";
import { decodeTraces, encodeTraces } from "@soma/telemetry";
import type { FuzzTarget } from "../harness/target.ts";
import { bcsTarget, CODEC_CODES, genuine } from "./protocol.ts";

const CHAIN = "fuzz";
const text = new TextDecoder();

/** Envelopes of every type with bodies of several sizes. */
function envelopes(): Uint8Array[] {
  return PEER_MESSAGE_TYPES.flatMap((type, i) => {
    const sealed = sealFrame(
      {
        chainId: CHAIN,
        sender: "11".repeat(32),
        recipient: i % 3 === 0 ? "00".repeat(32) : "22".repeat(32),
        type,
        sequence: i % 2 === 0 ? i : Number.MAX_SAFE_INTEGER - i,
        body: new Uint8Array([0, 1, 127, 128, 20_000][i % 5]!).fill(i),
      },
      sha256Native,
      () => new Uint8Array(64).fill(7),
    );
    return sealed.ok ? [sealed.value] : [];
  });
}

/** Peering's own reader beside the codec that defines the envelope: they agree on every input. */
function readEnvelope(bytes: Uint8Array): Result<Frame> {
  const frame = readFrame(bytes, CHAIN);
  const decoded = decodeExact(EnvelopeCodec, bytes, MAX_ENVELOPE_BYTES);
  const isEnvelope =
    decoded.ok &&
    decoded.value.header.chainId === CHAIN &&
    PEER_MESSAGE_TYPES[decoded.value.header.type] !== undefined &&
    decoded.value.header.sequence <= BigInt(Number.MAX_SAFE_INTEGER);
  if (frame.ok !== isEnvelope) throw new Error(`the frame is ${frame.ok}, the envelope ${isEnvelope}`);
  return frame;
}

/** Signs whatever body decodes, so that the checks behind the signature are reached. */
function openBlock(bytes: Uint8Array): Result<unknown> {
  const body = decodeExact(BlockBodyCodec, bytes, BLOCK_LIMITS.bytes);
  if (!body.ok) return body;
  const { genesis, validators } = genuine().network;
  const epoch = genesisEpoch(genesis);
  if (!epoch.ok) return epoch;
  const key = validators[body.value.author]?.messages ?? validators[0]!.messages;
  const signature = key.sign(blockSigningBytes(genesis.chainId, body.value));
  const opener = new BlockOpener(genesis.chainId, epoch.value, nativeVerifier);
  return opener.open(encodeSignedBlock({ body: body.value, signature }));
}

/** Blocks of rounds 1 and 2 that list everybody's blocks of the round before. */
function blockBodies(): Uint8Array[] {
  const { genesis, validators } = genuine().network;
  const info = genesisEpoch(genesis);
  if (!info.ok) throw new Error(info.message);
  const digest = epochInfoDigest(genesis.chainId, info.value);
  return validators.map((_, author) => {
    const refs = validators.map((_, index) => genesisBlockRef(genesis.chainId, 0n, digest, index));
    const body: BlockBody = {
      epoch: 0n,
      round: 1,
      author,
      timestampMs: genesis.timestampMs + 1n,
      ancestors: [refs[author]!, ...refs.filter((_, index) => index !== author)],
      transactions: [Uint8Array.of(1, 2, 3), new Uint8Array(200)],
      commitVotes: [{ index: 1n, digest: "33".repeat(32) }],
      vrfProof: new Uint8Array(author === 0 ? 80 : 0),
    };
    return encode(BlockBodyCodec, body);
  });
}

const BLOCK_FAULTS = [
  "WrongEpoch",
  "UnexpectedGenesis",
  "InvalidAuthor",
  "InvalidSignature",
  "TooManyAncestors",
  "InsufficientParents",
  "InvalidAncestorPosition",
  "InvalidAncestorRound",
  "UnknownGenesis",
  "DuplicateAncestorAuthor",
  "TooManyTransactions",
  "TransactionTooLarge",
  "TransactionsTooLarge",
  "TooManyCommitVotes",
  "DuplicateCommitVote",
  "InvalidVrfProofLength",
].map((fault) => `CONSENSUS_BLOCK_${fault}`);

const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

export const PEER_TARGETS: readonly FuzzTarget[] = [
  {
    name: "envelope",
    form: "bytes",
    maxBytes: 128 * 1024,
    corpus: envelopes,
    decode: readEnvelope,
    codes: [
      "ENVELOPE_TOO_LARGE",
      "ENVELOPE_MALFORMED",
      "ENVELOPE_CHAIN",
      "ENVELOPE_TYPE",
      "ENVELOPE_SEQUENCE",
    ],
  },
  {
    name: "block-opened",
    form: "bytes",
    maxBytes: BLOCK_LIMITS.bytes,
    corpus: blockBodies,
    decode: openBlock,
    codes: [...CODEC_CODES, ...BLOCK_FAULTS],
    share: 0.2,
  },
  bcsTarget("block-request", BlockRequestCodec, MAX_BODY_BYTES),
  bcsTarget("block-response", BlockResponseCodec, MAX_BODY_BYTES),
  bcsTarget("own-round-request", OwnRoundRequestCodec, MAX_BODY_BYTES),
  bcsTarget("own-round-response", OwnRoundResponseCodec, MAX_BODY_BYTES),
  bcsTarget("commit-request", CommitRequestCodec, MAX_BODY_BYTES),
  bcsTarget("commit-response-part", CommitResponsePartCodec, MAX_BODY_BYTES),
  bcsTarget("commit-response", CommitResponseCodec, MAX_RESPONSE_BYTES),
  bcsTarget("checkpoint-signature", CheckpointSignatureCodec, MAX_SIGNATURE_BYTES),
  bcsTarget("checkpoint-request", CheckpointRequestCodec, MAX_REQUEST_BYTES),
  bcsTarget("checkpoint-response", CheckpointResponseCodec, MAX_CHECKPOINTS_BYTES),
  {
    name: "canary",
    form: "bytes",
    maxBytes: 1024,
    corpus: () => [Uint8Array.of(0), Uint8Array.of(1)],
    decode: (body) => {
      const kind = readCanary(body);
      return kind === undefined ? err("CANARY", "says nothing") : ok(kind);
    },
    codes: ["CANARY"],
  },
  {
    name: "user-key",
    form: "bytes",
    maxBytes: 4096,
    corpus: () => [Buffer.from("UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4")],
    decode: (bytes) => checkUserKey(text.decode(bytes)),
    codes: ["ADMISSION_KEY"],
  },
  {
    name: "edge-subject",
    form: "bytes",
    maxBytes: 4096,
    corpus: () => [Buffer.from(EdgeUp.subjectFor(CHAIN, { peer: "11".repeat(32) }))],
    decode: (bytes) => {
      const tokens = EdgeUp.parse(CHAIN, text.decode(bytes));
      return tokens === undefined ? err("SUBJECT", "another message's") : ok(tokens);
    },
    codes: ["SUBJECT"],
  },
  {
    name: "trace-header",
    form: "bytes",
    maxBytes: 128 * 1024,
    corpus: () => [Buffer.from(encodeTraces(new Map([["ab".repeat(32), TRACE]])))],
    decode: (bytes) => ok(decodeTraces(text.decode(bytes))),
    codes: [],
  },
];
