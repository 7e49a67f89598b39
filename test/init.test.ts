/** `muster init`: the spec that it writes is one to the reader, whoever answers. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { specFromFile } from '../client/index.ts';
import { ended, startMuster } from './command.ts';
import { converse } from './terminal.ts';

const SCHEMA = fileURLToPath(new URL('../schema/fleet.schema.json', import.meta.url));

let root: string;
let folder: string;
before(() => {
  root = mkdtempSync(join(tmpdir(), 'muster-init-'));
});
beforeEach(() => {
  folder = join(mkdtempSync(join(root, 'at-')), 'shop');
  mkdirSync(folder);
});
after(() => rmSync(root, { recursive: true }));

const NEXT = /next {6}muster plan fleet\.yaml .*\n {12}muster up fleet\.yaml\n/;

const inFolder = (file: string) => join(folder, file);
const ENV = { AWS_REGION: '', AWS_DEFAULT_REGION: '' };

const muster = (...args: string[]) => ended(startMuster(args, { NO_COLOR: '1', ...ENV }, folder));

describe('muster init', () => {
  it('with --yes writes what it would propose, with the schema, and says what to type next', async () => {
    const { code, stdout, stderr } = await muster('init', '--yes');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^✓ fleet.yaml is the spec of a fleet shop: 3 × t3.micro in us-east-1\n/);
    assert.match(stdout, NEXT);
    const { spec } = specFromFile(inFolder('fleet.yaml'));
    assert.deepEqual([spec.name, spec.region, spec.instances.count.want], ['shop', 'us-east-1', 3]);
    assert.deepEqual(spec.policy!.document.Statement[0]!.Action, ['s3:Get*', 's3:List*']);
    const [, schema] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(
      readFileSync(inFolder('fleet.yaml'), 'utf8'),
    )!;
    assert.equal(resolve(dirname(inFolder('fleet.yaml')), schema!), SCHEMA);
  });

  it('takes options, and answers as JSON', async () => {
    const { code, stdout, stderr } = await muster(
      ...['init', 'batch.yaml', '--json', '--allow', 'sqs:*,s3:PutObject', '--count', '12'],
      ...['--region', 'eu-west-3', '--type', 'm7g.large'],
    );
    assert.equal(code, 0, stderr);
    const told = { file: 'batch.yaml', fleet: 'batch', region: 'eu-west-3', next: 'muster up batch.yaml' };
    assert.deepEqual(JSON.parse(stdout), told);
    const { spec } = specFromFile(inFolder('batch.yaml'));
    assert.deepEqual(spec.policy!.document.Statement[0]!.Action, ['sqs:*', 's3:PutObject']);
    assert.match(spec.instances.image, /-arm64$/);
    assert.equal(spec.instances.count.want, 12);
  });

  it('quotes what YAML would take for something else', async () => {
    const { code, stderr } = await muster('init', 'x.yaml', '--name', 'true', '--image', 'ami-12345678');
    assert.equal(code, 0, stderr);
    const { spec } = specFromFile(inFolder('x.yaml'));
    assert.deepEqual([spec.name, spec.instances.image], ['true', 'ami-12345678']);
  });

  it('never writes over a file without --force, nor without an answer', async () => {
    writeFileSync(inFolder('fleet.yaml'), 'mine');
    const refused = await muster('init', '--yes');
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /fleet.yaml is there already, and stays as it is\n {2}name another file/);
    assert.equal(readFileSync(inFolder('fleet.yaml'), 'utf8'), 'mine');
    assert.equal((await muster('init', '--yes', '--force')).code, 0);
    assert.equal(specFromFile(inFolder('fleet.yaml')).spec.name, 'shop');
    const unasked = await muster('init', 'other.yaml');
    assert.equal(unasked.code, 2);
    assert.match(unasked.stderr, /there is no terminal to ask\n {2}add --yes/);
    assert.throws(() => readFileSync(inFolder('other.yaml')));
  });

  it('tells all that is wrong with options at once, and writes nothing', async () => {
    const { code, stderr } = await muster(
      ...['init', '--name', 'a b', '--region', 'Virginia', '--allow', 'read', '--count', 'many'],
    );
    assert.equal(code, 2);
    for (const option of ['name', 'region', 'allow', 'count']) assert.match(stderr, RegExp(`--${option}: "`));
    assert.throws(() => readFileSync(inFolder('fleet.yaml')));
  });

  it('refuses actions that AWS does not have, all of them with what else is wrong', async () => {
    const allowed = 's3:Get*, s3:Lst*, s4:GetObject, s3:GetObjekt, read, frobnicate:All';
    const { code, stderr } = await muster('init', '--allow', allowed, '--count', 'many');
    assert.equal(code, 2);
    for (const words of [
      /--allow: "s3:Lst\*" covers no action of Amazon S3; did you mean s3:List\*\?/,
      /--allow: "s4:GetObject" no service has the prefix s4; did you mean s3:GetObject\?/,
      /--allow: "s3:GetObjekt" Amazon S3 has no such action; did you mean s3:GetObject\?/,
      /--allow: "frobnicate:All" no service has the prefix frobnicate; if AWS has it newly \(known are those of \d{4}-/,
      /--allow: "read"/,
      /--count: "many"/,
    ]) {
      assert.match(stderr, words);
    }
    assert.doesNotMatch(stderr, /"s3:Get\*"/);
    assert.throws(() => readFileSync(inFolder('fleet.yaml')));
  });

  it('asks again for actions that AWS does not have', async () => {
    const { code, screen } = await converse(
      ['init', '--name', 'web', '--count', '1', '--region', 'eu-west-3'],
      [
        [/policy\. \[s3:Get\*, s3:List\*\] $/, 's3:Get*, s3:Lst*\n'],
        [/did you mean s3:List\*\?[\s\S]*policy\. \[s3:Get\*, s3:List\*\] $/, 's3:List*\n'],
      ],
      { cwd: folder, env: ENV },
    );
    assert.equal(code, 0, screen);
    const { spec } = specFromFile(inFolder('fleet.yaml'));
    assert.deepEqual(spec.policy!.document.Statement[0]!.Action, ['s3:List*']);
  });

  it('asks four questions on a terminal, each again until its answer is one', async () => {
    const { code, screen } = await converse(
      ['init'],
      [
        [/called\? \[shop\] $/, 'two words\n'],
        [/letters, digits[\s\S]*called\? \[shop\] $/, 'web\n'],
        [/policy\. \[s3:Get\*, s3:List\*\] $/, '\n'],
        [/Linux\. \[us-east-1 t3\.micro\] $/, 'eu-west-3 t4g.small\n'],
        [/How many machines\? \[3\] $/, '5\n'],
      ],
      { cwd: folder, env: ENV },
    );
    assert.equal(code, 0, screen);
    const { spec } = specFromFile(inFolder('fleet.yaml'));
    assert.deepEqual([spec.name, spec.region, spec.instances.count.want], ['web', 'eu-west-3', 5]);
    assert.deepEqual(spec.instances.placements, [{ type: 't4g.small' }]);
    assert.match(screen, NEXT);
  });

  it('is left by Ctrl-C at a question with 130, and writes nothing', async () => {
    const { code, screen } = await converse(['init'], [[/called\?/, '\x03']], { cwd: folder, env: ENV });
    assert.equal(code, 130, screen);
    assert.match(screen, /Nothing was changed/);
    assert.throws(() => readFileSync(inFolder('fleet.yaml')));
  });
});
