import { existsSync, readFileSync } from "node:fs";
import { fromHex, SomaError } from "@soma/base";
import { decodeExact } from "@soma/codec";
import { DraftOverride, StateStatus, SubmitOverride } from "@soma/contracts";
import { loadKeyFile, ValidatorKeys } from "@soma/identity";
import {
  encodeSignedOverride,
  MAX_OVERRIDE_BYTES,
  type Override,
  OverrideCodec,
  overrideDigest,
  overrideSigningBytes,
} from "@soma/protocol";
import type { Command } from "commander";
import { z } from "zod";
import { printJson, printLine } from "../output.ts";
import { overrideJson, overrideText } from "../override/describe.ts";
import { askOperator, type OperatorFlags, withOperatorBus } from "../override/operator-bus.ts";
import {
  combine,
  type OverrideFile,
  readOverrideFile,
  writeOverrideFile,
} from "../override/override-file.ts";
import { rememberSigned } from "../override/signed-points.ts";

interface MakeFlags extends OperatorFlags {
  readonly out: string;
  readonly omit?: string[];
  readonly set?: string[];
  readonly pay?: string;
}

export function addOverrideCommand(program: Command): void {
  const override = program
    .command("override")
    .description("Move a halted network on, with the signatures of a quorum of its validators.")
    .addHelpText(
      "after",
      `
The whole procedure: shared/docs/runbooks/halt-and-override.md

Example:
  soma override status --operator v0
  soma override make --operator v0 --out halt.json
  soma override sign halt.json --key validator.json
  soma override combine halt.json from-bob.json from-eve.json --out whole.json
  soma override apply whole.json --operator v0`,
    );
  addStatus(override);
  addMake(override);
  addShow(override);
  addSign(override);
  addCombine(override);
  addApply(override);
}

function addStatus(override: Command): void {
  withOperatorBus(override.command("status"))
    .description("Say whether this validator's ledger is halted, where, and why.")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  soma override status --operator v0")
    .action(async (flags: OperatorFlags & { json?: boolean }) => {
      const status = await askOperator(flags, StateStatus, {});
      if (flags.json) {
        printJson(status);
        return;
      }
      const { halt, epoch, commit } = status;
      if (halt === null) printLine(`not halted: epoch ${epoch}, commit ${commit}`);
      else
        printLine(
          `halted at the ${halt.stage} of commit ${halt.commit} of epoch ${halt.epoch}: ${halt.code}, ${halt.message}`,
        );
    });
}

function addMake(override: Command): void {
  withOperatorBus(override.command("make"))
    .description("Draft an override for this validator's halt, unsigned.")
    .requiredOption("--out <file>", "where to write it")
    .option("--omit <digest...>", "transactions that the commit is executed without")
    .option("--set <key=hex...>", "ledger entries to set first; nothing after = removes one")
    .option("--pay <file>", "JSON {payments, pools} of the settlement, instead of paying nobody")
    .addHelpText(
      "after",
      "\nExamples:\n  soma override make --out halt.json\n  soma override make --out halt.json --omit <transaction digest>",
    )
    .action(async (flags: MakeFlags) => {
      if (existsSync(flags.out)) throw new SomaError("CLI_FILE_EXISTS", `${flags.out} exists already`);
      const { chainId } = await askOperator(flags, StateStatus, {});
      const drafted = await askOperator(flags, DraftOverride, { omit: flags.omit ?? [] });
      const decoded = decodeExact(OverrideCodec, drafted, MAX_OVERRIDE_BYTES);
      if (!decoded.ok) throw new SomaError(decoded.code, decoded.message);
      const file = { chainId, signed: { override: completed(decoded.value, flags), signatures: [] } };
      writeOverrideFile(flags.out, file);
      printLine(`${overrideText(file)}\nwritten to ${flags.out}`);
    });
}

function addShow(override: Command): void {
  override
    .command("show")
    .description("Say what an override does and who signed it.")
    .argument("<file>", "an override file")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  soma override show halt.json")
    .action((path: string, flags: { json?: boolean }) => {
      const file = readOverrideFile(path);
      if (flags.json) printJson(overrideJson(file));
      else printLine(overrideText(file));
    });
}

