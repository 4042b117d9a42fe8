import type { HostsFile } from "../hosts-file.ts";
import type { OperatorPlan } from "./plan.ts";

/**
 * Which services share a process: all of as many operators as leave the machine's cores something to do (`few`), all of
 * an operator, or one alone as in production.
 */
export type ProcessLayout = "few" | "operator" | "service";

export type PlannedOperator = Pick<OperatorPlan, "kind" | "name" | "services"> & {
  /** What its services read. */
  readonly env: Record<string, string>;
};

export type Host = HostsFile[number];

export interface PlannedProcess {
  readonly name: string;
  readonly hosts: readonly Host[];
}

/**
 * The processes of a network's operators, in the order of these. With `few`, operators of a kind share half as many
 * processes as there are cores: what they run is compiled once in each of these, and their main threads have work for all
 * cores.
 */
export function processesOf(
  operators: readonly PlannedOperator[],
  layout: ProcessLayout,
  cores: number,
): PlannedProcess[] {
  if (layout === "few") return (["validator", "encoder"] as const).flatMap((kind) => shared(kind));
  return operators.flatMap(({ name, services, env }) =>
    layout === "operator"
      ? [{ name, hosts: [{ services: [...services], env }] }]
      : services.map((service) => ({ name: `${name}-${service}`, hosts: [{ services: [service], env }] })),
  );

  function shared(kind: PlannedOperator["kind"]): PlannedProcess[] {
    const all = operators.filter((operator) => operator.kind === kind);
    const count = Math.min(all.length, Math.max(1, Math.floor(cores / 2)));
    return Array.from({ length: count }, (_, place) => {
      const own = all.filter((_, i) => i % count === place);
      const name = own.length === 1 ? own[0]!.name : `${kind}s${count === 1 ? "" : `-${place}`}`;
      return { name, hosts: own.map(({ services, env }) => ({ services: [...services], env })) };
    });
  }
}
