import { existsSync, readFileSync } from "node:fs";
import { SomaError } from "@soma/base";
import { registry } from "@soma/contracts";
import { Tap } from "@soma/runtime";
import { Telemetry } from "@soma/telemetry";
import { type Command, Option } from "commander";
import { devnetFile } from "../connection.ts";
import { jsonLine, parseCount, write } from "../output.ts";
import { chooseMessages } from "../tap/choose-messages.ts";
import { messageJson, messageText } from "../tap/message-line.ts";
import { columns, errorColours } from "../terminal.ts";

interface Flags {
  readonly nats?: string[];
  readonly credentials?: string;
  readonly network?: string;
  readonly name: readonly string[];
  readonly requests?: boolean;
  readonly count?: number;
  readonly full?: boolean;
  readonly json?: boolean;
}

/** How often a reader that is too slow is told of what it missed. */
const TELL_EVERY_MS = 2_000;

export function addTapCommand(program: Command): void {
  program
    .command("tap")
    .description("Show the messages between the services of an operator as they pass, decoded.")
    .argument("[operator]", "operator of the devnet of this folder, such as v0 or e3")
    .argument("[filter...]", "messages: a name, the beginning of one, or a pattern with *")
    .addOption(new Option("--nats <url...>", "the operator's NATS servers").env("SOMA_NATS_URL"))
    .addOption(
      new Option("--credentials <file>", "NATS .creds file of the user tap").env("SOMA_NATS_CREDENTIALS"),
    )
    .addOption(new Option("--network <name>", "the network's chain id").env("SOMA_NETWORK"))
    .addOption(
      new Option("--name <message>", "only this message; may be given again")
        .argParser((name: string, names: readonly string[]) => [...names, name])
        .default([], "all"),
    )
    .option("--requests", "requests too; while tapped, who asks is not told that nobody responds")
    .option("--count <n>", "end after so many messages", parseCount)
    .option("--full", "whole bodies, bytes as hex")
    .option("--json", "print a JSON object a message")
    .addHelpText(
      "after",
      `
It reads and sends nothing: no service waits for it, and what a slow terminal
cannot take is dropped and counted. Answers to requests go to private inboxes
and are not seen. Without an operator the devnet's first is meant.

Examples:
  soma tap v0
  soma tap v0 state 'peering.*'
  soma tap e3 --name encoder.inference-requested --full --count 1
  soma tap v1 --json --count 100 > messages.ndjson
  soma tap --nats tls://nats.example:4222 --credentials tap.creds \\
    --network soma-main consensus`,
    )
    .action(async (operator: string | undefined, filters: string[], flags: Flags) => {
      await runTap(operator, filters, flags);
    });
}

async function runTap(first: string | undefined, rest: readonly string[], flags: Flags): Promise<void> {
  const { bus, filters } = whereTo(first === undefined ? rest : [first, ...rest], flags);
  const messages = chooseMessages(registry.messages(), [...filters, ...flags.name], {
    requests: flags.requests === true,
  });
  const { credentials } = bus;
  const tap = await Tap.open({
    servers: bus.servers,
    network: bus.network,
    messages,
    telemetry: Telemetry.silent("tap"),
    ...(credentials === undefined
      ? {}
      : { credentials: { kind: "creds" as const, read: () => readFileSync(credentials) } }),
  });
  const stop = () => void tap.close();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);
  const kinds = messages.length === 1 ? messages[0]!.name : `${messages.length} kinds of messages`;
  say(`${kinds} at ${bus.servers.join(", ")}; Ctrl-C ends`);
  const losses = new Losses(tap);
  const telling = setInterval(() => losses.tell(), TELL_EVERY_MS);
  let shown = 0;
  try {
    for await (const message of tap.messages()) {
      if (flags.json) await write(jsonLine(messageJson(message, flags.full === true)));
      else await write(`${messageText(message, { full: flags.full === true, columns: columns() })}\n`);
      shown += 1;
      if (shown === flags.count) break;
    }
  } finally {
    clearInterval(telling);
    losses.tell();
    await tap.close();
  }
  say(shown === 1 ? "1 message shown" : `${shown} messages shown`);
}

/** The bus and the filters: the first word names an operator if the devnet has one of that name. */
function whereTo(words: readonly string[], flags: Flags) {
  if (flags.nats !== undefined) {
    if (flags.network === undefined) {
      throw new SomaError("CLI_OPTION", "give --network <name>: it stands in every subject");
    }
    const servers = flags.nats.flatMap((entry) => entry.split(",")).filter((url) => url !== "");
    return { bus: { servers, network: flags.network, credentials: flags.credentials }, filters: words };
  }
  const devnet = devnetFile();
  const operators = devnet?.operators ?? [];
  if (devnet?.network === undefined || operators.length === 0) {
    throw new SomaError(
      "CLI_OPTION",
      "give --nats <url> with --credentials and --network, or start a network here with: soma devnet",
    );
  }
  const named = operators.find(({ name }) => name === words[0]);
  if (named === undefined && /^[a-z][0-9]+$/.test(words[0] ?? "")) {
    const names = operators.map(({ name }) => name).join(", ");
    throw new SomaError("CLI_OPERATOR", `the devnet has no operator ${words[0]}; there are: ${names}`);
  }
  const { natsUrl, tapCredentials } = named ?? operators[0]!;
  if (!existsSync(tapCredentials)) {
    throw new SomaError("CLI_TAP_CREDENTIALS", `${tapCredentials} is missing; start the devnet again`);
  }
  return {
    bus: { servers: [natsUrl], network: devnet.network, credentials: tapCredentials },
    filters: named === undefined ? words : words.slice(1),
  };
}

/** Tells what is missing, each loss once. */
class Losses {
  readonly #tap: Tap;
  #dropped = 0;
  #interruptions = 0;
  readonly #named = new Set<string>();

  constructor(tap: Tap) {
    this.#tap = tap;
  }

  tell(): void {
    const { dropped, interruptions, refused, absentStreams } = this.#tap;
    if (dropped > this.#dropped)
      warn(`${dropped} messages dropped so far: they come faster than they are shown`);
    if (interruptions > this.#interruptions)
      warn("the connection was lost; what passed meanwhile is missing");
    this.#dropped = dropped;
    this.#interruptions = interruptions;
    for (const name of refused) this.#once(name, `these credentials may not read ${name}`);
    for (const name of absentStreams) this.#once(name, `stream ${name} does not exist yet; it is looked for`);
  }

  #once(name: string, text: string): void {
    if (this.#named.has(name)) return;
    this.#named.add(name);
    warn(text);
  }
}

function say(text: string): void {
  process.stderr.write(`${errorColours.dim(text)}\n`);
}

function warn(text: string): void {
  process.stderr.write(`${errorColours.yellow(text)}\n`);
}
