import type { EvaluationResult, Hex32 } from "@soma/protocol";
import { tableOf } from "../table.ts";
import { colours } from "../terminal.ts";

/** The evaluation that closed a job, the lowest composite first; the winner has the best loss and outlier ranks. */
export function scoreTable(result: EvaluationResult, nameOf: (id: Hex32) => string): string[] {
  const sorted = [...result.scores].sort((a, b) => (a.composite < b.composite ? -1 : 1));
  return tableOf(
    [
      { title: "encoder" },
      { title: "loss", align: "right" },
      { title: "outlier", align: "right" },
      { title: "composite", align: "right" },
      { title: "" },
    ],
    sorted.map(({ encoder, lossPpb, lofMicro, composite, disqualified }) => [
      nameOf(encoder),
      (Number(lossPpb) / 1e9).toFixed(4),
      (Number(lofMicro) / 1e6).toFixed(3),
      composite.toString(),
      encoder === result.winner ? colours.green("winner") : disqualified ? colours.red("out") : "",
    ]),
  );
}
