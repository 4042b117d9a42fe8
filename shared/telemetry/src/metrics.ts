import type { Attributes, MetricOptions } from "@opentelemetry/api";
import { SomaError } from "@soma/base";
import { type Instrument, sharedInstrument } from "./meter.ts";

export interface MetricSpec {
  /** UCUM: `s`, `By`, `{message}`. */
  readonly unit: string;
  readonly doc: string;
}

export interface HistogramSpec extends MetricSpec {
  /** Upper bounds in `unit`, rising; default suits durations in seconds from 1 ms to 60 s. */
  readonly buckets?: readonly number[];
}

/** Attribute values must be few: a code, a stage, a peer class; never a subject, a sequence or a hash. */
export type MetricAttributes = Readonly<Record<string, string | number | boolean>>;

export interface Counter {
  add(n: number, attributes?: MetricAttributes): void;
}
export interface Gauge {
  set(value: number, attributes?: MetricAttributes): void;
}
export interface Histogram {
  record(value: number, attributes?: MetricAttributes): void;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** The metrics of one service of one operator; each name is declared once. */
export class Metrics {
  readonly #own: Attributes;
  readonly #declared = new Set<string>();
  readonly #enabled: boolean;

  constructor(options: { service: string; operator: string; enabled: boolean }) {
    this.#own = { service: options.service, operator: options.operator };
    this.#enabled = options.enabled;
  }

  /** Something that only rises. `name` is `<service>.<what>`; `soma.` is put before it. */
  counter(name: string, spec: MetricSpec): Counter {
    const instrument = this.#declare("counter", name, spec);
    return { add: (n, attributes) => instrument?.record(n, { ...this.#own, ...attributes }) };
  }

  /** A value as it is now. */
  gauge(name: string, spec: MetricSpec): Gauge {
    const instrument = this.#declare("gauge", name, spec);
    return { set: (value, attributes) => instrument?.record(value, { ...this.#own, ...attributes }) };
  }

  /** A distribution, by default of durations in seconds. */
  histogram(name: string, spec: HistogramSpec): Histogram {
    const advice = { explicitBucketBoundaries: [...(spec.buckets ?? SECONDS)] };
    const instrument = this.#declare("histogram", name, spec, { advice });
    return { record: (value, attributes) => instrument?.record(value, { ...this.#own, ...attributes }) };
  }

  #declare(
    kind: "counter" | "gauge" | "histogram",
    name: string,
    spec: MetricSpec,
    more: MetricOptions = {},
  ): Instrument | undefined {
    if (!/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/.test(name))
      throw new SomaError("METRIC_INVALID", `bad metric name ${name}`);
    if (this.#declared.has(name)) throw new SomaError("METRIC_INVALID", `metric ${name} is declared twice`);
    this.#declared.add(name);
    if (!this.#enabled) return undefined;
    return sharedInstrument(kind, `soma.${name}`, { unit: spec.unit, description: spec.doc, ...more });
  }
}
