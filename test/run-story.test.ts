/** What is told of a run, from the saved histories: in order, each thing once, and who asked for it. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import picocolors from 'picocolors';
import { eventLine } from '../cli/event-lines.ts';
import { Reader } from '../client/run-history.ts';
import { askDetail, askWords } from '../fleet/asks.ts';
import type { FleetEvent } from '../fleet/event.ts';
import type { RunFact } from '../fleet/run-fact.ts';
import { RunStory } from '../fleet/run-story.ts';

const FOLDER = fileURLToPath(new URL('./histories/', import.meta.url));
const plain = picocolors.createColors(false);

function factsIn(name: string): RunFact[] {
  const history = historyFromJSON(JSON.parse(readFileSync(`${FOLDER}${name}.json`, 'utf8')));
  return new Reader().factsOf(history.events!);
}

function storyOf(facts: readonly RunFact[], change?: string): RunStory {
  const story = new RunStory({ fleet: 'web', runId: 'r-1' }, change);
  for (const fact of facts) story.hear(fact);
  return story;
}

const told = (name: string): FleetEvent[] => storyOf(factsIn(name)).news(true);

/** `step-done launch`, `asked scale`. */
function shortOf(event: FleetEvent): string {
  if ('step' in event) return `${event.type} ${event.undo ? 'undo ' : ''}${event.step}`;
  if ('request' in event) return `${event.type} ${event.request}`;
  return event.type;
}

/** What follows what in one thread of steps, of one of them. */
function of(events: readonly FleetEvent[], step: string): string[] {
  return events.flatMap((event) => ('step' in event && event.step === step && !event.undo ? event.type : []));
}

/** Those of a schedule are no fleet's: they have others run. */
const files = readdirSync(FOLDER).filter((file) => !file.startsWith('scheduled'));

describe('what every saved history tells', () => {
  for (const file of files) {
    it(`${file} is told in order, and begins and ends with the run`, () => {
      const events = told(file.replace('.json', ''));
      const times = events.map(({ at }) => Date.parse(at));
      assert.deepEqual(
        times,
        [...times].sort((a, b) => a - b),
      );
      assert.deepEqual([events[0]!.type, events.at(-1)!.type], ['run-began', 'run-ended']);
      for (const event of events) {
        assert.deepEqual([event.schema, event.fleet], [1, 'web']);
        assert.equal(event.at, new Date(event.at).toISOString());
      }
    });

    it(`${file} is no news when it is heard again`, () => {
      const facts = factsIn(file.replace('.json', ''));
      const story = storyOf(facts);
      assert.ok(story.news(true).length > 0);
      for (const fact of facts) story.hear(fact);
      assert.deepEqual(story.news(true), []);
    });
  }
});

describe('the story of a bootstrap', () => {
  it('has each step from its begin to its end, with what it found, and what was launched', () => {
    const events = told('complete');
    const steps = ['preflight', 'create-role', 'create-profile', 'put-policy', 'add-role', 'await-profile'];
    for (const step of [...steps, 'launch', 'verify', 'mark']) {
      assert.deepEqual(of(events, step), ['step-began', 'step-done'], step);
    }
    const looked = events.find((event) => event.type === 'step-done' && event.step === 'preflight');
    assert.match((looked as { detail?: string }).detail!, /^account \d{12}, ami-/);
    const launched = events.flatMap((event) => (event.type === 'launched' ? [event.zones] : []));
    assert.deepEqual(launched, [{ 'us-east-1a': 2 }]);
    const { how, state } = events.at(-1) as Extract<FleetEvent, { type: 'run-ended' }>;
    assert.deepEqual([how, state], ['completed', 'complete']);
  });

  it('has the go before a person’s retry, and who decided', () => {
    const events = told('paused-and-retried');
    assert.deepEqual(of(events, 'put-policy'), ['step-began', 'step-paused', 'step-began', 'step-done']);
    const around = events.filter(
      (event) => 'request' in event || ('step' in event && event.step === 'put-policy'),
    );
    assert.deepEqual(around.map(shortOf), [
      'step-began put-policy',
      'step-paused put-policy',
      'asked decide',
      'step-began put-policy',
      'step-done put-policy',
    ]);
    const asked = around[2] as Extract<FleetEvent, { type: 'asked' }>;
    assert.deepEqual([asked.detail, asked.by], ['retry', 'a worker']);
    assert.ok((around[1] as { reason?: string }).reason);
  });

  it('that was cancelled has its steps from the history alone', () => {
    const events = told('cancelled');
    assert.deepEqual(of(events, 'create-role'), ['step-began', 'step-done']);
    const ends = events.map(shortOf).slice(-4);
    assert.deepEqual(ends, [
      'step-done undo delete-profile',
      'step-began undo delete-role',
      'step-done undo delete-role',
      'run-ended',
    ]);
    assert.ok(events.some((event) => event.type === 'asked' && event.request === 'cancel' && event.by));
  });

  it('that is lost tells nothing twice when a report comes late', () => {
    const facts = factsIn('complete');
    const end = facts.at(-1)!;
    const story = storyOf(facts.slice(0, -1));
    assert.deepEqual(
      story.news(false).map(shortOf),
      ['run-began', 'launched'],
      'before a report has come its steps are not known',
    );
    story.hear(end);
    const later = story.news(true);
    assert.deepEqual(of(later, 'launch'), ['step-began', 'step-done']);
    assert.equal(new Set(later.map((event) => `${shortOf(event)} ${event.at}`)).size, later.length);
  });
});

