/** How the sandbox's AWS behaves; it can be changed while it runs. All times are in seconds. */

import { z } from 'zod';
import { chance, checked, count, exactly, number, seconds, text } from './checked.ts';

export interface Behaviour {
  /** From the moment a role is in a new profile until EC2 accepts the profile. */
  propagationSeconds: number;
  /** For how long after a profile was made again EC2 takes its name for the deleted one (terraform #2037). */
  staleProfileSeconds: number;
  /** From RunInstances until an instance is running. */
  pendingSeconds: number;
  /** From then on until its status checks are passed. EC2's take a few minutes. */
  initializingSeconds: number;
  /** Whose status check fails when that time is over. */
  impaired: readonly Impaired[];
  /**
   * The private address that all instances are told to have, when that is to be one at which something answers: a server
   * of this machine's at 127.0.0.1. Otherwise each has one of its own, where nothing is.
   */
  privateIp: string;
  /** From TerminateInstances until an instance is terminated. */
  shuttingDownSeconds: number;
  /** How long the credentials of an instance last. The metadata service rotates them 5 minutes before, as EC2's. */
  credentialSeconds: number;
  /**
   * For how long after a change of a role or profile IAM may still know the state before: a new one is NoSuchEntity to
   * all that names it, a deleted one is answered, and what was freed cannot be deleted yet.
   */
  iamLagSeconds: number;
  /** For how long after a launch EC2 may not know an instance: neither by its id, nor in any list. */
  ec2LagSeconds: number;
  /** For how long after EC2 first accepted a profile it may refuse it again. */
  flapSeconds: number;
  /** How likely a call within one of these three times is to meet the old state. */
  staleChance: number;
  /** 0: calls are not throttled. Otherwise how many times faster than AWS's its token buckets are refilled. */
  bucketScale: number;
  /** Where RunInstances finds no capacity. */
  soldOut: readonly SoldOut[];
  /** How likely each instance is to be terminated by itself when it should be running. */
  deathChance: number;
  /** EC2's Describe calls answer everything, whatever they filter by. */
  ignoreFilters: boolean;
  /** What other people do meanwhile. */
  hands: readonly Hand[];
}

/** A part of EC2's capacity; what is not named is all of it. */
export interface SoldOut {
  readonly type?: string;
  readonly zone?: string;
  readonly market?: 'on-demand' | 'spot';
}

/** Some of the instances; what is not named is all of them. */
export interface Impaired {
  /** An id. */
  readonly instance?: string;
  /** The one that it was launched from. */
  readonly image?: string;
}

/** One thing that somebody does, once, right after somebody else's call. */
export interface Hand {
  /** The call that goes before. */
  readonly after: string;
  /** Which of the matching calls that succeed, counted from 1; by default the first. */
  readonly nth?: number;
  /** Only calls whose body has this text. */
  readonly match?: string;
  /**
   * `protect` sets termination protection on the launch's first instance, `swap-role` puts another role into the
   * profile, `attach-policy` attaches a managed policy to the role.
   */
  readonly do: 'protect' | 'swap-role' | 'attach-policy';
}

export const DEFAULT_BEHAVIOUR: Behaviour = {
  propagationSeconds: 3,
  staleProfileSeconds: 0,
  pendingSeconds: 1,
  initializingSeconds: 1,
  impaired: [],
  privateIp: '',
  shuttingDownSeconds: 0.5,
  credentialSeconds: 21_600,
  iamLagSeconds: 0,
  ec2LagSeconds: 0,
  flapSeconds: 0,
  staleChance: 0.5,
  bucketScale: 0,
  soldOut: [],
  deathChance: 0,
  ignoreFilters: false,
  hands: [],
};

const soldOut: z.ZodType<SoldOut> = exactly('part of what can be sold out', {
  type: text('an instance type').optional(),
  zone: text('an availability zone').optional(),
  market: z.enum(['on-demand', 'spot'], 'on-demand or spot').optional(),
});

const impaired: z.ZodType<Impaired> = exactly('part of what can be impaired', {
  instance: text('the id of an instance').optional(),
  image: text('the id of an image').optional(),
});

/** The calls that name what is done something to. */
const OCCASIONS: Record<Hand['do'], readonly string[]> = {
  protect: ['RunInstances'],
  'swap-role': ['AddRoleToInstanceProfile'],
  'attach-policy': ['CreateRole', 'PutRolePolicy', 'AttachRolePolicy', 'AddRoleToInstanceProfile'],
};

const hand: z.ZodType<Hand> = exactly('part of what hands do', {
  after: text('a call'),
  nth: count(1).optional(),
  match: text('a text of the body').optional(),
  do: z.enum(['protect', 'swap-role', 'attach-policy'], 'protect, swap-role or attach-policy'),
}).refine((hand) => OCCASIONS[hand.do].includes(hand.after), {
  error: ({ input }) => `${(input as Hand).do} is done after ${OCCASIONS[(input as Hand).do].join(', ')}`,
  path: ['after'],
});

export const behaviourSchema: z.ZodType<Partial<Behaviour>> = exactly('behaviour', {
  propagationSeconds: seconds.optional(),
  staleProfileSeconds: seconds.optional(),
  pendingSeconds: seconds.optional(),
  initializingSeconds: seconds.optional(),
  impaired: z.array(impaired, 'a list of what is impaired').optional(),
  privateIp: z.union([z.ipv4(), z.literal('')], 'an IPv4 address, or an empty text').optional(),
  shuttingDownSeconds: seconds.optional(),
  credentialSeconds: seconds.optional(),
  iamLagSeconds: seconds.optional(),
  ec2LagSeconds: seconds.optional(),
  flapSeconds: seconds.optional(),
  staleChance: chance.optional(),
  bucketScale: number(0, Number.MAX_VALUE, 'a number, 0 or more').optional(),
  soldOut: z.array(soldOut, 'a list of what is sold out').optional(),
  deathChance: chance.optional(),
  ignoreFilters: z.boolean('true or false').optional(),
  hands: z.array(hand, 'a list of what hands do').optional(),
});

/** Refuses what is no behaviour. */
export function checkedBehaviour(change: Partial<Behaviour>): Partial<Behaviour> {
  const known = checked(behaviourSchema, change);
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
}
