import { toHex } from "@soma/base";
import { overrideDigest, stageOf } from "@soma/protocol";
import type { OverrideFile as File } from "./override-file.ts";

/** An override in words and numbers: what whoever signs it must have read. */
export function overrideJson({ chainId, signed }: File) {
  const { override, signatures } = signed;
  const { epoch, commit, commitDigest, stateDigest, resolution } = override;
  const entries = [...(resolution.Execute?.entries ?? resolution.Settle?.entries ?? [])];
  return {
    chainId,
    digest: overrideDigest(chainId, override),
    stage: stageOf(override),
    epoch,
    commit,
    commitDigest,
    stateDigest,
    omit: [...(resolution.Execute?.omit ?? [])],
    entries: entries.map(({ key, value }) => ({ key, value: value === null ? null : toHex(value) })),
    settlement: resolution.Settle?.settlement ?? null,
    signers: signatures.map(({ validator }) => validator),
  };
}

export function overrideText(file: File): string {
  const told = overrideJson(file);
  const lines = [
    `override   ${told.digest}`,
    `chain      ${told.chainId}`,
    `halted at  the ${told.stage} of commit ${told.commit} (${told.commitDigest}) of epoch ${told.epoch}`,
    `state      ${told.stateDigest}`,
    ...told.omit.map((digest) => `leaves out ${digest}`),
    ...told.entries.map(({ key, value }) => `sets       ${key} = ${value ?? "nothing"}`),
  ];
  if (told.settlement !== null) {
    const { minted, payments, pools } = told.settlement;
    lines.push(`settles    ${minted} minted, ${payments.length} payments, ${pools.length} pools`);
    for (const { account, amount } of payments) lines.push(`pays       ${account} ${amount}`);
    for (const { role, operator, amount } of pools) lines.push(`rewards    ${role} ${operator} ${amount}`);
  }
  if (told.settlement === null && told.omit.length === 0 && told.entries.length === 0) {
    lines.push("changes    nothing: the commit is only tried again");
  }
  lines.push(`signed by  ${told.signers.length === 0 ? "nobody yet" : told.signers.join("\n           ")}`);
  return lines.join("\n");
}
