import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SomaError } from "@soma/base";
import { GatewayClient } from "@soma/client";
import { type AccountKey, accountOfKeyFile, loadGenesis, loadKeyFile } from "@soma/identity";
import type { Genesis } from "@soma/protocol";
import { type Command, Option } from "commander";
import { z } from "zod";
import { Library } from "./library.ts";

/** What `soma devnet` leaves for other commands, so that on a laptop they need no options. */
const DevnetFileSchema = z.object({
  gateways: z.array(z.string()).min(1),
  genesis: z.string(),
  wallet: z.string(),
  /** The chain id, which stands in every subject. */
  network: z.string().optional(),
  operators: z
    .array(z.object({ name: z.string(), id: z.string(), natsUrl: z.string(), tapCredentials: z.string() }))
    .optional(),
});
export type DevnetFile = z.output<typeof DevnetFileSchema>;
export const DEVNET_FOLDER = ".devnet";
export const DEVNET_FILE = "devnet.json";

export interface ConnectionFlags {
  readonly gateway?: string[];
  readonly genesis?: string;
  readonly key?: string;
}

/** Adds the options of commands that read a network. */
export function withNetwork(command: Command): Command {
  return command
    .addOption(
      new Option("-g, --gateway <url...>", "gateways to ask, the preferred first").env("SOMA_GATEWAYS"),
    )
    .addOption(new Option("--genesis <file>", "the network's genesis file").env("SOMA_GENESIS"));
}

/** Adds the options of commands that also sign. */
export function withConnection(command: Command): Command {
  return withNetwork(command).addOption(
    new Option(
      "-k, --key <file>",
      "key file that signs and pays: an account's, or an operator's for the operator's account",
    ).env("SOMA_KEY_FILE"),
  );
}

/** The devnet of this folder, if one was started here. */
export function devnetFile(): DevnetFile | undefined {
  const path = join(process.env["SOMA_DEVNET"] ?? DEVNET_FOLDER, DEVNET_FILE);
  if (!existsSync(path)) return undefined;
  const parsed = DevnetFileSchema.safeParse(JSON.parse(readFileSync(path, "utf8")));
  return parsed.success ? parsed.data : undefined;
}

function required(value: string | undefined, option: string): string {
  if (value === undefined) {
    throw new SomaError("CLI_OPTION", `give ${option}, or start a network here with: soma devnet`);
  }
  return value;
}

/** The gateways that the options (or the devnet of this folder) name. */
export function gatewaysOf(flags: ConnectionFlags): readonly string[] {
  const given = flags.gateway?.flatMap((entry) => entry.split(",")).filter((url) => url !== "");
  const gateways = given !== undefined && given.length > 0 ? given : devnetFile()?.gateways;
  if (gateways === undefined) required(undefined, "--gateway <url>");
  const bad = gateways!.find((url) => !/^https?:$/.test(URL.parse(url)?.protocol ?? ""));
  if (bad !== undefined)
    throw new SomaError("CLI_OPTION", `${bad} is not a gateway's URL, such as http://127.0.0.1:4702`);
  return gateways!;
}

/** A client of those gateways, one of which has answered. @throws SomaError GATEWAY_UNREACHABLE */
export async function connect(flags: ConnectionFlags): Promise<GatewayClient> {
  const gateways = gatewaysOf(flags);
  // All at once and once each: what is not there is said at once, and not after rounds of further attempts.
  const answers = gateways.map((gateway) => new GatewayClient({ gateways: [gateway], retries: 0 }).head());
  const isSilent = (error: unknown) => error instanceof SomaError && error.code === "GATEWAY_UNREACHABLE";
  await Promise.any(
    answers.map((answer) => answer.catch((error) => isSilent(error) && Promise.reject(error))),
  ).catch(() => {
    throw new SomaError(
      "GATEWAY_UNREACHABLE",
      `no gateway answers at ${gateways.join(", ")}; start a network here with npm start or soma devnet, or give another's gateway: -g <url>`,
    );
  });
  return new GatewayClient({ gateways });
}

/** Where `soma devnet --demo` leaves its results, in the devnet's folder. */
export const DEMO_FOLDER = "demo";

/** The results in a folder, and those of the demo of this folder's devnet to look texts up in. */
export function libraryOf(folder: string): Library {
  return new Library(folder, [join(process.env["SOMA_DEVNET"] ?? DEVNET_FOLDER, DEMO_FOLDER)]);
}

export function genesisOf(flags: ConnectionFlags): Genesis {
  return loadGenesis(genesisPathOf(flags));
}

export function genesisPathOf(flags: ConnectionFlags): string {
  return required(flags.genesis ?? devnetFile()?.genesis, "--genesis <file>");
}

/** The genesis if the options or the devnet of this folder name one. */
export function knownGenesis(flags: ConnectionFlags): Genesis | undefined {
  const path = flags.genesis ?? devnetFile()?.genesis;
  return path === undefined ? undefined : loadGenesis(path);
}

export function accountOf(flags: ConnectionFlags): AccountKey {
  const path = required(flags.key ?? devnetFile()?.wallet, "--key <file>");
  return accountOfKeyFile(loadKeyFile(path));
}
