/** The steps of the runs: their names in reports and histories, and how they read to a person. */

export const STEP_TITLES = {
  preflight: 'look before touching anything',
  'create-role': 'create the role',
  'put-policy': 'put the policy',
  'attach-policies': 'attach managed policies',
  'create-profile': 'create the instance profile',
  'add-role': 'put the role in the profile',
  'await-profile': 'wait until EC2 knows the profile',
  'compare-fleet': 'look at what is to be changed',
  'set-boundary': 'set the permissions boundary',
  'describe-role': 'describe the role',
  'tag-role': 'tag the role',
  'tag-profile': 'tag the instance profile',
  'tag-instances': 'tag the instances and volumes',
  'confirm-change': 'see that AWS shows the change',
  launch: 'launch the instances',
  'launch-places': 'launch in each place',
  verify: 'verify the fleet',
  health: 'wait until they are healthy',
  pause: 'wait before the next wave',
  mark: 'mark it as complete',
  find: 'find what the fleet has',
  'mend-role': 'put the role right',
  'mend-profile': 'put the instance profile right',
  'mend-instances': 'put the instances right',
  check: 'look at all of it again',
  'scale-place': 'scale it',
  'repair-place': 'repair it',
  terminate: 'terminate the instances',
  'remove-role': 'take the role out of the profile',
  'delete-profile': 'delete the instance profile',
  'delete-policy': 'delete the policy',
  'detach-policies': 'detach managed policies',
  'delete-role': 'delete the role',
} as const;

export type StepName = keyof typeof STEP_TITLES;

/** What a step's state looks like where nothing turns. */
export const STEP_MARKS = {
  pending: '·',
  running: '…',
  done: '✓',
  failed: '✗',
  paused: '‖',
  cancelled: '–',
} as const;

interface StepRef {
  readonly name: string;
  readonly at?: string;
}

/** With where it is done, in a run that does it in several places. */
export function stepWords({ name, at }: StepRef, titleOf = stepTitle): string {
  return at === undefined ? titleOf(name) : `${titleOf(name)} (${at})`;
}

/** The same of an undo, where nothing else says that it is one. */
export function undoWords(step: StepRef): string {
  return `undo: ${stepWords(step, undoTitle)}`;
}

/** One that launches makes up for what a change has ended. */
export function undoTitle(name: string): string {
  return name === 'launch' ? 'launch again what was ended' : stepTitle(name);
}

/** How a step reads to a person; a name of a later version is shown as it is. */
export function stepTitle(name: string): string {
  return (STEP_TITLES as Record<string, string>)[name] ?? name;
}
