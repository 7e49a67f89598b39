/** The command line: which commands there are. Each is loaded when it is called. */

import { existsSync } from 'node:fs';
import { Argument, Command, CommanderError } from 'commander';
import { REGION, ROLE_NAME } from '../fleet/names.ts';
import packageJson from '../package.json' with { type: 'json' };
import { checkEvents, type EventsOptions, printError } from './events.ts';
import { DONE, errorAsJson, tellError, UsageError, WRONG_INPUT } from './exit.ts';
import { addHelp } from './help.ts';
import { flushed, jsonLine, print, say, stderrColors } from './output.ts';
import { addRollCommands } from './roll-commands.ts';
import { addScheduleCommands } from './schedule.ts';
import { formsAsked, tellWrongCalls } from './wrong-calls.ts';

const JSON_OPTION = ['--json', 'the result as JSON on stdout'] as const;
const EVENTS_OPTION = ['--events', 'what happens, as it does: one JSON object a line on stdout'] as const;
const DETACH_OPTION = ['--detach', 'start it and do not wait'] as const;
const REGION_OPTION = ['--region <region>', 'where its instances are, if nothing else says so'] as const;

/** Parses the arguments, runs the command and sets the process's exit code. */
export async function main(args: string[]): Promise<void> {
  try {
    await program().parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = codeOfUnread(error, args);
  }
}

/** Of a command line with which no command was begun. */
function codeOfUnread(error: unknown, args: readonly string[]): number {
  const printer = printerOf(formsAsked(args));
  if (!(error instanceof CommanderError)) return tellError(error, printer);
  if (error.exitCode === 0) return DONE;
  // The help was shown in the place of a command.
  const [first, wanted] = args;
  if (first === 'help') return tellError(new UsageError(`unknown command '${wanted}'`), printer);
  printer?.(errorAsJson(new UsageError('a command is missing', "'muster --help' shows all")));
  return WRONG_INPUT;
}

