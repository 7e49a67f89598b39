/** What a roll may be asked for, and its waves. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  DEFAULT_HEALTHY_WITHIN,
  DEFAULT_WAVE,
  healthUrl,
  type RollPace,
  rollMistakes,
  type WaveSize,
  waveOf,
  waveSizeOf,
  wavesOf,
} from '../fleet/roll.ts';

const PACE: RollPace = { wave: DEFAULT_WAVE, pause: 0, healthyWithin: DEFAULT_HEALTHY_WITHIN };

describe('the size of a wave', () => {
  for (const [text, size] of [
    ['10', { count: 10 }],
    ['25%', { percent: 25 }],
    [' 1 ', { count: 1 }],
    ['0', { count: 0 }],
    ['x', undefined],
    ['2.5', undefined],
    ['-1', undefined],
    ['%', undefined],
    ['', undefined],
  ] as const) {
    it(`is read from '${text}'`, () => assert.deepEqual(waveSizeOf(text), size));
  }

  for (const [wave, count, size] of [
    [{ percent: 25 }, 1, 1],
    [{ percent: 25 }, 5, 2],
    [{ percent: 25 }, 1_000, 250],
    [{ percent: 100 }, 7, 7],
    [{ percent: 1 }, 10, 1],
    [{ count: 10 }, 4, 4],
    [{ count: 3 }, 10, 3],
  ] as const satisfies (readonly [WaveSize, number, number])[]) {
    it(`of ${JSON.stringify(wave)} of ${count} is ${size}`, () => assert.equal(waveOf(wave, count), size));
  }
});

it('the waves have all that there is, once, and only the last has fewer', () => {
  for (const [count, size, wanted] of [
    [5, 2, [2, 2, 1]],
    [4, 2, [2, 2]],
    [3, 5, [3]],
    [1, 1, [1]],
  ] as const) {
    const all = Array.from({ length: count }, (_, at) => at);
    const waves = wavesOf(all, size);
    assert.deepEqual(waves.flat(), all);
    assert.deepEqual(
      waves.map(({ length }) => length),
      wanted,
    );
  }
});

describe('a pace', () => {
  const mistakes = (more: Partial<RollPace>, count = 10) => rollMistakes({ ...PACE, ...more }, count);

  it('without mistakes has none', () => {
    assert.deepEqual(mistakes({}), []);
    assert.deepEqual(mistakes({ wave: { count: 100 }, pause: 120, healthyWithin: 60 }, 10_000), []);
  });

  it('is told all of its mistakes at once', () => {
    const wave = { count: 0 };
    assert.equal(mistakes({ wave, pause: -1, healthyWithin: 0, healthyUrl: 'x' }).length, 4);
    for (const wrong of [{ percent: 101 }, { percent: 0 }, { count: 1.5 }]) {
      assert.equal(mistakes({ wave: wrong }).length, 1);
    }
    assert.match(mistakes({ wave: { count: 1 } }, 1_000)[0]!, /too small for 1000 instances: 10 or more/);
  });

  it('asks nobody but the fleet for its health', () => {
    for (const healthyUrl of [
      'http://{privateIp}:8080/health',
      'https://{privateIp}/',
      'http://{privateIp}',
      'http://{privateIp}?deep=1',
    ]) {
      assert.deepEqual(mistakes({ healthyUrl }), []);
    }
    for (const healthyUrl of [
      'http://169.254.169.254/latest/{privateIp}',
      'http://{privateIp}@example.com/',
      'http://{privateIp}:80@example.com/',
      'http://me:secret@{privateIp}/',
      'http://{privateIp}.example.com/',
      'http://{privateIp}\\.example.com/',
      'http://{privateIp}:99999/',
      'ftp://{privateIp}/',
      'http://{privateIp}/a b',
      `http://{privateIp}/${'x'.repeat(3_000)}`,
      '',
    ]) {
      assert.equal(mistakes({ healthyUrl }).length, 1, healthyUrl);
    }
    assert.equal(healthUrl('http://{privateIp}:8080/health', '10.0.0.7'), 'http://10.0.0.7:8080/health');
  });
});
