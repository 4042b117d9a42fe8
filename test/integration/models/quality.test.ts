import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { shippedEncoders } from "../../../models/evaluate/encoders.ts";
import { evaluate, type Findings } from "../../../models/evaluate/evaluate.ts";
import { loadHeldOut } from "../../../models/evaluate/held-out.ts";
import { report } from "../../../models/evaluate/report.ts";
import { modelFolders, textTokenizer } from "../../../services/cli/src/devnet/governed-files.ts";

const MODELS = join(import.meta.dirname, "../../../models");
const encoders = shippedEncoders();
const json = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const sha256 = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

describe("shipped files", () => {
  test("six encoders or more, of different architectures and graphs", () => {
    expect(encoders.length).toBeGreaterThanOrEqual(6);
    const manifests = modelFolders().map((folder) => json(join(folder, "manifest.json")));
    expect(new Set(manifests.map(({ architecture }) => architecture)).size).toBe(encoders.length);
    expect(new Set(encoders.map(({ id }) => id)).size).toBe(encoders.length);
  });

  test.each(modelFolders().map((folder) => basename(folder)))(
    "%s: its manifest names its files and the governed tokenizer",
    (name) => {
      const folder = join(MODELS, name);
      const manifest = json(join(folder, "manifest.json"));
      expect(Object.keys(manifest.files)).toEqual(["model.onnx"]);
      expect(manifest.files["model.onnx"].sha256).toBe(sha256(join(folder, "model.onnx")));
      expect(manifest.files["model.onnx"].bytes).toBe(readFileSync(join(folder, "model.onnx")).length);
      expect(manifest.tokenizer).toEqual({
        id: json(join(MODELS, "tokenizer/manifest.json")).id,
        sha256: textTokenizer(),
      });
    },
  );

  test("the tokenizer is its manifest's, with the ids that the graphs were trained for", () => {
    expect(sha256(join(MODELS, "tokenizer/text.model"))).toBe(textTokenizer());
    for (const { model } of encoders) {
      expect(model).toMatchObject({ pooling: "masked-sum", tokenizer: { maskId: 2, padId: 1 } });
    }
  });
});

describe("on a part of the held-out set", () => {
  let findings: Findings;
  beforeAll(async () => {
    findings = await evaluate({
      heldOut: loadHeldOut({ queries: 300, documents: 600 }),
      seed: 1,
      itemsPerJob: 64,
      // Recomputed every time: a test of the inference must not read what it once gave.
      cache: null,
      onProgress: () => {},
    });
    console.log(report(findings));
  }, 300_000);

  test("the pooled vector finds more than TF-IDF, clear of zero", () => {
    expect(findings.differences.pooledMinusTfIdf.low).toBeGreaterThan(0.1);
    expect(findings.tfIdf.value).toBeGreaterThan(0.2);
  });

  test("the pooled vector finds more than the median single encoder, clear of zero", () => {
    expect(findings.differences.pooledMinusMedianSingle.low).toBeGreaterThan(0);
  });

  test("every encoder finds more than TF-IDF does", () => {
    for (const { recall } of findings.encoders) expect(recall.low).toBeGreaterThan(findings.tfIdf.high);
  });

  test("every encoder is in the space (SPACE-1), as near as its training says", () => {
    const trained = json(join(MODELS, "EVALUATION.json")).models;
    for (const { name, anchorCosine } of [...findings.encoders, { ...findings.bagOfWords, name: "cheat" }]) {
      expect(anchorCosine).toBeGreaterThanOrEqual(0.5);
      // Another implementation of tokenising, running and pooling measured these.
      expect(anchorCosine).toBeCloseTo(trained[name].anchorCosine, 3);
    }
  });

  test("almost every text passes the gates (SPACE-2, DIFF-2), and no encoder is an outlier", () => {
    for (const { gated, outliers } of findings.scoring.encoders) {
      expect(gated).toBeLessThan(0.01);
      expect(outliers).toBeLessThan(0.01);
    }
    expect(findings.scoring.withoutWinner).toBe(0);
  });

  test("the bag of words is additive and the encoders are not (DIFF-3)", () => {
    const bag = findings.scoring.withBag.at(-1)!;
    expect(bag.name).toBe("bag-of-words");
    expect(bag.meanLoss).toBeLessThan(1e-5);
    for (const { meanLoss } of findings.scoring.encoders) expect(meanLoss).toBeGreaterThan(20 * bag.meanLoss);
  });
});
