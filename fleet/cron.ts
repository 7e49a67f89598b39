/**
 * Cron expressions as Temporal's schedules read them (temporal-sdk, `ScheduleSpec.cronExpressions`), checked before
 * anything is sent. Unlike other crons it wants a day to be right by both its date and its weekday, and takes years.
 */

export interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  /** Names that stand for numbers, the first for `first`; `letters` of one are enough. */
  readonly words?: readonly string[];
  readonly first?: number;
  readonly letters?: number;
}

const MONTHS = 'january february march april may june july august september october november december';
const WEEKDAYS = 'sunday monday tuesday wednesday thursday friday saturday';

const SECOND: Field = { name: 'second', least: 0, most: 59 };
export const DAY_OF_MONTH: Field = { name: 'day of the month', least: 1, most: 31 };
export const MONTH: Field = {
  name: 'month',
  least: 1,
  most: 12,
  words: MONTHS.split(' '),
  first: 1,
  letters: 3,
};
export const WEEKDAY: Field = {
  name: 'weekday',
  least: 0,
  most: 7,
  words: WEEKDAYS.split(' '),
  first: 0,
  letters: 2,
};
export const YEAR: Field = { name: 'year', least: 2000, most: 2100 };
const FIVE: readonly Field[] = [
  { name: 'minute', least: 0, most: 59 },
  { name: 'hour', least: 0, most: 23 },
  DAY_OF_MONTH,
  MONTH,
  WEEKDAY,
];

const SHORT: Record<string, string> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

export interface CronReading {
  /** All seven fields, second to year, with numbers for names: one meaning for every reader. */
  readonly fields: string;
  /** What is wrong, for each field that is, in the words of the text. */
  readonly problems: readonly string[];
}

export function readCron(text: string): CronReading {
  const written = (SHORT[text.trim()] ?? text).trim().split(/\s+/);
  const fields =
    written.length === 5
      ? FIVE
      : written.length === 6
        ? [...FIVE, YEAR]
        : written.length === 7
          ? [SECOND, ...FIVE, YEAR]
          : undefined;
  if (!fields) {
    const count =
      text.trim() === '' ? 'no fields' : `${written.length} field${written.length === 1 ? '' : 's'}`;
    return {
      fields: '',
      problems: [`it has ${count}, not five: minute, hour, day of the month, month, weekday`],
    };
  }
  const problems: string[] = [];
  const read = written.map((part, at) => readField(part, fields[at]!, problems));
  const seven = fields.length === 7 ? read : ['0', ...read, ...(fields.length === 6 ? [] : ['*'])];
  return { fields: seven.join(' '), problems };
}

function readField(text: string, field: Field, problems: string[]): string {
  return text
    .split(',')
    .map((part) => {
      const read = readPart(part, field);
      if ('problem' in read) problems.push(read.problem);
      return 'value' in read ? read.value : '';
    })
    .join(',');
}

/** `*`, `x`, `x-y`, each with `/step` if wanted. */
function readPart(part: string, field: Field): { value: string } | { problem: string } {
  const [range = '', step, ...more] = part.split('/');
  if (more.length > 0 || (step !== undefined && !/^0*[1-9]\d{0,4}$/.test(step))) {
    return { problem: `${field.name} '${part}': a step is a whole number, for instance */15` };
  }
  const steps = step === undefined ? '' : `/${Number(step)}`;
  if (range === '*') return { value: `*${steps}` };
  const ends = range.split('-');
  const values = ends.map((end) => numberOf(end, field));
  const wrong = ends.find((_, at) => values[at] === undefined);
  if (wrong !== undefined || values.length > 2) {
    const { name, least, most, words } = field;
    const named = words ? `, or a name such as ${words[1]!.slice(0, 3)}` : '';
    return {
      problem: `${name} '${values.length > 2 ? range : wrong}' is not from ${least} to ${most}${named}`,
    };
  }
  const [from, to = from] = values as [number, number?];
  if (to! < from) return { problem: `${field.name} '${range}' ends before it begins` };
  return { value: `${values.join('-')}${steps}` };
}

function numberOf(text: string, { least, most, words, first = 0, letters = 3 }: Field): number | undefined {
  const lower = text.toLowerCase();
  const named = text.length >= letters ? (words?.findIndex((word) => word.startsWith(lower)) ?? -1) : -1;
  if (named >= 0) return first + named;
  if (!/^\d{1,4}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= least && value <= most ? value : undefined;
}
