import { readFileSync } from "node:fs";
import { SomaError } from "@soma/base";
import type { Payload, SearchPool } from "@soma/contracts";
import type { Command } from "commander";
import { z } from "zod";
import { connect, libraryOf, withConnection } from "../connection.ts";
import type { Library } from "../library.ts";
import { embedTexts } from "../pool/embed-texts.ts";
import { type ListingFlags, listingOf, printHits, withListing } from "../pool/listing.ts";
import { pointsOf } from "../pool/points.ts";

type Flags = ListingFlags & { readonly byId?: string; readonly vector?: string };
type Query = Partial<Payload<typeof SearchPool>>;

const VectorSchema = z.array(z.int().min(-32767).max(32767)).min(1).max(2048);

export function addSearchCommand(program: Command): void {
  withConnection(withListing(program.command("search")))
    .description(
      "Find what the network has embedded nearest to a text, an item or a vector. A text is embedded by a job of " +
        "its own, which is paid.",
    )
    .argument("[text]", "what to look for, in words")
    .option("--by-id <item>", "instead of a text: a recorded item, as <job>:<n> or its label")
    .option("--vector <file>", "instead of a text: a JSON list of int16 components, - for stdin")
    .addHelpText(
      "after",
      `
Examples:
  soma search "a musical instrument with strings"
  soma search --by-id music-violin.txt --limit 3
  soma search --vector query.json --dimensions 64 --json
  soma search "a storm at sea" --filter epoch=3.. --filter modality=text`,
    )
    .action(async (text: string | undefined, flags: Flags) => {
      const library = libraryOf(flags.out);
      const listing = listingOf(flags);
      const client = await connect(flags);
      const given = [text, flags.byId, flags.vector].filter((one) => one !== undefined);
      if (given.length !== 1) throw new SomaError("CLI_OPTION", "give either a text, --by-id or --vector");
      const json = flags.json === true;
      if (text !== undefined) {
        const { job, vectors } = await embedTexts([text], { library, flags, quiet: json });
        const query = { ...listing, vector: [...vectors[0]!] };
        // The text's own item is recorded too, and nearest to itself.
        const more = await client.search({ ...query, limit: listing.limit + 1 });
        const others = more.hits.filter((hit) => hit.job !== job);
        const found = others.length > listing.limit ? await client.search(query) : { ...more, hits: others };
        printHits({ query: text }, found, { library, json });
        return;
      }
      const query =
        flags.byId === undefined ? { vector: readVector(flags.vector!) } : byId(flags.byId, library);
      const found = await client.search({ ...listing, ...query });
      printHits({}, found, { library, json });
    });
}

function byId(name: string, library: Library): Query {
  const point = pointsOf([name], library)[0]!;
  return "job" in point ? { near: point } : { vector: point.vector };
}

/** @throws SomaError CLI_VECTOR */
function readVector(path: string): number[] {
  const text = readFileSync(path === "-" ? 0 : path, "utf8");
  try {
    return VectorSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new SomaError(
      "CLI_VECTOR",
      `${path} holds no vector; a JSON list of 1 to 2048 whole numbers within +-32767 is expected`,
      {},
      { cause },
    );
  }
}
