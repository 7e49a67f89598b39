/** What is told of a fleet (`notify` in its spec), made from the report of its run. docs/notify.md is for receivers. */

import type { Finding } from './finding.ts';
import type { FleetReport, FleetState, LeftoverKind } from './report.ts';
import { instanceCountOf } from './report.ts';
import type { NotifyEvent, NotifyTarget } from './spec.ts';

/** The body of a webhook, and the detail of an event of EventBridge. Small: the report itself is a query away. */
export interface FleetNotification {
  /** Version of this shape; fields are only added within one. */
  readonly schema: 1;
  /** The same for every attempt and every receiver: what has been seen can be dropped. Without a full stop. */
  readonly id: string;
  readonly event: NotifyEvent;
  /** When it happened: ISO 8601, UTC. */
  readonly at: string;
  readonly fleet: string;
  /** What it comes of: bringing the fleet up, taking it down, a change of it, or a check by its schedule. */
  readonly action: FleetReport['action'] | 'check';
  readonly account?: string;
  /** Of a fleet in several places the first one's. */
  readonly region?: string;
  /** Of a fleet in several places: what has become of each. */
  readonly places?: readonly {
    readonly place: string;
    readonly state: FleetState;
    readonly instances: number;
  }[];
  /** The report's, at that moment. */
  readonly state: FleetState;
  readonly counts: {
    /** Instances there are, as far as the run knows. */
    readonly instances: number;
    /** Instances there were to be; of a teardown unknown. */
    readonly wanted?: number;
    readonly leftovers: number;
    /** Of drift and of a repair: things that differ from the spec, and such as were put right. */
    readonly differing?: number;
    readonly mended?: number;
  };
  /** Why it failed. */
  readonly error?: {
    readonly step: string;
    readonly code: string;
    /** AWS's words, at most 500 characters of them. */
    readonly message: string;
    readonly call?: string;
    readonly requestId?: string;
  };
  /** What is left, the first twenty; `counts.leftovers` tells how many there are. */
  readonly leftovers?: readonly { readonly kind: LeftoverKind; readonly id: string }[];
  /** What differs from the spec, and what was put right: the first twenty of each. */
  readonly differing?: readonly FindingTold[];
  readonly mended?: readonly FindingTold[];
  readonly workflowId: string;
  readonly runId: string;
  /** The run in Temporal's web UI, where the worker knows of one (MUSTER_UI_URL). */
  readonly uiUrl?: string;
}

export type FindingTold = Pick<Finding, 'kind' | 'resource' | 'wanted' | 'found'>;

const MOST_MESSAGE = 500;
const MOST_LEFTOVERS = 20;
const MOST_FINDINGS = 20;

/** What is told from: the report of a run, or what a check has found. */
export type Tellable = Omit<FleetReport, 'action'> & Pick<FleetNotification, 'action'>;

/** `at` is in milliseconds since the epoch. */
export function notificationOf(
  report: Tellable,
  event: NotifyEvent,
  { id, at }: { readonly id: string; readonly at: number },
): FleetNotification {
  const { fleet, action, account, places, state, wanted, error, leftovers, repair, workflowId, runId } =
    report;
  const { region = places?.[0]?.region } = report;
  return {
    schema: 1,
    id,
    event,
    at: new Date(at).toISOString(),
    fleet,
    action,
    account,
    region,
    places: places?.map((one) => ({ place: one.place!, state: one.state, instances: instanceCountOf(one) })),
    state,
    counts: {
      instances: instanceCountOf(report),
      wanted: wanted?.want,
      leftovers: leftovers.length,
      differing: repair?.remainingCount,
      mended: repair?.mendedCount,
    },
    error: error && {
      step: error.step,
      code: error.code,
      message: error.message.slice(0, MOST_MESSAGE),
      call: error.call,
      requestId: error.requestId,
    },
    leftovers:
      leftovers.length > 0
        ? leftovers.slice(0, MOST_LEFTOVERS).map(({ kind, id: name }) => ({ kind, id: name }))
        : undefined,
    differing: findingsTold(repair?.remaining),
    mended: findingsTold(repair?.mended),
    workflowId,
    runId,
  };
}

/** Without the commands, which can hold whole policies. */
function findingsTold(findings: readonly Finding[] = []): FindingTold[] | undefined {
  if (findings.length === 0) return undefined;
  return findings
    .slice(0, MOST_FINDINGS)
    .map(({ kind, resource, wanted, found }) => ({ kind, resource, wanted, found }));
}

/** Whether somebody has asked to be told of it. */
export function wantsToHear({ on }: NotifyTarget, event: NotifyEvent): boolean {
  return on === undefined || on.includes(event);
}

/** A receiver in a report: without the query of a URL, in which people put tokens. */
export function receiverName(target: NotifyTarget): string {
  return 'webhook' in target ? target.webhook.replace(/[?#].*$/, '') : `event bus ${target.eventBridge}`;
}

/** What `notifyFleet` takes. */
export interface NotifyRequest {
  readonly notification: FleetNotification;
  readonly targets: readonly NotifyTarget[];
}

/** What `notifyFleet` answers, or fails with when somebody could not be told. */
export interface NotifyReport {
  /** Version of this shape; fields are only added within one. */
  readonly schema: 1;
  /** The notification's. */
  readonly id: string;
  readonly event: NotifyEvent;
  readonly deliveries: readonly Delivery[];
}

export interface Delivery {
  readonly to: string;
  readonly state: 'trying' | 'delivered' | 'failed';
  /** What was answered, or why it was given up. */
  readonly detail?: string;
}
