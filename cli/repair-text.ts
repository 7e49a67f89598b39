/** What a repair has put right and what differs still, as a person reads it. */

import type { FleetReport } from '../fleet/report.ts';
import { commandLines, findingTable } from './drift-text.ts';
import type { Colors, Page } from './output.ts';

/** Two tables, and what to type about what differs still. */
export function repairBlocks({ fleet, action, repair }: FleetReport, page: Page): string[][] {
  const { colors } = page;
  if (action !== 'repair' || !repair) return [];
  const { mended, mendedCount, remaining, remainingCount } = repair;
  const blocks: string[][] = [];
  if (mended.length > 0) {
    blocks.push(['  put right:', findingTable(mended, page), ...beyond(mendedCount - mended.length, colors)]);
  }
  if (remaining.length > 0) {
    const more = beyond(remainingCount - remaining.length, colors);
    blocks.push(['  differs still:', findingTable(remaining, page), ...more]);
    blocks.push([commandLines({ findings: remaining }, `muster check ${fleet} --repair`, colors)]);
  }
  return blocks;
}

function beyond(count: number, colors: Colors): string[] {
  return count > 0 ? [colors.dim(`  and ${count.toLocaleString('en')} more`)] : [];
}
