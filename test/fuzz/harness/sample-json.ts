import fc from "fast-check";
import { z } from "zod";

interface JsonSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly additionalProperties?: JsonSchema | boolean;
}

/** Values on the wire that the schema takes, the same for the same seed. */
export function sampleJson(schema: z.ZodType, count: number, seed = 1): unknown[] {
  const wire = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
  const made = fc.sample(arbitraryOf(wire), { numRuns: 20 * count, seed });
  return made.filter((value) => schema.safeParse(value).success).slice(0, count);
}

function arbitraryOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map(arbitraryOf));
  switch (schema.type) {
    case "object":
      return objectOf(schema);
    case "array":
      return fc.array(arbitraryOf(schema.items ?? {}), { maxLength: 3 });
    case "string":
      return textOf(schema);
    case "integer":
      return fc.integer({
        min: Math.max(schema.minimum ?? 0, -1e9),
        max: Math.min(schema.maximum ?? 1e9, 1e9),
      });
    case "number":
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    default:
      return fc.constant("");
  }
}

function objectOf({ properties = {}, additionalProperties }: JsonSchema): fc.Arbitrary<unknown> {
  if (Object.keys(properties).length === 0 && typeof additionalProperties === "object")
    return fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), arbitraryOf(additionalProperties), {
      maxKeys: 3,
    });
  return fc.record(Object.fromEntries(Object.entries(properties).map(([key, of]) => [key, arbitraryOf(of)])));
}

/** Bytes in hex are texts with a check of their own, which a JSON schema does not show: some have their lengths. */
function textOf({ pattern, minLength = 0, maxLength = 20 }: JsonSchema): fc.Arbitrary<unknown> {
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  const hex = [0, 32, 48, 64, 96].map((bytes) => fc.constant("ab".repeat(bytes)));
  return fc.oneof(...hex, fc.string({ minLength, maxLength: Math.min(maxLength, minLength + 20) }));
}
