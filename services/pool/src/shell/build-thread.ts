import { type Segment, type TableChunk, type TableLayout, VectorTable } from "../core/index.ts";
import { provideSegment, removeOthers, type SegmentFile } from "./segment-files.ts";
import { answerQuestions } from "./thread.ts";

export type BuildRequest =
  | { readonly kind: "open"; readonly layout: TableLayout }
  | { readonly kind: "attach"; readonly chunk: TableChunk }
  | { readonly kind: "provide"; readonly folder: string; readonly segment: Segment }
  | { readonly kind: "tidy"; readonly folder: string; readonly plan: readonly Segment[] };

let table: VectorTable | undefined;

// A build takes the thread for minutes: nothing else lives here.
answerQuestions<BuildRequest, SegmentFile | null>(async (request) => {
  if (request.kind === "open") table = new VectorTable(request.layout);
  else if (request.kind === "attach") table!.attach(request.chunk);
  else if (request.kind === "provide") return provideSegment(request.folder, table!, request.segment);
  else await removeOthers(request.folder, request.plan);
  return null;
});
