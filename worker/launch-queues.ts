/** The queues of launches: one for each account and region, polled at the pace that EC2 grants, from the first need on. */

import { Worker, type WorkerOptions } from '@temporalio/worker';
import type { Activities } from '../activities/index.ts';
import type { Host, LaunchPlace } from '../activities/preflight.ts';
import { launchQueue } from '../fleet/run.ts';

/** RunInstances' bucket is refilled with 2 a second (EC2 Developer Guide, "Request throttling"), unless AWS has raised it. */
export const LAUNCHES_PER_SECOND = 2;

export interface LaunchQueuesOptions {
  /** What all workers of the process have in common. */
  readonly common: Omit<WorkerOptions, 'taskQueue'>;
  /** Of the worker that these belong to. */
  readonly taskQueue: string;
  readonly launchesPerSecond: number;
}

export class LaunchQueues implements Host {
  readonly #options: LaunchQueuesOptions;
  readonly #workers = new Map<string, Promise<Worker>>();
  readonly #running: Promise<void>[] = [];
  #launch: Pick<Activities, 'launch'> | undefined;
  #isClosed = false;

  constructor(options: LaunchQueuesOptions) {
    this.#options = options;
  }

  /** What they run: made with this as their host, and so after it. */
  serve({ launch }: Activities): void {
    this.#launch = { launch };
  }

  async openLaunches({ account, region }: LaunchPlace): Promise<void> {
    const queue = launchQueue(this.#options.taskQueue, account, region);
    let worker = this.#workers.get(queue);
    if (!worker) {
      worker = this.#start(queue);
      this.#workers.set(queue, worker);
      // One that could not start is tried again by whoever needs it next.
      worker.catch(() => this.#workers.delete(queue));
    }
    await worker;
  }

  shutdown(): void {
    this.#isClosed = true;
    for (const worker of this.#workers.values()) worker.then(endWorker, () => {});
  }

  /** Resolves when all have ended that were ever opened. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#workers.values());
    await Promise.all(this.#running);
  }

  async #start(taskQueue: string): Promise<Worker> {
    const { common, launchesPerSecond } = this.#options;
    const worker = await Worker.create({
      ...common,
      taskQueue,
      activities: this.#launch,
      maxTaskQueueActivitiesPerSecond: launchesPerSecond,
    });
    const running = worker.run();
    running.catch(() => this.#workers.delete(taskQueue));
    this.#running.push(running);
    if (this.#isClosed) endWorker(worker);
    return worker;
  }
}

export function endWorker(worker: Worker): void {
  // A signal to the process may have been quicker.
  if (worker.getState() === 'RUNNING') worker.shutdown();
}
