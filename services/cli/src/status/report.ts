import { formatAmount } from "@soma/client";
import type { Hex32 } from "@soma/protocol";
import { tableOf } from "../table.ts";
import { colours } from "../terminal.ts";
import { type Finding, host, linkedPeers, seconds } from "./findings.ts";
import { totalSupply } from "./supply.ts";
import type { GatewayReport, Survey } from "./survey.ts";
import type { Verdict } from "./verdict.ts";

const HOST_SHOWN = 22;
const UNKNOWN = "-";

/** The survey for a person, at most `width` characters a line. */
export function reportLines(
  survey: Survey,
  findings: readonly Finding[],
  verdict: Verdict,
  options: { readonly nameOf: (id: Hex32) => string; readonly width: number },
): string[] {
  const { nameOf, width } = options;
  const marks = {
    loud: colours.bgRed(colours.white("!!")),
    fault: colours.red(" !"),
    note: colours.dim(" -"),
  };
  return [
    ...headLines(survey),
    "",
    ...gatewayTable(survey, nameOf),
    ...(findings.length > 0 ? [""] : []),
    ...findings.flatMap(({ severity, text }) =>
      wrapped(text, width - 4).map((line, i) => `${i === 0 ? marks[severity] : "  "} ${line}`),
    ),
    "",
    ...wrapped(verdict.sentence, width).map(verdict.healthy ? colours.green : colours.red),
  ];
}

function headLines({ gateways, operators }: Survey): string[] {
  const head = gateways.find((gateway) => gateway.head.ok)?.head;
  if (head?.ok !== true) return [`${colours.bold("network")}   unknown`];
  const { chainId, epoch, supply } = head.value;
  const count = (kind: "validators" | "encoders") =>
    operators === undefined ? "?" : operators[kind].filter(({ active }) => active).length;
  const parts = Object.entries(supply).filter(([, amount]) => amount > 0n);
  const widest = Math.max(...parts.map(([, amount]) => rounded(amount).length));
  return [
    `${colours.bold("network")}   ${chainId}, epoch ${epoch}, ${count("validators")} validators, ${count("encoders")} encoders`,
    `${colours.bold("supply")}    ${formatAmount(totalSupply(head.value))} tokens, of which`,
    ...parts.map(([name, amount]) => `          ${rounded(amount).padStart(widest)} ${name}`),
  ];
}

function gatewayTable({ gateways, operators }: Survey, nameOf: (id: Hex32) => string): string[] {
  const expected = (id: Hex32) =>
    operators === undefined
      ? "?"
      : [...operators.validators, ...operators.encoders].filter((one) => one.active && one.id !== id).length;
  return tableOf(
    [
      { title: "gateway" },
      { title: "operator" },
      { title: "round", align: "right" },
      { title: "commit", align: "right" },
      { title: "age", align: "right" },
      { title: "checkpoint", align: "right" },
      { title: "peers", align: "right" },
    ],
    gateways.map((gateway) => gatewayRow(gateway, nameOf, expected)),
  );
}

function gatewayRow(
  { url, health, head, execution, consensus, peers }: GatewayReport,
  nameOf: (id: Hex32) => string,
  expected: (id: Hex32) => number | string,
): string[] {
  const name = host(url);
  const shown = name.length > HOST_SHOWN ? `${name.slice(0, HOST_SHOWN - 1)}…` : name;
  if (!health.ok) return [shown, colours.red("away")];
  const id = health.value.validator;
  return [
    shown,
    nameOf(id),
    consensus.ok ? String(consensus.value.round) : UNKNOWN,
    head.ok ? String(head.value.commit) : UNKNOWN,
    ageOf({ execution, consensus }),
    head.ok ? String(head.value.checkpoint) : UNKNOWN,
    peers.ok ? `${linkedPeers(peers.value).size}/${expected(id)}` : UNKNOWN,
  ];
}

/** Of the last commit; of the halt, where nothing is executed any more. */
function ageOf({ execution, consensus }: Pick<GatewayReport, "execution" | "consensus">): string {
  if (execution.ok && execution.value.halt !== null) return colours.red("halted");
  return consensus.ok ? `${seconds(consensus.value.lastCommitAgeMs)} s` : UNKNOWN;
}

/** Tokens to two decimals: enough to see what moves. */
function rounded(amount: bigint): string {
  const [whole, rest = ""] = formatAmount(amount).split(".");
  return `${whole}.${rest.padEnd(2, "0").slice(0, 2)}`;
}

/** Breaks a text between words. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** The same as an object. */
export function reportJson(survey: Survey, findings: readonly Finding[], verdict: Verdict): object {
  const { at, sequence, gateways, operators } = survey;
  const head = gateways.find((gateway) => gateway.head.ok)?.head;
  return {
    at: new Date(at).toISOString(),
    ...verdict,
    findings,
    network: head?.ok === true ? head.value.chainId : null,
    epoch: head?.ok === true ? head.value.epoch : null,
    checkpoint: sequence,
    supply: head?.ok === true ? { ...head.value.supply, total: totalSupply(head.value) } : null,
    validators: operators?.validators.length ?? null,
    encoders: operators?.encoders.length ?? null,
    gateways: gateways.map(({ url, health, head: ledger, execution, consensus, peers, proof }) => ({
      url,
      reachable: health.ok,
      ...(health.ok ? { validator: health.value.validator } : { code: health.code, reason: health.message }),
      ledger: ledger.ok
        ? {
            epoch: ledger.value.epoch,
            commit: ledger.value.commit,
            checkpoint: ledger.value.checkpoint,
            stateDigest: ledger.value.stateDigest,
            timestampMs: ledger.value.timestampMs,
          }
        : null,
      halt: execution.ok ? execution.value.halt : null,
      consensus: consensus.ok ? consensus.value : null,
      peers: peers.ok ? [...linkedPeers(peers.value)] : null,
      certified: proof === undefined ? null : proof.ok,
    })),
  };
}
