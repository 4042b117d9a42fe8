import { runService } from "@soma/runtime";
import { service } from "./shell/service.ts";

await runService(service);
