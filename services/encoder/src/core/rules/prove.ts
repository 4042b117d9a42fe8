import { compareBytes, fromHex } from "@soma/base";
import { bitmapOf, type EncoderId, evaluationSigningBytes } from "@soma/protocol";
import { jobSeed, tieKey } from "@soma/sampling";
import { rosterEntry } from "../context.ts";
import { chosenOf, type EncoderJob, type PartialSignature, seatsOf } from "../job.ts";
import { answeredWithin, type JobView, markPost, type Turn, turned } from "./turn.ts";

/** Commits that the last signatures are waited for: who is left out of the proof must post its own answer. */
const GATHER_COMMITS = 2n;

/**
 * GAME-8: with signatures of more than two thirds of the selected seats under our own evaluation, the encoders
 * send the final proof in the order of H(job seed, encoder): the first at once when all have signed and a little
 * later when not, each further one some commits later if the ledger shows none. A signature that spoils the sum is found and left out.
 */
export function proveInTurn(view: JobView, job: EncoderJob): Turn {
  if (job.phase !== "bundled" || job.evaluation === null || job.beacon === null) return turned(job);
  const agreeing = job.partials.filter((partial) => partial.evaluation === job.evaluation!.digest);
  if (!isQuorum(job, agreeing)) return turned(job);
  const ready = job.quorumAt === 0n ? { ...job, quorumAt: view.head } : job;
  const gathering = agreeing.length === job.chosen.length ? 0n : GATHER_COMMITS;
  const turn = answeredWithin(view.context.parameters);
  if (view.head < ready.quorumAt + gathering + placeOf(view, ready) * turn) return turned(ready);
  const marked = markPost(ready, view.head, "FinalProof");
  if (marked === null) return turned(ready);

  const message = evaluationSigningBytes(view.context.chainId, job.evaluation.result);
  const proof = combine(view, agreeing, message);
  if (proof !== null) return turned(marked, submission(job, agreeing, proof));
  const sound = agreeing.filter((partial) => verifies(view, partial, message));
  const bad = agreeing.filter((partial) => !sound.includes(partial)).map((partial) => partial.encoder);
  const cleaned: EncoderJob = {
    ...ready,
    partials: job.partials.filter((partial) => !bad.includes(partial.encoder)),
    badPartials: [...job.badPartials, ...bad],
  };
  if (!isQuorum(cleaned, sound)) return turned({ ...cleaned, quorumAt: 0n });
  const sum = combine(view, sound, message);
  if (sum === null) return turned(cleaned, { kind: "alarm", job: job.id, code: "PROOF_AGGREGATE" });
  return turned({ ...cleaned, posts: marked.posts }, submission(job, sound, sum));
}

function isQuorum(job: EncoderJob, partials: readonly PartialSignature[]): boolean {
  const signing = job.chosen.filter((entry) => partials.some(({ encoder }) => encoder === entry.encoder));
  return 3 * seatsOf(signing) > 2 * seatsOf(job.chosen);
}

function combine(
  view: JobView,
  partials: readonly PartialSignature[],
  message: Uint8Array,
): Uint8Array | null {
  const sum = view.context.signer.aggregate(partials.map((partial) => partial.blsSignature));
  if (sum === null) return null;
  const keys = partials.map((partial) => blsKey(view, partial.encoder));
  return view.context.verifier.bls(keys, message, sum) ? sum : null;
}

function verifies(view: JobView, partial: PartialSignature, message: Uint8Array): boolean {
  return view.context.verifier.bls([blsKey(view, partial.encoder)], message, partial.blsSignature);
}

function blsKey(view: JobView, encoder: EncoderId): Uint8Array {
  return rosterEntry(view.epoch, encoder)?.blsKey ?? new Uint8Array();
}

function submission(job: EncoderJob, partials: readonly PartialSignature[], aggregateSignature: Uint8Array) {
  const indices = partials.map(({ encoder }) => job.chosen.indexOf(chosenOf(job, encoder)!));
  return {
    kind: "submit-final-proof",
    job: job.id,
    result: job.evaluation!.result,
    signers: bitmapOf(indices, job.chosen.length),
    aggregateSignature,
  } as const;
}

/** This encoder's place in the order in which the chosen ones send the proof. */
function placeOf(view: JobView, job: EncoderJob): bigint {
  const { chainId, encoder } = view.context;
  const seed = jobSeed(chainId, fromHex(job.beacon!), fromHex(job.id));
  const key = (id: EncoderId) => tieKey(chainId, seed, fromHex(id));
  const own = key(encoder);
  return BigInt(job.chosen.filter((entry) => compareBytes(key(entry.encoder), own) < 0).length);
}
