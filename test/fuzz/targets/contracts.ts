import { type Message, type PayloadCodec, type RequestMessage, registry } from "@soma/contracts";
import { sampleJson } from "../harness/sample-json.ts";
import type { FuzzTarget } from "../harness/target.ts";

/** One direction of a message whose payload is JSON. */
function jsonTarget(name: string, payload: PayloadCodec<unknown>): FuzzTarget[] {
  const { schema } = payload;
  if (schema === undefined) return [];
  const samples = sampleJson(schema, 20);
  if (samples.length === 0) throw new Error(`no sample could be made for ${name}`);
  return [
    {
      name,
      form: "json",
      maxBytes: payload.maxBytes + 1,
      corpus: () => samples.map((sample) => Buffer.from(JSON.stringify(sample))),
      decode: (bytes) => payload.decode(bytes),
      codes: ["MESSAGE_TOO_LARGE", "MESSAGE_INVALID"],
      share: 0.2,
    },
  ];
}

function isRequest(message: Message): message is RequestMessage {
  return message.kind === "request";
}

/**
 * Every JSON message of the registry, both directions: some come from clients as they stand (admission, search), the
 * answers are read by clients and peers, and the rest keeps a faulty service from harming its neighbours.
 */
export const CONTRACT_TARGETS: readonly FuzzTarget[] = registry.messages().flatMap((message) => {
  const name = message.name.replaceAll(".", "-");
  return [
    ...jsonTarget(`message-${name}`, message.payload),
    ...(isRequest(message) ? jsonTarget(`answer-${name}`, message.reply) : []),
  ];
});
