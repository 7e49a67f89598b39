/** `notify` as people write it: what it becomes, and what is said of the mistakes in it. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatMistakes } from '../fleet/mistakes.ts';
import { readSpec } from '../fleet/read-spec.ts';

const WEB = `name: web
region: us-east-1
policy: { allow: { actions: s3:Get*, resources: "*" } }
instances: { count: 3, image: ami-12c6146b, type: t3.micro }
`;
const HOOK = 'webhook: https://example.com/hook';
const SECRET = 'secret: env:HOOK_SECRET';
const hook = { webhook: 'https://example.com/hook', secret: { env: 'HOOK_SECRET' } };

const read = (notify: string) => readSpec(`${WEB}${notify}\n`, { env: {}, readFile: () => '' });

/** The mistakes, a line each, without the spec's name. */
function mistakesIn(notify: string): string[] {
  const { mistakes } = read(notify);
  assert.ok(mistakes, 'no mistake was found');
  return formatMistakes(mistakes, '').split('\n');
}

describe('notify', () => {
  test('is a list, or one bare', () => {
    assert.deepEqual(read(`notify: { ${HOOK}, ${SECRET} }`).spec?.notify, [hook]);
    assert.deepEqual(
      read(`notify:
  - { ${HOOK}, ${SECRET}, on: leftovers }
  - eventBridge: default
  - { eventBridge: "arn:aws:events:eu-west-1:123456789012:event-bus/ops.all", on: [failed, gone] }`).spec
        ?.notify,
      [
        { ...hook, on: ['leftovers'] },
        { eventBridge: 'default' },
        { eventBridge: 'arn:aws:events:eu-west-1:123456789012:event-bus/ops.all', on: ['failed', 'gone'] },
      ],
    );
  });

  test('changes nothing of a spec that has none', () => {
    assert.ok(!('notify' in read('').spec!));
  });

  test('gets all of its mistakes at once, each with its line', () => {
    const known = 'complete, failed, rolled-back, leftovers, gone, lease-ending, drift, repaired';
    assert.deepEqual(
      mistakesIn(`notify:
  - { webhook: example.com/hook, ${SECRET}, on: [rolledback, over] }
  - { ${HOOK}, on: [] }
  - { webhok: https://example.com/, ${SECRET} }
  - { eventbridge: default }
  - { eventBridge: "my bus", secret: env:X }
  - { ${HOOK}, ${SECRET}, eventBridge: default }
  - { eventBridge: "", webhook: example.com, on: nothing }
  - default`),
      [
        ':6:16 notify[0].webhook: "example.com/hook" is not an http or https URL; for instance https://example.com/hook',
        `:6:64 notify[0].on[0]: "rolledback" is not one of ${known}; did you mean rolled-back?`,
        `:6:76 notify[0].on[1]: "over" is not one of ${known}; give one that is`,
        ':7:5 notify[1].secret: missing; give env: and the name of a variable of the worker, for instance env:HOOK_SECRET; a secret itself is never in a spec',
        ':7:46 notify[1].on: empty; name an event, or leave it out for all',
        ':8:7 notify[2].webhok: unknown; did you mean webhook?',
        ':9:7 notify[3].eventbridge: unknown; did you mean eventBridge?',
        ':10:20 notify[4].eventBridge: "my bus" is not the name or ARN of an event bus; for instance default',
        ':10:30 notify[4].secret: unknown; known here: eventBridge, on',
        ':11:5 notify[5]: both a webhook and an event bus; make two entries of them',
        ':12:5 notify[6]: both a webhook and an event bus; make two entries of them',
        ':12:5 notify[6].secret: missing; give env: and the name of a variable of the worker, for instance env:HOOK_SECRET; a secret itself is never in a spec',
        ':12:20 notify[6].eventBridge: empty is not the name or ARN of an event bus; for instance default',
        ':12:33 notify[6].webhook: "example.com" is not an http or https URL; for instance https://example.com/hook',
        `:12:50 notify[6].on: "nothing" is not one of ${known}; give one that is`,
        ':13:5 notify[7]: "default" is not a map with webhook or eventBridge; give one that is',
      ],
    );
    assert.deepEqual(mistakesIn('webhooks: []'), [':5:1 webhooks: unknown; did you mean notify?']);
    assert.deepEqual(mistakesIn('notify: []'), [':5:9 notify: empty; give 1 to 10, or leave it out']);
    assert.match(
      mistakesIn(`notify: [${Array(11).fill('{ eventBridge: default }').join()}]`).join(),
      /notify: 11 entries; give 1 to 10/,
    );
  });

  test('takes no URL that is not for a webhook', () => {
    for (const url of [
      'ftp://example.com/',
      'https://',
      'javascript:alert(1)',
      'https://a b/',
      '/hook',
      '7',
      '',
    ]) {
      assert.match(
        mistakesIn(`notify: { webhook: "${url}", ${SECRET} }`).join(),
        / is not an http or https URL/,
        url,
      );
    }
    assert.match(
      mistakesIn(`notify: { webhook: "https://example.com/${'x'.repeat(2_048)}", ${SECRET} }`).join(),
      /2,068 characters; at most 2,048/,
    );
  });

  test('repeats no secret in a message', () => {
    const said = mistakesIn(`notify:
  - { webhook: "https://joe:hunter2@example.com/", secret: whsec_aHVudGVyMg== }
  - { webhook: "ftp://joe:hunter2@example.com/", secret: hunter2 }
  - { webhook: "https://hunter2@exa mple.com/", secret: "env:hunter 2" }
  - { webhook: "https://example.com/", secret: [hunter2] }`);
    assert.equal(said.length, 7, said.join('\n'));
    assert.doesNotMatch(said.join('\n'), /hunter|whsec_a/);
    assert.match(said[0]!, /notify\[0\]\.webhook: has credentials in it; leave them out/);
    assert.match(said[1]!, /notify\[0\]\.secret: names no variable; give env: and the name/);
  });
});
