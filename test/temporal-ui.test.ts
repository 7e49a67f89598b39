/** Temporal's web UI, looked at in a real browser: a fleet is found there by what it does, and tells what it waits for. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { type Browser, openBrowser, pageAt } from './browser.ts';
import { type PausedRun, pausedRun } from './paused-run.ts';
import { openWorld, QUICK, untilPolled, type World } from './world.ts';

let world: World;
let browser: Browser | undefined;
let why: string | undefined;
let run: PausedRun;
before(async () => {
  ({ browser, why } = await openBrowser());
  if (!browser) return;
  world = await openWorld({ ...QUICK, propagationSeconds: 2 });
  await untilPolled(world.muster);
  run = await pausedRun(world);
});
after(async () => {
  await browser?.close();
  await world?.close();
});

/** What can be read on a page and in its frames, once all of it can. */
async function reads(page: Page, ...wanted: RegExp[]): Promise<void> {
  let text = '';
  for (let tries = 0; tries < 240; tries++) {
    // biome-ignore lint/performance/useDomNodeTextContent: what is hidden cannot be read
    const all = await Promise.all(page.frames().map((frame) => frame.innerText('body').catch(() => '')));
    text = all.join('\n').replace(/\s+/g, ' ');
    if (wanted.every((words) => words.test(text))) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  for (const words of wanted) assert.match(text, words);
}

async function at(url: string): Promise<Page> {
  const { page } = await pageAt(browser!, { width: 1280, colorScheme: 'light', javaScriptEnabled: true });
  await page.goto(url);
  return page;
}

describe("Temporal's web UI", () => {
  it('finds the runs that wait for a person, by their search attributes', async (test) => {
    if (!browser) return test.skip(why);
    const page = await at(run.listUrl);
    await reads(page, /fleet:web/, /bootstrapFleet/, /1 RUNNING/i);
  });

  it('has a summary on each activity of the timeline', async (test) => {
    if (!browser) return test.skip(why);
    const page = await at(run.url);
    await reads(
      page,
      /createRole • create the role: web/,
      /launch • launch the instances: 3 × t3\.micro/,
      /awaitProfile • wait until EC2 knows the profile/,
    );
  });

  it('tells what is done, each step, why it failed, in AWS’s words, and what to do', async (test) => {
    if (!browser) return test.skip(why);
    const page = await at(run.detailsUrl);
    await reads(
      page,
      /up web: 3 × t3\.micro in us-east-1/,
      /web: paused/,
      /launch the instances.*OptInRequired: In order to use this AWS Marketplace product/,
      /create the role: arn:aws:iam::123456789012:role\/web/,
      /muster retry web/,
    );
  });
});
