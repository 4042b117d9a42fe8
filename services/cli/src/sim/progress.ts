import { isPlain } from "../terminal.ts";

const BACK = "\r\u001b[2K";
/** Without a terminal to redraw, a line each tenth of the way. */
const STEPS = 10;

/** Tells on standard error how far something is; done shares from 0 to 1. */
export function progress(what: string): (done: number) => void {
  const { stderr } = process;
  const redraws = stderr.isTTY === true && !isPlain(process.argv, process.env);
  let told = 0;
  return (done) => {
    if (redraws) {
      stderr.write(done < 1 ? `${BACK}${what}: ${Math.floor(done * 100)} %` : BACK);
      return;
    }
    const step = Math.floor(done * STEPS);
    if (step > told) stderr.write(`${what}: ${step * (100 / STEPS)} %\n`);
    told = Math.max(told, step);
  };
}
