import { rmSync } from "node:fs";
import { join } from "node:path";
import { SomaError } from "@soma/base";
import { formatAmount, GatewayClient } from "@soma/client";
import { nearestByCosine } from "@soma/embedding";
import { AccountKey, loadKeyFile } from "@soma/identity";
import { clientTelemetry } from "../client-telemetry.ts";
import { DEMO_FOLDER } from "../connection.ts";
import { encodeBatch } from "../encode-job.ts";
import { Library } from "../library.ts";
import { printLine, short } from "../output.ts";
import { colours as pc } from "../terminal.ts";
import { verifyCommand } from "../verify/verify.ts";
import { sampleTexts } from "./governed-files.ts";
import type { DevnetNetwork } from "./network.ts";

/** Two texts of one sample topic: what the nearest neighbour of each is judged by. */
function topicOf(label: string): string {
  return label.replace(/-.*$/, "");
}

/**
 * One real job through the network, told stage by stage: the shipped sample texts, then winner, rewards, offline
 * verification and nearest neighbours. @throws SomaError DEMO_CHECK if anything that it claims did not hold
 */
export async function runDemo(network: DevnetNetwork): Promise<void> {
  const { plan, genesis, client } = network;
  const samples = sampleTexts();
  const library = new Library(join(plan.folder, DEMO_FOLDER));
  const items = samples.map(({ name, text }) => ({ label: name, bytes: Buffer.from(text, "utf8") }));
  // A demo that was cut off earlier is not resumed: this one is shown from its beginning.
  const name = library.nameOf(items);
  for (const path of [library.journalPath(name), library.receiptPath(name)]) rmSync(path, { force: true });
  const nameOf = new Map(plan.operators.map((operator) => [operator.id, operator]));
  const account = AccountKey.fromSeed(loadKeyFile(plan.walletFile, "account").seed);

  printLine("");
  printLine(
    pc.bold(`One job: ${items.length} sample texts from models/samples, paid by ${short(account.address)}`),
  );
  const before = await client.account(account.address);
  const telemetry = clientTelemetry();
  const began = performance.now();
  const { job } = await encodeBatch(library, items, {
    client,
    genesis,
    account,
    telemetry,
    onProgress: ({ stage, text }) =>
      printLine(
        `  ${pc.dim(`${((performance.now() - began) / 1000).toFixed(2)} s`)}  ${stage.padEnd(9)}  ${text}`,
      ),
  });
  const seconds = (performance.now() - began) / 1000;
  await telemetry.close();
  if (job === undefined) throw new SomaError("DEMO_CHECK", "the sample texts were embedded before");
  const { verified } = job;

  printLine("");
  printLine(
    pc.bold("Scores") + pc.dim("  differential loss (lower is better), outlier factor, composite rank"),
  );
  for (const score of [...verified.result.scores].sort((a, b) => (a.composite < b.composite ? -1 : 1))) {
    const operator = nameOf.get(score.encoder);
    const mark =
      score.encoder === verified.result.winner
        ? pc.green(" winner")
        : score.disqualified
          ? pc.red(" out")
          : "";
    const model = operator?.model?.split("/").at(-1) ?? "";
    printLine(
      `  ${operator?.name ?? short(score.encoder)} ${model.padEnd(14)} ${(Number(score.lossPpb) / 1e9).toFixed(4)}  ${(Number(score.lofMicro) / 1e6).toFixed(3)}  ${score.composite}${mark}`,
    );
  }
  const after = await client.account(account.address);
  printLine("");
  printLine(pc.bold("Rewards"));
  printLine(
    `  fee ${formatAmount(verified.fee)}, of which ${formatAmount(verified.paid)} to the winner, the rest burned`,
  );
  printLine(`  paid by the submitter, base fees included: ${formatAmount(before.balance - after.balance)}`);

  printLine("");
  printLine(pc.bold("Offline verification") + pc.dim("  from the genesis file alone"));
  const receipt = library.receiptPath(name);
  const status = await verifyCommand(
    receipt,
    { genesisPath: plan.genesisFile, json: false, nameOf: (id) => nameOf.get(id)?.name },
    process.stdout,
  );
  if (status !== 0) throw new SomaError("DEMO_CHECK", "the receipt did not verify");
  printLine(`receipt ${receipt}`);

  printLine("");
  printLine(pc.bold("Nearest among the samples"));
  const right = neighbours(samples, verified.finals);
  printLine(`  ${right} of ${samples.length} texts have a text of their own topic nearest`);
  const hits = await client.search({ vector: null, near: { job: verified.job, item: 0 }, limit: 3 });
  printLine(`  the pool agrees: nearest to ${samples[0]!.name} is ${samples[hits.hits[1]?.item ?? 0]!.name}`);
  const heads = await sameLedger(network);
  printLine("");
  printLine(`${pc.green("done")} in ${seconds.toFixed(2)} s; ${heads} validators certify the same ledger`);
  if (right * 2 < samples.length) throw new SomaError("DEMO_CHECK", "fewer than half of the neighbours fit");
  if (hits.hits[0]?.job !== verified.job) throw new SomaError("DEMO_CHECK", "the pool does not hold the job");
}

function neighbours(samples: readonly { name: string }[], finals: readonly (Int16Array | null)[]): number {
  let right = 0;
  const vectors = finals.map((vector) => vector ?? new Int16Array(finals.find((v) => v)?.length ?? 0));
  for (const [i, vector] of vectors.entries()) {
    const nearest = nearestByCosine(vector, vectors, 2).find((j) => j !== i);
    if (nearest === undefined) continue;
    const fits = topicOf(samples[i]!.name) === topicOf(samples[nearest]!.name);
    if (fits) right += 1;
    const arrow = fits ? pc.green("→") : pc.yellow("→");
    printLine(`  ${samples[i]!.name.padEnd(20)} ${arrow} ${samples[nearest]!.name}`);
  }
  return right;
}

/** All validators have a certified checkpoint of the same number with the same content. @throws SomaError DEMO_CHECK */
async function sameLedger(network: DevnetNetwork): Promise<number> {
  const clients = network.client.http.gateways.map((gateway) => new GatewayClient({ gateways: [gateway] }));
  const newest = await Promise.all(clients.map((client) => client.checkpoint()));
  const sequence = newest.reduce(
    (least, found) =>
      found !== undefined && found.checkpoint.sequence < least ? found.checkpoint.sequence : least,
    newest[0]?.checkpoint.sequence ?? 0n,
  );
  const digests = await Promise.all(
    clients.map(async (client) => {
      const found = await client.checkpoint(sequence);
      return `${found?.checkpoint.commitDigest} ${found?.checkpoint.stateDigest}`;
    }),
  );
  if (new Set(digests).size !== 1)
    throw new SomaError("DEMO_CHECK", `validators differ at checkpoint ${sequence}`);
  return digests.length;
}
