import { err, ok, type Result } from "@soma/base";
import { isSmallOrder, type SignatureVerifier } from "@soma/crypto";
import type { Address, Ask, Parameters, TransactionKind } from "@soma/protocol";
import { constants, encoders, type Role, validators } from "./records.ts";
import { poolOf } from "./stake.ts";
import type { KeyedStore } from "./store.ts";

type Kind<K extends TransactionKind["$kind"]> = Extract<TransactionKind, { $kind: K }>;

const MAX_COMMISSION_BPS = 10_000;
const MAX_ADDRESS_CHARACTERS = 256;
/** Only text has a governed tokenizer so far (MASK-1). */
const TEXT = 0;

/**
 * Seats in the committee follow at the next epoch. Keys need not be unique: an author's blocks, checkpoint shares
 * and job messages all name it. Refusals: OPERATOR_REGISTERED, COMMISSION_RANGE, ADDRESS_LENGTH, KEY_WEAK,
 * STAKE_BELOW_MINIMUM, KEY_POSSESSION (last, since it costs a pairing).
 */
export function registerValidator(
  store: KeyedStore,
  parameters: Parameters,
  verifier: SignatureVerifier,
  sender: Address,
  request: Kind<"RegisterValidator">["RegisterValidator"],
): Result<true> {
  if (validators.get(store, sender) !== undefined) {
    return err("OPERATOR_REGISTERED", "the account is a validator already");
  }
  if (request.commissionBps > MAX_COMMISSION_BPS) return err("COMMISSION_RANGE", "at most 10 000 bps");
  for (const address of [request.edgeAddress, request.gatewayAddress]) {
    if (address.length < 1 || address.length > MAX_ADDRESS_CHARACTERS) {
      return err("ADDRESS_LENGTH", "an address has 1 to 256 characters");
    }
  }
  if (isSmallOrder(request.blockKey) || isSmallOrder(request.vrfKey)) {
    return err("KEY_WEAK", "a key of small order");
  }
  const staked = checkStake(store, "validator", sender, parameters.minValidatorStake);
  if (!staked.ok) return staked;
  if (!verifier.blsPossession(request.blsKey, request.blsPossession)) {
    return err("KEY_POSSESSION", "possession of the BLS key is not proved");
  }
  const { blsPossession: _, ...keys } = request;
  validators.put(
    store,
    {
      ...keys,
      nextCommissionBps: request.commissionBps,
      leaving: false,
      banned: false,
      equivocated: null,
    },
    sender,
  );
  return ok(true);
}

/** Refusals: those of a validator's registration, ASK_MODALITY, ASK_PRICE, ASK_TOKENIZER. */
export function registerEncoder(
  store: KeyedStore,
  parameters: Parameters,
  verifier: SignatureVerifier,
  sender: Address,
  request: Kind<"RegisterEncoder">["RegisterEncoder"],
): Result<true> {
  if (encoders.get(store, sender) !== undefined) {
    return err("OPERATOR_REGISTERED", "the account is an encoder already");
  }
  if (request.commissionBps > MAX_COMMISSION_BPS) return err("COMMISSION_RANGE", "at most 10 000 bps");
  const modalities = new Set(request.asks.map((ask) => ask.modality));
  if (modalities.size !== request.asks.length) return err("ASK_MODALITY", "a modality stands twice");
  for (const ask of request.asks) {
    const checked = checkAsk(store, ask);
    if (!checked.ok) return checked;
  }
  if (isSmallOrder(request.messageKey)) return err("KEY_WEAK", "a key of small order");
  const staked = checkStake(store, "encoder", sender, parameters.minEncoderStake);
  if (!staked.ok) return staked;
  if (!verifier.blsPossession(request.blsKey, request.blsPossession)) {
    return err("KEY_POSSESSION", "possession of the BLS key is not proved");
  }
  const { blsPossession: _, ...keys } = request;
  encoders.put(store, { ...keys, nextCommissionBps: request.commissionBps, leaving: false }, sender);
  return ok(true);
}

function checkStake(store: KeyedStore, role: Role, operator: Address, minimum: bigint): Result<true> {
  const pool = poolOf(store, role, operator);
  return pool.stake + pool.incoming >= minimum
    ? ok(true)
    : err("STAKE_BELOW_MINIMUM", `${pool.stake + pool.incoming} staked, ${minimum} are needed`);
}

function checkAsk(store: KeyedStore, ask: Ask): Result<true> {
  if (ask.modality !== TEXT) return err("ASK_MODALITY", "no tokenizer is governed for this modality");
  if (ask.pricePerByte < 1n) return err("ASK_PRICE", "a price is at least 1");
  return ask.tokenizer === constants.get(store, "all")?.textTokenizer
    ? ok(true)
    : err("ASK_TOKENIZER", "not the governed tokenizer");
}

/** Leaves at the end of the epoch. Refusals: OPERATOR_UNKNOWN, OPERATOR_LEAVING. */
export function unregister(store: KeyedStore, role: Role, sender: Address): Result<true> {
  const validator = role === "validator" ? validators.get(store, sender) : undefined;
  const encoder = role === "encoder" ? encoders.get(store, sender) : undefined;
  const record = validator ?? encoder;
  if (record === undefined) return err("OPERATOR_UNKNOWN", "the account does not operate");
  if (record.leaving) return err("OPERATOR_LEAVING", "it leaves already");
  if (validator !== undefined) validators.put(store, { ...validator, leaving: true }, sender);
  if (encoder !== undefined) encoders.put(store, { ...encoder, leaving: true }, sender);
  return ok(true);
}

/** ECON-4: counts from the next epoch. Refusals: OPERATOR_UNKNOWN, ASK_MODALITY, ASK_PRICE, ASK_TOKENIZER. */
export function setAsk(store: KeyedStore, sender: Address, ask: Ask): Result<true> {
  const record = encoders.get(store, sender);
  if (record === undefined) return err("OPERATOR_UNKNOWN", "the account is no encoder");
  const checked = checkAsk(store, ask);
  if (!checked.ok) return checked;
  const asks = [...record.asks.filter((other) => other.modality !== ask.modality), ask];
  asks.sort((a, b) => a.modality - b.modality);
  encoders.put(store, { ...record, asks }, sender);
  return ok(true);
}

/** ECON-6: in force from the next epoch. Refusals: OPERATOR_UNKNOWN, COMMISSION_RANGE. */
export function setCommission(
  store: KeyedStore,
  role: Role,
  sender: Address,
  commissionBps: number,
): Result<true> {
  if (commissionBps > MAX_COMMISSION_BPS) return err("COMMISSION_RANGE", "at most 10 000 bps");
  const validator = role === "validator" ? validators.get(store, sender) : undefined;
  const encoder = role === "encoder" ? encoders.get(store, sender) : undefined;
  if (validator === undefined && encoder === undefined) {
    return err("OPERATOR_UNKNOWN", "the account does not operate");
  }
  if (validator !== undefined) {
    validators.put(store, { ...validator, nextCommissionBps: commissionBps }, sender);
  }
  if (encoder !== undefined) encoders.put(store, { ...encoder, nextCommissionBps: commissionBps }, sender);
  return ok(true);
}
