import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { endWithUs } from "@soma/launcher";

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
  /** Given to the process, which writes to it by itself: a full disk is then its own affair. */
  readonly #log: number;
  readonly #onExit: (name: string, how: string) => void;
  #child: ChildProcess | undefined;
  #pause = RESTART_MIN_MS;
  #timer: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;
  #isReady = false;
  restarts = 0;

  constructor(process: SupervisedProcess, onExit: (name: string, how: string) => void) {
    this.name = process.name;
    this.#process = process;
    this.#onExit = onExit;
    mkdirSync(dirname(process.logFile), { recursive: true });
    this.#log = openSync(process.logFile, "a");
    this.#start();
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** It runs, and has said that all its services are ready. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** SIGKILL: the supervisor starts it again. */
  kill(): void {
    this.#child?.kill("SIGKILL");
  }

  /** SIGTERM, and SIGKILL to what has not ended after `graceMs`. Once: whoever asks again waits for the same end. */
  stop(graceMs: number): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  async #stop(graceMs: number): Promise<void> {
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), graceMs);
      await ended;
      clearTimeout(late);
    }
    closeSync(this.#log);
  }

  #start(): void {
    const began = Date.now();
    const child = spawn(process.execPath, [...this.#process.args], {
      env: this.#process.env,
      stdio: ["ignore", this.#log, this.#log, "ipc"],
      // A terminal's Ctrl-C is for the devnet alone, which then ends its processes in order.
      detached: true,
    });
    this.#child = child;
    // Nothing of the devnet outlives it.
    endWithUs(child);
    child.once("error", (error) => {
      // Else it runs, and only a signal did not reach it.
      if (child.pid === undefined) this.#ended(error.message, began);
    });
    child.once("message", (message) => {
      this.#isReady = message === "ready";
    });
    child.once("exit", (code, signal) => this.#ended(signal ?? `status ${code}`, began));
  }

  #ended(how: string, began: number): void {
    this.#isReady = false;
    if (this.#stopped !== undefined) return;
    this.#onExit(this.name, `${how}; its log: ${this.#process.logFile}`);
    this.#pause =
      Date.now() - began > WELL_AFTER_MS ? RESTART_MIN_MS : Math.min(2 * this.#pause, RESTART_MAX_MS);
    this.#timer = setTimeout(() => {
      this.restarts += 1;
      this.#start();
    }, this.#pause);
  }
}

/** A server that can be started again on its port and data. */
interface RestartableServer {
  readonly pid: number;
  /** Settles when the process that runs now has ended. */
  readonly exited: Promise<unknown>;
  stop(): Promise<void>;
  restart(): Promise<void>;
}

/** Keeps a server (NATS, Postgres) of the devnet running, as `Supervised` does with a process of ours. */
export class SupervisedServer {
  readonly name: string;
  readonly #server: RestartableServer;
  readonly #onExit: (name: string, how: string) => void;
  readonly #keeping: Promise<void>;
  #stopping = false;
  restarts = 0;

  constructor(name: string, server: RestartableServer, onExit: (name: string, how: string) => void) {
    this.name = name;
    this.#server = server;
    this.#onExit = onExit;
    this.#keeping = this.#keep();
  }

  get pid(): number {
    return this.#server.pid;
  }

  /** SIGKILL: it is started again. */
  kill(): void {
    process.kill(this.#server.pid, "SIGKILL");
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#server.stop();
    await this.#keeping;
    // It may have been about to start again.
    await this.#server.stop();
  }

  async #keep(): Promise<void> {
    for (;;) {
      await this.#server.exited;
      if (this.#stopping) return;
      this.#onExit(this.name, "killed");
      try {
        await this.#server.restart();
        if (this.#stopping) return;
        this.restarts += 1;
      } catch (error) {
        if (this.#stopping) return;
        this.#onExit(this.name, String(error));
        await new Promise((resolve) => setTimeout(resolve, RESTART_MIN_MS));
      }
    }
  }
}
