import { runConformance } from "../../../services/cli/src/conformance/run.ts";

const status = await runConformance(process.stdin, process.stdout, { list: process.argv.includes("--list") });
process.stderr.write(JSON.stringify({ peakMebibytes: process.resourceUsage().maxRSS / 1024 }));
process.exit(status);
