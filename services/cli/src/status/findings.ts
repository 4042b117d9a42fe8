import { checkpointDigest, type Hex32, type Parameters } from "@soma/protocol";
import { totalSupply } from "./supply.ts";
import type { GatewayReport, Head, Survey } from "./survey.ts";

/** `loud`: somebody lies or the ledger has forked. `fault`: something does not work. `note`: worth knowing, harmless. */
export type Severity = "loud" | "fault" | "note";

export interface Finding {
  readonly severity: Severity;
  /** Stable, for scripts. */
  readonly code: string;
  readonly text: string;
}

/** What the findings are measured by. */
export interface Yardstick {
  readonly parameters: Parameters | undefined;
  /** A name for an operator's id. */
  readonly nameOf: (id: Hex32) => string;
}

/** A ledger so far behind the newest one serves yesterday's balances. */
const LEDGER_BEHIND_MS = 5_000;
/** CONS-5's depth where no genesis says: blocks further behind can no longer be committed. */
const GC_DEPTH = 60;

/** Everything that is wrong in a survey, the worst first. */
export function findingsOf(survey: Survey, yardstick: Yardstick): Finding[] {
  const found = [
    ...disagreements(survey, yardstick),
    ...supplyFaults(survey, yardstick),
    ...halts(survey),
    ...gatewayFaults(survey),
    ...pace(survey, yardstick),
    ...links(survey, yardstick),
  ];
  const order: readonly Severity[] = ["loud", "fault", "note"];
  return found.sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
}

function* disagreements(survey: Survey, { nameOf }: Yardstick): Generator<Finding> {
  const { gateways, sequence, handoverFault } = survey;
  const networks = groups(gateways, ({ health }) => (health.ok ? health.value.network : undefined));
  if (networks.size > 1) {
    yield loud("STATUS_NETWORKS", `the gateways serve different networks: ${told(networks)}`);
    return;
  }
  const network = [...networks.keys()][0];
  if (network === undefined) return;
  for (const { url, certified, proof } of gateways) {
    if (certified !== undefined && proof?.ok === false) {
      yield loud(
        "STATUS_CERTIFICATE",
        `${host(url)} serves checkpoint ${sequence} with a certificate that does not hold (${proof.code})`,
      );
    }
  }
  const digests = groups(gateways, ({ certified }) =>
    certified === undefined ? undefined : checkpointDigest(network, certified.checkpoint).slice(0, 12),
  );
  if (digests.size > 1) {
    const all = gateways.flatMap(({ certified, proof }) => (certified === undefined ? [] : [proof?.ok]));
    const proven = all.every((isProven) => isProven === true)
      ? `. Each is signed by a quorum: a third of the stake signed twice. soma slash fork ${sequence} brings it to the ledger`
      : "";
    yield loud("STATUS_FORK", `FORK: gateways differ at checkpoint ${sequence}: ${told(digests)}${proven}`);
  }
  const heads = gateways.flatMap(({ url, head }) => (head.ok ? [{ url, head: head.value }] : []));
  for (const [commit, states] of stateDigests(heads)) {
    if (states.size > 1) yield loud("STATUS_STATE", `ledgers differ after commit ${commit}: ${told(states)}`);
  }
  if (handoverFault !== undefined) {
    yield fault("STATUS_HANDOVER", `epochs cannot be followed from the genesis: ${handoverFault.message}`);
  }
  const twice = groups(gateways, ({ health }) => (health.ok ? health.value.validator : undefined));
  for (const [validator, urls] of twice) {
    if (urls.length > 1)
      yield note("STATUS_SAME", `${urls.join(" and ")} are one validator: ${nameOf(validator)}`);
  }
}

function* supplyFaults({ gateways }: Survey, { parameters }: Yardstick): Generator<Finding> {
  const cap = parameters?.supplyCap;
  const heads = gateways.flatMap(({ url, head }) =>
    head.ok ? [{ url, total: totalSupply(head.value) }] : [],
  );
  const totals = groups(heads, ({ total }) => String(total));
  if (totals.size > 1) yield loud("STATUS_SUPPLY", `gateways count different supplies: ${told(totals)}`);
  else if (cap !== undefined && heads[0] !== undefined && heads[0].total !== cap) {
    yield loud("STATUS_SUPPLY", `the supply adds up to ${heads[0].total} base units, and the cap is ${cap}`);
  }
}

/** Where ledgers stand still, and whose turn it is: one operator's, or everybody's (runbooks/halt-and-override.md). */
function* halts({ gateways }: Survey): Generator<Finding> {
  const running = gateways.flatMap(({ execution }) => (execution.ok ? [execution.value] : []));
  const halted = gateways.flatMap(({ url, execution }) =>
    execution.ok && execution.value.halt !== null ? [{ url, halt: execution.value.halt }] : [],
  );
  if (halted.length === 0) return;
  const points = groups(
    halted,
    ({ halt }) => `the ${halt.stage} of commit ${halt.commit} (${halt.code}: ${halt.message})`,
  );
  const advice =
    halted.length < running.length
      ? "others go on: compare release and state digest, restore the database, sign nothing"
      : "all of them: compare `soma override status` with the other operators, keep the databases";
  yield fault(
    "STATUS_HALTED",
    `HALTED, nothing is executed: ${told(points)}. ${advice} (shared/docs/runbooks/halt-and-override.md)`,
  );
}

