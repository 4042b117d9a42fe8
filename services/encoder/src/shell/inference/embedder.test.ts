import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHex, utf8 } from "@soma/base";
import { sha256 } from "@soma/crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Embedder, type EmbedderOptions } from "./embedder.ts";
import { loadModelFolder, loadTokenizerFolder } from "./model-folder.ts";

const models = join(import.meta.dirname, "../../../../../models");
const tokenizer = loadTokenizerFolder(join(models, "tokenizer"));
const settings = {
  chainId: "test",
  lastBlock: new Uint8Array(32).fill(1),
  beacon: new Uint8Array(32).fill(2),
  modality: "text",
  masks: 8,
  maxTokens: 4096,
} as const;
const texts = [
  "the tide turns twice a day",
  "a wolf",
  "bread is baked in an oven",
  "the tide turns twice a day and the harbour empties",
  "a very long sentence about nothing in particular, which goes on and on ".repeat(6),
];
const items = texts.map(utf8);

const open: Embedder[] = [];
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "soma-models-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await Promise.all(open.map((embedder) => embedder.close()));
});

async function embedder(model: string, options: Partial<EmbedderOptions> = {}): Promise<Embedder> {
  const made = await Embedder.open({ model: loadModelFolder(join(models, model), tokenizer), ...options });
  open.push(made);
  return made;
}

async function digests(from: Embedder, some: readonly Uint8Array[] = items): Promise<string[]> {
  const embedded = await from.embed(some, settings);
  if (!embedded.ok) throw new Error(embedded.message);
  return embedded.value.items.map(({ full, masks, inverses }) => toHex(sha256(full, ...masks, ...inverses)));
}

describe("Embedder", () => {
  // Attention, and the two models whose last bits change with a batch of one and with padding.
  test.each(["attn-2", "context-gate", "dilated-conv"])(
    "%s gives the same bytes in any order, company, batch size, number of threads, and after a restart",
    async (model) => {
      const one = await embedder(model);
      const expected = await digests(one);
      expect(await digests(one, [...items].reverse())).toEqual([...expected].reverse());
      for (const [i, item] of items.entries()) expect(await digests(one, [item])).toEqual([expected[i]]);
      const small = await embedder(model, { limits: { tokens: 40, attention: 1 } });
      expect(await digests(small)).toEqual(expected);
      const many = await embedder(model, { sessions: 2, threadsPerSession: 2 });
      expect(await digests(many)).toEqual(expected);
    },
  );

  test("an item has as many masks as exist, and its vectors have the model's dimension", async () => {
    const embedded = await (await embedder("salience")).embed(items, settings);
    if (!embedded.ok) throw new Error(embedded.message);
    expect(embedded.value.items.map(({ length }) => length)).toEqual([8, 3, 7, 15, 84]);
    expect(embedded.value.items.map(({ masks }) => masks.length)).toEqual([8, 3, 7, 8, 8]);
    for (const { full, masks, inverses } of embedded.value.items) {
      expect(inverses.length).toBe(masks.length);
      for (const vector of [full, ...masks, ...inverses]) expect(vector.length).toBe(512);
    }
  });

  test("an item that cannot be embedded is refused by its number", async () => {
    const shared = await embedder("salience");
    const cases: [Uint8Array, string][] = [
      [Uint8Array.of(0xc3, 0x28), "ITEM_NOT_UTF8"],
      [utf8("a"), "MASK_TOO_SHORT"],
      [new Uint8Array(0), "MASK_TOO_SHORT"],
      [utf8("word ".repeat(5000)), "ITEM_TOO_LONG"],
    ];
    for (const [item, code] of cases) {
      expect(await shared.embed([items[0]!, item], settings)).toMatchObject({
        ok: false,
        code,
        message: expect.stringContaining("item 1"),
      });
    }
  });

  test.each([
    ["not a number", 0x7e00, "MODEL_OUTPUT"],
    ["zero", 0, "MODEL_SELF_TEST"],
  ])("a model whose weights are %s does not start", async (_, weight, code) => {
    const model = loadModelFolder(join(models, "salience"), tokenizer);
    const graph = await readFile(model.graph);
    // A tensor's name, then its raw data (field 9 of TensorProto): a length of seven bits a byte, and so many bytes.
    const name = "net.embed.weight_f16J";
    let from = graph.indexOf(name) + name.length;
    let length = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      length += (graph[from]! & 0x7f) << shift;
      more = graph[from++]! >= 0x80;
    }
    for (let at = from; at < from + length; at += 2) graph.writeUInt16LE(weight, at);
    const damaged = join(folder, `${code}.onnx`);
    await writeFile(damaged, graph);
    const failed = Embedder.open({ model: { ...model, graph: damaged } });
    await expect(failed).rejects.toMatchObject({ code: "EMBEDDER_START", cause: { code } });
    await expect(failed).rejects.toThrow(/^the model salience cannot be run: ./);
  });

  test("a provider that is not there is passed over and named", async () => {
    const fallen = await embedder("salience", { providers: ["cuda", "cpu"] });
    expect(fallen.provider).toBe("cpu");
    expect(fallen.fallbacks.map(({ provider }) => provider)).toEqual(["cuda"]);
    await expect(embedder("salience", { providers: ["cuda"] })).rejects.toMatchObject({
      code: "EMBEDDER_START",
    });
  });
});
