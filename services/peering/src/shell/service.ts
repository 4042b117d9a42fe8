import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ok, SomaError } from "@soma/base";
import { AdmitPeer, EpochOpened, EpochProven, GetEpoch, ListPeers, SendToPeer } from "@soma/contracts";
import { nativeVerifier, selfTestEd25519, sha256Native } from "@soma/crypto/native";
import { loadGenesis } from "@soma/identity";
import { type EpochInfo, genesisEpoch, PEER_MESSAGE_TYPES, type PeerMessageType } from "@soma/protocol";
import { AddressGuard, defineService, type ServiceContext, sleep, steadyNow } from "@soma/runtime";
import { AdmissionDesk } from "../core/admission.ts";
import { Ingress } from "../core/ingress.ts";
import { parsePeers } from "../core/link-plan.ts";
import { Roster } from "../core/roster.ts";
import { sequenceAt } from "../core/sequencer.ts";
import { loadEdgeAccount } from "../edge/files.ts";
import { PeeringConfig } from "./config.ts";
import { EdgeDoor } from "./edge-door.ts";
import { Exchange } from "./exchange.ts";
import { Links } from "./links.ts";
import { peeringMetrics } from "./metrics.ts";
import { loadOperator, type Operator } from "./operator.ts";
import { openSequencer } from "./sequence-file.ts";
import { openVerifier } from "./verifier.ts";

type Context = ServiceContext<(typeof PeeringConfig)["variables"]>;

/** Sequence numbers remembered of each sender. */
const REPLAY_WINDOW = 4096;
const STRIKE_WINDOW_MS = 60_000;
const CLOCK_TOLERANCE_MS = 60_000;
/** A peer asks once an hour, and again when a link breaks. */
const ADMISSIONS_PER_PEER = { perSecond: 0.5, burst: 30 };
const ADMISSION_CHECKS = { perSecond: 200, burst: 400 };

const TYPES: ReadonlySet<string> = new Set(PEER_MESSAGE_TYPES);

export const service = defineService()({
  name: "peering",
  config: PeeringConfig,
  async open(context) {
    selfTestEd25519();
    const { config, bus, telemetry } = context;
    const us = loadOperator(config.keyFile);
    const genesis = loadGenesis(config.genesis);
    const first = genesisEpoch(genesis);
    if (!first.ok) throw new SomaError(first.code, first.message);
    const { chainId } = genesis;
    const peers = parsePeers(config.peers);
    if (!peers.ok) throw new SomaError(peers.code, peers.message);
    const metrics = peeringMetrics(telemetry);
    const guard = context.use(new AddressGuard({ allowed: config.peerNetworks, telemetry }));
    const verifier = context.use(await openVerifier(config.verifyThreads));
    const concurrency = config.verifyThreads === 0 ? 1 : 256;
    const desk = new AdmissionDesk({
      chainId,
      us: us.id,
      clockToleranceMs: CLOCK_TOLERANCE_MS,
      lifetimeMs: config.admissionLifetime,
      perPeer: ADMISSIONS_PER_PEER,
      checks: ADMISSION_CHECKS,
      verify: nativeVerifier.ed25519,
    });
    let door: EdgeDoor | undefined;
    const exchange: Exchange = new Exchange(
      new Roster(chainId, first.value),
      {
        chainId,
        us,
        inside: bus,
        ingress: openIngress(context, chainId),
        verifier,
        sequencer: openSequencer(config.data && join(config.data, "peering.sequence"), telemetry.log),
        telemetry,
        metrics,
        sha256: sha256Native,
        pulse: { silentAfterMs: config.silentAfter, lostAfterMs: config.lostAfter },
        queue: { messages: config.queueMessages, bytes: config.queueBytes },
      },
      {
        onReadmit: (peer) => links.readmit(peer),
        onLost: (channel) => void (channel.direction === "dialled" && links.drop(channel.peer)),
        onBanned: (peer) => {
          links.drop(peer);
          void door?.drop(peer);
        },
      },
    );
    const deps = { exchange, us, chainId, telemetry, metrics, concurrency };
    const links: Links = context.use(new Links(peers.value, { ...deps, guard }));
    if (us.kind === "validator")
      door = context.use(await openDoor(context, us, first.value, { ...deps, desk }));

    let epoch = first.value;
    const adopt = (next: EpochInfo): void => {
      if (next.epoch <= epoch.epoch) return;
      const roster = new Roster(chainId, next, next.epoch === epoch.epoch + 1n ? epoch : undefined);
      epoch = next;
      exchange.adopt(roster);
      desk.prune((id) => roster.get(id) !== undefined);
      links.follow(roster);
      telemetry.log.info({ epoch: String(next.epoch) }, "the roster of an epoch is in force");
    };
    await bus.subscribe(us.kind === "validator" ? EpochOpened : EpochProven, {}, adopt);
    await bus.subscribe(
      SendToPeer,
      {},
      async ({ recipient, body }, { tokens: { type } }) => {
        if (TYPES.has(type) && type !== "canary")
          await exchange.send(type as PeerMessageType, recipient, body);
        else metrics.unsent.add(1, { type: "unknown", code: "ENVELOPE_TYPE" });
      },
      { maxWaiting: 4096 },
    );
    await bus.respond(ListPeers, {}, () => ok({ peers: listPeers(exchange) }));
    const atDoor = door;
    if (atDoor !== undefined) await bus.respond(AdmitPeer, {}, (input) => atDoor.admit(input));
    links.follow(exchange.roster);
    if (us.kind === "validator") void catchUp(context, adopt);
    const timer = setInterval(() => {
      exchange.tick();
      atDoor?.sweep(Date.now());
    }, config.canaryInterval);
    context.defer(() => clearInterval(timer));
    return {
      health: () => ({
        ok: true,
        detail: { operator: us.id, epoch: String(exchange.roster.epoch), linked: exchange.linked().length },
      }),
    };
  },
});

