import {
  centroid,
  classify,
  type LabelScore,
  type Ranked,
  type ScanQuery,
  scan,
  type TableChunk,
  type TableLayout,
  VectorTable,
} from "../core/index.ts";
import { answerQuestions } from "./thread.ts";

export interface Classification {
  /** Examples of each label. */
  readonly labels: readonly (readonly Int16Array[])[];
  readonly items: readonly Int16Array[];
}

/** What a scan thread makes of it: `empty` is the first label whose examples cancel out. */
export type Classified = { readonly items: readonly (readonly LabelScore[])[] } | { readonly empty: number };

export type ScanRequest =
  | { readonly kind: "open"; readonly layout: TableLayout }
  | { readonly kind: "attach"; readonly chunk: TableChunk }
  | { readonly kind: "rotate"; readonly from: number; readonly to: number }
  | { readonly kind: "scan"; readonly query: ScanQuery }
  | { readonly kind: "classify"; readonly classification: Classification };

export type ScanAnswer = Ranked[] | Classified | null;

let table: VectorTable | undefined;

function classifyAll({ labels, items }: Classification): Classified {
  const centroids = labels.map(centroid);
  const known = centroids.filter((of) => of !== undefined);
  if (known.length < centroids.length) return { empty: centroids.indexOf(undefined) };
  return { items: items.map((item) => classify(item, known)) };
}

answerQuestions<ScanRequest, ScanAnswer>((request) => {
  if (request.kind === "open") table = new VectorTable(request.layout);
  else if (request.kind === "attach") table!.attach(request.chunk);
  else if (request.kind === "rotate") table!.rotate(request.from, request.to);
  else if (request.kind === "scan") return scan(table!, request.query);
  else return classifyAll(request.classification);
  return null;
});
