/** `muster check NAME`: what AWS shows of a fleet otherwise than its spec says; with `--repair` it is put right. */

import { specFromFile } from '../client/specs.ts';
import { findingCount } from '../fleet/drift-report.ts';
import { connect } from './connect.ts';
import { driftText } from './drift-text.ts';
import { DONE, LEFT_OVER, UsageError } from './exit.ts';
import { codeOf, type RunOptions, seeThrough } from './finish.ts';
import { announce } from './follow.ts';
import { jsonOf, print, printText, stdoutPage } from './output.ts';

export interface CheckCommandOptions extends RunOptions {
  readonly file?: string;
  readonly repair?: boolean;
}

export async function check(
  fleet: string,
  { file, repair, ...options }: CheckCommandOptions,
): Promise<number> {
  if (repair && file !== undefined) {
    throw new UsageError(
      `--repair puts ${fleet} right by the spec that it has, and not by one of a file`,
      `'muster check ${fleet} --file ${file}' shows what differs from that`,
    );
  }
  if (options.detach && !repair) throw new UsageError('--detach is for --repair: a check is waited for');
  if (options.events && !repair) throw new UsageError('--events is for --repair: a check has but its result');
  return repair ? repairNow(fleet, options) : checkNow(fleet, file, options);
}

async function repairNow(fleet: string, options: RunOptions): Promise<number> {
  announce(fleet);
  const muster = await connect();
  try {
    return codeOf(await seeThrough(await muster.repair(fleet), options));
  } finally {
    await muster.close();
  }
}

async function checkNow(fleet: string, file: string | undefined, { json }: RunOptions): Promise<number> {
  const spec = file === undefined ? undefined : specFromFile(file);
  const muster = await connect();
  try {
    const report = await muster.check(fleet, { spec });
    if (json) print(jsonOf({ ...report, uiUrl: muster.linkTo(report) }));
    else printText(driftText(report, { ...stdoutPage(), file, uiUrl: muster.linkTo(report) }));
    return findingCount(report) === 0 ? DONE : LEFT_OVER;
  } finally {
    await muster.close();
  }
}
