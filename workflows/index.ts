/** All workflows: the one file that a worker bundles. */

export { bootstrapFleet } from './bootstrap-fleet.ts';
export { bootstrapPlaces } from './bootstrap-places.ts';
export { changePlace } from './change-place.ts';
export { checkFleet } from './check-fleet.ts';
export { examineWorker } from './examine-worker.ts';
export { fleetFromSpec } from './fleet-from-spec.ts';
export { inspectFleet } from './inspect-fleet.ts';
export { keepFleet } from './keep-fleet.ts';
export { launchPlace } from './launch-place.ts';
export { listInstances } from './list-instances.ts';
export { notifyFleet } from './notify-fleet.ts';
export { planFleet } from './plan-fleet.ts';
export { scheduledCheck } from './scheduled-check.ts';
export { scheduledFleet } from './scheduled-fleet.ts';
export { sweepFleets } from './sweep-fleets.ts';
export { teardownFleet } from './teardown-fleet.ts';
export { teardownPlaces } from './teardown-places.ts';
