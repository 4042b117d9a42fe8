import { expect, test } from "vitest";
import { operatorLines } from "./operator-lines.ts";

const TOKEN = 1_000_000_000n;
const [one, two, three] = ["11", "22", "33"].map((byte) => byte.repeat(32)) as [string, string, string];
const view = {
  epoch: 7n,
  validators: [
    {
      id: two,
      stake: 5n * TOKEN,
      active: true,
      edgeAddress: "",
      gatewayAddress: "http://two",
      slashVotes: 0n,
    },
    {
      id: one,
      stake: 50n * TOKEN,
      active: false,
      edgeAddress: "",
      gatewayAddress: "",
      slashVotes: 7n * TOKEN,
    },
  ],
  encoders: [{ id: three, stake: 1_500_000_000n, active: true, price: 250n }],
};

test("operators stand by role and stake, with all that stake add and remove ask for", () => {
  expect(operatorLines(view, new Map())).toEqual([
    `validator ${one}  inactive            50 staked    7 staked votes to slash it`,
    `validator ${two}  active               5 staked  http://two`,
    `encoder   ${three}  active             1.5 staked  asks 0.00000025 a byte`,
    "as of     epoch 7",
  ]);
});

test("names stand before the ids if there are any", () => {
  const lines = operatorLines(view, new Map([[two, "v0"]]));
  expect(lines[1]).toContain(`validator v0  ${two}`);
  expect(lines[0]).toContain(`validator     ${one}`);
});