describe('the story of a change', () => {
  it('has who asked for it, its own steps, and what came of it', () => {
    const events = told('scaled-up');
    assert.deepEqual(events.slice(0, 3).map(shortOf), ['run-began', 'asked scale', 'step-began find']);
    assert.deepEqual(events.slice(-2).map(shortOf), ['answered scale', 'run-ended']);
    const [, asked] = events as Extract<FleetEvent, { type: 'asked' }>[];
    assert.deepEqual([asked!.detail, asked!.by], ['to 3', 'a worker']);
    assert.ok(
      !events.some((event) => 'step' in event && event.step === 'create-role'),
      'nothing of the bootstrap',
    );
  });

  it('alone has nothing of the run before it was asked for', () => {
    const facts = factsIn('scaled-up');
    const asked = facts.find((fact) => fact.kind === 'asked') as Extract<RunFact, { kind: 'asked' }>;
    const events = storyOf(facts, asked.update).news(true);
    assert.deepEqual(events.slice(0, 2).map(shortOf), ['asked scale', 'step-began find']);
    assert.deepEqual(storyOf(facts, 'another').news(true), []);
  });

  it('of a roll has each of its waves', () => {
    const events = told('rolled');
    for (const step of ['launch', 'health', 'terminate']) {
      const wave = ['step-began', 'step-done'];
      assert.deepEqual(of(events, step), [...wave, ...wave], step);
    }
  });
});

describe('a retry', () => {
  const call = {
    name: 'put-policy',
    call: 'put-policy',
    attempt: 3,
    code: 'Throttling',
    reason: 'Throttling: slow',
  };

  it('that is seen is told once, also when the history has it later', () => {
    const at = 1_000;
    const story = storyOf([
      { id: 1, at, kind: 'began', type: 'bootstrapFleet' },
      { id: 5, at, kind: 'called', call: 5, type: 'x', activity: 'put-policy' },
    ]);
    story.seeRetries([call], at + 10);
    const [, retried] = story.news(false);
    assert.deepEqual(
      [retried!.type, (retried as { attempt?: number }).attempt, (retried as { reason?: string }).reason],
      ['step-retried', 3, 'Throttling: slow'],
    );
    story.seeRetries([call], at + 20);
    story.hear({ id: 6, at: at + 30, kind: 'attempted', call: 5, attempt: 3 });
    assert.deepEqual(story.news(false), []);
  });
});

describe('a silence', () => {
  it('is told at each doubling, and another anew', () => {
    const story = storyOf([{ id: 1, at: 1_000, kind: 'began', type: 'bootstrapFleet' }]);
    for (const [look, seconds] of [4, 5, 7, 8, 12, 16, 4, 5].entries()) {
      story.seeSilence('worker', seconds, 2_000 + look);
    }
    const silent = story.news(false).flatMap((event) => (event.type === 'silent' ? [event.seconds] : []));
    assert.deepEqual(silent, [4, 8, 16, 4]);
    assert.deepEqual(story.news(false), []);
  });
});

describe('the lines of a log', () => {
  const lines = (name: string) => told(name).flatMap((event) => eventLine(event, plain) ?? []);

  it('have the time, a mark and words, each in one line', () => {
    for (const line of lines('scaled-up')) {
      assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ {2}\S \S[^\n]*$/);
    }
    const words = lines('scaled-up').map((line) => line.slice(22));
    assert.equal(words[1], '→ asked: scale to 3, by a worker');
    assert.equal(words[2], '… find what the fleet has');
    assert.match(words.at(-2)!, /^← scale: complete$/);
    assert.match(words.at(-1)!, /^■ completed: complete$/);
  });

  it('say what was asked for as people say it, and as a report has it', () => {
    for (const [request, argument, words] of [
      ['steer-roll', 'pause', 'pause the roll'],
      ['decide', 'rollback', 'rollback'],
      ['extend', { forGood: true }, 'extend for good'],
      ['extend', { seconds: -600 }, 'extend by -10 minutes'],
      ['clear', { skip: ['role/web'] }, 'remove what was left, but for role/web'],
      ['change', { spec: {} }, 'change'],
      ['cancel', undefined, 'cancel'],
    ] as const) {
      const story = new RunStory({ fleet: 'web', runId: 'r-1' });
      story.hear({ kind: 'began', id: 1, at: 0, type: 'keepFleet' });
      story.hear({ kind: 'asked', id: 2, at: 1, update: 'u', request, argument, by: '12@desk' });
      const [, asked] = story.news(false);
      assert.equal(eventLine(asked!, plain)!.slice(22), `→ asked: ${words}, by 12@desk`);
      assert.equal(askWords(request, askDetail(request, argument)), words);
    }
  });

  it('say why a step has failed, that a person decided, and what was taken back', () => {
    const paused = lines('paused-and-retried').join('\n');
    assert.match(paused, /‖ put the policy \d\.\d s: .*\S\n.*→ asked: retry, by a worker\n/s);
    const back = lines('rolled-back').join('\n');
    assert.match(back, /✗ .* s: \S+.*\n[\s\S]*… undo: /);
    assert.match(back, /✓ undo: delete the role \d\.\d s: removed\n.*■ failed: rolled-back: /);
  });
});
