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

/** With where it is done, in a run that does it in several places. */
export function stepWords({ name, at }: { readonly name: string; readonly at?: string }): string {
  return at === undefined ? stepTitle(name) : `${stepTitle(name)} (${at})`;
}

/** The same of an undo; one that launches makes up for what a change has ended. */
export function undoWords({ name, at }: { readonly name: string; readonly at?: string }): string {
  const where = at === undefined ? '' : ` (${at})`;
  return name === 'launch' ? `undo: launch again what was ended${where}` : `undo: ${stepWords({ name, at })}`;
}

/** How a step reads to a person; a name of a later version is shown as it is. */
export function stepTitle(name: string): string {
  return (STEP_TITLES as Record<string, string>)[name] ?? name;
}
