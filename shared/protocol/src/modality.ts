/** Modalities by their number on the wire. */
export const MODALITIES = ["text", "image", "video", "audio"] as const;
export type Modality = (typeof MODALITIES)[number];

export function modalityNumber(modality: Modality): number {
  return MODALITIES.indexOf(modality);
}

/** Undefined for a number that no modality has. */
export function modalityOf(number: number): Modality | undefined {
  return MODALITIES[number];
}
