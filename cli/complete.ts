/**
 * `muster complete -- WORDS`, which the scripts of `muster completion` call: what can stand where the last word is. A
 * line a suggestion, its description behind a tab; `:files` where the shell knows better. Read from the tree of commands,
 * so that it is never another than what is run.
 */

import type { Argument, Command, Option } from 'commander';
import { SCALE_CHOICES } from '../fleet/scale.ts';
import { OVERLAPS } from '../fleet/schedule.ts';
import { DONE } from './exit.ts';
import { print } from './output.ts';

interface Suggestion {
  readonly value: string;
  readonly description?: string;
}

const FILES: Suggestion = { value: ':files' };

/** Of options whose words are checked by the library, and not here. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  '--by': SCALE_CHOICES,
  '--overlap': OVERLAPS,
  '--weather': ['calm', 'ordinary', 'storm', FILES.value],
  '--file': [FILES.value],
  '--env': [FILES.value],
  '--html': [FILES.value],
  '--prices': [FILES.value],
};

export async function complete(program: Command, words: readonly string[]): Promise<number> {
  const typed = words.at(-1) ?? '';
  const suggestions = await suggestionsFor(placeOf(program, words.slice(0, -1)), typed);
  const fitting = suggestions.filter((one) => one === FILES || one.value.startsWith(typed));
  for (const { value, description } of fitting) print(description ? `${value}\t${description}` : value);
  return DONE;
}

/** Where a line of words has come to. */
interface Place {
  readonly command: Command;
  /** How many arguments the command has before the word. */
  readonly given: number;
  /** Whose value the word is. */
  readonly option?: Option;
  /** Options that are there. */
  readonly used: readonly Option[];
  /** After `--` nothing is an option. */
  readonly plain: boolean;
}

function placeOf(program: Command, words: readonly string[]): Place {
  let place: Place = { command: program, given: 0, used: [], plain: false };
  for (const word of words) place = after(place, word);
  return place;
}

function after(place: Place, word: string): Place {
  const { command, given, option, used, plain } = place;
  if (option) return { ...place, option: undefined };
  if (!plain && word === '--') return { ...place, plain: true };
  if (!plain && word.startsWith('-')) {
    const found = optionsOf(command).find(({ long, short }) => [long, short].includes(word.split('=')[0]));
    if (!found) return place;
    const takes = (found.required || found.optional) && !word.includes('=');
    return { ...place, used: [...used, found], option: takes ? found : undefined };
  }
  const within = commandsOf(command).find((one) => one.name() === word);
  return within ? { command: within, given: 0, used: [], plain } : { ...place, given: given + 1 };
}

const optionsOf = (command: Command): readonly Option[] => command.createHelp().visibleOptions(command);
const commandsOf = (command: Command): readonly Command[] => command.createHelp().visibleCommands(command);

async function suggestionsFor(place: Place, typed: string): Promise<readonly Suggestion[]> {
  const { command, given, option, used, plain } = place;
  if (option) return valuesOf(option);
  if (typed.startsWith('-') && !plain) {
    const [flag, value] = typed.split('=');
    const begun = value === undefined ? undefined : optionsOf(command).find(({ long }) => long === flag);
    if (begun) return valuesOf(begun).map((one) => (one === FILES ? one : { value: `${flag}=${one.value}` }));
    return optionsOf(command)
      .filter((one) => one.long !== undefined && (one.variadic || !used.includes(one)))
      .map(({ long, description }) => ({ value: long!, description }));
  }
  const commands = commandsOf(command).map((one) => ({
    value: one.name(),
    description: one.description(),
  }));
  const argument = command.registeredArguments[given];
  return argument ? [...commands, ...(await namedBy(command, argument))] : commands;
}

function valuesOf({ long, argChoices }: Option): readonly Suggestion[] {
  const values = argChoices ?? VALUES[long ?? ''] ?? [];
  return values.map((value) => (value === FILES.value ? FILES : { value }));
}

async function namedBy(command: Command, argument: Argument): Promise<readonly Suggestion[]> {
  if (argument.argChoices) return argument.argChoices.map((value) => ({ value }));
  if (argument.name() === 'file') return [FILES];
  if (argument.name() !== 'name') return [];
  const { knownNames } = await import('./known-names.ts');
  return knownNames(command.parent?.name() === 'schedule' ? 'schedules' : 'fleets');
}
