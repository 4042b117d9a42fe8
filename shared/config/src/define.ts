import { SomaError } from "@soma/base";
import type { z } from "zod";
import { Secret } from "./secret.ts";

/** One environment variable, declared once. */
export interface Variable<S extends z.ZodType = z.ZodType> {
  /** Reads the text of the variable: one of `text`, `integer`, `duration`, `bytes`, `secret`, ... or a zod schema on a string. */
  readonly is: S;
  /** As it would be written in the environment. Without it the variable is required. `null` makes it optional. */
  readonly default?: string | null;
  /** One sentence for the person who sets it. */
  readonly doc: string;
  /** The whole name where it is not `SOMA_<SCOPE>_<NAME>`. */
  readonly env?: string;
}

export type Variables = Readonly<Record<string, Variable>>;

/** The values that a set of variables gives: `undefined` only where the default is `null`. */
export type ConfigOf<V extends Variables> = {
  readonly [K in keyof V]: V[K] extends { readonly default: null }
    ? z.output<V[K]["is"]> | undefined
    : z.output<V[K]["is"]>;
};

export interface ConfigDefinition<V extends Variables = Variables> {
  /** The service, or "" for what every process reads. */
  readonly scope: string;
  readonly variables: V;
  /** The environment name of a variable. */
  envName(key: keyof V & string): string;
  /** @throws SomaError CONFIG_INVALID naming every variable that is missing or wrong (never its value). */
  read(env: Readonly<Record<string, string | undefined>>): ConfigOf<V>;
}

/** The type of the values: `type MempoolConfig = Config<typeof MempoolConfig>`. */
export type Config<D> = D extends ConfigDefinition<infer V> ? ConfigOf<V> : never;

/** Declares the environment of a service: `SOMA_<SCOPE>_<NAME>`, from kebab and camel case. */
export function defineConfig<const V extends Variables>(scope: string, variables: V): ConfigDefinition<V> {
  const envName = (key: string) =>
    variables[key]?.env ??
    ["SOMA", scope, key]
      .filter((part) => part !== "")
      .map(screaming)
      .join("_");
  return {
    scope,
    variables,
    envName,
    read(env) {
      const values: Record<string, unknown> = {};
      const faults: string[] = [];
      for (const [key, variable] of Object.entries(variables)) {
        const given = env[envName(key)];
        const text = given === undefined || given === "" ? variable.default : given;
        if (text === null) values[key] = undefined;
        else if (text === undefined) faults.push(`${envName(key)} is missing: ${variable.doc}`);
        else {
          const parsed = variable.is.safeParse(text);
          if (parsed.success) values[key] = parsed.data;
          else faults.push(`${envName(key)}: ${parsed.error.issues[0]?.message ?? "invalid"}`);
        }
      }
      if (faults.length > 0) throw new SomaError("CONFIG_INVALID", faults.join("\n"));
      return values as ConfigOf<V>;
    },
  };
}

function screaming(name: string): string {
  return name
    .replaceAll("-", "_")
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toUpperCase();
}

/** A row a variable, for help texts and generated documents. */
export interface VariableDescription {
  readonly env: string;
  /** The default as written, "required" or "optional". */
  readonly default: string;
  readonly secret: boolean;
  readonly doc: string;
}

/** What can be set, in the order of declaration. */
export function describeConfig(definition: ConfigDefinition): readonly VariableDescription[] {
  return Object.entries(definition.variables).map(([key, variable]) => {
    const sample = variable.is.safeParse("x");
    return {
      env: definition.envName(key),
      default:
        variable.default === undefined
          ? "required"
          : variable.default === null
            ? "optional"
            : variable.default,
      secret: sample.success && sample.data instanceof Secret,
      doc: variable.doc,
    };
  });
}
