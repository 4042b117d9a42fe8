import { SomaError } from "@soma/base";
import type { Payload, Reply, SearchPool } from "@soma/contracts";
import { type Command, Option } from "commander";
import type { ConnectionFlags } from "../connection.ts";
import type { Library } from "../library.ts";
import { printJson, printLine, short } from "../output.ts";
import { parseFilter } from "./filter.ts";

export interface ListingFlags extends ConnectionFlags {
  readonly out: string;
  readonly limit: string;
  readonly filter?: string[];
  readonly dimensions?: string;
  readonly exact?: boolean;
  readonly cursor?: string;
  readonly json?: boolean;
}

type Listing = Pick<Payload<typeof SearchPool>, "filter" | "dimensions" | "exact" | "limit" | "cursor">;

/** Options of commands that list hits. */
export function withListing(command: Command): Command {
  return command
    .option("-o, --out <folder>", "results of soma encode, to show texts by", "soma-results")
    .option("-n, --limit <hits>", "number of hits, 1 to 99", "5")
    .addOption(
      new Option("-f, --filter <fact...>", "only these: modality=text, epoch=3..9, submitter=<address>"),
    )
    .option("-d, --dimensions <count>", "compare the leading dimensions alone")
    .option("--exact", "look at every vector, even where an index could propose")
    .option("--cursor <text>", "go on after the page that gave it")
    .option("--json", "print JSON");
}

/** @throws SomaError CLI_OPTION, CLI_FILTER */
export function listingOf(flags: ListingFlags): Listing {
  return {
    filter: parseFilter(flags.filter ?? []),
    dimensions: flags.dimensions === undefined ? null : whole("--dimensions", flags.dimensions, 1, 2048),
    exact: flags.exact === true,
    limit: whole("--limit", flags.limit, 1, 99),
    cursor: flags.cursor ?? null,
  };
}

function whole(option: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && value >= low && value <= high) return value;
  throw new SomaError("CLI_OPTION", `${option} takes a whole number from ${low} to ${high}, not ${text}`);
}

/** Prints hits with the texts that the results folder knows. */
export function printHits(
  asked: object,
  found: Reply<typeof SearchPool>,
  { library, json }: { library: Library; json: boolean },
): void {
  const known = library.all();
  const hits = found.hits.map((hit) => {
    const item = known.get(hit.job)?.items[hit.item];
    return item === undefined ? hit : { ...hit, label: item.label, text: item.text };
  });
  if (json) {
    printJson({ ...asked, total: found.total, exact: found.exact, hits, cursor: found.cursor });
    return;
  }
  for (const hit of hits) {
    const name = "label" in hit ? hit.label : `job ${short(hit.job)} item ${hit.item}`;
    printLine(`${hit.similarity.toFixed(3)}  ${name}`);
    if ("text" in hit) printLine(`       ${hit.text.replace(/\s+/g, " ").slice(0, 100)}`);
  }
  if (hits.length === 0) printLine("nothing that fits is in the pool yet");
  if (found.cursor !== null) printLine(`more: --cursor ${found.cursor}`);
}
