import type { Address, EncoderId, JobId } from "@soma/protocol";

/** One recorded job without its vectors. */
export interface BookedJob {
  readonly job: JobId;
  readonly commit: bigint;
  readonly epoch: bigint;
  readonly payer: Address;
  readonly modality: number;
  readonly winner: EncoderId;
  readonly items: number;
}

interface Entry extends BookedJob {
  /** Row of its first item. */
  readonly first: number;
}

/** What a filter may ask for; null leaves it free. */
export interface Filter {
  readonly modality: number | null;
  readonly submitter: Address | null;
  readonly fromEpoch: bigint | null;
  readonly toEpoch: bigint | null;
}

/** Which item stands in which row, and how many rows have which facts. Rows follow the ledger: commit, job, item. */
export class PoolBook {
  readonly #entries: Entry[] = [];
  readonly #byJob = new Map<JobId, Entry>();
  readonly #submitters = new Map<Address, { readonly number: number; rows: number }>();
  readonly #epochs = new Map<bigint, number>();
  readonly #modalities = new Map<number, number>();
  #rows = 0;

  get rows(): number {
    return this.#rows;
  }

  get jobs(): number {
    return this.#entries.length;
  }

  /** The newest commit whose vectors are here. */
  get lastCommit(): bigint {
    return this.#entries.at(-1)?.commit ?? 0n;
  }

  has(job: JobId): boolean {
    return this.#byJob.has(job);
  }

  /** Takes a job that is not here yet; returns the submitter's number. */
  add(booked: BookedJob): number {
    const entry: Entry = { ...booked, first: this.#rows };
    this.#entries.push(entry);
    this.#byJob.set(booked.job, entry);
    this.#rows += booked.items;
    const known = this.#submitters.get(booked.payer);
    const submitter = known ?? { number: this.#submitters.size, rows: 0 };
    if (known === undefined) this.#submitters.set(booked.payer, submitter);
    submitter.rows += booked.items;
    this.#epochs.set(booked.epoch, (this.#epochs.get(booked.epoch) ?? 0) + booked.items);
    this.#modalities.set(booked.modality, (this.#modalities.get(booked.modality) ?? 0) + booked.items);
    return submitter.number;
  }

  rowOf(job: JobId, item: number): number | undefined {
    const entry = this.#byJob.get(job);
    return entry === undefined || item >= entry.items ? undefined : entry.first + item;
  }

  /** Rows of a job, from first to last. */
  rowsOf(job: JobId): { readonly from: number; readonly to: number } | undefined {
    const entry = this.#byJob.get(job);
    return entry && { from: entry.first, to: entry.first + entry.items };
  }

  itemOf(row: number): { readonly job: BookedJob; readonly item: number } {
    let [low, high] = [0, this.#entries.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#entries[middle]!.first <= row) low = middle;
      else high = middle - 1;
    }
    const entry = this.#entries[low]!;
    return { job: entry, item: row - entry.first };
  }

  /** Undefined for somebody who submitted nothing. */
  submitterNumber(address: Address): number | undefined {
    return this.#submitters.get(address)?.number;
  }

  /** At most so many rows match. */
  matching({ modality, submitter, fromEpoch, toEpoch }: Filter): number {
    let least = this.#rows;
    if (modality !== null) least = Math.min(least, this.#modalities.get(modality) ?? 0);
    if (submitter !== null) least = Math.min(least, this.#submitters.get(submitter)?.rows ?? 0);
    if (fromEpoch === null && toEpoch === null) return least;
    let within = 0;
    for (const [epoch, rows] of this.#epochs) {
      if ((fromEpoch === null || epoch >= fromEpoch) && (toEpoch === null || epoch <= toEpoch))
        within += rows;
    }
    return Math.min(least, within);
  }
}
