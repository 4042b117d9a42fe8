import type { Command } from "commander";
import { accountOf, type ConnectionFlags, clientOf, genesisOf, withConnection } from "../connection.ts";
import { encodeBatch } from "../encode-job.ts";
import { Library } from "../library.ts";
import { printJson, printLine, short } from "../output.ts";

type Flags = ConnectionFlags & { out: string; limit: string; json?: boolean };

export function addSearchCommand(program: Command): void {
  withConnection(program.command("search"))
    .description(
      "Find what the network has embedded nearest to a text. The query is a job of its own, and is paid.",
    )
    .argument("<text>", "what to look for, in words")
    .option("-o, --out <folder>", "results of soma encode, to show texts by", "soma-results")
    .option("-n, --limit <hits>", "number of hits", "5")
    .option("--json", "print JSON")
    .addHelpText("after", '\nExample:\n  soma search "a musical instrument with strings"')
    .action(async (text: string, flags: Flags) => {
      const library = new Library(flags.out);
      const client = clientOf(flags);
      const query = { label: "query", bytes: Buffer.from(text.trim(), "utf8") };
      const { result } = await encodeBatch(library, [query], {
        client,
        genesis: genesisOf(flags),
        account: accountOf(flags),
        onProgress: ({ stage, text: said }) =>
          flags.json || process.stderr.write(`${stage.padEnd(9)} ${said}\n`),
      });
      const limit = Math.min(99, Math.max(1, Number.parseInt(flags.limit, 10) || 5));
      // One more than asked for: the query itself is recorded, and nearest to itself.
      const found = await client.search({
        vector: null,
        near: { job: result.job, item: 0 },
        limit: limit + 1,
      });
      const known = library.all();
      const hits = found.hits
        .filter((hit) => hit.job !== result.job)
        .slice(0, limit)
        .map((hit) => ({ ...hit, ...labelOf(known.get(hit.job)?.items[hit.item]) }));
      if (flags.json) {
        printJson({ query: text, total: found.total, hits });
        return;
      }
      for (const hit of hits) {
        printLine(`${hit.similarity.toFixed(3)}  ${hit.label ?? `job ${short(hit.job)} item ${hit.item}`}`);
        if (hit.text !== undefined) printLine(`       ${hit.text.replace(/\s+/g, " ").slice(0, 100)}`);
      }
      if (hits.length === 0) printLine("nothing else is in the pool yet");
    });
}

function labelOf(item: { label: string; text: string } | undefined): { label?: string; text?: string } {
  return item === undefined ? {} : { label: item.label, text: item.text };
}