function* gatewayFaults({ gateways }: Survey): Generator<Finding> {
  for (const { url, health, head, execution, consensus, peers } of gateways) {
    if (!health.ok) {
      yield fault("STATUS_UNREACHABLE", `${host(url)} cannot be asked: ${health.message} (${health.code})`);
      continue;
    }
    for (const [service, answer] of [
      ["ledger", head],
      ["execution", execution],
      ["consensus", consensus],
      ["peering", peers],
    ] as const) {
      if (answer.ok) continue;
      yield fault(
        "STATUS_SERVICE",
        `${service} of ${host(url)} does not answer: ${answer.message} (${answer.code})`,
      );
    }
  }
}

function* pace({ gateways }: Survey, { parameters, nameOf }: Yardstick): Generator<Finding> {
  const heads = gateways.flatMap(({ url, head }) => (head.ok ? [{ url, head: head.value }] : []));
  const newest = Math.max(...heads.map(({ head }) => head.timestampMs));
  for (const { url, head } of heads) {
    const behind = newest - head.timestampMs;
    if (behind > LEDGER_BEHIND_MS) {
      yield fault(
        "STATUS_LEDGER_BEHIND",
        `the ledger of ${host(url)} is ${seconds(behind)} s behind the newest`,
      );
    }
  }
  const seen = gateways.flatMap(({ url, consensus }) =>
    consensus.ok ? [{ url, consensus: consensus.value }] : [],
  );
  for (const { url, consensus } of seen) {
    if (consensus.standstill) {
      const age = seconds(consensus.lastCommitAgeMs);
      yield fault("STATUS_STANDSTILL", `${host(url)} has seen no commit for ${age} s`);
    } else if (!consensus.proposing) {
      yield note("STATUS_NOT_PROPOSING", `consensus of ${host(url)} proposes no blocks at present`);
    }
  }
  const depth = parameters?.gcDepth ?? GC_DEPTH;
  for (const [validator, behind] of roundsBehind(gateways)) {
    if (behind > depth) {
      yield fault(
        "STATUS_VALIDATOR_BEHIND",
        `validator ${nameOf(validator)} is ${behind} rounds behind the newest`,
      );
    }
  }
}

function* links({ gateways, operators }: Survey, { nameOf }: Yardstick): Generator<Finding> {
  if (operators === undefined) return;
  const validators = operators.validators.filter(({ active }) => active).map(({ id }) => id);
  const reached = new Set<Hex32>();
  for (const { url, health, peers } of gateways) {
    if (!health.ok || !peers.ok) continue;
    const connected = linkedPeers(peers.value);
    for (const id of connected) reached.add(id);
    const missing = validators.filter((id) => id !== health.value.validator && !connected.has(id));
    if (missing.length > 0) {
      yield fault("STATUS_UNLINKED", `${host(url)} has no link to ${missing.map(nameOf).join(", ")}`);
    }
  }
  const isWhole = validators.every((id) =>
    gateways.some(({ health, peers }) => health.ok && peers.ok && health.value.validator === id),
  );
  const alone = operators.encoders
    .filter(({ id, active }) => active && !reached.has(id))
    .map(({ id }) => nameOf(id));
  if (alone.length > 0) {
    const text = `linked to none of these gateways: ${alone.join(", ")}`;
    yield isWhole ? fault("STATUS_ENCODER_UNLINKED", text) : note("STATUS_ENCODER_UNLINKED", text);
  }
}

/** Peers with a link in either direction. */
export function linkedPeers(peers: readonly { operator: Hex32; connected: boolean }[]): ReadonlySet<Hex32> {
  return new Set(peers.filter(({ connected }) => connected).map(({ operator }) => operator));
}

/** How far the newest block of each validator, as any gateway saw it, is behind the newest of all, in rounds. */
export function roundsBehind(gateways: readonly GatewayReport[]): Map<Hex32, number> {
  const all = gateways.flatMap(({ consensus }) => (consensus.ok ? [consensus.value] : []));
  const epoch = all.reduce<bigint>((most, { epoch }) => (BigInt(epoch) > most ? BigInt(epoch) : most), 0n);
  const newest = new Map<Hex32, number>();
  for (const status of all) {
    if (BigInt(status.epoch) !== epoch) continue;
    for (const { validator, round } of status.rounds)
      newest.set(validator, Math.max(round, newest.get(validator) ?? 0));
  }
  const highest = Math.max(0, ...newest.values());
  return new Map([...newest].map(([validator, round]) => [validator, highest - round]));
}

/** State digests by commit, each with the gateways that have it. */
function stateDigests(heads: readonly { url: string; head: Head }[]): Map<bigint, Map<string, string[]>> {
  const commits = new Map<bigint, Map<string, string[]>>();
  for (const { url, head } of heads) {
    const states = commits.get(head.commit) ?? new Map<string, string[]>();
    const state = head.stateDigest.slice(0, 12);
    states.set(state, [...(states.get(state) ?? []), host(url)]);
    commits.set(head.commit, states);
  }
  return commits;
}

function groups<T extends { readonly url: string }>(
  all: readonly T[],
  keyOf: (one: T) => string | undefined,
): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const one of all) {
    const key = keyOf(one);
    if (key !== undefined) found.set(key, [...(found.get(key) ?? []), host(one.url)]);
  }
  return found;
}

function told(groups: ReadonlyMap<string, readonly string[]>): string {
  return [...groups].map(([key, urls]) => `${key} at ${urls.join(", ")}`).join("; ");
}

/** A gateway as a person names it. */
export function host(url: string): string {
  return url.replace(/^https?:\/\//, "").replace(/\/+$/, "");
}

export function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}

const loud = (code: string, text: string): Finding => ({ severity: "loud", code, text });
const fault = (code: string, text: string): Finding => ({ severity: "fault", code, text });
const note = (code: string, text: string): Finding => ({ severity: "note", code, text });
