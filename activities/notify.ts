/**
 * Telling others: a webhook that is signed as Standard Webhooks 1.0.0 says (github.com/standard-webhooks), and an event
 * of EventBridge. Both are attempted at least once; receivers drop repeats by the notification's id.
 */

import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { Context } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { Webhook } from 'standardwebhooks';
import { NO_ANSWER, SECRET_UNUSABLE } from '../fleet/failures.ts';
import { type FleetNotification, receiverName } from '../fleet/notification.ts';
import type { EventBridgeTarget, NotifyEvent, NotifyTarget, WebhookTarget } from '../fleet/spec.ts';
import { runLink, uiBase } from '../fleet/ui-link.ts';
import { AwsError, ask } from './aws-errors.ts';
import type { ClientsFor } from './clients.ts';

export interface SendWebhook {
  readonly target: WebhookTarget;
  readonly notification: FleetNotification;
}

export interface PutEvent {
  readonly target: EventBridgeTarget;
  readonly notification: FleetNotification;
}

export function notifySteps(clientsFor: ClientsFor) {
  return {
    /** Answers the status in words. Fails with SecretUnusable, Unanswered or `Http` and the status. */
    async sendWebhook({ target, notification }: SendWebhook): Promise<string> {
      const keys = keysOf(target);
      const body = JSON.stringify(withLink(notification));
      const now = new Date();
      const response = await post(target.webhook, body, {
        'webhook-id': notification.id,
        'webhook-timestamp': `${Math.floor(now.getTime() / 1000)}`,
        'webhook-signature': keys.map((key) => key.sign(notification.id, now, body)).join(' '),
      });
      if (!response.ok) throw await refusal(response);
      // The status is the answer, whatever becomes of its body.
      response.body?.cancel().catch(() => {});
      return `HTTP ${response.status}`;
    },

    /** Answers the event's id. A bus of another region, named by its ARN, is spoken to there. */
    async putEvent({ target, notification }: PutEvent): Promise<string> {
      const region = /^arn:[^:]*:events:([^:]+):/.exec(target.eventBridge)?.[1] ?? notification.region;
      if (!region) {
        throw ApplicationFailure.nonRetryable(
          'the region of the fleet is not known: only an ARN says which bus it is',
        );
      }
      const { Entries = [], FailedEntryCount = 0 } = await ask(
        PUT_EVENTS,
        clientsFor({ region }).events.send(
          new PutEventsCommand({
            Entries: [
              {
                EventBusName: target.eventBridge,
                Source: 'muster',
                DetailType: DETAIL_TYPES[notification.event],
                Detail: JSON.stringify(withLink(notification)),
                Time: new Date(notification.at),
              },
            ],
          }),
        ),
      );
      const [entry] = Entries;
      // The call succeeds although EventBridge took nothing of it (EventBridge API, PutEvents).
      if (FailedEntryCount > 0) {
        const code = (entry?.ErrorCode ?? 'Unknown').replace(/Exception$/, '');
        throw new AwsError(PUT_EVENTS, code, entry?.ErrorMessage ?? 'the event was not taken');
      }
      return `event ${entry?.EventId}`;
    },
  };
}

const PUT_EVENTS = 'events:PutEvents';

/** By these a rule of EventBridge tells the events apart. */
const DETAIL_TYPES: Readonly<Record<NotifyEvent, string>> = {
  complete: 'Muster Fleet Complete',
  failed: 'Muster Fleet Failed',
  'rolled-back': 'Muster Fleet Rolled Back',
  leftovers: 'Muster Fleet Leftovers',
  gone: 'Muster Fleet Gone',
  'lease-ending': 'Muster Fleet Lease Ending',
  drift: 'Muster Fleet Drift',
  repaired: 'Muster Fleet Repaired',
};

/** Who cannot be told by this worker, and why; in the words of a report. */
export function unheardOf(targets: readonly NotifyTarget[] = []): string[] {
  return targets.flatMap((target) => {
    if (!('webhook' in target)) return [];
    try {
      keysOf(target);
      return [];
    } catch (error) {
      return [`${receiverName(target)}: ${(error as Error).message}`];
    }
  });
}