function program(): Command {
  const muster = new Command('muster')
    .description('Fleets of EC2 machines whose credentials nobody put there: made whole, or taken back.')
    .version(packageJson.version)
    // What stands behind a command is that one's: 'roll' has options, and so have the commands within it.
    .enablePositionalOptions();

  muster
    .command('init')
    .description('write a first spec: asks four questions, or takes options')
    .argument('[file]', 'what to write', 'fleet.yaml')
    .option('--name <name>', "the fleet's name (default: the file's; of fleet.yaml its folder's)")
    .option('--allow <actions>', "what programs on its machines may do: 's3:Get*, s3:List*'")
    .option('--region <region>', 'where they run (default: AWS_REGION, then us-east-1)')
    .option('--type <type>', 'of the machines (default: t3.micro)')
    .option('--image <image>', 'of the machines (default: the newest Amazon Linux)')
    .option('--count <number>', 'how many (default: 3)')
    .option('--yes', 'do not ask')
    .option('--force', 'write over what is there')
    .option(...JSON_OPTION)
    // A wrong region is told with all that is wrong.
    .action((file, { region, ...options }) =>
      ended(options, async () => (await import('./init.ts')).init(file, { region, ...options })),
    );
  muster
    .command('plan')
    .description("what 'up' would make, reuse, change or remove, and what is in its way; changes nothing")
    .argument('<file>', 'the spec, YAML or JSON')
    .option('--prices <file>', 'a price list, JSON (default: MUSTER_PRICES, if that is set)')
    .option(...JSON_OPTION)
    .action((file, options) =>
      told(options, async () => (await import('./plan.ts')).plan(file, options), file),
    );
  muster
    .command('up')
    .description('bring a fleet up, attach to the run that does, or change the fleet that is there')
    .argument('<file>', 'its spec, YAML or JSON')
    .option('--for <time>', 'take it down so long after it is complete: 90m, 8h, 2d')
    .option('--yes', 'make it, or change one that is there and has another spec, and do not ask')
    .option(...JSON_OPTION)
    .option(...EVENTS_OPTION)
    .option(...DETACH_OPTION)
    .action((file, options) => ended(options, async () => (await import('./up.ts')).up(file, options), file));
  muster
    .command('down')
    .description('take a fleet down')
    .argument('<name>', "the fleet's name")
    .option(...JSON_OPTION)
    .option(...EVENTS_OPTION)
    .option(...DETACH_OPTION)
    .option('--yes', 'do not ask')
    .option(...REGION_OPTION)
    .action((name, options) =>
      ended(options, async () => (await import('./down.ts')).down(checkedName(name), options)),
    );
  muster
    .command('scale')
    .description('give a fleet more or fewer instances')
    .argument('<name>', "the fleet's name")
    .argument('<count>', 'how many it is to have; +2 or -1: so many more or fewer than it has')
    .option('--by <choice>', 'which go: newest, oldest, or zone: from the fullest first (default: newest)')
    .option('--place <place>', 'of a fleet in several places: in which of them')
    .option('--yes', 'do not ask before instances are terminated')
    .option(...JSON_OPTION)
    .option(...EVENTS_OPTION)
    .option(...DETACH_OPTION)
    .action((name, count, options) =>
      ended(options, async () => (await import('./scale.ts')).scale(checkedName(name), count, options)),
    );
  addRollCommands(muster, { ended, checkedName });
  muster
    .command('extend')
    .description("move the end of a fleet's lease, or give a lease to a fleet that has none")
    .argument('<name>', "the fleet's name")
    .argument(
      '<time>',
      "on top of what is left of it, or from now: 30m, 2h, 1d; or 'for-good': until somebody takes it down",
    )
    .option(...JSON_OPTION)
    .action((name, time, options) =>
      ended(options, async () => (await import('./extend.ts')).extend(checkedName(name), time, options)),
    );
  muster
    .command('release')
    .description("end a fleet's lease now: it is taken down")
    .argument('<name>', "the fleet's name")
    .option(...JSON_OPTION)
    .option(...EVENTS_OPTION)
    .option(...DETACH_OPTION)
    .option('--yes', 'do not ask')
    .action((name, options) =>
      ended(options, async () => (await import('./down.ts')).release(checkedName(name), options)),
    );
  muster
    .command('status')
    .description('how a fleet is')
    .argument('<name>', "the fleet's name")
    .option(...JSON_OPTION)
    .option('--instances', 'all of its instances, one a line')
    .option(...REGION_OPTION)
    .action((name, options) =>
      told(options, async () => (await import('./status.ts')).status(checkedName(name), options)),
    );
  muster
    .command('watch')
    .description('show what is done with a fleet, by whomever it was begun, until that is done')
    .argument('<name>', "the fleet's name")
    .option(...JSON_OPTION)
    .option(...EVENTS_OPTION)
    .option(...REGION_OPTION)
    .action((name, options) =>
      ended(options, async () => (await import('./watch.ts')).watch(checkedName(name), options)),
    );
  muster
    .command('logs')
    .description('what has happened to a fleet: steps, retries, refusals, and who has asked for what')
    .argument('<name>', "the fleet's name")
    .option('--all', 'also in the runs before the last, as far as Temporal still knows them')
    .option('--follow', 'go on as more happens, until the run has ended')
    .option('--json', 'one JSON object a line')
    .action((name, options) =>
      // Its JSON is events.
      told({ events: options.json }, async () =>
        (await import('./logs.ts')).logs(checkedName(name), options),
      ),
    );
  muster
    .command('report')
    .description('what became of a fleet; with --html as one page to send or to keep')
    .argument('<name>', "the fleet's name")
    .option('--html <file>', 'write a page that needs nothing else: HTML without scripts; - is stdout')
    .option(...JSON_OPTION)
    .option(...REGION_OPTION)
    .action((name, options) =>
      told(options, async () => (await import('./report.ts')).report(checkedName(name), options)),
    );
  muster
    .command('check')
    .description('what AWS shows of a fleet otherwise than its spec says; changes nothing unless told to')
    .argument('<name>', "the fleet's name")
    .option('--file <file>', 'hold it against this spec, not against its own')
    .option('--repair', 'put right what can be put right, and launch others for instances that are no more')
    .option(...JSON_OPTION)
    .option('--events', 'with --repair: what happens, as it does, one JSON object a line on stdout')
    .option('--detach', 'with --repair: start it and do not wait')
    .action((name, options) =>
      (options.repair ? ended : told)(options, async () =>
        (await import('./check.ts')).check(checkedName(name), options),
      ),
    );
  muster
    .command('list')
    .description('the fleets of which Temporal knows')
    .option(...JSON_OPTION)
    .option('--all', 'also those that are gone')
    .action((options) => told(options, async () => (await import('./list.ts')).list(options)));
  muster
    .command('cancel')
    .description('have a run take back what it made')
    .argument('<name>', "the fleet's name")
    .option(...JSON_OPTION)
    .option(...EVENTS_OPTION)
    .option(...DETACH_OPTION)
    .action((name, options) =>
      ended(options, async () => (await import('./cancel.ts')).cancel(checkedName(name), options)),
    );
  muster
    .command('retry')
    .description('take up again what the last run of a fleet could not finish')
    .argument('<name>', "the fleet's name")
    .option('--skip <kind/id...>', 'give up what it left, for instance role/web: it stays')
    .option(...JSON_OPTION)
    .option(...EVENTS_OPTION)
    .option(...DETACH_OPTION)
    .action((name, options) =>
      ended(options, async () => (await import('./retry.ts')).retry(checkedName(name), options)),
    );
  muster
    .command('rollback')
    .description('have a paused run take back what it made')
    .argument('<name>', "the fleet's name")
    .option(...JSON_OPTION)
    .option(...EVENTS_OPTION)
    .option(...DETACH_OPTION)
    .action((name, options) =>
      ended(options, async () => (await import('./rollback.ts')).rollback(checkedName(name), options)),
    );
  muster
    .command('sweep')
    .description('what runs have left that can do nothing about it any more')
    .option('--yes', 'remove it; otherwise it is only shown')
    .option('--region <region...>', 'where to look, beside the regions that roles and profiles name')
    .option('--older-than <time>', 'of runs that Temporal does not know: only what is older (default: 1h)')
    .option('--all', 'list the healthy fleets that are left alone, too')
    .option(...JSON_OPTION)
    .action((options) =>
      (options.yes ? ended : told)(options, async () => (await import('./sweep.ts')).sweep(options)),
    );
  muster
    .command('permissions')
    .description("the least policy that the worker's credentials need for a spec, and why; asks nobody")
    .argument('<file>', 'the spec, YAML or JSON')
    .option('--json', 'the policy alone, as IAM takes it')
    .action((file, options) =>
      told(options, async () => (await import('./permissions.ts')).permissions(file, options), file),
    );
  muster
    .command('doctor')
    .description('whether Temporal, a worker and its AWS credentials are in order, and what mends them')
    .argument('[file]', 'a spec, to hold permissions, account and secrets against')
    .option('--instance', 'on an EC2 instance: whether the credentials of its role work; needs no Temporal')
    .option(...JSON_OPTION)
    .action((file, options) =>
      told(options, async () => (await import('./doctor.ts')).doctor(file, options), file),
    );
  addScheduleCommands(muster, { ended, told, checkedName });
  muster
    .command('worker')
    .description('do the work of fleets, until SIGTERM')
    .action(() =>
      ended({}, async () => {
        // Before the rest is loaded: in a bundle an import of its own would come last.
        (await import('./small-malloc.ts')).beginWithSmallMalloc();
        await import('./small-heap.ts');
        return (await import('./worker.ts')).worker();
      }),
    );
  muster
    .command('sandbox')
    .description('Temporal, its web UI and a local AWS to try things on')
    .option('--port <port>', 'of the local AWS (default: a free one)')
    .option('--temporal-port <port>', 'of Temporal (default: 7233, or a free one)')
    .option('--ui-port <port>', "of Temporal's web UI (default: 8233, or a free one)")
    .option('--weather <name>', 'of the local AWS: calm, ordinary, storm, or a file (default: calm)')
    .option('--propagation <seconds>', 'until EC2 knows a new instance profile (default: 3)')
    .option('--env <file>', 'write what to export to a file, too')
    .option(...JSON_OPTION)
    .action((options) => ended(options, async () => (await import('./sandbox.ts')).sandbox(options)));
  muster
    .command('demo')
    .description('all of it: a sandbox, a worker, a fleet, and the proof that its machines hold credentials')
    .action(() => ended({}, async () => (await import('./demo.ts')).demo()));
  muster
    .command('completion')
    .description('print the script that has a shell complete commands, options and names of fleets')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action((shell) => told({}, async () => (await import('./completion.ts')).completion(shell)));
  muster
    .command('complete', { hidden: true })
    .argument('[words...]')
    .action((words) => ended({}, async () => (await import('./complete.ts')).complete(muster, words)));
  addHelp(muster);
  tellWrongCalls(muster);
  return muster;
}

