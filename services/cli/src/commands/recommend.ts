import type { Command } from "commander";
import { connect, libraryOf, withConnection } from "../connection.ts";
import { type ListingFlags, listingOf, printHits, withListing } from "../pool/listing.ts";
import { pointsOf } from "../pool/points.ts";

type Flags = ListingFlags & { readonly like: string[]; readonly unlike?: string[] };

export function addRecommendCommand(program: Command): void {
  withConnection(withListing(program.command("recommend")))
    .description("Find what is like some recorded items and unlike others.")
    .requiredOption("-l, --like <item...>", "recorded items, as <job>:<n> or their labels; at most 32")
    .option("-u, --unlike <item...>", "recorded items to stay away from; at most 32")
    .addHelpText(
      "after",
      `
Examples:
  soma recommend --like animals-owl.txt animals-wolf.txt
  soma recommend --like sea-ship.txt --unlike sea-fishing.txt --json`,
    )
    .action(async (flags: Flags) => {
      const library = libraryOf(flags.out);
      const found = await (await connect(flags)).recommend({
        ...listingOf(flags),
        positive: pointsOf(flags.like, library),
        negative: pointsOf(flags.unlike ?? [], library),
      });
      printHits({}, found, { library, json: flags.json === true });
    });
}
