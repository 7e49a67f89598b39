/** One world for all tests of a file, each of which leaves it as calm as it was. */

import { after, afterEach, before } from 'node:test';
import type { Muster } from '../client/index.ts';
import type { Behaviour } from '../sandbox/index.ts';
import { openWorld, QUICK, untilPolled, type World } from './world.ts';

export let world: World;
export let muster: Muster;

/** `usual` is how AWS behaves again after each test. */
export function useWorld(usual: Partial<Behaviour> = QUICK): void {
  before(async () => {
    world = await openWorld();
    ({ muster } = world);
    await untilPolled(muster);
  });
  after(() => world.close());
  afterEach(() => {
    world.aws.clearFaults();
    world.aws.configure(usual);
  });
}
