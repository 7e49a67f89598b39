/** `muster doctor`: whether all is in order that a fleet depends on, and what mends what is not. */

import type { DoctorLine, DoctorReport } from '../fleet/doctor.ts';
import { counted } from '../fleet/words.ts';
import { DONE, LEFT_OVER, UNREACHABLE, UsageError } from './exit.ts';
import { type Colors, jsonOf, print, printText, stdoutColors } from './output.ts';

export interface DoctorCommandOptions {
  readonly json?: boolean;
  readonly instance?: boolean;
}

export async function doctor(file: string | undefined, options: DoctorCommandOptions): Promise<number> {
  if (options.instance && file !== undefined) {
    throw new UsageError(
      '--instance looks at the machine it is on, whatever a spec says',
      'leave one of the two out',
    );
  }
  const report = options.instance ? await ofInstance() : await ofEverything(file);
  if (options.json) print(jsonOf(report));
  else printText(doctorText(report, stdoutColors()));
  return codeOf(report);
}

/** On a machine of a fleet there is no Temporal, and nothing of it need be loaded. */
async function ofInstance(): Promise<DoctorReport> {
  const { diagnoseInstance } = await import('./doctor-instance.ts');
  return { schema: 1, lines: await diagnoseInstance(process.env) };
}

async function ofEverything(file: string | undefined): Promise<DoctorReport> {
  const { diagnose } = await import('../client/doctor.ts');
  if (file === undefined) return diagnose();
  const { specFromFile } = await import('../client/specs.ts');
  return diagnose({ spec: specFromFile(file), file });
}

function codeOf({ lines }: DoctorReport): number {
  const failed = lines.filter(({ state }) => state === 'fail');
  if (failed.some(({ unanswered }) => unanswered)) return UNREACHABLE;
  return failed.length > 0 ? LEFT_OVER : DONE;
}

export function doctorText({ lines }: DoctorReport, colors: Colors): string {
  const width = Math.max(...lines.map(({ check }) => check.length));
  const line = ({ check, state, words, mend }: DoctorLine) => [
    `${MARKS[state](colors)} ${check.padEnd(width)}  ${state === 'skipped' ? colors.dim(words) : words}`,
    ...(mend === undefined ? [] : [`  ${' '.repeat(width)}  ${colors.dim('→')} ${mend}`]),
  ];
  return [...lines.flatMap(line), '', summary(lines)].join('\n');
}

const MARKS: Readonly<Record<DoctorLine['state'], (colors: Colors) => string>> = {
  ok: ({ green }) => green('✓'),
  warn: ({ yellow }) => yellow('!'),
  fail: ({ red }) => red('✗'),
  skipped: ({ dim }) => dim('–'),
};

function summary(lines: readonly DoctorLine[]): string {
  const count = (state: DoctorLine['state']) => lines.filter((line) => line.state === state).length;
  const [wrong, doubtful] = [count('fail'), count('warn')];
  const parts = [
    ...(wrong > 0 ? [`${counted(wrong, 'thing')} wrong`] : []),
    ...(doubtful > 0 ? [`${counted(doubtful, 'thing')} to look at`] : []),
  ];
  return parts.length === 0 ? 'all that was looked at is in order' : parts.join(', ');
}
