/** A plan as a person reads it. */

import type { PlanAct, PlanItem, PlanPlace, PlanReport, PlanScaled, PolicyPlan } from '../fleet/plan.ts';
import type { PolicyDoubt } from '../fleet/policy-mistakes.ts';
import { type StatementWords, sentenceOf } from '../fleet/policy-words.ts';
import type { FleetPrice } from '../fleet/prices.ts';
import type { SpecChange } from '../fleet/spec-change.ts';
import { counted } from '../fleet/words.ts';
import { differenceText } from './change-text.ts';
import type { Colors } from './output.ts';
import { wrapped } from './wrapped.ts';

export interface PlanTextOptions {
  /** As the spec's file was typed. */
  readonly file: string;
  readonly colors: Colors;
  /** Columns to wrap at. */
  readonly width: number;
  /** Of what may be long only the beginning, and without what is to be typed next. */
  readonly isShort?: boolean;
}

/** Of each list, where a plan is to be short. */
const MOST_SHORT = 4;
const HEAD_WIDTH = 11;

export function planText(report: PlanReport, options: PlanTextOptions): string {
  const { fleet, items, changes, scaled = [], places, policy, price, warnings } = report;
  const blocks = [
    wrapped(headline(report, options), options.width),
    itemLines(items, options),
    changes.length > 0 ? [differenceText(fleet, changes, { file: options.file })] : [],
    [
      ...placeRows(places, options),
      ...rows('count', scaled.map(scaledWords), options),
      ...(items.length > 0 ? priceRows(price, options) : []),
      ...(policy ? policyRows(policy, items, options) : []),
    ],
    [
      ...(policy ? doubtRows(policy, options) : []),
      ...warnings.flatMap((warning) => marked('!', 'yellow', warning, options)),
    ],
    obstacleLines(report, options),
    options.isShort ? [] : nextRows(report, options),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function headline(
  { fleet, standing, obstacles, changes, goes, scaled }: PlanReport,
  { colors }: PlanTextOptions,
): string {
  const sign = goes ? colors.green('✓') : colors.red('✗');
  const name = colors.bold(fleet);
  const inTheWay = `${counted(obstacles.length, 'thing')} ${obstacles.length === 1 ? 'is' : 'are'} in the way`;
  switch (standing) {
    case 'new':
      return goes
        ? `${sign} fleet ${name} would be made; nothing is in the way`
        : `${sign} fleet ${name} cannot be made: ${inTheWay}`;
    case 'coming-up':
      return `${sign} fleet ${name} is being made by this spec; 'up' would attach to the run`;
    case 'same':
      return `${sign} fleet ${name} is there, as the spec says${scaled ? ' but for its count' : ''}; 'up' would change nothing`;
    case 'differs': {
      if (needsRoll(changes)) {
        return `${sign} fleet ${name} is there by another spec, which needs other machines: not 'up', but 'muster roll'`;
      }
      const isPart = changes.some(({ how }) => how !== 'in-place');
      const what = isPart ? 'a part of that would be changed in place' : 'it would be changed in place';
      return `${sign} fleet ${name} is there by another spec; ${goes ? what : inTheWay}`;
    }
    case 'degraded':
      return `${sign} fleet ${name} is there, and not whole`;
    case 'left-over':
      return `${sign} fleet ${name} is not there, and something of it is left`;
    case 'busy':
      return `${sign} fleet ${name} is in the hands of another run`;
  }
}

/** Nothing of it can be done by `up`, and all of it by a roll. */
function needsRoll(changes: readonly SpecChange[]): boolean {
  return changes.length > 0 && changes.every(({ how }) => how === 'roll');
}

const SIGNS: Readonly<
  Record<PlanAct, readonly [sign: string, color: 'green' | 'cyan' | 'dim' | 'yellow' | 'red']>
> = {
  make: ['+', 'green'],
  reuse: ['=', 'cyan'],
  keep: [' ', 'dim'],
  change: ['~', 'yellow'],
  remove: ['-', 'red'],
};

const KINDS: Readonly<Record<PlanItem['kind'], string>> = {
  role: 'role',
  policy: 'policy',
  'managed-policy': 'managed policy',
  profile: 'instance profile',
  instances: 'instances',
};

function itemLines(all: readonly PlanItem[], options: PlanTextOptions): string[] {
  const { colors, width, isShort, file } = options;
  const items = isShort && all.length > MOST_ITEMS_SHORT ? all.slice(0, MOST_ITEMS_SHORT) : all;
  const widest = (of: (item: PlanItem) => string) => Math.max(0, ...items.map((item) => of(item).length));
  const kinds = widest(({ kind }) => KINDS[kind]);
  const ats = widest(({ at = '' }) => at);
  const lines = items.flatMap((item) => {
    const [sign, color] = SIGNS[item.act];
    const at = ats > 0 ? `${(item.at ?? '').padEnd(ats)}  ` : '';
    const head = `  ${colors[color](sign)} ${colors.dim(KINDS[item.kind].padEnd(kinds))}  ${at}`;
    const indent = 4 + kinds + 2 + at.length;
    const told = item.act === 'keep' || item.act === 'make' ? item.name : `${item.name}, ${ACTS[item.act]}`;
    const text = item.detail ? `${told} (${item.detail})` : told;
    return wrapped(text, width - indent).map((line, row) => (row === 0 ? head : ' '.repeat(indent)) + line);
  });
  const beyond = all.length - items.length;
  return beyond > 0 ? [...lines, `    ${beyond} more: 'muster plan ${file}' has all`] : lines;
}

const MOST_ITEMS_SHORT = 12;

/** For whoever sees no colours, and whom a sign does not tell. */
const ACTS: Readonly<Record<Exclude<PlanAct, 'keep' | 'make'>, string>> = {
  reuse: 'reused',
  change: 'changed',
  remove: 'removed',
};

function placeRows(places: readonly PlanPlace[], options: PlanTextOptions): string[] {
  if (places.length > 1) {
    const lines = places.map(({ place, account, image, types, quotas }) =>
      [
        place,
        account && `account ${account}`,
        image,
        typeWords(types),
        ...quotas.map((quota) => `needs ${quotaWords(quota)}`),
      ]
        .filter(Boolean)
        .join(', '),
    );
    return rows('places', beginning(lines, options), options);
  }
  return places.flatMap(({ region, account, caller, image, types, quotas }) => [
    ...rows('where', [`${account === undefined ? '' : `account ${account}, `}${region}`], options),
    ...(caller ? rows('as', [caller], options) : []),
    ...(image ? rows('from', [[image, typeWords(types)].filter(Boolean).join(', ')], options) : []),
    ...rows('needs', quotas.map(quotaWords), options),
  ]);
}

/** A need can come to many; --json has all. */
function typeWords(types: readonly string[]): string {
  if (types.length <= MOST_TYPES) return types.join(' or ');
  return `${types.slice(0, MOST_TYPES).join(', ')} or ${types.length - MOST_TYPES} others`;
}

const MOST_TYPES = 5;

function quotaWords({ quota, least, most }: PlanPlace['quotas'][number]): string {
  return `${least < most ? `up to ${most}` : most} vCPUs of the quota ${quota}`;
}

function scaledWords({ at, has, says }: PlanScaled): string {
  const where = at === undefined ? '' : ` in ${at}`;
  return `${has}${where} by the last scale; the file says ${says}, and 'up' leaves it so`;
}

/** Where a person is asked next there is no option to give a list by. */
function priceRows(price: FleetPrice | undefined, options: PlanTextOptions): string[] {
  if (price) return rows('price', priceWords(price), options);
  return options.isShort ? [] : rows('price', ['unknown: --prices FILE adds it (docs/plan.md)'], options);
}

function priceWords({ date, currency, least, most, isCeiling, missing }: FleetPrice): string[] {
  const amount = (value: number) => value.toFixed(4).replace(/0{1,2}$/, '');
  const hourly = least < most ? `${amount(least)} to ${amount(most)}` : amount(most);
  const isPriced = most > 0;
  const words = `${isCeiling ? 'at most ' : ''}${hourly} ${currency} an hour for the machines, on demand`;
  return [
    ...(isPriced ? [`${words}; prices of ${date}`] : []),
    ...(missing.length > 0 ? [`the price list of ${date} does not have ${missing.join(', ')}`] : []),
  ];
}

function policyRows(
  { statements }: PolicyPlan,
  items: readonly PlanItem[],
  options: PlanTextOptions,
): string[] {
  const managed = items.filter(({ kind, act }) => kind === 'managed-policy' && act !== 'remove');
  const names = [...new Set(managed.map(({ name }) => name.split('/').at(-1)))];
  const of = (effect: StatementWords['effect']) => statements.filter((one) => one.effect === effect);
  const allowed = of('Allow').map((one) => statementText(one, options));
  const more = names.length > 0 ? [`what is in ${names.join(', ')}, which was not looked at`] : [];
  return [
    ...rows('may', beginning([...allowed, ...more], options), options),
    ...rows(
      'may not',
      beginning(
        of('Deny').map((one) => statementText(one, options)),
        options,
      ),
      options,
    ),
  ];
}

function statementText(statement: StatementWords, { isShort }: PlanTextOptions): string {
  const words = sentenceOf(statement);
  return isShort ? words : `${words} [${statement.actions.join(', ')}]`;
}

function doubtRows({ doubts, dataDate }: PolicyPlan, options: PlanTextOptions): string[] {
  const lines = doubts.flatMap((doubt) => marked('!', 'yellow', doubtText(doubt), options));
  const isAboutUnknown = doubts.some(({ kind }) => kind.startsWith('unknown'));
  const note = `Known are the actions of ${dataDate}; AWS may have newer ones.`;
  return isAboutUnknown ? [...lines, ...marked(' ', 'dim', note, options)] : lines;
}

function doubtText({ sid, statement, action, message, mend }: PolicyDoubt): string {
  return `${action}, in statement ${sid ?? statement}: ${message}${mend ? `; ${mend}` : ''}`;
}

/** That it differs is told by the differences, where a roll does all of them. */
function obstacleLines({ obstacles, changes }: PlanReport, options: PlanTextOptions): string[] {
  if (needsRoll(changes)) return [];
  return obstacles.flatMap(({ message, mend }) => [
    ...marked('✗', 'red', message, options),
    ...(mend ? wrapped(mend, options.width - 4).map((line) => `    ${line}`) : []),
  ]);
}

function nextRows({ standing, goes, changes }: PlanReport, { file, ...options }: PlanTextOptions): string[] {
  if (needsRoll(changes)) return rows('next', [`muster roll ${file}`], { file, ...options });
  if (!goes || standing === 'same') return [];
  const commands = [`muster up ${file}${standing === 'differs' ? ' --yes' : ''}`];
  if (changes.some(({ how }) => how === 'roll')) commands.push(`muster roll ${file}`);
  return rows('next', commands, { file, ...options });
}

/** Of what may be long, with how many more there are. */
function beginning(texts: readonly string[], { isShort, file }: PlanTextOptions): readonly string[] {
  if (!isShort || texts.length <= MOST_SHORT) return texts;
  return [...texts.slice(0, MOST_SHORT), `${texts.length - MOST_SHORT} more: 'muster plan ${file}' has all`];
}

function rows(head: string, texts: readonly string[], { colors, width }: PlanTextOptions): string[] {
  return texts
    .flatMap((text) => wrapped(text, width - HEAD_WIDTH - 2))
    .map((line, at) => `  ${colors.dim((at === 0 ? head : '').padEnd(HEAD_WIDTH))}${line}`);
}

function marked(
  sign: string,
  color: 'yellow' | 'red' | 'dim',
  text: string,
  { colors, width }: PlanTextOptions,
): string[] {
  return wrapped(text, width - 4).map((line, at) => `  ${at === 0 ? colors[color](sign) : ' '} ${line}`);
}
