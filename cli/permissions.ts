/** `muster permissions FILE`: the policy that the worker's credentials need for a spec, and why. */

import { specFromFile } from '../client/specs.ts';
import type { Permission } from '../fleet/permission.ts';
import { fitOf, type PolicyFit, permissionsFor, policyFor } from '../fleet/permissions.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import { DONE, UsageError } from './exit.ts';
import { type Colors, jsonOf, print, printText, say, stderrColors, stdoutColors } from './output.ts';

export async function permissions(file: string, { json }: { json?: boolean }): Promise<number> {
  const { spec } = specFromFile(file);
  if (spec.places) {
    throw new UsageError(
      `the fleet '${spec.name}' is in several places, and a policy is of one account and region`,
      'docs/places.md has what the role of each account needs',
    );
  }
  const needed = permissionsFor(spec);
  const policy = policyFor(needed);
  const fit = fitOf(policy);
  if (json) {
    print(jsonOf(policy));
    if (fit.fits.length === 0) say(`${stderrColors().yellow('!')} ${sizeWords(fit)}`);
  } else {
    printText(permissionsText(spec, needed, fit, { file, colors: stdoutColors() }));
  }
  return DONE;
}

export function permissionsText(
  { name, account, region }: FleetSpec,
  needed: readonly Permission[],
  fit: PolicyFit,
  { file, colors }: { readonly file: string; readonly colors: Colors },
): string {
  const row = (head: string, text: string) => `  ${colors.dim(head.padEnd(10))}${text}`;
  return [
    `what the worker's credentials need for the fleet ${colors.bold(name)}`,
    [row('account', `${account ?? 'any: the spec names none'}, ${region}`), row('size', sizeWords(fit))].join(
      '\n',
    ),
    ...needed.map((permission) => statementText(permission, colors)),
    [
      row('next', `muster permissions ${file} --json > policy.json`),
      row(
        '',
        'aws iam put-role-policy --role-name WORKER --policy-name muster --policy-document file://policy.json',
      ),
    ].join('\n'),
  ].join('\n\n');
}

function statementText(
  { sid, why, actions, resources, condition, without }: Permission,
  colors: Colors,
): string {
  const row = (head: string, text: string) => `    ${colors.dim(head.padEnd(9))}${text}`;
  const conditions = Object.entries(condition ?? {}).flatMap(([operator, keys]) =>
    Object.entries(keys).map(
      ([key, values]) => `${key} ${WORDS[operator] ?? operator} ${[values].flat().join(' or ')}`,
    ),
  );
  const lines = (head: string, texts: readonly string[]) =>
    texts.map((text, at) => row(at === 0 ? head : '', text));
  return [
    `  ${colors.bold(sid)}  ${why}`,
    ...lines('may', actions),
    ...lines('on', resources),
    ...lines('if', conditions),
    ...(without === undefined ? [] : lines('without', [without])),
  ].join('\n');
}

/** How the operators of the conditions read. */
const WORDS: Readonly<Record<string, string>> = {
  StringEquals: 'is',
  ArnEquals: 'is',
  ArnLike: 'is',
  'ForAnyValue:StringEquals': 'has',
};

function sizeWords({ characters, fits, tooLargeFor }: PolicyFit): string {
  const size = `${characters.toLocaleString('en')} characters`;
  if (fits.length === 0) return `${size}: too large for ${tooLargeFor.at(-1)}; give the worker two policies`;
  const fitting = `${size}: fits ${fits.join(' and ')}`;
  return tooLargeFor.length === 0 ? fitting : `${fitting}, not ${tooLargeFor.join(' or ')}`;
}
