/**
 * `npm run pictures`: docs/report.png, the page of a real fleet for which there was not room everywhere, and
 * docs/temporal-ui.png, what Temporal's web UI tells of one that waits for a person.
 */

import { fileURLToPath } from 'node:url';
import { reportPage, specFrom } from '../client/index.ts';
import { type Browser, openBrowser, pageAt } from './browser.ts';
import { pausedRun } from './paused-run.ts';
import { openWorld, QUICK, untilPolled } from './world.ts';

const file = (name: string) => fileURLToPath(new URL(`../docs/${name}`, import.meta.url));

const { browser, why } = await openBrowser();
if (!browser) throw new Error(why);
try {
  await reportPicture(browser);
  await uiPicture(browser);
} finally {
  await browser.close();
}

async function reportPicture(browser: Browser): Promise<void> {
  const world = await openWorld({
    ...QUICK,
    propagationSeconds: 3,
    soldOut: [{ type: 't3.micro', zone: 'us-east-1a' }],
  });
  try {
    const { muster, aws } = world;
    await untilPolled(muster);
    aws.fault({
      action: 'CreateInstanceProfile',
      error: {
        code: 'ServiceFailure',
        message: 'The request has failed due to an unknown error',
        status: 500,
      },
    });
    const spec = specFrom({
      name: 'web',
      region: 'us-east-1',
      policy: {
        allow: [
          {
            actions: ['s3:Get*', 's3:List*'],
            resources: ['arn:aws:s3:::web-assets', 'arn:aws:s3:::web-assets/*'],
          },
          { actions: 'logs:PutLogEvents', resources: '*' },
        ],
      },
      instances: {
        count: 24,
        image: 'ami-12c6146b',
        spread: true,
        placements: [
          { type: 't3.micro', zone: 'us-east-1a' },
          { type: 't3.small', zone: 'us-east-1a' },
          { type: 't3.micro', zone: 'us-east-1b' },
          { type: 't3.small', zone: 'us-east-1c' },
        ],
      },
    });
    await (await muster.up(spec)).result();
    const { report, ...shown } = await muster.record('web');
    const { page } = await pageAt(browser, { width: 1000, colorScheme: 'light' });
    await page.setContent(reportPage(report, { ...shown, uiUrl: undefined }));
    // Down to the end of its steps.
    const steps = await page.locator('section', { hasText: 'Steps' }).first().boundingBox();
    const height = Math.ceil(steps!.y + steps!.height + 20);
    await page.screenshot({
      path: file('report.png'),
      fullPage: true,
      clip: { x: 0, y: 0, width: 1000, height },
    });
  } finally {
    await world.close();
  }
}

async function uiPicture(browser: Browser): Promise<void> {
  const world = await openWorld({ ...QUICK, propagationSeconds: 2 });
  try {
    await untilPolled(world.muster);
    const { detailsUrl } = await pausedRun(world);
    const { page } = await pageAt(browser, { width: 1280, colorScheme: 'light', javaScriptEnabled: true });
    await page.setViewportSize({ width: 1280, height: 1100 });
    await page.goto(detailsUrl);
    // Its frames are as high as what is in them, once they have it.
    await page.waitForTimeout(5_000);
    await page.screenshot({
      path: file('temporal-ui.png'),
      clip: { x: 256, y: 80, width: 1024, height: 1000 },
    });
  } finally {
    await world.close();
  }
}
