import { SomaError } from "@soma/base";
import type { Payload, SearchPool } from "@soma/contracts";

type Filter = NonNullable<Payload<typeof SearchPool>["filter"]>;

/** Modalities by the names that people give them. */
const MODALITIES: Readonly<Record<string, number>> = { text: 0 };

/**
 * Reads filters such as `modality=text`, `epoch=3`, `epoch=3..9`, `epoch=3..`, `submitter=<address>`; null of none.
 * @throws SomaError CLI_FILTER
 */
export function parseFilter(words: readonly string[]): Filter | null {
  if (words.length === 0) return null;
  const filter: Filter = { modality: null, submitter: null, fromEpoch: null, toEpoch: null };
  for (const word of words) {
    const [, fact, value] = /^([a-z]+)=(.+)$/.exec(word) ?? [];
    if (fact === "modality" && value !== undefined) filter.modality = modalityOf(value);
    else if (fact === "submitter" && /^[0-9a-f]{64}$/.test(value ?? "")) filter.submitter = value!;
    else if (fact === "epoch" && value !== undefined) Object.assign(filter, epochsOf(value));
    else {
      throw new SomaError(
        "CLI_FILTER",
        `${word} is no filter; give modality=text, epoch=3..9 or submitter=<address of 64 hex digits>`,
      );
    }
  }
  return filter;
}

function modalityOf(value: string): number {
  const known = MODALITIES[value] ?? (/^[0-9]{1,3}$/.test(value) ? Number(value) : Number.NaN);
  if (known >= 0 && known <= 255) return known;
  throw new SomaError(
    "CLI_FILTER",
    `${value} is no modality; give ${Object.keys(MODALITIES).join(", ")} or 0..255`,
  );
}

function epochsOf(value: string): Pick<Filter, "fromEpoch" | "toEpoch"> {
  const [, from, range, to] = /^([0-9]{0,18})(\.\.)?([0-9]{0,18})$/.exec(value) ?? [];
  const hasEnds = from !== "" || to !== "";
  if (from === undefined || !hasEnds || (range === undefined && from === "")) {
    throw new SomaError("CLI_FILTER", `${value} is no range of epochs; give 3, 3..9, 3.. or ..9`);
  }
  const last = range === undefined ? from : to;
  return {
    fromEpoch: from === "" ? null : BigInt(from),
    toEpoch: last === undefined || last === "" ? null : BigInt(last),
  };
}