function addSign(override: Command): void {
  override
    .command("sign")
    .description(
      "Add your validator's signature, after `show`. A key signs one override of a halt, and no second.",
    )
    .argument("<file>", "an override file")
    .requiredOption("--key <file>", "the validator's key file")
    .option("--instead-of <digest>", "an override that this key signed and that every ledger refused")
    .addHelpText("after", "\nExample:\n  soma override sign halt.json --key validator.json")
    .action((path: string, flags: { key: string; insteadOf?: string }) => {
      const file = readOverrideFile(path);
      const { chainId, signed } = file;
      const keys = new ValidatorKeys(loadKeyFile(flags.key, "validator").seed);
      const digest = overrideDigest(chainId, signed.override);
      rememberSigned(flags.key, chainId, signed.override, digest, flags.insteadOf);
      const signature = keys.bls.sign(overrideSigningBytes(chainId, signed.override));
      const own = { validator: keys.account.address, signature };
      const whole = combine([file, { chainId, signed: { ...signed, signatures: [own] } }]);
      writeOverrideFile(path, whole);
      printLine(overrideText(whole));
    });
}

function addCombine(override: Command): void {
  override
    .command("combine")
    .description("Put the signatures of several files into one.")
    .argument("<files...>", "override files, each with signatures of some validators")
    .requiredOption("--out <file>", "where to write it")
    .addHelpText("after", "\nExample:\n  soma override combine halt.json from-bob.json --out whole.json")
    .action((paths: string[], flags: { out: string }) => {
      const whole: OverrideFile = combine(paths.map(readOverrideFile));
      writeOverrideFile(flags.out, whole);
      printLine(`${overrideText(whole)}\nwritten to ${flags.out}`);
    });
}

function addApply(override: Command): void {
  withOperatorBus(override.command("apply"))
    .description("Hand a signed override to this validator, which tries it and tells the others.")
    .argument("<file>", "an override file")
    .addHelpText("after", "\nExample:\n  soma override apply whole.json --operator v0")
    .action(async (path: string, flags: OperatorFlags) => {
      const { signed } = readOverrideFile(path);
      const { outcome } = await askOperator(flags, SubmitOverride, encodeSignedOverride(signed));
      printLine(OUTCOMES[outcome]);
    });
}

const OUTCOMES = {
  applied: "applied: the ledger goes on, and the other validators are told",
  kept: "kept: the ledger has not come to that commit yet",
  known: "known already: nothing to do",
} as const;

const PaySchema = z.strictObject({
  payments: z.array(z.strictObject({ account: z.string(), amount: z.coerce.bigint() })).default([]),
  pools: z
    .array(z.strictObject({ role: z.int(), operator: z.string(), amount: z.coerce.bigint() }))
    .default([]),
});

/** The draft with the entries and payments that the operator asks for. @throws SomaError CLI_OPTION */
function completed(draft: Override, { set = [], pay }: MakeFlags): Override {
  const entries = set
    .map((assignment) => {
      const at = assignment.indexOf("=");
      const hex = assignment.slice(at + 1);
      if (at < 1 || !/^(?:[0-9a-f]{2})*$/.test(hex)) {
        throw new SomaError("CLI_OPTION", `--set takes key=hex, not ${assignment}`);
      }
      return { key: assignment.slice(0, at), value: hex === "" ? null : fromHex(hex) };
    })
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const { Execute: execute, Settle: settle } = draft.resolution;
  if (execute !== undefined) {
    if (pay !== undefined) throw new SomaError("CLI_OPTION", "--pay is for a halted settlement");
    return parsed({ ...draft, resolution: { Execute: { ...execute, entries } } });
  }
  const paid = pay === undefined ? {} : PaySchema.parse(JSON.parse(readFileSync(pay, "utf8")));
  return parsed({
    ...draft,
    resolution: { Settle: { settlement: { ...settle.settlement, ...paid }, entries } },
  });
}

/** As it is read back from its bytes. */
function parsed(override: Parameters<typeof OverrideCodec.serialize>[0]): Override {
  return OverrideCodec.parse(OverrideCodec.serialize(override).toBytes());
}
