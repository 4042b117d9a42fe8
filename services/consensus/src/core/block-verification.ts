import { err, ok, type Result } from "@soma/base";
import type { SignatureVerifier } from "@soma/crypto";
import {
  BLOCK_LIMITS,
  type BlockBody,
  blockDigest,
  blockSigningBytes,
  decodeSignedBlock,
  type EpochInfo,
} from "@soma/protocol";
import { genesisRefs } from "./epoch-context.ts";
import { CONSENSUS_RULES, type ConsensusRules } from "./rules.ts";
import { type Committee, committeeOf, type Support } from "./support.ts";
import type { VerifiedBlock } from "./verified-block.ts";

/** Names of the checks of CONS-2, in the order in which they are made. */
export type BlockFault =
  | "WrongEpoch"
  | "UnexpectedGenesis"
  | "InvalidAuthor"
  | "InvalidSignature"
  | "TooManyAncestors"
  | "InsufficientParents"
  | "InvalidAncestorPosition"
  | "InvalidAncestorRound"
  | "UnknownGenesis"
  | "DuplicateAncestorAuthor"
  | "TooManyTransactions"
  | "TransactionTooLarge"
  | "TransactionsTooLarge"
  | "TooManyCommitVotes"
  | "DuplicateCommitVote"
  | "InvalidVrfProofLength";

/** What a block is checked against; the signature check is a function, so that it runs in its place in the order. */
export interface BlockContext {
  readonly epoch: bigint;
  readonly committee: Committee;
  readonly support: () => Support;
  /** Digests of round 0 by author. */
  readonly genesis: readonly string[];
  readonly isSigned: (body: BlockBody) => boolean;
}

/** CONS-2: the first check that a block fails, or null. Looks at nothing but the block and the epoch's constants. */
export function verifyBlock(body: BlockBody, context: BlockContext): BlockFault | null {
  const size = context.committee.stakes.length;
  if (body.epoch !== context.epoch) return "WrongEpoch";
  if (body.round === 0) return "UnexpectedGenesis";
  if (body.author >= size) return "InvalidAuthor";
  if (!context.isSigned(body)) return "InvalidSignature";
  if (body.ancestors.length > size) return "TooManyAncestors";
  if (body.ancestors.length === 0) return "InsufficientParents";
  return ancestorFault(body, context) ?? limitFault(body);
}

function ancestorFault(body: BlockBody, context: BlockContext): BlockFault | null {
  const authors = new Set<number>();
  const parents = context.support();
  for (const [position, ancestor] of body.ancestors.entries()) {
    if (ancestor.author >= context.committee.stakes.length) return "InvalidAuthor";
    if ((ancestor.author === body.author) !== (position === 0)) return "InvalidAncestorPosition";
    if (ancestor.round >= body.round) return "InvalidAncestorRound";
    if (ancestor.round === 0 && ancestor.digest !== context.genesis[ancestor.author]) return "UnknownGenesis";
    if (authors.has(ancestor.author)) return "DuplicateAncestorAuthor";
    authors.add(ancestor.author);
    if (ancestor.round === body.round - 1) parents.add(ancestor.author);
  }
  return parents.stake >= context.committee.quorum ? null : "InsufficientParents";
}

function limitFault({ transactions, commitVotes, vrfProof }: BlockBody): BlockFault | null {
  if (transactions.length > BLOCK_LIMITS.transactions) return "TooManyTransactions";
  if (transactions.some(({ length }) => length > BLOCK_LIMITS.transactionBytes)) return "TransactionTooLarge";
  const total = transactions.reduce((sum, { length }) => sum + length, 0);
  if (total > BLOCK_LIMITS.totalTransactionBytes) return "TransactionsTooLarge";
  if (commitVotes.length > BLOCK_LIMITS.commitVotes) return "TooManyCommitVotes";
  if (new Set(commitVotes.map(({ index }) => index)).size < commitVotes.length) return "DuplicateCommitVote";
  return vrfProof.length === 0 || vrfProof.length === 80 ? null : "InvalidVrfProofLength";
}

/** Opens what peers send for one epoch: decodes, checks CONS-2 with the author's key, and names it by its bytes. */
export class BlockOpener {
  readonly #chainId: string;
  readonly #info: EpochInfo;
  readonly #verifier: Pick<SignatureVerifier, "ed25519">;
  readonly #committee: Committee;
  readonly #genesis: readonly string[];
  readonly #rules: Pick<ConsensusRules, "quorum" | "support">;

  constructor(
    chainId: string,
    info: EpochInfo,
    verifier: Pick<SignatureVerifier, "ed25519">,
    rules: Pick<ConsensusRules, "quorum" | "support"> = CONSENSUS_RULES,
  ) {
    this.#chainId = chainId;
    this.#info = info;
    this.#verifier = verifier;
    this.#committee = committeeOf(
      info.committee.map(({ stake }) => stake),
      rules.quorum,
    );
    this.#rules = rules;
    this.#genesis = genesisRefs(chainId, { info }).map(({ digest }) => digest);
  }

  /** Refuses with a code of the codec or with `CONSENSUS_BLOCK_<fault>`, the fault as in `BlockFault`. */
  open(bytes: Uint8Array): Result<VerifiedBlock> {
    const decoded = decodeSignedBlock(bytes);
    if (!decoded.ok) return decoded;
    const { body, signature } = decoded.value;
    const fault = verifyBlock(body, {
      epoch: this.#info.epoch,
      committee: this.#committee,
      support: () => this.#rules.support(this.#committee.stakes),
      genesis: this.#genesis,
      isSigned: () =>
        this.#verifier.ed25519(
          this.#info.committee[body.author]!.blockKey,
          blockSigningBytes(this.#chainId, body),
          signature,
        ),
    });
    if (fault !== null) return err(`CONSENSUS_BLOCK_${fault}`, `the block fails the check ${fault}`);
    return ok(nameBlock(this.#chainId, body, bytes));
  }
}

/** Decodes a block that a certified commit binds by its digest (CONS-9): nothing else is checked. */
export function decodeCertifiedBlock(chainId: string, bytes: Uint8Array): Result<VerifiedBlock> {
  const decoded = decodeSignedBlock(bytes);
  return decoded.ok ? ok(nameBlock(chainId, decoded.value.body, bytes)) : decoded;
}

function nameBlock(chainId: string, body: BlockBody, bytes: Uint8Array): VerifiedBlock {
  const { round, author } = body;
  return { ref: { round, author, digest: blockDigest(chainId, bytes) }, body, bytes };
}
