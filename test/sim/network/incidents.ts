import type { Rng } from "@soma/base";
import { TOKEN } from "@soma/protocol";
import type { Cast } from "./actors.ts";
import type { EncoderHost } from "./encoder-host.ts";
import type { NetworkValidator } from "./network-validator.ts";
import type { Plan } from "./plan.ts";
import type { Submitter } from "./submitter.ts";
import type { NetworkWorld } from "./world.ts";

/** Everybody in a run, and how long the faults last. */
export interface Stage {
  readonly world: NetworkWorld;
  readonly hosts: readonly NetworkValidator[];
  readonly encoders: readonly EncoderHost[];
  readonly submitters: readonly Submitter[];
  readonly cast: Cast;
  readonly plan: Plan;
  readonly chaosMs: number;
  readonly startMs: number;
}

/** What people do: jobs, stakes, a validator that joins and one that leaves. */
export function scheduleLife(stage: Stage, rng: Rng): void {
  const { world, hosts, submitters, cast, plan, chaosMs } = stage;
  const { scheduler } = world;
  for (const [i, conduct] of plan.jobs.entries()) {
    const at = Math.round((chaosMs * (i + rng.float())) / plan.jobs.length);
    scheduler.after(300 + at, () => submitters[i % submitters.length]!.pay(conduct));
  }
  for (let i = 0; i < 3; i++) {
    const submitter = rng.pick(submitters);
    const isValidator = rng.chance(0.5);
    const operator = rng.pick(isValidator ? cast.validators : cast.encoders).address;
    const amount = BigInt(rng.between(1, 20)) * TOKEN;
    const role = isValidator ? "Validator" : "Encoder";
    const at = rng.between(200, chaosMs);
    scheduler.after(at, () => submitter.delegate(role, operator, amount));
    if (rng.chance(0.5)) {
      scheduler.after(at + rng.between(300, 8_000), () => submitter.undelegate(role, operator, amount / 2n));
    }
  }
  if (!plan.joins) return;
  const joiner = hosts.at(-1)!;
  const amount = 1_000n * TOKEN;
  scheduler.after(rng.between(300, 3_000), () => {
    joiner.submit({ Delegate: { role: { Validator: true }, operator: joiner.id, amount } });
    joiner.submit(joiner.actor.registration());
  });
  const watch = () => {
    const { committee } = world.auditor.epoch;
    const leaver = plan.leaver === null ? undefined : hosts[plan.leaver];
    if (committee.some(({ validator }) => validator === joiner.id))
      leaver?.submit({ UnregisterValidator: true });
    else scheduler.after(400, watch);
  };
  watch();
}

/** What befalls machines and links, until `chaosMs`. */
export function scheduleFaults(stage: Stage, rng: Rng): void {
  const { world, hosts, encoders, plan, chaosMs, startMs } = stage;
  const { scheduler, observer, judge } = world;
  const networks = [world.network, world.links];
  const during = () => scheduler.nowMs - startMs < chaosMs;
  const at = (run: () => void) => {
    scheduler.after(rng.between(500, chaosMs - 1_000), () => {
      if (during()) run();
    });
  };
  const perRun = Math.max(1, Math.round(chaosMs / 8_000));
  const nodes = [...world.ids, ...encoders.map(({ id }) => id), ...stage.submitters.map(({ id }) => id)];
  for (let i = rng.between(0, perRun); i > 0; i--) {
    at(() => {
      const shuffled = rng.shuffle(nodes);
      const cut = rng.between(1, shuffled.length - 1);
      for (const network of networks) network.partition([shuffled.slice(0, cut), shuffled.slice(cut)]);
      observer.coverage.partitions += 1;
      judge.note(`partition of ${cut}`);
      scheduler.after(rng.between(300, 2_500), () => {
        for (const network of networks) network.heal();
        judge.note("partition heals");
      });
    });
  }
  for (let i = rng.between(0, 2 * perRun); i > 0; i--) {
    at(() => {
      const host = rng.pick(hosts);
      if (rng.chance(0.5)) {
        host.crashAfter(rng.below(12));
        return;
      }
      const back = rng.chance(0.3) ? rng.between(1, 8) : 0;
      host.crash((store) => {
        store.disk.rollBack(back);
        if (back > 0) observer.coverage.rollbacks += 1;
      });
      scheduler.after(rng.between(50, 2_500), () => host.start());
    });
  }
  for (let i = rng.between(0, 3 * perRun); i > 0; i--) {
    at(() => {
      const encoder = rng.pick(encoders);
      if (rng.chance(0.6)) encoder.crashAfter(rng.below(10));
      else {
        encoder.crash();
        scheduler.after(rng.between(50, 2_000), () => encoder.start());
      }
    });
  }
  if (rng.chance(0.1)) {
    at(() => {
      judge.note("all crash");
      for (const host of hosts) host.crash();
      for (const host of hosts) scheduler.after(rng.between(100, 400), () => host.start());
    });
  }
  if (rng.chance(0.3)) at(() => world.network.slow(rng.pick(world.ids), rng.between(100, 300)));
  for (const index of plan.lost) {
    at(() => {
      const isWiped = rng.chance(0.5);
      const host = hosts[index]!;
      if (!host.isUp) host.start();
      host.crash((store) => {
        store.signer.wipe();
        store.isSignerLost = true;
        if (isWiped) store.disk.wipe();
        else store.disk.rollBack(rng.between(0, 30));
      });
      observer.coverage.lostDisks += 1;
      judge.note(`lost disk${isWiped ? ", database too" : ""}`);
      scheduler.after(rng.between(5, 1_500), () => host.start());
    });
  }
}

/** Active instances of consensus that freeze and are taken over by their standbys. */
export function scheduleTakeovers({ world, hosts, plan, chaosMs }: Stage, rng: Rng): void {
  if (rng.chance(0.6)) return;
  const index = rng.below(hosts.length);
  if (plan.byzantine.has(index)) return;
  world.scheduler.after(rng.between(500, chaosMs - 500), () =>
    hosts[index]!.takeOver(rng.between(50, 1_500)),
  );
}
