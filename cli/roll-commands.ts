/** `muster roll …`: which commands there are about rolls. Each is loaded when it is called. */

import type { Command } from 'commander';
import type { Running } from './schedule.ts';

const JSON_OPTION = ['--json', 'the result as JSON on stdout'] as const;
const EVENTS_OPTION = ['--events', 'what happens, as it does: one JSON object a line on stdout'] as const;
const DETACH_OPTION = ['--detach', 'start it and do not wait'] as const;
const NAME = ['<name>', "the fleet's name"] as const;

export function addRollCommands(muster: Command, { ended, checkedName }: Omit<Running, 'told'>): void {
  const roll = muster
    .command('roll')
    .description("replace a fleet's instances by such as its spec now says, wave by wave")
    .argument('<file>', 'its spec, YAML or JSON; with --image the name of the fleet')
    .option('--image <image>', 'all as it is but for this: ami-..., or resolve:ssm:NAME')
    .option('--wave <size>', 'how many at once: 10, or 25% (default: 25%)')
    .option('--pause <time>', 'between a wave and the next, for instance 2m (default: none)')
    .option('--healthy-within <time>', 'how long a wave may take to be healthy once it runs (default: 10m)')
    .option('--healthy-url <url>', 'what the worker asks each new one, too: http://{privateIp}:8080/health')
    .option('--yes', 'do not ask')
    .option(...JSON_OPTION)
    .option(...EVENTS_OPTION)
    .option(...DETACH_OPTION)
    .action((file, options) =>
      ended(
        options,
        async () => {
          const target = options.image === undefined ? file : checkedName(file);
          return (await import('./roll.ts')).roll(target, options);
        },
        options.image === undefined ? file : undefined,
      ),
    );
  const steers = [
    ['pause', 'have a roll wait when the wave at hand is done'],
    ['resume', 'have a paused roll go on'],
  ] as const;
  for (const [steer, description] of steers) {
    roll
      .command(steer)
      .description(description)
      .argument(...NAME)
      .option(...JSON_OPTION)
      .action((name, options) =>
        ended(options, async () => (await import('./roll.ts')).steerRoll(checkedName(name), steer, options)),
      );
  }
  roll
    .command('abort')
    .description('have a roll go back: the fleet is as it was before it')
    .argument(...NAME)
    .option(...JSON_OPTION)
    .option(...EVENTS_OPTION)
    .option(...DETACH_OPTION)
    .action((name, options) =>
      ended(options, async () => (await import('./roll.ts')).abortRoll(checkedName(name), options)),
    );
}
