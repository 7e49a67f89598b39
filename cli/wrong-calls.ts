/** Command lines that no command can read: told as all other errors are, in words and as JSON. */

import type { Command, CommanderError } from 'commander';
import { UsageError } from './exit.ts';

/** Has all commands, once they are there, throw a UsageError for what they cannot read. */
export function tellWrongCalls(command: Command, words: string = command.name()): void {
  command
    .showSuggestionAfterError()
    // Who catches the error says it.
    .configureOutput({ outputError: () => {} })
    .exitOverride((error) => {
      throw isHelp(error) ? error : wrongCall(error, command, words);
    });
  for (const within of command.commands) tellWrongCalls(within, `${words} ${within.name()}`);
}

/** `--json` or `--events` as they were typed, of a line that was not read to its end. */
export function formsAsked(args: readonly string[]): { readonly json: boolean; readonly events: boolean } {
  const end = args.indexOf('--');
  const words = end < 0 ? args : args.slice(0, end);
  return { json: words.includes('--json'), events: words.includes('--events') };
}

/** The help was asked for, or is what a line without a command gets. */
const isHelp = ({ code }: CommanderError): boolean =>
  ['commander.help', 'commander.helpDisplayed', 'commander.version'].includes(code);

function wrongCall({ code, message }: CommanderError, command: Command, words: string): UsageError {
  const said = message.replace(/^error: /, '').replace(/\s*\(D(id you mean .*)\)$/, '; d$1');
  const help = `'${words} --help' shows what there is`;
  // Of a command that is none there is no usage.
  if (code === 'commander.unknownCommand') return new UsageError(said, help);
  return new UsageError(said, `${words} ${command.usage()}; ${help}`);
}
