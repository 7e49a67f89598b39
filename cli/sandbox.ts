/** `muster sandbox`: Temporal, its web UI and the local AWS, until it is told to end. */

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { ATTRIBUTES } from '../fleet/attributes.ts';
import { freePort, isFree, readWeather, startSandbox, type Weather, WrongValue } from '../sandbox/index.ts';
import { DONE, UsageError } from './exit.ts';
import { jsonOf, print, say, stderrColors } from './output.ts';

export interface SandboxCommandOptions {
  readonly port?: string;
  readonly temporalPort?: string;
  readonly uiPort?: string;
  readonly weather?: string;
  readonly propagation?: string;
  readonly env?: string;
  readonly json?: boolean;
}

export async function sandbox(options: SandboxCommandOptions): Promise<number> {
  const weather = weatherOf(options.weather);
  const propagation = seconds(options.propagation);
  const ports = {
    aws: await port('--port', options.port),
    // Where Temporal's own tools look first, if nothing is there.
    temporal: (await port('--temporal-port', options.temporalPort)) ?? (await freePort(7233)),
    ui: (await port('--ui-port', options.uiPort)) ?? (await freePort(8233)),
  };
  if (options.env) makeRoomFor(options.env);
  const stopped = toldToStop();
  const started = await startSandbox({
    searchAttributes: ATTRIBUTES,
    ports,
    weather,
    behaviour: propagation === undefined ? {} : { propagationSeconds: propagation },
    say,
  });
  try {
    const exports = exportLines(started.env);
    if (options.env) write(options.env, `${exports}\n`);
    print(options.json ? jsonOf(started.env) : exports);
    const colors = stderrColors();
    say('');
    say(`Temporal's web UI  ${colors.cyan(started.temporal.uiUrl)}`);
    say(`local AWS          ${colors.cyan(started.aws.endpoint)}`);
    if (weather) say(`its weather        ${options.weather}, seed ${started.aws.weather().seed}`);
    say(
      options.env
        ? `In other shells: '. ${sourced(options.env)}', then 'muster worker', and 'muster up FILE'. Ctrl-C ends all of it.`
        : `In other shells: the lines above, then 'muster worker', and 'muster up FILE'. Ctrl-C ends all of it.`,
    );
    await Promise.race([stopped, started.died]);
    return DONE;
  } finally {
    if (options.env) forget(options.env, started.env);
    await started.stop();
  }
}

export function exportLines(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => `export ${name}=${value}`)
    .join('\n');
}

/** Resolves with the first SIGINT, SIGTERM or SIGHUP; later ones change nothing. */
export function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
}

function weatherOf(nameOrFile: string | undefined): Weather | undefined {
  if (nameOrFile === undefined) return undefined;
  try {
    return readWeather(nameOrFile);
  } catch (error) {
    if (!(error instanceof WrongValue)) throw error;
    throw new UsageError(`--weather ${nameOrFile}:\n  ${error.message.replaceAll('\n', '\n  ')}`);
  }
}

/** A shell looks for a bare name on its PATH. */
function sourced(file: string): string {
  return file.includes('/') ? file : `./${file}`;
}

/** Whether it can be written is known at once; one of an earlier sandbox would send whoever reads it astray. */
function makeRoomFor(file: string): void {
  write(file, '');
  rmSync(file);
}

/** Whoever reads it later would be sent to what is no more; another sandbox may have written its own. */
function forget(file: string, env: Readonly<Record<string, string>>): void {
  try {
    if (readFileSync(file, 'utf8') === `${exportLines(env)}\n`) rmSync(file);
  } catch {
    // It is gone already.
  }
}

/** All of it at once: whoever waits for the file finds it whole. */
function write(file: string, text: string): void {
  try {
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch (error) {
    throw new UsageError(`--env ${file} cannot be written: ${(error as Error).message}`);
  }
}

async function port(option: string, text: string | undefined): Promise<number | undefined> {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 65_535) {
    throw new UsageError(`${option} ${text}: a port is a whole number from 1 to 65535`);
  }
  if (!(await isFree(number))) throw new UsageError(`${option} ${text}: something listens there already`);
  return number;
}

function seconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (text.trim() !== '' && number >= 0) return number;
  throw new UsageError(`--propagation ${text}: a number of seconds, 0 or more`);
}
