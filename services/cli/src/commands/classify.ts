import { SomaError } from "@soma/base";
import type { PoolPoint } from "@soma/contracts";
import type { Command } from "commander";
import { type ConnectionFlags, connect, libraryOf, withConnection } from "../connection.ts";
import type { Library } from "../library.ts";
import { printJson, printLine } from "../output.ts";
import { embedTexts } from "../pool/embed-texts.ts";
import { pointsOf } from "../pool/points.ts";

interface Flags extends ConnectionFlags {
  readonly out: string;
  readonly label?: string[];
  readonly zeroShot?: string[];
  readonly text?: boolean;
  readonly json?: boolean;
}

interface Label {
  readonly label: string;
  readonly examples: PoolPoint[];
}

export function addClassifyCommand(program: Command): void {
  withConnection(program.command("classify"))
    .description(
      "Say which label items are nearest to: by examples of each label, or by the labels' own texts. Texts are " +
        "embedded by one job, which is paid.",
    )
    .argument("<items...>", "recorded items, as <job>:<n> or their labels; texts with --text")
    .option("-l, --label <name=items...>", "a label and examples of it, between commas; at most 64")
    .option("-z, --zero-shot <text...>", "labels by what they say, without examples")
    .option("-t, --text", "the arguments are texts to embed")
    .option("-o, --out <folder>", "results of soma encode, where labels are found", "soma-results")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Examples:
  soma classify sea-tide.txt --label sea=sea-ship.txt,sea-sailor.txt \\
    --label law=law-trial.txt,law-theft.txt
  soma classify --text "the bird hoots at night" \\
    --zero-shot "wild animals" "cooking food"`,
    )
    .action(async (items: string[], flags: Flags) => {
      const library = libraryOf(flags.out);
      const named = (flags.label ?? []).map((word) => labelOf(word, library));
      const shots = flags.zeroShot ?? [];
      if (named.length + shots.length < 2) {
        throw new SomaError("CLI_OPTION", "give at least two labels, by --label or --zero-shot");
      }
      const texts = [...shots, ...(flags.text === true ? items : [])];
      const { vectors } =
        texts.length === 0
          ? { vectors: [] }
          : await embedTexts(texts, { library, flags, quiet: flags.json === true });
      const points = vectors.map((vector) => ({ vector: [...vector] }));
      const labels = [...named, ...shots.map((label, i): Label => ({ label, examples: [points[i]!] }))];
      const found = await (await connect(flags)).classify({
        labels,
        items: flags.text === true ? points.slice(shots.length) : pointsOf(items, library),
      });
      const answers = found.items.map((answer, i) => ({ item: items[i]!, ...answer }));
      if (flags.json === true) printJson({ items: answers });
      else for (const answer of answers) printAnswer(answer);
    });
}

function labelOf(word: string, library: Library): Label {
  const at = word.indexOf("=");
  const examples = word
    .slice(at + 1)
    .split(",")
    .filter((name) => name !== "");
  if (at < 1 || examples.length === 0) {
    throw new SomaError("CLI_LABEL", `${word} is no label with examples; give name=item,item`);
  }
  return { label: word.slice(0, at), examples: pointsOf(examples, library) };
}

function printAnswer({
  item,
  labels,
}: {
  item: string;
  labels: { label: string; similarity: number }[];
}): void {
  const [best, ...others] = labels;
  if (best === undefined) {
    printLine(`${item}: has no direction, so no label`);
    return;
  }
  const rest = others.map(({ label, similarity }) => `${label} ${similarity.toFixed(3)}`).join(", ");
  printLine(`${best.label}  ${best.similarity.toFixed(3)}  ${item}`);
  if (rest !== "") printLine(`       then ${rest}`);
}
