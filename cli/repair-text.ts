/** What a repair has put right and what differs still, as a person reads it. */

import type { FleetReport } from '../fleet/report.ts';
import { counted } from '../fleet/words.ts';
import { commandLines, findingTable } from './drift-text.ts';
import type { Colors } from './output.ts';

export function repairHeadline({ state, fleet, repair }: FleetReport, colors: Colors): string {
  const name = colors.bold(fleet);
  const { mendedCount = 0, remainingCount = 0 } = repair ?? {};
  const mended = `${counted(mendedCount, 'thing')} put right`;
  const still =
    remainingCount === 1 ? '1 thing differs still' : `${counted(remainingCount, 'thing')} differ still`;
  switch (state) {
    case 'complete':
      return mendedCount > 0
        ? `${colors.green('✓')} fleet ${name} is as its spec says again: ${mended}`
        : `${colors.green('✓')} fleet ${name} is as its spec says: nothing to put right`;
    case 'degraded':
      return `${colors.red('✗')} fleet ${name} is not as its spec says: ${mended}, ${still}`;
    case 'rolled-back':
      return `${colors.red('✗')} fleet ${name} was not repaired${repair ? `: ${still}` : ''}`;
    case 'cancelled':
      return `${colors.yellow('–')} repairing fleet ${name} was cancelled${repair ? `: ${mended}, ${still}` : ''}`;
    case 'left-over':
      return `${colors.red('✗')} fleet ${name} was not repaired, and something that was launched for that is left`;
    case 'lost':
      return `${colors.red('✗')} the run that was repairing fleet ${name} was ended from outside`;
    case 'rolling-back':
      return `${colors.yellow('…')} what was launched to repair fleet ${name} is being taken back`;
    default:
      return `… fleet ${name} is being repaired`;
  }
}

/** Two tables, and what to type about what differs still. */
export function repairBlocks({ fleet, action, repair }: FleetReport, colors: Colors): string[][] {
  if (action !== 'repair' || !repair) return [];
  const { mended, mendedCount, remaining, remainingCount } = repair;
  const blocks: string[][] = [];
  if (mended.length > 0) {
    blocks.push([
      '  put right:',
      findingTable(mended, colors),
      ...beyond(mendedCount - mended.length, colors),
    ]);
  }
  if (remaining.length > 0) {
    const more = beyond(remainingCount - remaining.length, colors);
    blocks.push(['  differs still:', findingTable(remaining, colors), ...more]);
    blocks.push([commandLines({ findings: remaining }, `muster check ${fleet} --repair`, colors)]);
  }
  return blocks;
}

function beyond(count: number, colors: Colors): string[] {
  return count > 0 ? [colors.dim(`  and ${count.toLocaleString('en')} more`)] : [];
}
