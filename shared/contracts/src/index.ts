export { DeadLetter, DeadLetterStream } from "./dead-letter.ts";
export {
  type CoreMessage,
  createRegistry,
  type Delivery,
  defineMessage,
  defineStream,
  type Message,
  type MessageSpec,
  type Payload,
  type Registry,
  type Reply,
  type RequestMessage,
  registry,
  type StreamDefinition,
  type StreamMessage,
  type StreamSpec,
} from "./define.ts";
export { amount, decimal, hex32, hexBytes, millis, u32 } from "./fields.ts";
export { type BinaryCodec, type PayloadCodec, payloadCodec } from "./payload.ts";
export { inboxPrefix, type NatsPermissions } from "./permissions.ts";
export { type Space, type Tokens, token } from "./subject.ts";
