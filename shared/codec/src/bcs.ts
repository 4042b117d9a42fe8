import { BcsType, bcs as library } from "@mysten/bcs";
import { BoundedReader } from "./bounded-reader.ts";

/**
 * A vector that grows as its elements are read. The library's own allocates what the length claims before it
 * reads one, so five bytes of a peer could cost gigabytes; here a bounded reader is asked first, and every element
 * costs the peer at least a byte.
 */
function vector<T, Input, Name extends string>(
  type: BcsType<T, Input, Name>,
): BcsType<T[], Iterable<Input> & { length: number }, string> {
  return new BcsType<T[], Iterable<Input> & { length: number }, string>({
    name: `vector<${type.name}>`,
    read(reader) {
      const length = reader.readULEB();
      if (reader instanceof BoundedReader) reader.takeElements(length);
      const values: T[] = [];
      for (let i = 0; i < length; i++) values.push(type.read(reader));
      return values;
    },
    write(values, writer) {
      writer.writeULEB(values.length);
      for (const value of values) type.write(value, writer);
    },
    validate(values) {
      if (!values || typeof values !== "object" || !("length" in values)) {
        throw new TypeError(`expected an array, found ${typeof values}`);
      }
    },
  });
}

/** The BCS types of this project: the library's, with a vector that is safe to read from anyone. */
export const bcs = { ...library, vector };
