import { err, ok, type Result } from "@soma/base";
import { sha256 } from "@soma/crypto";
import { applyMask, drawMasks, type MaskModality } from "@soma/embedding";

/** What seeds the masks of a job's items (MASK-2), and what bounds them. */
export interface MaskSettings {
  readonly chainId: string;
  /** The last committed block of the epoch before the payment's. */
  readonly lastBlock: Uint8Array;
  /** The beacon that drew the shard. */
  readonly beacon: Uint8Array;
  readonly modality: MaskModality;
  /** Masks of an item, K. */
  readonly masks: number;
  /** Elements of an item at most. */
  readonly maxTokens: number;
}

/** The rows that an encoder embeds for one item, all of one length: full, K masks, K inverses. */
export interface ItemRows {
  readonly masks: number;
  readonly rows: readonly Int32Array[];
}

/**
 * GAME-3's rows of one item from its token ids. Refuses as `drawMasks` does, and with ITEM_TOO_LONG above the
 * network's bound.
 */
export function itemRows(
  item: Uint8Array,
  ids: readonly number[],
  maskId: number,
  settings: MaskSettings,
): Result<ItemRows> {
  if (ids.length > settings.maxTokens) return err("ITEM_TOO_LONG", `${ids.length} tokens`);
  const drawn = drawMasks({
    chainId: settings.chainId,
    block: settings.lastBlock,
    beacon: settings.beacon,
    dataHash: sha256(item),
    length: ids.length,
    modality: settings.modality,
    masks: settings.masks,
  });
  if (!drawn.ok) return drawn;
  const forms = drawn.value.map((selected) => applyMask(ids, selected, maskId));
  const rows = [
    Int32Array.from(ids),
    ...forms.map((form) => form.mask),
    ...forms.map((form) => form.inverse),
  ];
  return ok({ masks: forms.length, rows });
}
