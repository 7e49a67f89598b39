/** The hash by which a second `up` recognises its fleet. Apart, because a workflow's bundle has no node:crypto. */

import { createHash } from 'node:crypto';
import { inOrder } from './in-order.ts';
import type { FleetSpec } from './spec.ts';

/** 16 hex digits; the same for specs that differ in nothing but the order of their keys. */
export function specHash(spec: FleetSpec): string {
  return createHash('sha256').update(inOrder(spec)).digest('hex').slice(0, 16);
}
