// A service process as a service's main.ts is, run by process.test.ts.
import { runService } from "@soma/runtime";
import { shop } from "./example-shop.ts";

await runService(shop);
