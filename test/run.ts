/**
 * `npm test`: types, lint and every test, then one line that counts them. Arguments name test files to run instead of
 * all: `npm test -- test/policy.test.ts`.
 */

import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { runChecks } from './check.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));

const named = process.argv.slice(2);
const files =
  named.length > 0
    ? named
    : readdirSync(HERE)
        .filter((name) => name.endsWith('.test.ts'))
        .map((name) => HERE + name);

const checks = named.length > 0 ? { passed: [], failed: [] } : await runChecks();
let passed = checks.passed.length;
let failed = checks.failed.length;

const tests = run({ files, concurrency: Math.max(2, availableParallelism()), timeout: 25 * 60_000 });
// A suite counts by the tests in it; counting it too would count them twice.
tests.on('test:pass', (event) => {
  if (event.details.type !== 'suite' && event.skip === undefined) passed += 1;
});
tests.on('test:fail', (event) => {
  if (event.details.type !== 'suite') failed += 1;
});
tests.compose(spec).pipe(process.stdout);
await new Promise((resolve) => tests.on('end', resolve));
// The reporter's stream ends after the tests' own.
await new Promise((resolve) => setTimeout(resolve, 100));

if (checks.failed.length > 0) console.log(`failed before the tests: ${checks.failed.join(', ')}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
