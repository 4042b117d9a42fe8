import pc from "picocolors";

/** Widest line for a person where the output is no terminal. */
const COLUMNS = 80;

/** What stands before `--` is the command's own. */
function ownArguments(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf("--");
  return end === -1 ? argv : argv.slice(0, end);
}

/** Nothing coloured, nothing redrawn: `--plain`, `--no-color`, NO_COLOR (no-color.org), or a dumb terminal. */
export function isPlain(argv: readonly string[], env: NodeJS.ProcessEnv): boolean {
  const own = ownArguments(argv);
  return (
    own.includes("--plain") ||
    own.includes("--no-color") ||
    (env["NO_COLOR"] ?? "") !== "" ||
    env["TERM"] === "dumb"
  );
}

/** Colours only where a person looks; FORCE_COLOR is for pagers that understand them. */
export function isColoured(argv: readonly string[], env: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  return !isPlain(argv, env) && (isTerminal || (env["FORCE_COLOR"] ?? "") !== "");
}

function palette(stream: NodeJS.WriteStream) {
  return pc.createColors(isColoured(process.argv, process.env, stream.isTTY === true));
}

/** Colours for standard output. */
export const colours = palette(process.stdout);
/** Colours for standard error. */
export const errorColours = palette(process.stderr);

/** Whether the screen may be cleared and written again. */
export const redraws = process.stdout.isTTY === true && !isPlain(process.argv, process.env);

/** Characters that fit on a line of standard output. */
export function columns(): number {
  return Math.max(40, process.stdout.columns ?? COLUMNS);
}
