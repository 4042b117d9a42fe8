import { fromHex, toHex } from "@soma/base";
import { taggedHash } from "@soma/crypto";
import type { EpochInfo, Hex32 } from "@soma/protocol";
import type { PeerKind } from "./message-types.ts";

/** An operator of the ledger's roster. */
export interface Peer {
  readonly id: Hex32;
  readonly kind: PeerKind;
  /** Ed25519: signs envelopes and admissions. */
  readonly key: Uint8Array;
  /** Base URL of a validator's gateway; undefined for an encoder. */
  readonly gateway: string | undefined;
  /** Host and port of a validator's edge; undefined for an encoder. */
  readonly edge: string | undefined;
}

/** Validators that an encoder dials unless told otherwise, so that relays know where to find it. */
export const HOMES = 4;

/** Who may take part: the members of the newest epoch and, for messages still under way, of the one before. */
export class Roster {
  readonly epoch: bigint;
  readonly #chainId: string;
  readonly #peers = new Map<Hex32, Peer>();
  readonly #committee: readonly Hex32[];
  readonly #homes = new Map<Hex32, readonly Hex32[]>();

  constructor(chainId: string, current: EpochInfo, previous?: EpochInfo) {
    this.epoch = current.epoch;
    this.#chainId = chainId;
    for (const epoch of previous === undefined ? [current] : [previous, current]) {
      for (const { encoder, messageKey } of epoch.roster)
        this.#peers.set(encoder, {
          id: encoder,
          kind: "encoder",
          key: messageKey,
          gateway: undefined,
          edge: undefined,
        });
      for (const { validator, blockKey, gatewayAddress, edgeAddress } of epoch.committee)
        this.#peers.set(validator, {
          id: validator,
          kind: "validator",
          key: blockKey,
          gateway: gatewayAddress,
          edge: edgeAddress,
        });
    }
    this.#committee = current.committee.map(({ validator }) => validator);
  }

  get(operator: Hex32): Peer | undefined {
    return this.#peers.get(operator);
  }

  /** Every operator, in no order that means anything. */
  peers(): readonly Peer[] {
    return [...this.#peers.values()];
  }

  /** The validators of the newest epoch, ascending. */
  get committee(): readonly Hex32[] {
    return this.#committee;
  }

  /**
   * The committee in an operator's own order (rendezvous hashing): an encoder dials the first `HOMES` of it, and
   * relays look for it there. A validator that comes or goes moves few encoders.
   */
  preferred(operator: Hex32): readonly Hex32[] {
    let order = this.#homes.get(operator);
    if (order === undefined) {
      order = this.#committee
        .map((validator) => ({
          validator,
          rank: toHex(taggedHash("soma.edge-home", this.#chainId, fromHex(operator), fromHex(validator))),
        }))
        .sort((a, b) => (a.rank < b.rank ? -1 : 1))
        .map(({ validator }) => validator);
      this.#homes.set(operator, order);
    }
    return order;
  }

  /** Where an encoder is linked unless its operator chose otherwise. */
  homes(encoder: Hex32): readonly Hex32[] {
    return this.preferred(encoder).slice(0, HOMES);
  }
}
