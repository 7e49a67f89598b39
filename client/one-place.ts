/** What can be done with a fleet in one place alone, and is refused of one in several before anything is sent. */

import type { WorkflowExecutionDescription } from '@temporalio/client';
import { placesIn } from '../fleet/places.ts';
import type { FleetReport } from '../fleet/report.ts';
import { TEARDOWNS } from '../fleet/run.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import { memoOf } from './change.ts';
import { manyPlaces, otherPlaces, wrongPlace } from './errors.ts';

/**
 * The place that a change is about: one of several has to be named, one alone need not be. Answers its name, if there are
 * several. Throws WrongPlace.
 */
export function placeMeant(report: FleetReport, named: string | undefined): string | undefined {
  const known = placesIn(report);
  if (known.length === 0 && (named === undefined || named === report.region)) return undefined;
  if (named === undefined || !known.includes(named)) throw wrongPlace(report, named, known);
  return named;
}

/** Held against a spec a fleet is in the places that it has. Throws FleetDiffers. */
export function assertSamePlaces(own: FleetSpec, other: FleetSpec): void {
  const [has, says] = [own, other].map(({ places, region }) => places?.map(({ name }) => name) ?? [region]);
  const words = (names: readonly string[]) => [...names].sort().join(', ');
  if (words(has!) !== words(says!)) throw otherPlaces(own.name, words(has!), words(says!));
}

/** By the fleet's last run; one that is gone is in no place. Throws ManyPlaces. */
export function assertOnePlace(
  description: Pick<WorkflowExecutionDescription, 'memo' | 'type' | 'workflowId'>,
  asked: 'changed' | 'rolled',
): void {
  const { fleet, places } = memoOf(description);
  if (!places || TEARDOWNS.includes(description.type)) return;
  throw manyPlaces(
    fleet,
    asked,
    `'muster down ${fleet}' removes it, and then it can come up by another spec`,
  );
}
