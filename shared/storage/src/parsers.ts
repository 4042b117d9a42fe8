import pg from "pg";

const INT8 = 20;
const NUMERIC = 1700;
const BYTEA = 17;

/**
 * How columns become values, for our pools alone: int8 and whole numerics are bigint, bytea is a plain
 * Uint8Array. (`pg` would give text for both numbers, since a double cannot hold them.)
 */
export const columnParsers: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: "text" | "binary") {
    if (format === "binary") return pg.types.getTypeParser(oid, "binary");
    if (oid === INT8) return BigInt;
    if (oid === NUMERIC) return (text: string) => (/^-?[0-9]+$/.test(text) ? BigInt(text) : text);
    if (oid === BYTEA) return (text: string) => new Uint8Array(Buffer.from(text.slice(2), "hex"));
    return pg.types.getTypeParser(oid, "text");
  },
} as pg.CustomTypesConfig;
