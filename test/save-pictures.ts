/**
 * `npm run pictures`: docs/run.svg, what a terminal shows of a real `muster up`; docs/report.png, the page of a real fleet for
 * which there was not room everywhere; and docs/temporal-ui.png, what Temporal's web UI tells of one that waits for a person.
 * With the name of one, `npm run pictures -- run.svg`, that alone.
 */

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { reportPage, specFrom } from '../client/index.ts';
import { type Browser, openBrowser, pageAt } from './browser.ts';
import { pausedRun } from './paused-run.ts';
import { screenPicture } from './screen.ts';
import { converse } from './terminal.ts';
import { openWorld, QUICK, untilPolled } from './world.ts';

const file = (name: string) => fileURLToPath(new URL(`../docs/${name}`, import.meta.url));

const PICTURES: Readonly<Record<string, () => Promise<void>>> = {
  'run.svg': runPicture,
  'report.png': () => inBrowser(reportPicture),
  'temporal-ui.png': () => inBrowser(uiPicture),
};
const named = process.argv.slice(2);
for (const name of named.length > 0 ? named : Object.keys(PICTURES)) {
  const make = PICTURES[name];
  if (!make) throw new Error(`${name} is none of ${Object.keys(PICTURES).join(', ')}`);
  await make();
}

async function inBrowser(make: (browser: Browser) => Promise<void>): Promise<void> {
  const { browser, why } = await openBrowser();
  if (!browser) throw new Error(why);
  try {
    await make(browser);
  } finally {
    await browser.close();
  }
}

/** As slow as the sandbox usually is. */
async function runPicture(): Promise<void> {
  const world = await openWorld({});
  try {
    await untilPolled(world.muster);
    const [command, ...args] = ['npx muster', 'up', 'examples/s3-read-only.yaml'];
    const title = [command, ...args].join(' ');
    // As wide as its longest link.
    const [columns, rows] = [124, 100];
    const { code, written } = await converse(args, [[/Make it\? \[y\/N\] $/, 'yes\n']], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: { ...world.sandbox.env, npm_command: 'exec', NO_COLOR: '', TERM: 'xterm-256color' },
      columns,
      rows,
    });
    if (code !== 0) throw new Error(written);
    const svg = await screenPicture(`$ ${title}\r\n${written}`, { title: 'muster', columns, rows });
    writeFileSync(file('run.svg'), svg);
  } finally {
    await world.close();
  }
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
