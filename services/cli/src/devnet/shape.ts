import { SomaError } from "@soma/base";
import type { Genesis } from "@soma/protocol";

/** What a devnet consists of; its genesis file fixes it for good. */
export interface DevnetShape {
  readonly validators: number;
  readonly encoders: number;
  /** First of the loopback ports. */
  readonly basePort: number;
}

const USUAL: DevnetShape = { validators: 4, encoders: 8, basePort: 4700 };
const OPTIONS = { validators: "--validators", encoders: "--encoders", basePort: "--base-port" } as const;
const LAST_PORT = 65_535;

/** Ports that a network takes: Postgres, a nats-server each, and a gateway a validator. */
function portsOf({ validators, encoders }: DevnetShape): number {
  return 1 + 2 * validators + encoders;
}

/**
 * The shape that was asked for, for the rest that of the network which goes on, or else the usual one.
 * @throws SomaError DEVNET_SHAPE if the network which goes on has another, or there are not so many ports
 */
export function shapeOf(asked: Partial<DevnetShape>, genesis: Genesis | undefined): DevnetShape {
  const saved = genesis && savedShape(genesis);
  const shape = { ...(saved ?? USUAL), ...asked };
  const differing = (Object.keys(OPTIONS) as (keyof DevnetShape)[]).filter(
    (key) => saved !== undefined && saved[key] !== shape[key],
  );
  if (saved !== undefined && differing.length > 0) {
    const fixed = differing.map((key) => `${OPTIONS[key]} ${saved[key]}`).join(" ");
    throw new SomaError(
      "DEVNET_SHAPE",
      `the network in this folder was begun with ${fixed}; leave that out, begin a new one with --fresh, or give another --folder`,
    );
  }
  if (shape.basePort + portsOf(shape) - 1 > LAST_PORT) {
    throw new SomaError(
      "DEVNET_SHAPE",
      `from port ${shape.basePort} on there are no ${portsOf(shape)} ports; give --base-port ${LAST_PORT + 1 - portsOf(shape)} or less`,
    );
  }
  return shape;
}

/** The first validator's edge is at the second port (`planDevnet`). */
function savedShape({ validators, encoders }: Genesis): DevnetShape {
  const edges = validators.map(({ edgeAddress }) => Number(edgeAddress.split(":").at(-1)));
  return { validators: validators.length, encoders: encoders.length, basePort: Math.min(...edges) - 1 };
}
