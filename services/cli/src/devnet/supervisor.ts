import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, mkdirSync, type WriteStream } from "node:fs";
import { dirname } from "node:path";

export interface SupervisedProcess {
  /** Name in messages and of the log file. */
  readonly name: string;
  readonly args: readonly string[];
  readonly env: Record<string, string>;
  readonly logFile: string;
}

const RESTART_MIN_MS = 200;
const RESTART_MAX_MS = 5_000;
/** Having run this long, a process is taken to be well, and its next restart is immediate again. */
const WELL_AFTER_MS = 20_000;

/** Keeps a process of the devnet running: what dies is started again, as an init system would. */
export class Supervised {
  readonly name: string;
  readonly #process: SupervisedProcess;
  readonly #log: WriteStream;
  readonly #onExit: (name: string, how: string) => void;
  #child: ChildProcess | undefined;
  #pause = RESTART_MIN_MS;
  #timer: NodeJS.Timeout | undefined;
  #stopping = false;
  restarts = 0;

  constructor(process: SupervisedProcess, onExit: (name: string, how: string) => void) {
    this.name = process.name;
    this.#process = process;
    this.#onExit = onExit;
    mkdirSync(dirname(process.logFile), { recursive: true });
    this.#log = createWriteStream(process.logFile, { flags: "a" });
    this.#start();
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** SIGKILL: the supervisor starts it again. */
  kill(): void {
    this.#child?.kill("SIGKILL");
  }

  /** SIGTERM, and SIGKILL to what has not ended after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), graceMs);
      await ended;
      clearTimeout(late);
    }
    this.#log.end();
  }

  #start(): void {
    const began = Date.now();
    const child = spawn(process.execPath, [...this.#process.args], {
      env: this.#process.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    child.stdout?.pipe(this.#log, { end: false });
    child.stderr?.pipe(this.#log, { end: false });
    child.once("exit", (code, signal) => {
      if (this.#stopping) return;
      this.#onExit(this.name, signal ?? `status ${code}`);
      this.#pause =
        Date.now() - began > WELL_AFTER_MS ? RESTART_MIN_MS : Math.min(2 * this.#pause, RESTART_MAX_MS);
      this.#timer = setTimeout(() => {
        this.restarts += 1;
        this.#start();
      }, this.#pause);
    });
  }
}
