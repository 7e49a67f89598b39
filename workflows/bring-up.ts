/** The way from an identity to a verified fleet in one region: EC2 knows the profile, launch, verify, mark. */

import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import { PROFILE_UNKNOWN } from '../fleet/failures.ts';
import { whereOf } from '../fleet/places.ts';
import type { ProfileReport } from '../fleet/report.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import type { Owner } from '../fleet/tags.ts';
import { as, looking, quick } from './activities.ts';
import type { Launch } from './launch.ts';
import { type Identity, type LaunchPlace, untilVerified } from './launch-and-verify.ts';
import { nextSlice, notYet, tooLate } from './patience.ts';
import { type Run, wasLetGo } from './run.ts';
import { type UndoScope, undoLaunch } from './undos.ts';

/** It ends by its own patience, and says why: what would cut it off in the middle of a call has no reason to tell. */
const LATE_SECONDS = 10;

/** Neither a sleep nor a guess: EC2 itself is asked, at short, growing intervals. */
export async function awaitProfile(
  run: Run,
  spec: FleetSpec,
  plan: LaunchPlace,
  profile: ProfileReport,
): Promise<void> {
  const { propagation: deadline } = spec.deadlines;
  run.report.propagation = await run.step(
    'await-profile',
    async () => {
      const tooLong = `EC2 did not accept the profile within ${deadline} s`;
      const started = Date.now();
      let attempts = 0;
      for (;;) {
        const waited = Date.now() - started;
        const within = deadline - waited / 1000 + LATE_SECONDS;
        const look = await looking.awaitProfile
          .executeWithOptions(as('await-profile', profile.name, within), [
            {
              ...whereOf(spec),
              profileArn: profile.arn,
              image: plan.image,
              placement: plan.placements[0]!,
              securityGroups: spec.instances.securityGroups,
              waited,
              patience: Math.min(nextSlice(waited), deadline * 1000 - waited),
            },
          ])
          .catch((error: unknown) => {
            throw isProfileUnknown(error) && !wasLetGo(error) ? tooLate(tooLong, error.cause.message) : error;
          });
        attempts += look.attempts;
        const seconds = (Date.now() - started) / 1000;
        if (look.known) return { seconds, attempts };
        if (seconds >= deadline) throw tooLate(tooLong, look.reason);
        run.waits('await-profile', notYet(attempts, seconds, deadline));
      }
    },
    { found: ({ attempts }) => `EC2 was asked ${times(attempts)}` },
  );
}

/** One success of the wait proves nothing for the next call: the launch takes 'not yet' as not yet, too. */
export async function launchAll(run: Run, scope: UndoScope, launch: Launch): Promise<void> {
  await run.step(
    'launch',
    async () => {
      launch.reopen();
      await launch.all();
    },
    {
      undo: undoLaunch(scope, launch),
      mayHaveActed: () => launch.ids.length > 0 || launch.unsettled.length > 0,
      found: () => launch.words,
    },
  );
}

/** What a person's retry finds missing is launched before it is looked for. */
export async function verifyAll(
  run: Run,
  spec: FleetSpec,
  owner: Owner,
  plan: LaunchPlace,
  identity: Identity,
  launch: Launch,
): Promise<void> {
  let wasTried = false;
  await run.step(
    'verify',
    async () => {
      if (wasTried) launch.reopen();
      wasTried = true;
      await launch.all();
      await untilVerified(run, spec, owner, plan, identity, launch);
    },
    { found: () => `${launch.ids.length} running with the profile ${identity.profile.name}` },
  );
}

/** Once no history tells it, this alone tells the fleet from what a lost run left: see the sweep. */
export async function mark(
  run: Run,
  spec: FleetSpec,
  profile: ProfileReport,
  ids: readonly string[],
  at?: string,
): Promise<void> {
  await run.step(
    'mark',
    () =>
      quick.markComplete.executeWithOptions(as('mark', spec.name, spec.deadlines.step, at), [
        { ...whereOf(spec), ...(profile.reused ? { ids } : { profile: profile.name }) },
      ]),
    { at },
  );
}

/** Of a long wait: the next attempt would have come too late. */
function isProfileUnknown(error: unknown): error is ActivityFailure & { cause: ApplicationFailure } {
  return (
    error instanceof ActivityFailure &&
    error.cause instanceof ApplicationFailure &&
    error.cause.type === PROFILE_UNKNOWN
  );
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
