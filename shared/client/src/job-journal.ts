import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { SomaError } from "@soma/base";
import { z } from "zod";

const hex = z.string().regex(/^([0-9a-f]{2})*$/);
const submission = z.strictObject({ digest: hex, bytes: hex });

const FactSchema = z.strictObject({
  /** Sequence of the checkpoint that holds the leaf. */
  checkpoint: z.string(),
  /** BCS of `LeafProof`. */
  proof: hex,
});

const JournalSchema = z.strictObject({
  version: z.literal(1),
  genesis: hex,
  /** Seed of the key that signs the job's messages (GAME): kept here and nowhere else. */
  sessionSeed: hex,
  items: z.array(hex),
  /** Names for people: file names of the items, if they were files. */
  labels: z.array(z.string()),
  /** Saved light client, as of the last write. */
  light: hex.nullable(),
  payment: submission.nullable(),
  selection: submission.extend({ attempt: z.int() }).nullable(),
  bundle: submission.nullable(),
  facts: z.record(z.string(), FactSchema),
  /** BCS of `ReceiptLink` by checkpoint sequence. */
  links: z.record(z.string(), hex),
});
export type JournalState = z.output<typeof JournalSchema>;

/**
 * A job's memory on the client's disk: written before each message that must not be sent twice in two
 * versions, so that a client which was stopped goes on where it was.
 */
export class JobJournal {
  readonly path: string;
  state: JournalState;

  private constructor(path: string, state: JournalState) {
    this.path = path;
    this.state = state;
  }

  static create(
    path: string,
    job: { genesis: string; items: readonly Uint8Array[]; labels: readonly string[] },
  ): JobJournal {
    const journal = new JobJournal(path, {
      version: 1,
      genesis: job.genesis,
      sessionSeed: randomBytes(32).toString("hex"),
      items: job.items.map((item) => Buffer.from(item).toString("hex")),
      labels: [...job.labels],
      light: null,
      payment: null,
      selection: null,
      bundle: null,
      facts: {},
      links: {},
    });
    journal.save();
    return journal;
  }

  /** @throws SomaError JOURNAL_UNREADABLE */
  static open(path: string): JobJournal {
    try {
      return new JobJournal(path, JournalSchema.parse(JSON.parse(readFileSync(path, "utf8"))));
    } catch (cause) {
      throw new SomaError("JOURNAL_UNREADABLE", `${path} is not the journal of a job`, {}, { cause });
    }
  }

  /** Whole or not at all: a crash leaves the version before. */
  save(): void {
    mkdirSync(dirname(this.path), { recursive: true });
    const next = `${this.path}.next`;
    writeFileSync(next, JSON.stringify(this.state), { mode: 0o600, flush: true });
    renameSync(next, this.path);
  }
}
