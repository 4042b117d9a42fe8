import { SomaError } from "@soma/base";
import type { Message } from "@soma/contracts";

/**
 * The declared messages that a person means: by name, by the beginning of a name ("state"), or by a pattern with `*`.
 * Without patterns all facts are meant. Requests are left out unless asked for, because a tap of a request hides from
 * the asker that nobody responds.
 * @throws SomaError CLI_TAP_FILTER (nothing is meant), CLI_TAP_REQUEST (only requests are)
 */
export function chooseMessages(
  messages: readonly Message[],
  patterns: readonly string[],
  options: { readonly requests: boolean },
): Message[] {
  const inside = messages.filter(({ space }) => space === "inside");
  const isWanted = ({ kind }: Message) => options.requests || kind !== "request";
  if (patterns.length === 0) return inside.filter(isWanted);
  const chosen = new Set<Message>();
  for (const pattern of patterns) {
    const meant = inside.filter(({ name }) => matches(pattern, name));
    if (meant.length === 0) {
      throw new SomaError(
        "CLI_TAP_FILTER",
        `no message is called ${pattern}; give a name or its beginning: ${beginnings(inside).join(", ")}`,
      );
    }
    const wanted = meant.filter(isWanted);
    if (wanted.length === 0) {
      throw new SomaError(
        "CLI_TAP_REQUEST",
        `${pattern} is a request: while it is tapped, who asks is not told that nobody responds. Add --requests to do so`,
      );
    }
    for (const message of wanted) chosen.add(message);
  }
  return [...chosen];
}

function beginnings(messages: readonly Message[]): string[] {
  return [...new Set(messages.map(({ name }) => name.split(".")[0]!))].sort();
}

function matches(pattern: string, name: string): boolean {
  if (!pattern.includes("*")) return name === pattern || name.startsWith(`${pattern}.`);
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(name);
}
