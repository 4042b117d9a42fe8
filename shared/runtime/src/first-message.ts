import type { Worker } from "node:worker_threads";

/**
 * What a thread says first, once it is ready for work. Ask before anything else is awaited. Rejects with what the thread
 * threw instead, or an Error when it ended and said nothing; either way the thread then ends by itself.
 */
export function firstMessage<Message>(worker: Worker): Promise<Message> {
  // The listeners stay: an "error" that nobody hears, while other threads still start, would end the process.
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`the thread ended with exit code ${code}`)));
  });
}
