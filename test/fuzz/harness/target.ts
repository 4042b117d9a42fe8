import type { Result } from "@soma/base";

/** A decoder that faces a peer or a client, and what it must hold to for any bytes. */
export interface FuzzTarget {
  /** Kebab-case; also the folder of its fixtures. */
  readonly name: string;
  /** The largest input that is tried: what its caller lets through, and a little more. */
  readonly maxBytes: number;
  /** Valid inputs, from which others are made. All of them must be taken. */
  readonly corpus: () => readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
  /** `json` changes the value behind the text as well as the bytes. */
  readonly form: "bytes" | "json";
  /** Never throws, whatever the bytes. */
  readonly decode: (bytes: Uint8Array) => Result<unknown> | Promise<Result<unknown>>;
  /** Codes of its refusals. */
  readonly codes: readonly string[];
  /** Where the protocol demands one form: what was taken encodes to the bytes that it came from. */
  readonly encode?: (value: never) => Uint8Array;
  /** Share of the usual number of inputs, for what is slow by nature; default 1. */
  readonly share?: number;
}

/** CPU time of one input, milliseconds: so much, and so much for a million bytes. Quadratic work is far beyond. */
const CPU_MS = 250;
const CPU_MS_PER_MEGABYTE = 2_000;
/** Objects and values of what was decoded: so many, and so many a byte. */
const NODES = 256;
const NODES_PER_BYTE = 4;

/** What is wrong with the target's answer to these bytes, or undefined. */
export async function judge(target: FuzzTarget, bytes: Uint8Array): Promise<string | undefined> {
  const given = bytes.slice();
  const began = process.threadCpuUsage();
  const answer = await answerOf(target, given);
  if (typeof answer === "string") return answer;
  const used = process.threadCpuUsage(began);
  const cpuMs = (used.user + used.system) / 1000;
  const mostMs = CPU_MS + (bytes.length / 1_000_000) * CPU_MS_PER_MEGABYTE;
  if (cpuMs > mostMs) return `${bytes.length} bytes took ${Math.round(cpuMs)} ms of CPU, not ${mostMs}`;
  if (!same(given, bytes)) return "the decoder changed its input";

  const elsewhere = await answerOf(target, amongOthers(bytes));
  if (typeof elsewhere === "string") return `in a larger buffer: ${elsewhere}`;
  if (answer.ok !== elsewhere.ok || (!answer.ok && !elsewhere.ok && answer.code !== elsewhere.code))
    return `in a larger buffer the answer is ${nameOf(elsewhere)}, alone ${nameOf(answer)}`;
  if (!answer.ok) {
    const isKnown = target.codes.includes(answer.code);
    return isKnown ? undefined : `refused with ${answer.code}, which is no code of this target`;
  }
  const most = NODES + NODES_PER_BYTE * bytes.length;
  if (!hasAtMost(answer.value, most)) return `${bytes.length} bytes became more than ${most} values`;
  if (target.encode === undefined) return undefined;
  return same(target.encode(answer.value as never), bytes) ? undefined : "taken, and encodes to other bytes";
}

async function answerOf(target: FuzzTarget, bytes: Uint8Array): Promise<Result<unknown> | string> {
  try {
    const answer: unknown = await target.decode(bytes);
    return isResult(answer) ? answer : "no Result was returned";
  } catch (error) {
    return `it threw: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
}

function isResult(answer: unknown): answer is Result<unknown> {
  if (typeof answer !== "object" || answer === null || !("ok" in answer)) return false;
  return answer.ok === true || ("code" in answer && typeof answer.code === "string");
}

function nameOf(answer: Result<unknown>): string {
  return answer.ok ? "taken" : answer.code;
}

/** The bytes as a view of a larger buffer, as they come from a socket. */
function amongOthers(bytes: Uint8Array): Uint8Array {
  const around = 64;
  const larger = new Uint8Array(bytes.length + 2 * around).fill(0x01);
  larger.set(bytes, around);
  return larger.subarray(around, around + bytes.length);
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** Whether a value is made of at most so many parts; stops counting beyond. */
function hasAtMost(value: unknown, most: number): boolean {
  const queue = [value];
  for (let i = 0; i < queue.length; i++) {
    if (queue.length > most) return false;
    const part = queue[i];
    if (typeof part !== "object" || part === null || ArrayBuffer.isView(part)) continue;
    if (part instanceof Map) for (const entry of part) queue.push(...entry);
    else for (const child of Object.values(part)) queue.push(child);
  }
  return queue.length <= most;
}
