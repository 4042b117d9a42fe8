import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { eventually } from "@soma/testkit";

const SOMA = fileURLToPath(new URL("../../../services/cli/bin/soma.mjs", import.meta.url));

export interface Ended {
  /** Null if a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A `soma` command that runs, in a process group of its own as a shell's job is. */
export class RunningCommand {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  #stdout = "";
  #stderr = "";
  #isOver = false;

  constructor(args: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }) {
    const child = spawn(process.execPath, [SOMA, ...args], {
      ...options,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    child.stdout.on("data", (chunk: Buffer) => {
      this.#stdout += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    this.ended = new Promise((resolve, reject) => {
      child.once("error", reject);
      // Not "exit": the command itself may outlive the small program that starts it.
      child.once("close", (status) => {
        this.#isOver = true;
        resolve({ status, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
  }

  /** Everything written so far. */
  get output(): string {
    return this.#stdout + this.#stderr;
  }

  /** Waits until it has written this. */
  async says(pattern: RegExp, withinMs = 30_000): Promise<void> {
    await eventually(
      () => {
        if (pattern.test(this.output)) return true;
        if (this.#isOver) throw new Error(`it ended without saying ${pattern}:\n${this.output}`);
        throw new Error(`it has not said ${pattern}:\n${this.output}`);
      },
      { within: withinMs },
    );
  }

  /** Ctrl-C: every process of the group gets the signal. */
  interrupt(): void {
    if (!this.#isOver) process.kill(-this.#child.pid!, "SIGINT");
  }

  /** SIGKILL to the whole group. */
  kill(): void {
    if (!this.#isOver) process.kill(-this.#child.pid!, "SIGKILL");
  }
}

/** The `soma` command as a user has it, in one folder. */
export class Cli {
  readonly #options: { cwd: string; env: NodeJS.ProcessEnv };

  constructor(cwd: string, env: NodeJS.ProcessEnv = {}) {
    const { PATH, HOME, TZ } = process.env;
    this.#options = { cwd, env: { PATH, HOME, TZ, ...env } };
  }

  start(...args: string[]): RunningCommand {
    return new RunningCommand(args, this.#options);
  }

  run(...args: string[]): Promise<Ended> {
    return this.start(...args).ended;
  }

  /** The one JSON object that a command prints. @throws Error with its output if it fails */
  async json<T>(...args: string[]): Promise<T> {
    const { status, stdout, stderr } = await this.run(...args, "--json");
    if (status !== 0) throw new Error(`soma ${args.join(" ")} ended with ${status}:\n${stderr}${stdout}`);
    return JSON.parse(stdout) as T;
  }
}
