/** What a policy allows, as one would say it. */

import { type ActionData, type ActionFacts, type Covered, covered, isAll, LEVELS } from './action-data.ts';
import { conditionWords, listed, type PolicyDocument, type PolicyStatement } from './policy.ts';

export interface StatementWords {
  readonly sid?: string;
  readonly effect: 'Allow' | 'Deny';
  /** `list and read in Amazon S3`: of each service. */
  readonly does: readonly string[];
  /** `everything`, or the ARNs. */
  readonly on: string;
  /** `StringEquals aws:SourceVpc is vpc-1`. */
  readonly when?: string;
  /** As they are written, with how many actions each covers: `s3:Get* (66)`. */
  readonly actions: readonly string[];
}

/** So many actions are told by what each of them does. */
const MOST_DESCRIBED = 3;

export function policyWords({ Statement }: PolicyDocument, data: ActionData): StatementWords[] {
  return Statement.map((statement) => statementWords(statement, data));
}

/** `list and read in Amazon S3, on everything, if StringEquals aws:SourceVpc is vpc-1`. */
export function sentenceOf({ does, on, when }: StatementWords): string {
  return `${does.join('; ')}, on ${on}${when ? `, if ${when}` : ''}`;
}

function statementWords(statement: PolicyStatement, data: ActionData): StatementWords {
  const { Sid: sid, Effect: effect, Condition } = statement;
  const [when] = conditionWords(Condition);
  return {
    ...(sid && { sid }),
    effect,
    ...actionWords(statement, data),
    on: resourceWords(statement),
    ...(when && { when: when.replace(/^if /, '') }),
  };
}

function actionWords(
  { Action, NotAction }: PolicyStatement,
  data: ActionData,
): Pick<StatementWords, 'does' | 'actions'> {
  if (NotAction !== undefined) {
    const excluded = listed(NotAction) as string[];
    return { does: [`everything in every service but ${excluded.join(', ')}`], actions: excluded };
  }
  const written = listed(Action) as string[];
  if (written.some(isAll)) return { does: ['everything in every service'], actions: written };
  const all = written.map((one) => covered(one, data));
  const prefixes = [...new Set(all.map(({ prefix }) => prefix))];
  return {
    does: prefixes.flatMap((prefix) => serviceWords(all.filter((one) => one.prefix === prefix))),
    actions: all.map(({ written: one, hasWildcard, actions }) =>
      hasWildcard ? `${one} (${actions.length})` : one,
    ),
  };
}

/** Of the actions of one service. */
function serviceWords(all: readonly Covered[]): string[] {
  const { service, prefix } = all[0]!;
  const actions = [...new Set(all.flatMap((one) => one.actions))];
  if (!service || actions.length === 0) return all.map(({ written }) => `${written} (not known)`);
  if (actions.length === service.actions.length) return [`everything in ${service.name}`];
  if (actions.length <= MOST_DESCRIBED) return actions.map((action) => describedWords(action, prefix));
  return [`${levelWords(actions)} in ${service.name}`];
}

/** `retrieve objects from Amazon S3`. */
function describedWords({ name, description }: ActionFacts, prefix: string): string {
  const [, words] =
    /^(?:Grants? permissions? to|Controls permission to)\s+(.*?)\.?$/s.exec(description) ?? [];
  return words ?? `${prefix}:${name}`;
}

function levelWords(actions: readonly ActionFacts[]): string {
  const words = LEVELS.filter((level) => actions.some(({ levels }) => levels.includes(level))).map(
    (level) => VERBS[level],
  );
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

const VERBS: Readonly<Record<(typeof LEVELS)[number], string>> = {
  List: 'list',
  Read: 'read',
  Write: 'write',
  Tagging: 'tag',
  'Permissions management': 'change permissions',
};

function resourceWords({ Resource, NotResource }: PolicyStatement): string {
  if (NotResource !== undefined) return `everything but ${listed(NotResource).join(', ')}`;
  const resources = listed(Resource);
  return resources.includes('*') ? 'everything' : resources.join(', ');
}
