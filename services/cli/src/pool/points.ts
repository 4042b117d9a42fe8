import { SomaError } from "@soma/base";
import type { PoolPoint } from "@soma/contracts";
import type { Library } from "../library.ts";

/**
 * Items as people name them: `<job>:<item>`, or the label that `soma encode` gave to a text in the results folder.
 * @throws SomaError CLI_ITEM for what is neither, or a label that several jobs have
 */
export function pointsOf(names: readonly string[], library: Library): PoolPoint[] {
  let known: Map<string, PoolPoint[]> | undefined;
  return names.map((name) => {
    const [, job, item] = /^([0-9a-f]{64}):([0-9]{1,9})$/.exec(name) ?? [];
    if (job !== undefined && item !== undefined) return { job, item: Number(item) };
    known ??= labelled(library);
    const found = known.get(name) ?? [];
    if (found.length === 1) return found[0]!;
    throw new SomaError(
      "CLI_ITEM",
      found.length === 0
        ? `nothing in ${library.folder} is labelled ${name}; give a label of soma encode, or <job>:<item>`
        : `${found.length} jobs in ${library.folder} have a text labelled ${name}; give <job>:<item>`,
    );
  });
}

function labelled(library: Library): Map<string, PoolPoint[]> {
  const known = new Map<string, PoolPoint[]>();
  for (const { job, items } of library.all().values()) {
    for (const [item, { label }] of items.entries()) {
      known.set(label, [...(known.get(label) ?? []), { job, item }]);
    }
  }
  return known;
}
