/** What `--help` says beside arguments and options: examples, groups of commands, exit codes. */

import type { Command } from 'commander';

const EXIT_CODES = `
Exit codes:
  0    complete (up, scale, roll, watch), gone (down), as it should be (check, doctor),
       nothing in the way (plan), done (others)
  1    failed, and all that the run made is gone again
  2    the spec or the arguments are wrong, or the fleet is another's, or something is in the
       way (plan); nothing was sent
  3    failed, and something is left, which is named, or was found (sweep); or differs from its
       spec (check); or something is not in order (doctor)
  4    Temporal or AWS cannot be reached, or no worker answers
  5    paused for a person: 'muster retry NAME' or 'muster rollback NAME'
  70   an error of Muster's own, of which nothing is known
  130  interrupted; the run goes on

Begin with 'muster init' and 'muster up FILE'; 'muster COMMAND --help' has examples.
NO_COLOR turns colours off. Results go to stdout, all else to stderr.`;

const DETACHING = `
Ctrl-C detaches, and ends with 130: the run goes on in Temporal, and how to attach again or to cancel is said. A
second Ctrl-C finds nothing to end: only 'muster cancel NAME' has a run take back what it made. Before the run is
shown, Ctrl-C ends the command without a word: 'muster status NAME' tells whether a run has begun.
`;

const CODES_ELSEWHERE = "\nExit codes: see 'muster --help'.";

interface Help {
  readonly group?: string;
  readonly examples: readonly string[];
  readonly more?: string;
}

const FLEETS = 'Fleets:';
const LEASES = 'Times:';
const TROUBLE = 'When something went wrong:';
const AROUND = 'Around it:';

/** By the words that call a command. */
const HELP: Readonly<Record<string, Help>> = {
  init: {
    group: FLEETS,
    examples: ['muster init', "muster init web.yaml --allow 's3:Get*' --type t3.small --count 4"],
  },
  plan: {
    group: FLEETS,
    examples: ['muster plan web.yaml', 'muster plan web.yaml --json --prices prices.json'],
  },
  up: {
    group: FLEETS,
    examples: [
      'muster up web.yaml',
      'muster up web.yaml --for 8h',
      "muster up web.yaml --json | jq -r '.instances[].id'",
      'muster up web.yaml --events',
    ],
    more: DETACHING,
  },
  down: { group: FLEETS, examples: ['muster down web', 'muster down web --yes --json'], more: DETACHING },
  scale: {
    group: FLEETS,
    examples: ['muster scale web 20', 'muster scale web +2', 'muster scale web 5 --by zone'],
    more: DETACHING,
  },
  roll: {
    group: FLEETS,
    examples: [
      'muster roll web.yaml --wave 10 --pause 2m',
      "muster roll web --image ami-12c6146b --wave 25% --healthy-url 'http://{privateIp}:8080/health'",
      'muster roll pause web',
    ],
    more: DETACHING,
  },
  'roll pause': { examples: ['muster roll pause web'] },
  'roll resume': { examples: ['muster roll resume web'] },
  'roll abort': { examples: ['muster roll abort web', 'muster roll abort web --detach'], more: DETACHING },
  status: { group: FLEETS, examples: ['muster status web', 'muster status web --instances --json'] },
  watch: {
    group: FLEETS,
    examples: [
      'muster watch web',
      'muster watch web --events | jq -r \'select(.type == "step-failed") | .reason\'',
    ],
    more: DETACHING,
  },
  logs: {
    group: FLEETS,
    examples: ['muster logs web', 'muster logs web --all', 'muster logs web --follow --json'],
  },
  report: {
    group: FLEETS,
    examples: [
      'muster report web',
      'muster report web --html web.html',
      'muster report web --html - | gzip > web.html.gz',
    ],
  },
  check: { group: FLEETS, examples: ['muster check web', 'muster check web --file web.yaml --json'] },
  list: { group: FLEETS, examples: ['muster list', 'muster list --all --json'] },
  extend: { group: LEASES, examples: ['muster extend web 2h', 'muster extend web for-good'] },
  release: { group: LEASES, examples: ['muster release web', 'muster release web --yes'] },
  schedule: {
    group: LEASES,
    examples: [
      "muster schedule set web.yaml --cron '0 8 * * 1-5' --timezone Europe/Paris --for 10h",
      'muster schedule list',
    ],
  },
  'schedule set': {
    examples: [
      "muster schedule set web.yaml --cron '0 8 * * 1-5' --timezone Europe/Paris --for 10h",
      "muster schedule set web.yaml --cron '0 22 * * *' --for 8h --overlap buffer-one --pause-on-failure",
    ],
  },
  'schedule list': { examples: ['muster schedule list', 'muster schedule list --json'] },
  'schedule show': { examples: ['muster schedule show web'] },
  'schedule pause': { examples: ["muster schedule pause web --note 'the office is closed'"] },
  'schedule resume': { examples: ['muster schedule resume web'] },
  'schedule trigger': { examples: ['muster schedule trigger web'] },
  'schedule backfill': { examples: ['muster schedule backfill web --from 2026-11-25 --to 2026-11-26'] },
  'schedule check': {
    examples: ['muster schedule check web --every 1h --repair', 'muster schedule check web --off'],
  },
  'schedule delete': { examples: ['muster schedule delete web', 'muster schedule delete web --yes'] },
  cancel: { group: TROUBLE, examples: ['muster cancel web'] },
  retry: { group: TROUBLE, examples: ['muster retry web', 'muster retry web --skip role/web'] },
  rollback: { group: TROUBLE, examples: ['muster rollback web'] },
  sweep: {
    group: TROUBLE,
    examples: ['muster sweep', 'muster sweep --yes --region us-east-1 eu-west-3 --older-than 2h'],
  },
  permissions: {
    group: AROUND,
    examples: ['muster permissions web.yaml', 'muster permissions web.yaml --json > policy.json'],
  },
  doctor: {
    group: AROUND,
    examples: ['muster doctor', 'muster doctor web.yaml', 'muster doctor --instance'],
  },
  worker: { group: AROUND, examples: ['muster worker', 'MUSTER_TASK_QUEUE=team-a muster worker'] },
  sandbox: {
    group: AROUND,
    examples: ['muster sandbox', 'muster sandbox --env sandbox.env --weather storm'],
  },
  demo: { group: AROUND, examples: ['muster demo'] },
  completion: {
    group: AROUND,
    examples: [
      'eval "$(muster completion bash)"',
      'eval "$(muster completion zsh)"',
      'muster completion fish | source',
    ],
  },
};

/** Puts it at the commands, once all of them are there. */
export function addHelp(muster: Command): void {
  muster.addHelpText('after', EXIT_CODES).commandsGroup(AROUND);
  addWithin(muster, []);
}

function addWithin(parent: Command, path: readonly string[]): void {
  if (parent.commands.length === 0) return;
  parent.helpCommand('help [command]', 'the same as --help');
  for (const command of parent.commands) {
    const words = [...path, command.name()];
    const help = HELP[words.join(' ')];
    if (help?.group) command.helpGroup(help.group);
    if (help) command.addHelpText('after', textOf(help));
    addWithin(command, words);
  }
}

function textOf({ examples, more = '' }: Help): string {
  return `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}\n${more}${CODES_ELSEWHERE}`;
}
