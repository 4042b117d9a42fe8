import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

/** Writers that nobody uses: one is enough unless a type encodes another value while it is written. */
const idle: Writer[] = [];

export interface BcsTypeOptions<T, Input> {
  readonly name: string;
  /** Throws on what is no value of the type or not in its canonical form; different bytes give different values. */
  readonly read: (reader: Reader) => T;
  /** Throws on what is no value of the type. */
  readonly write: (value: Input, writer: Writer) => void;
}

/** How values of one type stand in BCS. `Input` may be wider than what reading gives. */
export class BcsType<T, Input = T> {
  declare readonly $inferType: T;
  declare readonly $inferInput: Input;
  readonly name: string;
  readonly read: (reader: Reader) => T;
  readonly write: (value: Input, writer: Writer) => void;

  constructor({ name, read, write }: BcsTypeOptions<T, Input>) {
    this.name = name;
    this.read = read;
    this.write = write;
  }

  /** @throws on a value outside the type */
  encode(value: Input): Uint8Array<ArrayBuffer> {
    const writer = idle.pop() ?? new Writer();
    try {
      this.write(value, writer);
      return writer.finish();
    } catch (error) {
      writer.reset();
      throw error;
    } finally {
      idle.push(writer);
    }
  }

  serialize(value: Input): { toBytes(): Uint8Array<ArrayBuffer> } {
    const bytes = this.encode(value);
    return { toBytes: () => bytes };
  }

  /** Of bytes that this program wrote itself: whatever follows the value is not looked at. @throws if there is none */
  parse(bytes: Uint8Array): T {
    return this.read(new Reader(bytes, Number.POSITIVE_INFINITY));
  }

  /** The same bytes for another form of the values. `output` throws where the values have no such form. */
  transform<T2, Input2>(forms: {
    readonly input: (value: Input2) => Input;
    readonly output: (value: T) => T2;
  }): BcsType<T2, Input2> {
    const { read, write } = this;
    const { input, output } = forms;
    return new BcsType<T2, Input2>({
      name: this.name,
      read: (reader) => output(read(reader)),
      write: (value, writer) => write(input(value), writer),
    });
  }
}