function openIngress({ config }: Context, chainId: string): Ingress {
  const limits = (messages: number, bytes: number) => ({
    messages: { perSecond: messages, burst: 2 * messages },
    // Whatever the rate, some of the largest envelopes must fit.
    bytes: { perSecond: bytes, burst: Math.max(2 * bytes, 8 * 1024 * 1024) },
  });
  return new Ingress({
    chainId,
    limits: {
      validator: limits(config.validatorMessages, config.validatorBytes),
      encoder: limits(config.encoderMessages, config.encoderBytes),
    },
    conduct: { strikes: config.strikes, windowMs: STRIKE_WINDOW_MS, banMs: config.ban },
    replayWindow: REPLAY_WINDOW,
    replayFloor: sequenceAt(Date.now() - config.replayTolerance),
    sha256: sha256Native,
  });
}

async function openDoor(
  { config }: Context,
  us: Operator,
  epoch: EpochInfo,
  deps: Parameters<typeof EdgeDoor.open>[1],
): Promise<EdgeDoor> {
  if (config.edgeAccount === undefined)
    throw new SomaError("CONFIG_INVALID", "a validator needs SOMA_PEERING_EDGE_ACCOUNT");
  const listed = epoch.committee.find(({ validator }) => validator === us.id)?.edgeAddress;
  const address = config.edgeAddress ?? (listed === undefined ? undefined : `nats://${listed}`);
  if (address === undefined)
    throw new SomaError("CONFIG_INVALID", "SOMA_PEERING_EDGE_ADDRESS is missing, and the roster has none");
  return EdgeDoor.open(
    {
      account: await loadEdgeAccount(config.edgeAccount),
      address,
      url: config.edgeUrl ?? address,
      certificateAuthorities: config.edgeCa === undefined ? null : readFileSync(config.edgeCa, "utf8"),
    },
    deps,
  );
}

/** Asks for the newest epoch until the ledger answers: it may still be starting, or replaying. */
async function catchUp({ bus, signal }: Context, adopt: (epoch: EpochInfo) => void): Promise<void> {
  while (!signal.aborted) {
    const newest = await bus.request(GetEpoch, {}, { epoch: null }, { timeoutMs: 2000 });
    if (newest.ok && newest.value !== null) {
      adopt(newest.value);
      return;
    }
    await sleep(1000, signal);
  }
}

function listPeers(exchange: Exchange) {
  // Heard by the steady clock, told as the time of day.
  const ahead = Date.now() - steadyNow();
  return exchange.channels().map((channel) => ({
    operator: channel.peer,
    direction: channel.direction,
    connected: channel.isOpen,
    received: channel.received,
    refused: channel.refused,
    lastSeenMs: channel.wasHeard ? channel.lastHeardMs + ahead : null,
  }));
}
