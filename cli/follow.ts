/** Watching a run: as a live list on a terminal, as plain lines elsewhere. */

import type { FleetRun } from '../client/fleet-run.ts';
import type { Progress } from '../client/progress.ts';
import { type FleetReport, isSettled } from '../fleet/report.ts';
import { INTERRUPTED } from './exit.ts';
import { flushed, harmless, jsonLine, print, say, stderrColors, widthOf } from './output.ts';
import { redrawing } from './redraw.ts';
import { silenceNews, silenceWords } from './silence.ts';
import { changedLines, liveLines } from './step-lines.ts';

const FRAME_MS = 100;

const MET = {
  new: '',
  running: ' (attached to the run under way)',
  ended: ' (it is there already, unchanged)',
  keeping: ' (it is there already, unchanged, and its lease runs)',
} as const;

/** Says which fleet it is about, at once: before anything is waited for. */
export function announce(fleet: string): void {
  say(`fleet     ${stderrColors().bold(fleet)}`);
}

/** Says which run it is, and where it is to be seen. */
export function introduce(run: FleetRun): void {
  const colors = stderrColors();
  say(`workflow  ${run.workflowId}${colors.dim(MET[run.met])}`);
  if (run.uiUrl) say(`watch     ${colors.cyan(run.uiUrl)}`);
  say('');
}

/** What programs are told of it, as an error. */
export const DETACHED = { code: 'Interrupted', message: 'the run goes on' } as const;

/**
 * Shows a run until it has ended or waits for a person, and answers its report. Ctrl-C detaches: the process ends, the
 * run goes on.
 */
export async function follow(run: FleetRun, { json }: { readonly json?: boolean }): Promise<FleetReport> {
  const view = canRedraw() ? liveView() : plainView();
  const detach = async () => {
    view.end();
    sayDetached(run.fleet);
    if (json) print(jsonLine({ error: DETACHED }));
    await flushed();
    process.exit(INTERRUPTED);
  };
  process.once('SIGINT', detach);
  process.once('SIGTERM', detach);
  try {
    let last: Progress | undefined;
    for await (last of run.watch()) {
      view.show(last);
      if (last.report.state === 'paused') break;
    }
    return last!.report;
  } finally {
    view.end();
    process.off('SIGINT', detach);
    process.off('SIGTERM', detach);
  }
}

export function sayDetached(fleet: string): void {
  say(`\nDetached: the run of ${fleet} goes on.`);
  say(`  muster watch ${fleet}    shows it again`);
  say(`  muster status ${fleet}   how it is`);
  say(`  muster cancel ${fleet}   take back what it made`);
}

interface View {
  show(progress: Progress): void;
  end(): void;
}

function liveView(): View {
  const redraw = redrawing(process.stderr);
  const colors = stderrColors();
  let shown: Progress | undefined;
  let frame = 0;
  const draw = () => {
    if (!shown) return;
    const lines = liveLines(shown.report, {
      colors,
      now: Date.now(),
      frame: frame++,
      width: widthOf(process.stderr),
      pending: shown.pending,
    });
    const silence = silenceWords(shown);
    if (silence) lines.push('', colors.yellow(silence));
    redraw(lines.map(harmless));
  };
  const timer = setInterval(draw, FRAME_MS);
  return {
    show(progress) {
      shown = progress;
      if (isSettled(progress.report.state)) draw();
    },
    end() {
      clearInterval(timer);
      draw();
      shown = undefined;
    },
  };
}

/** A dumb terminal goes forward only. */
const canRedraw = (): boolean => Boolean(process.stderr.isTTY) && process.env.TERM !== 'dumb';

function plainView(): View {
  let before: Progress | undefined;
  return {
    show(progress) {
      for (const line of changedLines(before, progress)) say(line);
      const silence = silenceNews(before, progress);
      if (silence) say(silence);
      before = progress;
    },
    end() {},
  };
}
