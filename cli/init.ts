/** `muster init [FILE]`: writes a first spec, of the answers to four questions or of options. */

import { existsSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FirstSpec, firstSpecText } from '../fleet/first-spec.ts';
import { instancesWords } from '../fleet/instances-words.ts';
import type { Mistake } from '../fleet/mistakes.ts';
import { readSpec } from '../fleet/read-spec.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import { regionOf } from '../fleet/spec-conflicts.ts';
import { allowMistakes } from './allow-mistakes.ts';
import { DONE, UsageError } from './exit.ts';
import { type Colors, jsonOf, print, printText, say, stdoutColors } from './output.ts';
import { type Ask, atTerminal, isTerminal } from './terminal.ts';

/** The answers, as they were typed. */
export interface InitOptions {
  readonly name?: string;
  readonly allow?: string;
  readonly region?: string;
  readonly type?: string;
  readonly image?: string;
  readonly count?: string;
  readonly yes?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

const SCHEMA = fileURLToPath(new URL('../schema/fleet.schema.json', import.meta.url));

export async function init(file: string, options: InitOptions): Promise<number> {
  if (existsSync(file) && !options.force) throw inTheWay(file);
  const answers = answersOf(options, file);
  const wanted = isAnswered(options) ? answers : await interviewed(answers, options);
  const { spec, mistakes = [] } = read(wanted);
  const unknown = (await allowMistakes(wanted.actions)).map((mistake) => `--allow: ${mistake}`);
  if (!spec || unknown.length > 0) throw new UsageError([...mistakes.map(lineOf), ...unknown].join('\n  '));
  write(file, firstSpecText(wanted, schemaFrom(file)), options.force);
  const word = asWord(file);
  if (options.json) {
    print(jsonOf({ file, fleet: spec.name, region: spec.region, next: `muster up ${word}` }));
  } else printText(wordsOf(spec, file, word, stdoutColors()));
  return DONE;
}

function answersOf({ name, allow, region, type, image, count }: InitOptions, file: string): FirstSpec {
  return {
    name: name ?? nameFrom(file),
    actions: actionsOf(allow ?? 's3:Get*, s3:List*'),
    region: region ?? regionOf(undefined, process.env) ?? 'us-east-1',
    type: type ?? 't3.micro',
    image,
    count: count ?? '3',
  };
}

/** The file's, or that of its folder where the file says no more than what it is. */
function nameFrom(file: string): string {
  const own = basename(file, extname(file));
  const name = ['fleet', 'muster', 'spec'].includes(own) ? basename(dirname(resolve(file))) : own;
  return name.replace(/[^\w.-]+/g, '-').slice(0, 64) || 'fleet';
}

const actionsOf = (text: string): string[] => text.split(/[\s,]+/).filter((action) => action !== '');

/** Without a terminal an answer has to be given in some way: a spec that nobody thought about makes machines. */
function isAnswered({ yes, force: _, json: __, ...answers }: InitOptions): boolean {
  if (yes || (!isTerminal() && Object.values(answers).some((answer) => answer !== undefined))) return true;
  if (isTerminal()) return false;
  throw new UsageError(
    "'muster init' asks four questions, and there is no terminal to ask",
    "add --yes for what it proposes, or options: 'muster init --help'",
  );
}

interface Question {
  /** Whose answers it is for; what is wrong with them is said at it. */
  readonly fields: readonly (keyof InitOptions)[];
  readonly words: string;
  readonly proposed: string;
  answered(answers: FirstSpec, text: string): FirstSpec;
}

/** Asks what no option has answered. */
async function interviewed(proposed: FirstSpec, options: InitOptions): Promise<FirstSpec> {
  const questions = questionsOf(proposed).filter(({ fields }) =>
    fields.every((field) => options[field] === undefined),
  );
  return atTerminal(async (ask) => {
    let answers = proposed;
    for (const question of questions) answers = await answeredWell(question, answers, ask);
    return answers;
  });
}

function questionsOf({ name, actions, region, type, count }: FirstSpec): Question[] {
  return [
    {
      fields: ['name'],
      words: 'What is the fleet called?',
      proposed: name,
      answered: (answers, text) => ({ ...answers, name: text }),
    },
    {
      fields: ['allow'],
      words: 'What may programs on its machines do? Calls of AWS, as in a policy.',
      proposed: actions.join(', '),
      answered: (answers, text) => ({ ...answers, actions: actionsOf(text) }),
    },
    {
      fields: ['region', 'type', 'image'],
      words: 'Where, and which type? An image, too, if not the newest Amazon Linux.',
      proposed: `${region} ${type}`,
      answered: (answers, text) => text.split(/[\s,]+/).reduce(placed, answers),
    },
    {
      fields: ['count'],
      words: 'How many machines?',
      proposed: count,
      answered: (answers, text) => ({ ...answers, count: text }),
    },
  ];
}

/** A word of an answer is known by its form. */
function placed(answers: FirstSpec, word: string): FirstSpec {
  if (/^(?:ami-|resolve:|\/)/.test(word)) return { ...answers, image: word };
  return word.includes('.') ? { ...answers, type: word } : { ...answers, region: word };
}

/** Asks until the reader of specs has nothing to say about it, and AWS is known to have what is to be allowed. */
async function answeredWell(question: Question, before: FirstSpec, ask: Ask): Promise<FirstSpec> {
  const { words, proposed } = question;
  for (;;) {
    const typed = (await ask(`${words} [${proposed}] `)).trim();
    const answers = typed === '' ? before : question.answered(before, typed);
    const ofQuestion = (mistake: Mistake) => question.fields.some((field) => field === fieldOf(mistake));
    const wrong = read(answers).mistakes?.filter(ofQuestion) ?? [];
    const unknown = question.fields.includes('allow') ? await allowMistakes(answers.actions) : [];
    if (wrong.length + unknown.length === 0) return answers;
    for (const { message, mend } of wrong) say(`  ${message}; ${mend}`);
    for (const mistake of unknown) say(`  ${mistake}`);
  }
}

/** Its own comments are left out: a mistake's line is nobody's. */
function read(answers: FirstSpec) {
  return readSpec(firstSpecText(answers, ''), { env: {}, readFile: () => '' });
}

function fieldOf({ path }: Mistake): keyof InitOptions {
  if (path.startsWith('policy')) return 'allow';
  return path.replace('instances.', '') as keyof InitOptions;
}

const lineOf = (mistake: Mistake): string => `--${fieldOf(mistake)}: ${mistake.message}; ${mistake.mend}`;

/** Where the schema is, as an editor looks for it: from the spec's folder. */
function schemaFrom(file: string): string {
  return relative(dirname(resolve(file)), SCHEMA).replaceAll('\\', '/');
}

function write(file: string, text: string, force = false): void {
  try {
    writeFileSync(file, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw inTheWay(file);
    throw new UsageError(`${file} cannot be written: ${message}`);
  }
}

function inTheWay(file: string): UsageError {
  return new UsageError(`${file} is there already, and stays as it is`, 'name another file, or add --force');
}

function wordsOf({ name, region, instances }: FleetSpec, file: string, word: string, colors: Colors) {
  return [
    `${colors.green('✓')} ${file} is the spec of a fleet ${name}: ${instancesWords(instances)} in ${region}`,
    `  next      muster plan ${word}   what it would make; makes nothing`,
    `            muster up ${word}`,
    '            muster sandbox   to try it on, with no account',
  ].join('\n');
}

/** As a shell takes it for one word. */
const asWord = (file: string): string =>
  /^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`;
