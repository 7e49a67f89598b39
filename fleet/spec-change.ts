/** One difference between two specs of a fleet. */

export interface SpecChange {
  /** As a spec has it: `policy.document`, `tags.team`, `instances.image`. */
  readonly field: string;
  /** In words, `none` where there is nothing; of a policy's document what the other does not say, a statement a line. */
  readonly from: string;
  readonly to: string;
  readonly how: ChangeHow;
  /** How many instances are terminated for it, if any are. */
  readonly ends?: number;
}

/** One side of a policy's document, when the other says all of it and more. */
export const NO_MORE = 'nothing beyond that';

export type ChangeHow =
  /** The fleet is changed where it is, or only what is launched later is another. */
  | 'in-place'
  /** Other machines have to take the place of those that there are. */
  | 'roll'
  /** It would be another fleet. */
  | 'new-fleet';
