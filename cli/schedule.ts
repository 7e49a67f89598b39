/** `muster schedule …`: which commands there are about schedules. Each is loaded when it is called. */

import type { Command } from 'commander';
import { OVERLAPS } from '../fleet/schedule.ts';

export interface Running {
  /** Runs a command and ends the process with its exit code. `file`: of the spec that it is about. */
  readonly ended: (
    options: { json?: boolean },
    command: () => Promise<number>,
    file?: string,
  ) => Promise<void>;
  /** The same of a command that has done nothing when it could not tell what it has found. */
  readonly told: Running['ended'];
  /** Throws for what no fleet can be called. */
  readonly checkedName: (name: string) => string;
}

const JSON_OPTION = ['--json', 'the result as JSON on stdout'] as const;
const NAME = ['<name>', "the fleet's name"] as const;
const OVERLAP = `${OVERLAPS.join(', ')}`;

export function addScheduleCommands(muster: Command, { ended, told, checkedName }: Running): void {
  const schedule = muster
    .command('schedule')
    .description('fleets that come up at their times, each for as long as it is wanted');

  schedule
    .command('set')
    .description('make the schedule of a fleet, or change it')
    .argument('<file>', "the fleet's spec, YAML or JSON")
    .option('--cron <expression>', "when: minute, hour, day of the month, month, weekday; '0 8 * * 1-5'")
    .option('--timezone <zone>', 'by whose clocks, for instance Europe/Paris (default: UTC)')
    .option('--for <time>', 'how long it is wanted each time, for instance 10h')
    .option('--overlap <policy>', `while the last fleet is still there: ${OVERLAP} (default: skip)`)
    .option('--catch-up <time>', 'how late a time that Temporal missed may be (default: 10m)')
    .option('--pause-on-failure', 'the first failed run pauses the schedule')
    .option(...JSON_OPTION)
    .action((file, options) =>
      ended(options, async () => (await import('./schedule-set.ts')).scheduleSet(file, options), file),
    );
  schedule
    .command('list')
    .description('all schedules, with the next time and the last run of each')
    .option(...JSON_OPTION)
    .action((options) =>
      told(options, async () => (await import('./schedule-show.ts')).scheduleList(options)),
    );
  schedule
    .command('show')
    .description('a schedule, its next five times and its last runs')
    .argument(...NAME)
    .option(...JSON_OPTION)
    .action((name, options) =>
      told(options, async () =>
        (await import('./schedule-show.ts')).scheduleShow(checkedName(name), options),
      ),
    );
  schedule
    .command('pause')
    .description('have no time start a run until it is resumed')
    .argument(...NAME)
    .option('--note <text>', 'why')
    .option(...JSON_OPTION)
    .action((name, options) =>
      ended(options, async () =>
        (await import('./schedule-change.ts')).schedulePause(checkedName(name), options),
      ),
    );
  schedule
    .command('resume')
    .description('have its times start runs again')
    .argument(...NAME)
    .option('--note <text>', 'why')
    .option(...JSON_OPTION)
    .action((name, options) =>
      ended(options, async () =>
        (await import('./schedule-change.ts')).scheduleResume(checkedName(name), options),
      ),
    );
  schedule
    .command('trigger')
    .description('start a run now')
    .argument(...NAME)
    .option(...JSON_OPTION)
    .action((name, options) =>
      ended(options, async () =>
        (await import('./schedule-runs.ts')).scheduleTrigger(checkedName(name), options),
      ),
    );
  schedule
    .command('backfill')
    .description('run times that have passed')
    .argument(...NAME)
    .option('--from <time>', "2026-11-26 or 2026-11-26T08:00, by the schedule's clocks; it is part of it")
    .option('--to <time>', 'the same')
    .option('--overlap <policy>', `for these times: ${OVERLAP} (default: the schedule's)`)
    .option(...JSON_OPTION)
    .action((name, options) =>
      ended(options, async () =>
        (await import('./schedule-runs.ts')).scheduleBackfill(checkedName(name), options),
      ),
    );
  schedule
    .command('check')
    .description('have a fleet held against its spec every so often; without an option, what came of that')
    .argument(...NAME)
    .option('--every <time>', 'from one check to the next, for instance 1h')
    .option('--repair', 'put right what can be put right, too')
    .option('--off', 'no check comes any more')
    .option(...JSON_OPTION)
    .action((name, options) =>
      ended(options, async () =>
        (await import('./schedule-check.ts')).scheduleCheck(checkedName(name), options),
      ),
    );
  schedule
    .command('delete')
    .description('end a schedule; a fleet that it has brought up stays until its time is over')
    .argument(...NAME)
    .option(...JSON_OPTION)
    .option('--yes', 'do not ask')
    .action((name, options) =>
      ended(options, async () =>
        (await import('./schedule-change.ts')).scheduleDelete(checkedName(name), options),
      ),
    );
}
