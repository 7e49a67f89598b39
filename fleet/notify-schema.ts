/** The shape of `notify` as people write it. No message of it repeats a value that may be a secret. */

import { z } from 'zod';
import { wanted } from './mistakes.ts';
import { EVENT_BUS } from './names.ts';
import { complain, fields, isMap, listOf, nested, oneOf, text, writtenAs } from './schema-parts.ts';
import { type EventBridgeTarget, NOTIFY_EVENTS, type NotifyTarget, type WebhookTarget } from './spec.ts';

const MOST_TARGETS = 10;
const MOST_URL = 2048;

const on = listOf(oneOf(NOTIFY_EVENTS)).superRefine((events, context) => {
  if (events.length === 0) complain(context, [], 'empty', 'name an event, or leave it out for all');
});

const urlWanted = wanted('an http or https URL', 'for instance https://example.com/hook');
const url = z.string(urlWanted).superRefine((value, context) => {
  if (/\/\/[^/?#]*@/.test(value)) {
    complain(context, [], 'has credentials in it', 'leave them out: the signature proves who sends it');
  } else if (value.length > MOST_URL) {
    complain(context, [], `${value.length.toLocaleString('en')} characters`, 'at most 2,048');
  } else if (!isHttp(value)) {
    context.addIssue({ code: 'custom', message: urlWanted });
  }
});

function isHttp(value: string): boolean {
  return /^https?:\/\/[\x21-\x7e]+$/i.test(value) && URL.canParse(value);
}

const variableMend =
  'give env: and the name of a variable of the worker, for instance env:HOOK_SECRET; a secret itself is never in a spec';

const VARIABLE = /^[eE][nN][vV]:([A-Za-z_]\w{0,127})$/;

/** `env:NAME`. */
const secret = writtenAs(
  z.unknown().transform((value, context): WebhookTarget['secret'] => {
    const [, env] = (typeof value === 'string' && VARIABLE.exec(value)) || [];
    if (env) return { env };
    complain(context, [], value === undefined ? 'missing' : 'names no variable', variableMend);
    return z.NEVER;
  }),
  z.string().regex(VARIABLE, wanted('a variable of the worker', 'for instance env:HOOK_SECRET')),
);

const webhook: z.ZodType<WebhookTarget> = fields('a webhook', { webhook: url, secret, on: on.optional() }, [
  'eventBridge',
]);

const eventBridge: z.ZodType<EventBridgeTarget> = fields('an event bus', {
  eventBridge: text(EVENT_BUS, 'the name or ARN of an event bus', 'for instance default'),
  on: on.optional(),
});

const isOfBus = (key: string): boolean => /bridge|bus/i.test(key);

/** One of the two, told apart by its keys, well spelt or not. */
const target = writtenAs(
  z.unknown().transform((value, context): NotifyTarget => {
    if (!isMap(value)) {
      context.addIssue({ code: 'custom', message: wanted('a map with webhook or eventBridge') });
      return z.NEVER;
    }
    const keys = Object.keys(value);
    const isBus = keys.some(isOfBus);
    if (!isBus) return nested<NotifyTarget>(webhook, value, context);
    if (!keys.includes('webhook')) return nested<NotifyTarget>(eventBridge, value, context);
    complain(context, [], 'both a webhook and an event bus', 'make two entries of them');
    // What is wrong with either would be told with the next try only.
    const part = (ofBus: boolean) =>
      Object.fromEntries(Object.entries(value).filter(([key]) => isOfBus(key) === ofBus));
    nested(eventBridge, part(true), context);
    nested(webhook, part(false), context);
    return z.NEVER;
  }),
  webhook,
  eventBridge,
);

/** A list of them, or one bare. */
export const notify = listOf(target).superRefine(({ length }, context) => {
  if (length >= 1 && length <= MOST_TARGETS) return;
  const message = length === 0 ? 'empty' : `${length} entries`;
  complain(context, [], message, `give 1 to ${MOST_TARGETS}, or leave it out`);
});
