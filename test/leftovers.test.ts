/** Leftovers: what they name, and that those of ten thousand machines fit into Temporal's answers. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTagged, leftoversOf, resourceLeftovers, withoutSkipped } from '../fleet/leftovers.ts';

const OWNER = { fleet: 'web', run: '0199-run' };
const ids = (count: number, prefix = 'i') =>
  Array.from({ length: count }, (_, at) => `${prefix}-${at.toString(16).padStart(17, '0')}`);

describe('what is left', () => {
  test('of few machines and volumes is named one by one', () => {
    const left = resourceLeftovers('us-east-1', OWNER, [...ids(2), ...ids(1, 'vol')], 'denied');
    assert.deepEqual(
      left.map(({ kind, command }) => [kind, command.split(' ').slice(0, 3).join(' ')]),
      [
        ['instance', 'aws ec2 terminate-instances'],
        ['instance', 'aws ec2 terminate-instances'],
        ['volume', 'aws ec2 delete-volume'],
      ],
    );
  });

  test('of ten thousand is named by a hundred ids and the tag of the others, and stays short', () => {
    const left = resourceLeftovers('us-east-1', OWNER, ids(10_000), 'UnauthorizedOperation: '.repeat(20));
    assert.equal(left.length, 101);
    const last = left.at(-1)!;
    assert.ok(isTagged(last));
    assert.match(last.reason, /^9900 more: /);
    assert.match(last.command, /describe-instances .*--filters Name=tag:muster:run,Values=0199-run$/);
    // Temporal refuses answers of 2 MB (limit.blobSize.error), and warns from 512 KB on.
    assert.ok(JSON.stringify(left).length < 128 * 1024);
  });

  test('a role that is given up keeps its policies, and one of its policies keeps the role', () => {
    const found = {
      region: 'us-east-1',
      fleet: 'web',
      ids: ids(1),
      role: { name: 'web' },
      policies: ['web', 'arn:aws:iam::aws:policy/ReadOnlyAccess'],
      profile: { name: 'web' },
    };
    assert.equal(leftoversOf(found, 'x').length, 5);
    for (const skip of ['role/web', 'policy/web']) {
      const { wanted, skipped } = withoutSkipped(found, [skip]);
      assert.equal(wanted.role, undefined);
      assert.deepEqual(skipped.map(({ kind }) => kind).sort(), ['policy', 'policy', 'role']);
      assert.deepEqual([wanted.ids.length, wanted.profile?.name], [1, 'web']);
    }
  });
});
