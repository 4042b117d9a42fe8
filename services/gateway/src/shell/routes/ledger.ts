import { bcs, encode } from "@soma/codec";
import {
  GetAccount,
  GetCheckpoint,
  GetCommitLeaf,
  GetEpoch,
  GetHandovers,
  ProvenLeafCodec,
} from "@soma/contracts";
import { CertifiedCheckpointCodec, EpochHandoverCodec, EpochInfoCodec } from "@soma/protocol";
import { z } from "zod";
import { MOST_UPDATES } from "../ledger-updates.ts";
import { found, hash, wait, waiting, whole } from "../parameters.ts";
import { defineRoute, OCTETS, type Route } from "../route.ts";
import { jsonOf } from "./network.ts";

const tag = "ledger";
const most = z.coerce.number().int().min(1).max(MOST_UPDATES).meta({
  description: "Checkpoints in the answer, at most; one unless more are asked for.",
});
const numbered = z.union([z.literal("latest"), whole]);

/** An account, and what light clients follow: facts of epochs, checkpoints and commits with their proofs. */
export const LEDGER_ROUTES: readonly Route[] = [
  defineRoute({
    id: "getAccount",
    method: "GET",
    url: "/v1/accounts/:address",
    tag,
    summary: "Balance, next sequence number and stakes of an account",
    description: "An address that never held anything is an account with `exists: false`.",
    params: z.object({ address: hash }),
    answers: { 200: { doc: "The account at the stated commit.", json: jsonOf(GetAccount) } },
    reads: true,
    handle: async ({ ledger, params, reply }) => reply.send(await ledger.ask(GetAccount, params)),
  }),
  defineRoute({
    id: "getEpoch",
    method: "GET",
    url: "/v1/epochs/:epoch",
    tag,
    summary: "The facts of an epoch",
    description: "BCS of `EpochInfo`: committee, roster, prices and seed. `latest` is the one that is open.",
    params: z.object({ epoch: numbered }),
    answers: { 200: { doc: "BCS of `EpochInfo`.", type: OCTETS } },
    codes: ["GATEWAY_EPOCH_NOT_FOUND"],
    reads: true,
    handle: async ({ ledger, params: { epoch }, reply }) => {
      const asked = epoch === "latest" ? null : BigInt(epoch);
      const info = await ledger.ask(GetEpoch, { epoch: asked });
      return reply
        .type(OCTETS)
        .send(
          Buffer.from(encode(EpochInfoCodec, found(info, "GATEWAY_EPOCH_NOT_FOUND", `no epoch ${epoch}`))),
        );
    },
  }),
  defineRoute({
    id: "getHandovers",
    method: "GET",
    url: "/v1/handovers",
    tag,
    summary: "Hand-overs between epochs, for light clients",
    description: "BCS of a vector of at most 16 `EpochHandover`: out of epoch `from` and the following ones.",
    query: z.strictObject({ from: whole.meta({ description: "Epoch whose committee is known already." }) }),
    answers: { 200: { doc: "BCS of a vector of `EpochHandover`.", type: OCTETS } },
    reads: true,
    handle: async ({ ledger, query: { from }, reply }) => {
      const page = await ledger.ask(GetHandovers, { fromEpoch: BigInt(from), limit: 16 });
      return reply.type(OCTETS).send(Buffer.from(encode(bcs.vector(EpochHandoverCodec), page)));
    },
  }),
  defineRoute({
    id: "getCheckpoint",
    method: "GET",
    url: "/v1/checkpoints/:sequence",
    tag,
    summary: "A checkpoint with its certificate",
    description: "BCS of `CertifiedCheckpoint`. `latest` is the newest.",
    params: z.object({ sequence: numbered }),
    answers: { 200: { doc: "BCS of `CertifiedCheckpoint`.", type: OCTETS } },
    codes: ["GATEWAY_CHECKPOINT_NOT_FOUND"],
    reads: true,
    handle: async ({ ledger, params: { sequence }, reply }) => {
      const asked = sequence === "latest" ? null : BigInt(sequence);
      const answer = await ledger.ask(GetCheckpoint, { sequence: asked });
      const why = `no certified checkpoint ${sequence}`;
      const certified = found(answer, "GATEWAY_CHECKPOINT_NOT_FOUND", why);
      return reply.type(OCTETS).send(Buffer.from(encode(CertifiedCheckpointCodec, certified)));
    },
  }),
  defineRoute({
    id: "getCommitLeaf",
    method: "GET",
    url: "/v1/commits/:commit/leaf",
    tag,
    summary: "The proof of a commit, with its beacon",
    description: "BCS of `ProvenLeaf`: the leaf and the way to the effects root of a certified checkpoint.",
    params: z.object({ commit: whole }),
    answers: { 200: { doc: "BCS of `ProvenLeaf`.", type: OCTETS } },
    codes: ["GATEWAY_COMMIT_NOT_FOUND"],
    reads: true,
    handle: async ({ ledger, params: { commit }, reply }) => {
      const answer = await ledger.ask(GetCommitLeaf, { commit: BigInt(commit) });
      const leaf = found(answer, "GATEWAY_COMMIT_NOT_FOUND", `commit ${commit} is not certified`);
      return reply.type(OCTETS).send(Buffer.from(encode(ProvenLeafCodec, leaf)));
    },
  }),
  defineRoute({
    id: "getLedgerUpdate",
    method: "GET",
    url: "/v1/ledger-updates/:sequence",
    tag,
    summary: "What takes a light client over a checkpoint, or over several",
    description:
      "BCS of a vector of byte strings, each a `LedgerUpdate`: of this checkpoint, then of those after it that are " +
      "certified, as many as `most` says and the answer's size allows.",
    params: z.object({ sequence: whole }),
    query: z.strictObject({ wait, most: most.optional() }),
    answers: {
      200: { doc: "BCS of a vector of `LedgerUpdate` bytes.", type: OCTETS },
      204: { doc: "The checkpoint is not certified yet." },
    },
    codes: ["GATEWAY_BUSY", "GATEWAY_QUOTA_WAITS"],
    asks: true,
    handle: async ({
      context: { config, news, quotas, updates },
      params: { sequence },
      query,
      request,
      reply,
    }) => {
      const patience = waiting(reply, query.wait, config.maxWait, quotas.clientOf(request.ip));
      const update = await news.until("checkpoint", patience, () =>
        updates.from(BigInt(sequence), query.most ?? 1),
      );
      if (update === undefined) return reply.status(204).send();
      return reply.type(OCTETS).send(Buffer.from(update));
    },
  }),
];