interface CommonOptions extends EventsOptions {
  readonly region?: string | readonly string[];
}

/**
 * Runs a command and ends the process: no connection that is in the middle of something may hold it or break it. `file`:
 * the spec's that it is about.
 */
async function ended(options: CommonOptions, command: () => Promise<number>, file?: string): Promise<void> {
  const { region } = options;
  let code: number;
  try {
    checkEvents(options);
    for (const each of [region ?? []].flat()) checkRegion(each);
    code = await command();
  } catch (error) {
    code = tellError(error, printerOf(options), file);
  }
  const unwritten = await flushed();
  if (unwritten)
    say(`${stderrColors().red('✗')} not all of it could be written to stdout: ${unwritten.message}`);
  process.exit(code);
}

/** Runs a command that has done nothing when it could not tell what it has found. */
async function told(options: CommonOptions, command: () => Promise<number>, file?: string): Promise<void> {
  const orUntold = async () => {
    const code = await command();
    return code === DONE && (await flushed()) ? WRONG_INPUT : code;
  };
  return ended(options, orUntold, file);
}

/** How errors go to stdout, if they do. */
function printerOf({ json, events }: CommonOptions): Parameters<typeof tellError>[1] {
  if (events) return printError;
  return json ? (error) => print(jsonLine(error)) : undefined;
}

/** What no fleet can be called is not looked for; a file's name is taken for a fleet's, as some are called like that. */
function checkedName(name: string): string {
  const isFile = existsSync(name) && /\.(ya?ml|json)$/.test(name);
  if (!ROLE_NAME.test(name)) {
    throw new UsageError(
      `${JSON.stringify(name.slice(0, 100))} is no name of a fleet: 1 to 64 letters, digits and + = , . @ _ -`,
      isFile ? "it is a file: give the fleet's name, which stands in it" : undefined,
    );
  }
  if (isFile) say(`${name} is a file, too: here it is taken for the name of a fleet`);
  return name;
}

function checkRegion(region: string): void {
  if (REGION.test(region)) return;
  throw new UsageError(
    `--region ${JSON.stringify(region.slice(0, 100))} is none; a region is us-east-1 or the like`,
  );
}
