import { type ChildProcess, spawn } from "node:child_process";
import { SomaError } from "@soma/base";
import { endWithUs } from "./reaper.ts";

export interface ServerProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Unix user to run as; Postgres refuses to run as root. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** Keeps a terminal's Ctrl-C from it, for whoever ends it in order; default false. */
  readonly ownGroup?: boolean | undefined;
}

const KEPT_LINES = 200;

/** A server of ours in a process of its own: its output is kept, its end is known. */
export class ServerProcess {
  readonly pid: number;
  /** Resolves when the process has ended. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #lines: string[] = [];
  #hasExited = false;

  private constructor(child: ChildProcess, name: string) {
    this.#child = child;
    this.#name = name;
    this.pid = child.pid!;
    endWithUs(child);
    this.exited = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        this.#hasExited = true;
        resolve({ code, signal });
      });
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => this.#keep(chunk));
  }

  /** @throws SomaError SERVER_START if the program cannot be run. */
  static async start(options: ServerProcessOptions): Promise<ServerProcess> {
    const child = spawn(options.command, [...options.args], {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ["ignore", "pipe", "pipe"],
      detached: options.ownGroup === true,
      ...(options.user === undefined ? {} : { uid: options.user.uid, gid: options.user.gid }),
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (error) =>
        reject(new SomaError("SERVER_START", `${options.command}: ${error.message}`, {}, { cause: error })),
      );
    });
    return new ServerProcess(child, options.command);
  }

  get running(): boolean {
    return !this.#hasExited;
  }

  /** The last lines that the server wrote. */
  get output(): string {
    return this.#lines.join("\n");
  }

  /** Asks the server to end, and kills it if it has not within `withinMs` milliseconds. */
  async stop(signal: NodeJS.Signals, withinMs = 5000): Promise<void> {
    if (this.#hasExited) return;
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), withinMs);
    this.#child.kill(signal);
    await this.exited;
    clearTimeout(timer);
  }

  /** As if the power had gone. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
  }

  /**
   * Polls `ready` until it gives a value. @throws SomaError SERVER_START with the server's last lines if it ends or
   * is not ready in time.
   */
  async waitFor<T>(ready: () => Promise<T | undefined>, withinMs = 20_000): Promise<T> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const value = await ready();
      if (value !== undefined) return value;
      if (this.#hasExited || performance.now() > deadline)
        throw new SomaError(
          "SERVER_START",
          `${this.#name} ${this.#hasExited ? "ended" : "was not ready in time"}:\n${this.output}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  #keep(chunk: Buffer): void {
    this.#lines.push(...chunk.toString().trimEnd().split("\n"));
    if (this.#lines.length > KEPT_LINES) this.#lines.splice(0, this.#lines.length - KEPT_LINES);
  }
}
