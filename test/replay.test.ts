/** The workflows as they are now take every history that was saved: runs that are under way survive an upgrade. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker, type WorkflowBundle } from '@temporalio/worker';

const FOLDER = fileURLToPath(new URL('./histories/', import.meta.url));
const files = readdirSync(FOLDER);

describe('a saved history', () => {
  let workflowBundle: WorkflowBundle;
  before(async () => {
    const logger = new DefaultLogger('ERROR');
    Runtime.install({ logger });
    const workflowsPath = fileURLToPath(new URL('../workflows/index.ts', import.meta.url));
    workflowBundle = await bundleWorkflowCode({ workflowsPath, logger });
  });

  it('is there for each kind of end', () => assert.ok(files.length >= 9));

  for (const file of files) {
    it(`${file} is replayed`, async () => {
      const history = JSON.parse(readFileSync(FOLDER + file, 'utf8'));
      await Worker.runReplayHistory({ workflowBundle }, history, `fleet:${file.replace('.json', '')}`);
    });
  }

  it('that is another workflow’s is refused', async () => {
    const history = JSON.parse(readFileSync(`${FOLDER}complete.json`, 'utf8'));
    for (const event of history.events) {
      const scheduled = event.activityTaskScheduledEventAttributes;
      if (scheduled?.activityType.name === 'createRole') scheduled.activityType.name = 'createUser';
    }
    await assert.rejects(Worker.runReplayHistory({ workflowBundle }, history, 'fleet:complete'));
  });
});
