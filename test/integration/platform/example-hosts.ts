// The example service of two operators in one process, as `soma run --hosts` has them; run by process.test.ts.
import { runHosts } from "@soma/runtime";
import { shop } from "./example-shop.ts";

const { SOMA_NETWORK: network, ...env } = process.env;
await runHosts([
  { services: [shop], env: { ...env, SOMA_NETWORK: network } },
  { services: [shop], env: { ...env, SOMA_NETWORK: `${network}-b`, SOMA_OPERATOR: "b" } },
]);
