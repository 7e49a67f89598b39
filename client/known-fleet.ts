/** A fleet of which only Temporal can be asked: no worker is there that knows more. */

import { MusterError } from './errors.ts';
import { type FleetListing, knownOf, type RunInfo } from './listing.ts';
import type { Temporal } from './temporal.ts';

/** NoWorker; and what Temporal itself knows of the fleet. */
export class UnseenError extends MusterError {
  readonly known: FleetListing;

  constructor({ code, message, mend }: MusterError, known: FleetListing) {
    super(code, message, mend);
    this.known = known;
  }
}

/** The error with what is known of the fleet all the same, if that no worker answers is what it tells. */
export async function withKnown(temporal: Temporal, run: RunInfo, error: unknown): Promise<unknown> {
  if (!(error instanceof MusterError) || error.code !== 'NoWorker') return error;
  return knownOf(temporal, run).then(
    (known) => new UnseenError(error, known),
    () => error,
  );
}
