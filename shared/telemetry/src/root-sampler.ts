import { type Attributes, type Context, createContextKey, type Link, TraceFlags } from "@opentelemetry/api";
import { type Sampler, type SamplingResult, TraceIdRatioBasedSampler } from "@opentelemetry/sdk-trace";

const ENTRY = createContextKey("soma entry");

/** The context in which the span that begins next is an entry (`SpanOptions.isEntry`). */
export function entryContext(context: Context): Context {
  return context.setValue(ENTRY, true);
}

/**
 * Decides about spans without a parent. Entries, and what a sampled span of elsewhere led to, are kept at one ratio:
 * whatever others send, they cannot raise it. Background runs all the time and is kept at another.
 */
export class RootSampler implements Sampler {
  readonly #foreground: Sampler;
  readonly #background: Sampler;

  constructor(options: { ratio: number; backgroundRatio: number }) {
    this.#foreground = new TraceIdRatioBasedSampler(options.ratio);
    this.#background = new TraceIdRatioBasedSampler(options.backgroundRatio);
  }

  shouldSample(
    context: Context,
    traceId: string,
    name: string,
    kind: Parameters<Sampler["shouldSample"]>[3],
    attributes: Attributes,
    links: Link[],
  ): SamplingResult {
    const isForeground =
      context.getValue(ENTRY) === true ||
      links.some((link) => (link.context.traceFlags & TraceFlags.SAMPLED) !== 0);
    const sampler = isForeground ? this.#foreground : this.#background;
    return sampler.shouldSample(context, traceId, name, kind, attributes, links);
  }

  toString(): string {
    return `RootSampler{${this.#foreground}, background ${this.#background}}`;
  }
}
