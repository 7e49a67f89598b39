/** `npm run pictures`: docs/report.png, the page of a real fleet for which there was not room everywhere. */

import { fileURLToPath } from 'node:url';
import { reportPage, specFrom } from '../client/index.ts';
import { openBrowser, pageAt } from './browser.ts';
import { openWorld, QUICK, untilPolled } from './world.ts';

const FILE = fileURLToPath(new URL('../docs/report.png', import.meta.url));

const { browser, why } = await openBrowser();
if (!browser) throw new Error(why);
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
    error: { code: 'ServiceFailure', message: 'The request has failed due to an unknown error', status: 500 },
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
  await page.screenshot({ path: FILE, fullPage: true, clip: { x: 0, y: 0, width: 1000, height } });
} finally {
  await browser.close();
  await world.close();
}
