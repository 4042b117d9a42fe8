import type { Rng } from "@soma/base";
import {
  type Address,
  type EpochInfo,
  encodeSignedOverride,
  type Override,
  OverrideCodec,
  overrideSigningBytes,
  quorumStake,
  type ResolutionInput,
  type SignedOverride,
  settlementInputDigest,
} from "@soma/protocol";
import { type HaltPoint, settlementInput } from "@soma/state/core";
import { SIM_CHAIN } from "../consensus/sim-chain.ts";
import type { NetworkValidator } from "./network-validator.ts";
import type { NetworkWorld } from "./world.ts";

/** What the people do who run the validators, over the telephone: they look, agree, sign, and one of them applies. */
export class OverrideDesk {
  readonly #world: NetworkWorld;
  readonly #hosts: readonly NetworkValidator[];
  readonly #rng: Rng;
  /** By halt point. */
  readonly #signed = new Map<string, SignedOverride>();

  constructor(world: NetworkWorld, hosts: readonly NetworkValidator[], rng: Rng) {
    this.#world = world;
    this.#hosts = hosts;
    this.#rng = rng;
    this.#look();
  }

  #look(): void {
    for (const host of this.#hosts) {
      const halt = host.isUp && !host.isByzantine ? host.halt : null;
      if (halt !== null) this.#sign(host, halt);
    }
    this.#world.scheduler.after(150, () => this.#look());
  }

  #sign(host: NetworkValidator, halt: HaltPoint): void {
    const { committee } = this.#world.auditor.epochOf(halt.epoch);
    const key = `${halt.commit} ${halt.stage}`;
    let signed = this.#signed.get(key);
    if (signed === undefined) {
      signed = { override: this.#draft(host, halt), signatures: [] };
      this.#signed.set(key, signed);
      this.#attack(signed.override);
    }
    const { override, signatures } = signed;
    const isMember = committee.some(({ validator }) => validator === host.id);
    if (isMember && signatures.every(({ validator }) => validator !== host.id)) {
      const signature = host.actor.signBls(overrideSigningBytes(SIM_CHAIN, override));
      const all = [...signatures, { validator: host.id, signature }];
      signed = { override, signatures: all.sort((a, b) => (a.validator < b.validator ? -1 : 1)) };
      this.#signed.set(key, signed);
    }
    const stakeOf = (id: string) => committee.find(({ validator }) => validator === id)?.stake ?? 0n;
    const stake = signed.signatures.reduce((sum, { validator }) => sum + stakeOf(validator), 0n);
    const total = committee.reduce((sum, member) => sum + member.stake, 0n);
    // One of them applies it; the others hear of it from its peers, or ask.
    const applying = this.#rng.chance(0.3);
    if (applying || stake >= quorumStake(total)) host.submitOverride(encodeSignedOverride(signed), true);
  }

  #draft(host: NetworkValidator, halt: HaltPoint): Override {
    const { stage, ...at } = halt;
    const { ledger } = host.ledgerHost;
    let resolution: ResolutionInput = { Execute: { omit: [...host.poisonOf(halt.commit)], entries: [] } };
    if (stage === "settlement") {
      const input = settlementInput(ledger)!;
      const settlement = {
        epoch: input.epoch,
        input: settlementInputDigest(SIM_CHAIN, input),
        minted: (input.unminted * input.emissionFraction) >> 128n,
        payments: [],
        pools: [],
      };
      resolution = { Settle: { settlement, entries: [] } };
    }
    return OverrideCodec.parse(OverrideCodec.serialize({ ...at, resolution }).toBytes());
  }

  /** Somebody would like the network to go on in another way, and has no quorum for it. */
  #attack(override: Override): void {
    const { committee } = this.#world.auditor.epochOf(override.epoch);
    const { Execute: execute, Settle: settle } = override.resolution;
    // Nothing executes, or somebody is paid out of the emission.
    const resolution: ResolutionInput =
      execute === undefined
        ? {
            Settle: { ...settle!, settlement: { ...settle!.settlement, payments: this.#payment(committee) } },
          }
        : { Execute: { ...execute, omit: this.#everything(override) } };
    const forged = OverrideCodec.parse(OverrideCodec.serialize({ ...override, resolution }).toBytes());
    const signatures = committee.map(({ validator }) => ({ validator, signature: this.#rng.bytes(96) }));
    const bytes = encodeSignedOverride({ override: forged, signatures });
    for (const host of this.#hosts) if (this.#rng.chance(0.7)) host.submitOverride(bytes, false);
  }

  #payment(committee: EpochInfo["committee"]): { account: Address; amount: bigint }[] {
    return [{ account: committee[0]!.validator, amount: 1n }];
  }

  #everything({ commit }: Override): string[] {
    const host = this.#hosts.find(({ store }) =>
      store.commits.some((stored) => stored.commit.index === commit),
    );
    return host?.transactionsOf(commit) ?? [];
  }
}
