/** One worker as a process of its own, which can be killed. It does not outlive who started it. */

import { createFleetWorker, quietRuntime } from '../worker/index.ts';

process.once('disconnect', () => process.exit(1));
quietRuntime();
const worker = await createFleetWorker({
  workflowBundle: { codePath: process.env.CHAOS_BUNDLE! },
  shutdownGraceTime: 500,
});
process.send?.('polls');
await worker.run();
process.exit();