/**
 * The keys to sign with, read from the worker's environment at each use. Two secrets with a space between them sign
 * both: so one is exchanged for another while receivers know only one of them. The form is demanded so that no spec can
 * have anything else of the environment used as a key.
 */
function keysOf({ secret: { env } }: WebhookTarget): Webhook[] {
  const written = process.env[env]?.trim();
  if (!written) throw unusable(`the worker has no ${env} in its environment`);
  return written.split(/\s+/).map((secret) => {
    const [, base64 = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? [];
    const { length } = Buffer.from(base64, 'base64');
    try {
      if (length >= LEAST_KEY && length <= MOST_KEY) return new Webhook(secret);
    } catch {
      // Not base64 after all. What the library says of it is not for a history.
    }
    throw unusable(`the worker's ${env} is not whsec_ and the base64 of ${LEAST_KEY} to ${MOST_KEY} bytes`);
  });
}

/** Bytes, as the specification has it. */
const LEAST_KEY = 24;
const MOST_KEY = 64;

/** The next deployment of the worker may mend it, but nobody should wait a day to hear of it. */
function unusable(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, SECRET_UNUSABLE);
}

function withLink(notification: FleetNotification): FleetNotification {
  const { workflowId, runId } = notification;
  const base = uiBase(process.env.MUSTER_UI_URL, process.env.TEMPORAL_ADDRESS ?? '');
  const namespace = Context.current().info.namespace;
  return { ...notification, uiUrl: runLink(base, namespace, workflowId, runId) };
}

const PATIENCE_MS = 10_000;

/** No redirect is followed: whom a spec names is told, and nobody else. */
async function post(url: string, body: string, headers: Record<string, string>): Promise<Response> {
  const { cancelled, cancellationSignal } = Context.current();
  try {
    return await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', 'user-agent': 'muster', ...headers },
      redirect: 'manual',
      signal: AbortSignal.any([AbortSignal.timeout(PATIENCE_MS), cancellationSignal]),
    });
  } catch (error) {
    if (cancellationSignal.aborted) return cancelled;
    throw retried(NO_ANSWER, whyUnanswered(error as Error));
  }
}

/** fetch itself says only that it failed. */
function whyUnanswered({ name, message, cause }: Error): string {
  if (name === 'TimeoutError') return `no answer within ${PATIENCE_MS / 1000} s`;
  return cause instanceof Error && cause.message ? cause.message : message;
}

/** 408 and 429 and what is wrong with the server itself may pass; all else is an answer. */
async function refusal(response: Response): Promise<ApplicationFailure> {
  const { status, headers } = response;
  const type = `Http${status}`;
  const location = headers.get('location');
  const said = location ? `it is at ${printable(location)} now` : printable(await beginning(response));
  const message = `HTTP ${status}${said && `: ${said}`}`;
  const mayPass = status === 408 || status === 429 || status >= 500;
  return mayPass
    ? retried(type, message, Number(headers.get('retry-after')))
    : ApplicationFailure.nonRetryable(message, type);
}

const MOST_WAIT_SECONDS = 3_600;

function retried(type: string, message: string, waitSeconds = 0): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message,
    nextRetryDelay: waitSeconds > 0 ? Math.min(waitSeconds, MOST_WAIT_SECONDS) * 1000 : undefined,
    category: ApplicationFailureCategory.BENIGN,
  });
}

const MOST_SAID = 300;

/** As much of the body as is worth telling; the rest is not read. */
async function beginning({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const chunk of body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      if (text.length >= MOST_SAID) break;
    }
  } catch {
    // The status is the answer, whatever became of its body.
  }
  return text;
}

function printable(text: string): string {
  return text
    .slice(0, MOST_SAID)
    .replace(/[^\x20-\x7e\xa1-\u024f]+/g, ' ')
    .trim();
}
